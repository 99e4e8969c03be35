"""Options of `bench`: what is asked."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_WORK = "Prompts (default: made up, 128 tokens in and 128 out)"
_REQUEST = "Requests"

Prompt = Annotated[str | None, typer.Option(help="The same prompt for every request.", rich_help_panel=_WORK)]
Image = Annotated[
    list[str],
    typer.Option(
        help="Show this with --prompt: an image file (png, jpeg, gif, webp), or a URL that the provider fetches; "
        "repeatable.",
        rich_help_panel=_WORK,
    ),
]
Audio = Annotated[
    list[str],
    typer.Option(help="The same with a sound file: wav, mp3, ogg or flac; repeatable.", rich_help_panel=_WORK),
]
Images = Annotated[int | None, typer.Option(help="Made-up images in each made-up prompt.", rich_help_panel=_WORK)]
ImageSize = Annotated[str | None, typer.Option(help="Their size in pixels (default 512x512).", rich_help_panel=_WORK)]
AudioSeconds = Annotated[
    float | None, typer.Option(help="A made-up sound of this length in each.", rich_help_panel=_WORK)
]
Dataset = Annotated[
    Path | None,
    typer.Option(
        help="Prompts taken in turn, from .txt (one a line), .csv, .tsv, .json, .jsonl or .yaml: texts, objects "
        "with prompt, text, question or messages (and image or audio: a path, URL or data: URI), OpenAI batch "
        "lines, ShareGPT chats.",
        rich_help_panel=_WORK,
    ),
]
DatasetColumn = Annotated[
    str | None,
    typer.Option(help="Column or key of --dataset that holds the prompt.", rich_help_panel=_WORK),
]
DatasetLimit = Annotated[
    int | None, typer.Option(help="Take no more entries of --dataset than this.", rich_help_panel=_WORK)
]
DatasetShuffle = Annotated[
    bool,
    typer.Option("--dataset-shuffle", help="Shuffle --dataset, by --seed, first.", rich_help_panel=_WORK),
]
InputTokens = Annotated[
    str | None,
    typer.Option(
        help="Made-up prompts of about this length, all different: 512, normal:512,100, lognormal:512,200, "
        "uniform:100-500 or empirical:FILE.",
        rich_help_panel=_WORK,
    ),
]
OutputTokens = Annotated[
    str | None,
    typer.Option(help="Tokens to ask for with made-up prompts, likewise.", rich_help_panel=_WORK),
]
PrefixTokens = Annotated[
    int | None,
    typer.Option(help="Begin made-up prompts with a shared prefix of this length.", rich_help_panel=_WORK),
]
PrefixGroups = Annotated[int | None, typer.Option(help="Different shared prefixes (default 1).", rich_help_panel=_WORK)]
Uniqueness = Annotated[
    float | None,
    typer.Option(help="Share of prompts whose part behind the prefix is their own (default 1).", rich_help_panel=_WORK),
]
Turns = Annotated[
    str | None,
    typer.Option(
        help="Conversations of so many requests, made up; with --dataset, of its chats: a number or all.",
        rich_help_panel=_WORK,
    ),
]
ThinkSeconds = Annotated[
    float | None, typer.Option(help="Pause between an answer and the next turn.", rich_help_panel=_WORK)
]
ThinkDistribution = Annotated[
    Literal["fixed", "exponential"] | None,
    typer.Option(help="How pauses differ (default fixed).", rich_help_panel=_WORK),
]
Embeddings = Annotated[
    bool, typer.Option("--embeddings", help="Ask for embeddings of the prompts.", rich_help_panel=_WORK)
]
BatchSize = Annotated[
    int | None, typer.Option(help="Texts in one embeddings request (default 1).", rich_help_panel=_WORK)
]
WordsPerToken = Annotated[
    float | None,
    typer.Option(
        help="Words of made-up text per token; by default a few probe requests find it out.",
        rich_help_panel=_WORK,
    ),
]
System = Annotated[str | None, typer.Option(help="System message.", rich_help_panel=_REQUEST)]
MaxTokens = Annotated[int | None, typer.Option(help="Cap on output tokens.", rich_help_panel=_REQUEST)]
Temperature = Annotated[float | None, typer.Option(help="0 to 2.", rich_help_panel=_REQUEST)]
TopP = Annotated[float | None, typer.Option(help="Above 0, up to 1.", rich_help_panel=_REQUEST)]
Stream = Annotated[
    bool, typer.Option("--stream/--no-stream", help="Ask for a streamed answer.", rich_help_panel=_REQUEST)
]
Timeout = Annotated[
    float | None,
    typer.Option(help="Seconds for a whole request (default 600).", rich_help_panel=_REQUEST),
]
MaxAttempts = Annotated[int, typer.Option(help="Tries per request; 1 never retries.", rich_help_panel=_REQUEST)]
