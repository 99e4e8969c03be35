"""What a stored request asked, made again from the benchmark's spec: its body is byte by byte the one that was sent.

Bodies are not kept with results: the seed, the schedule and the words per token say them. There is none where a request
carries the answers before it, or the provider is gone or was changed to another kind.
"""

from itertools import islice
from urllib.parse import quote, urlsplit

from app.adapters import registry
from app.benchmarks import planner, token_models
from app.benchmarks.bodies import message_maker, split
from app.benchmarks.token_probe import with_tokens
from app.benchmarks.views import Benchmark
from app.datasets.conversations import numbering
from app.loadgen.plan import Conversations, Endpoint
from app.reports import bundling
from app.reports.schemas import RequestBody

MAX_BODY_BYTES = 1024 * 1024
_OF_HTTP = frozenset({"host", "content-length", "accept-encoding", "traceparent"})


def target_of(benchmark: Benchmark, index: int) -> int:
    """Which of the spec's targets the request of this index went to."""
    return index % planner.index_stride(benchmark.spec) // planner.point_count(benchmark.spec)


def rebuilt(benchmark: Benchmark, endpoint: Endpoint, index: int) -> RequestBody:
    """The body of a request; takes a while for large workloads: call it in a thread. `endpoint` is its target's."""
    spec = benchmark.spec
    target, number = target_of(benchmark, index), index // planner.index_stride(spec)
    plan = planner.shard(spec, target, endpoint, point=planner.point_of_index(spec, index))
    if isinstance(plan.workload, Conversations):
        return _of_conversation(plan.workload, number)
    facts = benchmark.summary.workload if benchmark.summary else None
    try:
        tokens = token_models.of_targets(facts.model_dump() if facts else None, len(spec.targets))[target]
        message = message_maker(with_tokens(plan, tokens))
    except registry.UnknownKindError:
        return RequestBody(note="the provider does not exist any more, or you may not see how it is asked")
    except ValueError as error:
        return RequestBody(note=f"there is no body: {error}")
    assert message is not None  # only conversations have none
    method, path, headers, data = split(message(number))
    note = None if benchmark.summary else "made with the usual words per token, as the run has not ended"
    if len(data) > MAX_BODY_BYTES:
        note = f"the first {MAX_BODY_BYTES:,} of {len(data):,} bytes"
    address = urlsplit(endpoint.base_url)
    host = address.netloc.rpartition("@")[2]
    return RequestBody(
        body=data[:MAX_BODY_BYTES].decode(errors="replace"),
        body_bytes=len(data),
        note=note,
        method=method,
        # In an address the stand-in of the key is escaped like everything else.
        url=f"{address.scheme}://{host}{path.replace(quote(bundling.KEY), bundling.KEY)}" if host else None,
        headers={name: value for name, value in headers if name.lower() not in _OF_HTTP},
    )


def _of_conversation(workload: Conversations, number: int) -> RequestBody:
    note = "the request carried the answers before it, which are not kept"
    if not workload.given:
        return RequestBody(note=note)
    turns = numbering(workload)
    conversation = turns.conversation(number)
    said = [turn.content for turn in workload.given[conversation % len(workload.given)] if turn.role == "user"]
    turn = number - turns.first(conversation)
    return RequestBody(turn=next(islice(said, turn, None), None), note=f"only the user's own turn: {note}")
