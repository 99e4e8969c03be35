"""What else than the measured system may explain a difference: spec, program, machine, trust in each run."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from app.evaluation.schemas import ComparisonWarning, SetupDifference

_SHOWN_CHARACTERS = 120
_IGNORED = frozenset({"name", "tags", "budget_usd", "save_responses", "save_gaps"})
_LENGTH_SHARE = 0.05  # answers that differ more in length do not compare end to end


def differences(runs: Sequence[Mapping[str, Any]]) -> list[SetupDifference]:
    """Every leaf of spec, program and machine that is not the same in all; a run is `{spec, summary, program}`."""
    flat = [dict(_leaves(run)) for run in runs]
    paths = dict.fromkeys(path for one in flat for path in one)
    return [
        SetupDifference(path=path, values=[one.get(path) for one in flat])
        for path in paths
        if len({one.get(path) for one in flat}) > 1
    ]


def warnings(labels: Sequence[str], runs: Sequence[Mapping[str, Any]], baseline: int) -> Iterator[ComparisonWarning]:
    """What makes the runs less comparable, each with the runs that it is about."""

    def unlike(value: Any) -> list[str]:
        values = [value(run) for run in runs]
        return [
            label
            for position, label in enumerate(labels)
            if position != baseline and values[position] is not None and values[baseline] is not None
            if values[position] != values[baseline]
        ]

    base = labels[baseline]
    for kind, value, text in _SAME:
        if found := unlike(value):
            yield ComparisonWarning(kind=kind, runs=found, text=text.format(runs=_and(found), base=base))
    for label, run in zip(labels, runs, strict=True):
        yield from _of_one(label, run)
    for position, label in enumerate(labels):
        if position != baseline and (longer := _lengths(runs[position], runs[baseline])):
            text = longer.format(run=label, base=base)
            yield ComparisonWarning(kind="output_length", runs=[label], text=text)


def _part(*names: str) -> Any:
    def read(run: Mapping[str, Any]) -> Any:
        found: Any = run
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return None if found is None else orjson.dumps(found, option=orjson.OPT_SORT_KEYS)

    return read


_SAME: tuple[tuple[str, Any, str], ...] = (
    ("workload", _part("spec", "workload"), "{runs} asked something else than {base}: the workloads differ."),
    ("sampling", _part("spec", "sampling"), "{runs} asked the model otherwise than {base}: the sampling differs."),
    ("load", _part("spec", "load"), "{runs} ran under another load than {base}: latencies depend on it."),
    ("target", _part("spec", "targets"), "{runs} measured another provider or model than {base}."),
    ("machine", _part("summary", "instrument", "machine", "fingerprint"), "{runs} ran on another machine than {base}."),
    ("version", _part("program"), "{runs} was measured by another version of the program than {base}."),
    ("clock", _part("summary", "instrument", "clock"), "{runs} took its stamps from another clock than {base}."),
    ("reader", _part("summary", "instrument", "reader"), "{runs} read its sockets by other means than {base}."),
    ("tokens", _part("summary", "tokens", "source"), "{runs} counted tokens from another source than {base}."),
    ("workers", _part("spec", "workers"), "{runs} used another number of engine processes than {base}."),
)


def _of_one(label: str, run: Mapping[str, Any]) -> Iterator[ComparisonWarning]:
    summary, spec = run["summary"], run.get("spec") or {}
    instrument = summary.get("instrument") or {}
    if instrument.get("verdict") not in {None, "trusted"}:
        word = str(instrument["verdict"]).replace("_", "-")
        text = f"{label}'s certificate is {word}: {instrument.get('reason') or 'no reason is given'}."
        yield ComparisonWarning(kind="certificate", runs=[label], text=text)
    if run["status"] not in {"completed", ""}:
        text = f"{label} was {run['status']} before its end."
        yield ComparisonWarning(kind="status", runs=[label], text=text)
    if source := summary.get("source"):
        text = f"{label} was measured by {source.get('tool')}, whose own error nobody knows."
        yield ComparisonWarning(kind="imported", runs=[label], text=text)
    several = [
        *(["targets"] if len(summary.get("by_target") or spec.get("targets") or ()) > 1 else []),
        *(["levels of load"] if summary.get("points") else []),
    ]
    if several:
        text = f"{label} measured several {' and '.join(several)}; all of them are taken together."
        yield ComparisonWarning(kind="mixed", runs=[label], text=text)


def _lengths(run: Mapping[str, Any], base: Mapping[str, Any]) -> str | None:
    means = []
    for one in (run, base):
        requests, tokens = one["summary"].get("requests") or {}, one["summary"].get("tokens") or {}
        if not requests.get("ok") or not tokens.get("output"):
            return None
        means.append(tokens["output"] / requests["ok"])
    if abs(means[0] / means[1] - 1) <= _LENGTH_SHARE:
        return None
    return (
        f"{{run}}'s answers have {means[0]:,.1f} output tokens on average, {{base}}'s {means[1]:,.1f}: end-to-end "
        "times, requests per second and cost per request compare answers of different length."
    )


def _leaves(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spec = {name: value for name, value in (run.get("spec") or {}).items() if name not in _IGNORED}
    yield from _flat("spec", spec)
    if run.get("program"):
        yield "program", str(run["program"])
    instrument = run["summary"].get("instrument") or {}
    for name in ("clock", "reader", "machine"):
        yield from _flat(name, instrument.get(name))


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(f"{path}.{name}", part)
    elif isinstance(value, list) and len(value) <= 16 and all(isinstance(part, Mapping) for part in value):
        for position, part in enumerate(value):
            yield from _flat(f"{path}.{position}", part)
    elif value is not None:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        if len(text) > _SHOWN_CHARACTERS:
            digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
            many = f"{len(value):,} entries" if isinstance(value, list) else f"{len(text):,} characters"
            text = f"{text[:60]}… ({many}, SHA-256 {digest})"
        yield path, text


def _and(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
