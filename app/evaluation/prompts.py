"""Which requests of two runs asked the same thing.

Made-up and recorded prompts follow from workload, seed and index; prompts that are given are told by their text, so
that lists may overlap. What depends on the model's own answers has no pair.
"""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import orjson

Key = Callable[[int], Hashable]

_GIVEN = "the text of the prompt"
_MADE = "workload, seed and index"


def keys(a: Mapping[str, Any], b: Mapping[str, Any], facts: tuple[Any, Any]) -> tuple[str, Key, Key] | str:
    """How prompts are matched, and the key of each index in either run; or why they cannot be.

    `a` and `b` are specs, `facts` the workload parts of the two summaries.
    """
    for spec in (a, b):
        if reason := _unpaired(spec):
            return reason
    ours, theirs = a["workload"], b["workload"]
    if ours["kind"] == theirs["kind"] == "list":
        return _GIVEN, _texts(ours), _texts(theirs)
    if ours != theirs:
        return "the workloads differ"
    if a.get("seed") != b.get("seed"):
        return "the seeds differ, so that the prompts do"
    made = [(part or {}).get("words_per_token") for part in facts]
    overheads = [(part or {}).get("overhead_tokens") for part in facts]
    if made[0] != made[1] or overheads[0] != overheads[1]:
        return "prompts were made with another number of words per token"
    return _MADE, _same, _same


def _unpaired(spec: Mapping[str, Any]) -> str | None:
    kind = (spec.get("workload") or {}).get("kind")
    if kind is None:
        return "one of the runs does not say what it asked"
    if len(spec.get("targets") or ()) > 1 or spec.get("explore"):
        return "a run of several targets or levels asks everything several times"
    if kind in {"conversation", "conversation_list"}:
        return "later turns hold the model's own answers"
    if kind == "prompt":
        return "every request asks the same"
    return None


def _same(index: int) -> Hashable:
    return index


def _texts(workload: Mapping[str, Any]) -> Key:
    digests = [hashlib.sha256(orjson.dumps(_asked(item))).digest() for item in workload["prompts"]]
    return lambda index: digests[index % len(digests)]


def _asked(item: Any) -> Any:
    return item if not isinstance(item, Mapping) else [item.get("prompt"), item.get("messages")]
