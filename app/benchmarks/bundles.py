"""The reproducibility bundle: what a run was, so that it can be repeated exactly and checked to be the same.

It holds the spec with its seed, the whole arrival schedule of an open loop, SHA-256 digests of request bodies as they
were sent, how words were turned into tokens to make them, and what made them: program, libraries, machine. No secret:
of headers only their names, and whether there was a key.

Bounds: `MAX_OFFSETS` arrivals a target, and `MAX_HASHED` bodies or as many as come to `MAX_HASHED_BYTES`, the first
`MAX_LISTED` of which are listed; `digest` is the SHA-256 over the digests of all hashed bodies in order.
"""

import hashlib
import json
from array import array
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from app.adapters import registry
from app.benchmarks import planner, token_models
from app.benchmarks.bodies import body_of, distinct_bodies
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spec_parts import STORED
from app.benchmarks.token_models import told
from app.benchmarks.token_probe import makes_text_up, with_tokens
from app.loadgen.arrivals import offsets
from app.loadgen.plan import Endpoint, Plan, Prompts, TokenModel

FORMAT = "llm-test-bench bundle"
VERSION = 1
MAX_OFFSETS = 1_000_000
MAX_HASHED = 20_000
MAX_HASHED_BYTES = 64 * 2**20
MAX_LISTED = 10_000
LIBRARIES = ("numpy", "httptools", "msgspec", "orjson", "pydantic")


def make_bundle(
    spec: BenchmarkSpec,
    endpoints: Sequence[Endpoint],
    *,
    program: str,
    started: Sequence[int | None],
    workload: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The bundle of a run; `started` says how many requests each target had, None when that is not known.

    `workload` is that part of the run's summary. The same arguments give the same bundle. Facts about the machine are
    added by whoever ran it.
    """
    models = token_models.of_targets(workload, len(spec.targets))
    return {
        "format": FORMAT,
        "version": VERSION,
        "program": program,
        "libraries": {name: _version(name) for name in LIBRARIES},
        "spec": spec.model_dump(mode="json"),
        "targets": [
            target_part(spec, index, endpoint, count, tokens=tokens)
            for index, (endpoint, count, tokens) in enumerate(zip(endpoints, started, models, strict=True))
        ],
    }


def target_part(
    spec: BenchmarkSpec,
    index: int,
    endpoint: Endpoint,
    started: int | None,
    hashed: int | None = None,
    *,
    tokens: TokenModel,
) -> dict[str, Any]:
    """One target: where it went, when its requests were due, what they were; `hashed` bodies instead of the bounds."""
    plan = planner.shard(spec.model_copy(update={"workers": 1}), index, _without_secrets(endpoint))
    plan = with_tokens(plan, tokens)
    total = spec.stop.requests if spec.stop.requests is not None else started
    return {
        "endpoint": {
            "provider": spec.targets[index].provider,
            "adapter": endpoint.adapter,
            "base_url": address_without_secrets(endpoint.base_url),
            "model": endpoint.model,
            "has_api_key": endpoint.api_key is not None,
            "header_names": sorted(endpoint.headers),
            "verify_tls": endpoint.verify_tls,
            **({"definition": endpoint.definition} if endpoint.definition is not None else {}),
        },
        "schedule": _schedule(spec, plan),
        "tokens": _tokens(plan),
        "requests": _requests(spec, plan, total, hashed),
    }


def differences(bundle: Mapping[str, Any], program: str) -> list[str]:
    """What this program would make otherwise than the bundle says; empty when the run can be repeated exactly.

    Raises:
        ValueError: the bundle cannot be read.
    """
    spec, found = spec_of(bundle), []
    for index, part in enumerate(_targets(bundle, spec)):
        requests, schedule = part.get("requests") or {}, part.get("schedule") or {}
        endpoint = endpoint_of(part)
        mine = target_part(spec, index, endpoint, None, _hashed(requests), tokens=tokens_of(part))
        where = f"target {index + 1}: " if len(spec.targets) > 1 else ""
        if (theirs := schedule.get("sha256")) != mine["schedule"].get("sha256"):
            found.append(f"{where}the arrival schedule differs (bundle {str(theirs)[:12]}…)")
        if requests.get("digest") != mine["requests"].get("digest"):
            found.append(where + _first_difference(requests, mine["requests"]))
    if found and bundle.get("program") != program:
        found.append(f"the bundle was made by {bundle.get('program')}, this is {program}")
    return found


def check_bundle(document: Any) -> dict[str, Any]:
    """The document, if it is a bundle of this format.

    Raises:
        ValueError: saying what is wrong.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("is not a bundle of LLM Test Bench")
    if document.get("version") != VERSION:
        raise ValueError(f"has bundle version {document.get('version')}, this program reads {VERSION}")
    spec = spec_of(document)
    for part in _targets(document, spec):
        endpoint_of(part)
        tokens_of(part)
    return document


def spec_of(bundle: Mapping[str, Any]) -> BenchmarkSpec:
    """The bundle's spec; raises `ValueError`."""
    try:
        return BenchmarkSpec.model_validate(bundle.get("spec"), context=STORED)
    except ValueError as error:
        first = str(error).splitlines()
        raise ValueError(f"holds a spec that this program does not take: {' '.join(first[:3])}") from None


def endpoint_of(part: Mapping[str, Any]) -> Endpoint:
    """Where a bundle's target went, without key and header values; raises `ValueError`."""
    endpoint = part.get("endpoint") if isinstance(part, Mapping) else None
    if not isinstance(endpoint, Mapping):
        raise ValueError("lacks targets.endpoint")  # noqa: TRY004  (of a document)
    texts = {name: endpoint.get(name) for name in ("adapter", "model", "base_url")}
    if not all(isinstance(value, str) for name, value in texts.items() if name != "base_url" or value is not None):
        raise ValueError("has an endpoint without adapter or model")
    definition = endpoint.get("definition")
    if definition is not None and not isinstance(definition, dict):
        raise ValueError("has an endpoint whose definition is no object")
    found = (str(texts["adapter"]), str(texts["base_url"] or ""), str(texts["model"]))
    return Endpoint(*found, definition=definition)


def tokens_of(part: Mapping[str, Any]) -> TokenModel:
    """How words were turned into tokens for a bundle's target; raises `ValueError`."""
    said = part.get("tokens")
    if said is not None and not isinstance(said, Mapping):
        raise ValueError("has a target with broken tokens")
    return token_models.understood(said)


def _targets(bundle: Mapping[str, Any], spec: BenchmarkSpec) -> list[Any]:
    parts = bundle.get("targets")
    if not isinstance(parts, list) or len(parts) != len(spec.targets):
        raise ValueError("must have one entry in targets for each target of its spec")
    return parts


def address_without_secrets(base_url: str) -> str | None:
    """The address without user, password, query and fragment; None for none."""
    if not base_url:
        return None
    parts = urlsplit(base_url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _without_secrets(endpoint: Endpoint) -> Endpoint:
    return Endpoint(endpoint.adapter, endpoint.base_url, endpoint.model, definition=endpoint.definition)


def _tokens(plan: Plan) -> dict[str, Any] | None:
    workload = plan.workload
    return told(workload.tokens) if not isinstance(workload, Prompts) and makes_text_up(workload) else None


def _schedule(spec: BenchmarkSpec, plan: Plan) -> dict[str, Any]:
    if plan.arrivals.kind == "closed":
        return {"kind": "closed", "note": "a request starts when a user is free; there is no schedule to keep"}
    if spec.explore is not None:
        return {"kind": "explored", "note": "each level's schedule follows from the spec and the seed"}
    due = array("q", (at for _, at in islice(offsets(plan), MAX_OFFSETS)))
    digest = hashlib.sha256(",".join(map(str, due)).encode()).hexdigest()
    return {"kind": "open", "count": len(due), "sha256": digest, "offsets_ns": due.tolist()}


def _requests(spec: BenchmarkSpec, plan: Plan, total: int | None, exactly: int | None) -> dict[str, Any]:
    try:
        body = body_of(plan)
    except registry.UnknownKindError:
        return {"note": "the provider does not exist any more, so nobody knows how it was asked"}
    except ValueError as error:
        return {"note": f"there are no bodies: {error}"}
    if body is None:
        return {"note": "bodies of this workload depend on the answers before them"}
    distinct = min((known for known in (total, distinct_bodies(plan)) if known is not None), default=None)
    most = exactly if exactly is not None else MAX_HASHED if distinct is None else min(distinct, MAX_HASHED)
    digests, size = [], 0
    for number in range(most):
        data = body(number)
        digests.append(hashlib.sha256(data))
        size += len(data)
        if exactly is None and size > MAX_HASHED_BYTES:
            break
    overall = hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
    return {
        "distinct": distinct,
        "hashed": len(digests),
        "digest": overall,
        "sha256": [digest.hexdigest() for digest in digests[:MAX_LISTED]],
    } | ({"note": "those of the first level; the others' follow from the spec and the seed"} if spec.explore else {})


def _hashed(requests: Mapping[str, Any]) -> int | None:
    hashed = requests.get("hashed")
    return hashed if isinstance(hashed, int) and 0 <= hashed <= MAX_HASHED else None


def _first_difference(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> str:
    listed, made = theirs.get("sha256"), mine.get("sha256")
    if isinstance(listed, list) and isinstance(made, list):
        for number, (one, other) in enumerate(zip(listed, made, strict=False)):
            if one != other:
                return f"the body of request {number} differs (bundle {str(one)[:12]}…, this program {other[:12]}…)"
        if len(listed) != len(made):
            return f"the bundle lists {len(listed)} request bodies, this program makes {len(made)}"
    return f"request bodies differ after the first {MAX_LISTED}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def encoded(bundle: Mapping[str, Any]) -> bytes:
    """As JSON, keys in a fixed order."""
    return json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode() + b"\n"
