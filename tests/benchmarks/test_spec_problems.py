"""What the API says about a wrong spec: each problem once, at its own field."""

from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spec_parts import STORED
from app.core.validation import describe_problems
from tests.factories import make_spec


def problems(document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        BenchmarkSpec.model_validate(document)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()]
    return [(one["path"], one["message"]) for one in describe_problems(RequestValidationError(errors, body=document))]


def synthetic(length: Any) -> dict[str, Any]:
    return make_spec(workload={"kind": "synthetic", "input_tokens": length, "output_tokens": 4})


@pytest.mark.parametrize("kind", ["normal", "lognormal"])
def test_limits_of_a_length_are_in_order(kind: str) -> None:
    length = {"kind": kind, "mean": 5.0, "stdev": 1.0, "minimum": 9, "maximum": 3}
    assert problems(synthetic(length)) == [("workload.input_tokens", "minimum must not exceed maximum")]
    BenchmarkSpec.model_validate(synthetic(length), context=STORED)


@pytest.mark.parametrize(
    ("length", "path"),
    [
        ({"kind": "lognormal", "mean": 0.0, "stdev": 1.0}, "workload.input_tokens.mean"),
        ({"kind": "uniform", "minimum": 5, "maximum": 2}, "workload.input_tokens"),
        (0, "workload.input_tokens"),
    ],
)
def test_a_number_or_an_object_is_only_told_what_is_wrong_with_what_it_is(length: Any, path: str) -> None:
    assert [found for found, _ in problems(synthetic(length))] == [path]


def test_what_is_neither_is_told_both() -> None:
    messages = [message for _, message in problems(synthetic("8"))]
    assert messages == [
        "Input should be a valid integer",
        "Input should be a valid dictionary or object to extract fields from",
    ]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({"messages": [{"role": "assistant", "content": "x"}]}, "the last of messages must be the user's"),
        ("", "String should have at least 1 character"),
    ],
)
def test_a_prompt_has_one_problem(prompt: Any, message: str) -> None:
    found = problems(make_spec(workload={"kind": "list", "prompts": ["fine", prompt]}))
    assert found == [("workload.prompts.1", message)]
