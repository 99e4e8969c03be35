"""From options to the workload of a spec: what each means, and what is said about those that mean nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.workloads import (
    ConversationList,
    EmbeddingInputs,
    EmpiricalLength,
    LognormalLength,
    NormalLength,
    PromptList,
    SharedPrefixPrompts,
    SyntheticConversations,
    SyntheticPrompts,
    ThinkTime,
    UniformLength,
)
from app.cli.bench_spec import build_spec
from app.cli.usage import UsageProblem
from tests.cli.conftest import Cli
from tests.cli.test_bench_spec import options

SHAREGPT = [
    {"id": "a", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello there, human."}]},
    {"id": "b", "conversations": []},
    {"id": "c", "conversations": [{"from": "gpt", "value": "…"}, {"from": "human", "value": "one"},
                                  {"from": "gpt", "value": "x" * 40}, {"from": "human", "value": "two"}]},
]  # fmt: skip


def workload(**changed: Any) -> Any:
    return build_spec(options(**changed)).workload


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("512", 512),
        (" 512 ", 512),
        ("normal:512,100", NormalLength(mean=512, stdev=100)),
        ("normal:512,100,64-1024", NormalLength(mean=512, stdev=100, minimum=64, maximum=1024)),
        ("lognormal:512.5,200", LognormalLength(mean=512.5, stdev=200)),
        ("uniform:100-500", UniformLength(minimum=100, maximum=500)),
    ],
)
def test_lengths(text: str, length: Any) -> None:
    assert workload(input_tokens=text, output_tokens=text) == SyntheticPrompts(
        input_tokens=length, output_tokens=length
    )


def test_empirical_lengths_come_out_of_a_file(tmp_path: Path) -> None:
    plain, weighted = tmp_path / "a.txt", tmp_path / "b.csv"
    plain.write_text("\ufeff# lengths\r\n10\r\n\r\n20\n")
    weighted.write_text("10,0.5\n20 2\n")
    made = workload(input_tokens=f"empirical:{plain}", output_tokens=f"empirical:{weighted}")
    assert made.input_tokens == EmpiricalLength(values=[10, 20])
    assert made.output_tokens == EmpiricalLength(values=[10, 20], weights=[0.5, 2.0])


@pytest.mark.parametrize("content", ["", "0\n", "1.5\n", "5 1 1\n", "5,-1\n", "5,nan\n", "5,0\n", "x\n", "\xff"])
def test_a_wrong_file_of_lengths_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lengths.txt"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageProblem, match=r"--input-tokens: .*lengths\.txt"):
        workload(input_tokens=f"empirical:{path}")


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1.5", "normal:", "normal:5", "normal:5,1,1", "normal:5,1,1-2,3", "uniform:", "uniform:5",
     "uniform:a-b", "gauss:1,2", "empirical:", "normal:x,y"],
)  # fmt: skip
def test_what_is_no_length_is_told_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UsageProblem, match=r"--output-tokens: .* is no length; give a number, normal:MEAN,STDEV"):
        workload(output_tokens=text)


@pytest.mark.parametrize(
    "text", ["0", "-5", "normal:-1,5", "normal:5,-1", "uniform:9-3", "normal:nan,1", "lognormal:0,1"]
)
def test_a_length_out_of_range_names_its_option(text: str) -> None:
    with pytest.raises(UsageProblem, match="--input-tokens: "):
        workload(input_tokens=text)


def test_shared_prefixes() -> None:
    assert workload(prefix_tokens=1000) == SharedPrefixPrompts(
        groups=1, prefix_tokens=1000, input_tokens=128, output_tokens=128
    )
    assert workload(prefix_tokens=1000, prefix_groups=8, uniqueness=0.25, input_tokens="64", words_per_token=0.8) == (
        SharedPrefixPrompts(
            groups=8, prefix_tokens=1000, uniqueness=0.25, input_tokens=64, output_tokens=128, words_per_token=0.8
        )
    )


def test_made_up_conversations() -> None:
    assert workload(turns="4", input_tokens="50", think_seconds=2.0, think_distribution="exponential") == (
        SyntheticConversations(
            turns=4,
            input_tokens=50,
            output_tokens=128,
            think_time=ThinkTime(mean_seconds=2.0, distribution="exponential"),
        )
    )
    assert workload(turns=2).think_time == ThinkTime()


def test_embeddings(tmp_path: Path) -> None:
    assert workload(embeddings=True) == EmbeddingInputs(input_tokens=128)
    assert workload(embeddings=True, batch_size=16, input_tokens="uniform:5-9") == EmbeddingInputs(
        input_tokens=UniformLength(minimum=5, maximum=9), batch_size=16
    )
    assert workload(embeddings=True, prompt="hi") == EmbeddingInputs(texts=["hi"])
    path = tmp_path / "texts.txt"
    path.write_text("one\ntwo\n")
    assert workload(embeddings=True, dataset=path) == EmbeddingInputs(texts=["one", "two"])


def test_recorded_chats_are_first_turns_or_whole_conversations(tmp_path: Path) -> None:
    path = tmp_path / "sharegpt.json"
    path.write_text(json.dumps(SHAREGPT))
    first = workload(dataset=path)
    assert isinstance(first, PromptList)
    assert [item.model_dump(exclude_none=True) for item in first.prompts if not isinstance(item, str)] == [
        {"prompt": "Hi", "output_tokens": 5}, {"prompt": "one", "output_tokens": 10}
    ]  # fmt: skip
    whole = workload(dataset=path, turns="all", think_seconds=1.0)
    assert isinstance(whole, ConversationList)
    assert [[turn.role for turn in turns] for turns in whole.conversations] == [
        ["user", "assistant"], ["assistant", "user", "assistant", "user"]
    ]  # fmt: skip
    cut = workload(dataset=path, turns="1")
    assert [[turn.content for turn in turns] for turns in cut.conversations] == [
        ["Hi", "Hello there, human."], ["…", "one", "x" * 40]
    ]  # fmt: skip


def test_a_dataset_can_be_shuffled_by_the_seed_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("".join(f"prompt {number}\n" for number in range(50)))
    plain = workload(dataset=path, dataset_limit=5).prompts
    one, same, other = (
        workload(dataset=path, dataset_shuffle=True, dataset_limit=5, seed=seed).prompts for seed in (1, 1, 2)
    )
    assert plain == [f"prompt {number}" for number in range(5)]
    assert one == same != other
    assert sorted(workload(dataset=path, dataset_shuffle=True).prompts) == sorted(workload(dataset=path).prompts)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"prompt": "a", "dataset": Path("a.txt")}, "--prompt, --dataset and --input-tokens/--output-tokens exclude"),
        ({"prefix_groups": 4}, "--prefix-groups: needs --prefix-tokens"),
        ({"uniqueness": 0.5}, "--uniqueness: needs --prefix-tokens"),
        ({"prefix_tokens": 5, "prompt": "a"}, "--prefix-groups, --prefix-tokens: needs made-up prompts"),
        ({"prefix_tokens": 5, "turns": "2"}, "--prefix-tokens and --turns exclude each other"),
        ({"embeddings": True, "turns": "2"}, "--turns and --embeddings exclude each other"),
        ({"turns": "2", "prompt": "a"}, "--turns: needs --dataset or made-up prompts"),
        ({"turns": "all"}, "--turns: all needs --dataset"),
        ({"turns": "0"}, "--turns: '0' is neither all nor"),
        ({"turns": "many"}, "--turns: 'many' is neither all nor"),
        ({"think_seconds": 1.0}, "--think-seconds: needs --turns"),
        ({"think_distribution": "fixed", "turns": "2"}, "--think-distribution: needs --think-seconds"),
        ({"think_seconds": -1.0, "turns": "2"}, "--think-seconds: "),
        ({"batch_size": 2}, "--batch-size: needs --embeddings"),
        ({"batch_size": 0, "embeddings": True}, "--batch-size: "),
        ({"embeddings": True, "output_tokens": "5"}, "--output-tokens: needs no --embeddings"),
        ({"words_per_token": 1.0, "prompt": "a"}, "--words-per-token: needs made-up prompts"),
        ({"words_per_token": 0.0}, "--words-per-token: "),
        ({"dataset_column": "x"}, "--dataset-column: needs --dataset"),
        ({"dataset_limit": 3}, "--dataset-limit: needs --dataset"),
        ({"dataset_shuffle": True}, "--dataset-shuffle: needs --dataset"),
        ({"dataset": Path("a.txt"), "dataset_limit": 0}, "--dataset-limit: must be at least 1"),
        ({"dataset": Path("absent.txt")}, r"--dataset: absent\.txt: No such file"),
        ({"dataset": Path()}, "--dataset: .: Is a directory"),
        ({"prefix_tokens": 0}, "--prefix-tokens: "),
        ({"prefix_tokens": 5, "prefix_groups": 0}, "--prefix-groups: "),
        ({"prefix_tokens": 5, "uniqueness": 2.0}, "--uniqueness: "),
    ],
)
def test_options_that_do_not_go_together_are_told(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        workload(**changed)


def test_several_problems_are_told_at_once() -> None:
    with pytest.raises(UsageProblem) as raised:
        workload(batch_size=2, uniqueness=0.5, dataset_limit=1)
    assert len(raised.value.messages) == 3


def test_every_option_reaches_the_spec(cli: Cli, tmp_path: Path) -> None:
    start = ("bench", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--requests", "1")
    wrong = cli(*start, "--turns", "x")
    assert (wrong.returncode, "--turns: 'x' is neither all nor" in wrong.stderr) == (2, True)
    (tmp_path / "bad.jsonl").write_text('"fine"\n{"messages": []}\n')
    bad = cli(
        "bench", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--requests", "1", "--dataset", "bad.jsonl"
    )
    assert bad.returncode == 2
    assert "--dataset: bad.jsonl, line 2: messages must be a list of 1 to 1000 messages" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_conversations_run_from_the_command_line(cli: Cli, tmp_path: Path, simulator: str) -> None:
    arguments = "--requests 4 --turns 2 --think-seconds 0.01 --input-tokens uniform:5-9 --output-tokens 3 --quiet"
    done = cli("bench", "--model", "m", "--base-url", simulator, "--output", "out", *arguments.split())
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["workload"]["source"] == "usage"
    assert BenchmarkSpec.model_validate(summary["spec"]).workload.kind == "conversation"
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert sorted((line["index"], line["conversation"], line["turn"]) for line in lines) == [
        (0, 0, 0), (1, 0, 1), (2, 1, 0), (3, 1, 1)
    ]  # fmt: skip
