"""The options that say what is asked → the part `workload` of a spec."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.benchmarks.content_parts import written
from app.cli import media_options
from app.cli.usage import UsageProblem
from app.datasets.entries import DatasetError, Item
from app.datasets.files import MAX_FILE_BYTES, Dataset, read_dataset, read_lengths

if TYPE_CHECKING:
    from app.cli.bench_spec import BenchOptions

DEFAULT_TOKENS = 128
LENGTH_FORMS = (
    "a number, normal:MEAN,STDEV, lognormal:MEAN,STDEV (both with ,MIN-MAX if you like), uniform:MIN-MAX or "
    "empirical:FILE"
)

WORKLOAD_KINDS = {
    "prompt", "list", "synthetic", "shared_prefix", "conversation", "conversation_list", "embeddings", "trace"
}  # fmt: skip
WORKLOAD_OPTIONS = frozenset(
    (
        *("prompt", "dataset", "dataset_column", "dataset_limit", "dataset_shuffle", "input_tokens", "output_tokens"),
        *("prefix_groups", "prefix_tokens", "uniqueness", "turns", "think_seconds", "think_distribution"),
        *("embeddings", "batch_size", "words_per_token"),
        *("image", "audio", "images", "image_size", "audio_seconds"),
    )
)
"""Giving any of these replaces the workload of a spec file."""
WORKLOAD_OPTION_OF_FIELD = {
    "workload.prompt": "--prompt",
    "workload.prompts": "--dataset",
    "workload.conversations": "--dataset",
    "workload.texts": "--dataset",
    "workload.input_tokens": "--input-tokens",
    "workload.output_tokens": "--output-tokens",
    "workload.groups": "--prefix-groups",
    "workload.prefix_tokens": "--prefix-tokens",
    "workload.uniqueness": "--uniqueness",
    "workload.turns": "--turns",
    "workload.think_time.distribution": "--think-distribution",
    "workload.think_time": "--think-seconds",
    "workload.batch_size": "--batch-size",
    "workload.words_per_token": "--words-per-token",
    "workload.images.count": "--images",
    "workload.images": "--image-size",
    "workload.audio": "--audio-seconds",
}


def workload_part(options: "BenchOptions") -> dict[str, Any]:
    """The part of the spec.

    Raises:
        UsageProblem: naming each wrong option, or each pair that does not go together.
    """
    if problems := list(_misfits(options)):
        raise UsageProblem(problems)
    if options.dataset is not None:
        return _from_file(options, options.dataset)
    if options.prompt is not None:
        if options.embeddings:
            return {"kind": "embeddings", "texts": [options.prompt], **_batch(options)}
        if media := media_options.shown(options):
            return media_options.asked_with(options.prompt, media)
        return {"kind": "prompt", "prompt": options.prompt}
    return _made_up(options)


def parse_length(option: str, value: str | int) -> int | dict[str, Any]:
    """A length in tokens, or a distribution of it, as a spec has it.

    Raises:
        UsageProblem: naming the option and the forms that there are.
    """
    text = str(value).strip()
    kind, colon, rest = text.partition(":")
    try:
        if not colon:
            return int(text)
        if kind in {"normal", "lognormal"}:
            mean, stdev, limits = [*rest.split(","), ""][:3] if rest.count(",") == 1 else rest.split(",")
            return {"kind": kind, "mean": float(mean), "stdev": float(stdev), **_range(limits)}
        if kind == "uniform":
            return {"kind": "uniform", **_range(rest or "-")}
    except ValueError:
        raise UsageProblem([f"{option}: {text!r} is no length; give {LENGTH_FORMS}"]) from None
    if kind != "empirical" or not rest:
        raise UsageProblem([f"{option}: {text!r} is no length; give {LENGTH_FORMS}"])
    try:
        values, weights = read_lengths(rest, read_file(option, Path(rest)))
    except DatasetError as error:
        raise UsageProblem([f"{option}: {error}"]) from None
    return {"kind": "empirical", "values": values, **({} if weights is None else {"weights": weights})}


def read_file(option: str, path: Path) -> bytes:
    """A file of no more than `MAX_FILE_BYTES`; raises `UsageProblem` naming the option."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageProblem([f"{option}: {path}: {reason}"]) from None


def _range(text: str) -> dict[str, int]:
    if not text:
        return {}
    lowest, _, highest = text.partition("-")
    return {"minimum": int(lowest), "maximum": int(highest)}


def _misfits(options: "BenchOptions") -> Iterable[str]:
    """Options that do not go together."""
    makes_up = options.input_tokens is not None or options.output_tokens is not None
    if (options.prompt is not None) + (options.dataset is not None) + makes_up > 1:
        yield "--prompt, --dataset and --input-tokens/--output-tokens exclude each other"
    is_given = options.prompt is not None or options.dataset is not None
    prefixed = options.prefix_groups is not None or options.prefix_tokens is not None
    modes = {"--prefix-tokens": prefixed, "--turns": options.turns is not None, "--embeddings": options.embeddings}
    if sum(modes.values()) > 1:
        yield f"{' and '.join(name for name, is_set in modes.items() if is_set)} exclude each other"
    needs = [
        ("--prefix-groups, --prefix-tokens", prefixed, not is_given, "made-up prompts"),
        ("--prefix-groups", options.prefix_groups is not None, options.prefix_tokens is not None, "--prefix-tokens"),
        ("--uniqueness", options.uniqueness is not None, options.prefix_tokens is not None, "--prefix-tokens"),
        ("--turns", options.turns is not None, options.prompt is None, "--dataset or made-up prompts"),
        ("--think-seconds", options.think_seconds is not None, options.turns is not None, "--turns"),
        ("--think-distribution", options.think_distribution is not None, options.think_seconds is not None,
         "--think-seconds"),
        ("--batch-size", options.batch_size is not None, options.embeddings, "--embeddings"),
        ("--output-tokens", options.output_tokens is not None, not options.embeddings, "no --embeddings"),
        ("--words-per-token", options.words_per_token is not None, not is_given, "made-up prompts"),
        ("--dataset-column", options.dataset_column is not None, options.dataset is not None, "--dataset"),
        ("--dataset-limit", options.dataset_limit is not None, options.dataset is not None, "--dataset"),
        ("--dataset-shuffle", options.dataset_shuffle, options.dataset is not None, "--dataset"),
    ]  # fmt: skip
    has_modes = any(modes.values())
    yield from media_options.misfits(options, makes_up=not (is_given or has_modes or options.trace is not None))
    yield from (f"{name}: needs {what}" for name, is_set, has_it, what in needs if is_set and not has_it)
    if options.dataset_limit is not None and options.dataset_limit < 1:
        yield "--dataset-limit: must be at least 1"
    if options.turns is not None:
        yield from _wrong_turns(str(options.turns), from_file=options.dataset is not None)


def _wrong_turns(turns: str, *, from_file: bool) -> Iterable[str]:
    if turns == "all":
        if not from_file:
            yield "--turns: all needs --dataset; give the number of turns"
    elif not turns.isascii() or not turns.isdigit() or not 1 <= int(turns) <= 1_000:
        yield f"--turns: {turns!r} is neither all nor a whole number from 1 to 1000"


def _made_up(options: "BenchOptions") -> dict[str, Any]:
    input_tokens = parse_length(
        "--input-tokens", DEFAULT_TOKENS if options.input_tokens is None else options.input_tokens
    )
    ratio = {} if options.words_per_token is None else {"words_per_token": options.words_per_token}
    if options.embeddings:
        return {"kind": "embeddings", "input_tokens": input_tokens, **_batch(options), **ratio}
    output_tokens = DEFAULT_TOKENS if options.output_tokens is None else options.output_tokens
    lengths = {"input_tokens": input_tokens, "output_tokens": parse_length("--output-tokens", output_tokens)}
    if options.turns is not None:
        return {"kind": "conversation", "turns": int(options.turns), **lengths, **_think_time(options), **ratio}
    if options.prefix_tokens is not None:
        groups = 1 if options.prefix_groups is None else options.prefix_groups
        uniqueness = {} if options.uniqueness is None else {"uniqueness": options.uniqueness}
        prefix = {"groups": groups, "prefix_tokens": options.prefix_tokens}
        return {"kind": "shared_prefix", **prefix, **uniqueness, **lengths, **ratio}
    return {"kind": "synthetic", **lengths, **ratio, **media_options.made_up(options)}


def _from_file(options: "BenchOptions", path: Path) -> dict[str, Any]:
    seed = options.seed if options.dataset_shuffle else None
    try:
        dataset = read_dataset(
            str(path),
            read_file("--dataset", path),
            column=options.dataset_column,
            limit=options.dataset_limit,
            shuffle_seed=seed,
            open_file=media_options.opener(path.parent),
        )
    except DatasetError as error:
        raise UsageProblem([f"--dataset: {error}"]) from None
    if options.embeddings:
        if any(item.media for item in dataset.items):
            raise UsageProblem([f"--dataset: {path}: embeddings are of texts; entries hold images or audio"])
        texts = [item.prompt or item.without_last_answer().messages[-1].content for item in dataset.items]
        return {"kind": "embeddings", "texts": texts, **_batch(options)}
    if options.turns is not None:
        return {"kind": "conversation_list", "conversations": _conversations(options.turns, dataset)} | _think_time(
            options
        )
    asked = [item.first_turn() if dataset.is_sharegpt else item.without_last_answer() for item in dataset.items]
    return {"kind": "list", "prompts": [_request(item) for item in asked]}


def _request(item: Item) -> str | dict[str, Any]:
    tokens = {} if item.output_tokens is None else {"output_tokens": item.output_tokens}
    if item.prompt is None:
        return {"messages": _messages(item), **tokens}
    return {"prompt": item.prompt, **tokens} if tokens else item.prompt


def _conversations(turns: str | int, dataset: Dataset) -> list[list[dict[str, Any]]]:
    items: Iterable[Item] = dataset.items
    if turns != "all":
        items = (item.cut_to(int(turns)) for item in items)
    return [_messages(item) for item in items]


def _messages(item: Item) -> list[dict[str, Any]]:
    return [
        {"role": message.role, "content": written(message.parts) if message.parts else message.content}
        for message in item.messages
    ]


def _think_time(options: "BenchOptions") -> dict[str, Any]:
    if options.think_seconds is None:
        return {}
    distribution = options.think_distribution or "fixed"
    return {"think_time": {"mean_seconds": options.think_seconds, "distribution": distribution}}


def _batch(options: "BenchOptions") -> dict[str, int]:
    return {} if options.batch_size is None else {"batch_size": options.batch_size}
