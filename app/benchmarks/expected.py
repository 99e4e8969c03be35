"""What a benchmark will probably send: requests per stage and tokens per request, as far as a spec says it. Pure."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from app.benchmarks import plan_loads, plan_workloads, planner
from app.benchmarks.loads import ClosedLoad, ClosedStepsLoad, TraceLoad
from app.benchmarks.planner import Point
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.workloads import ConversationList, SyntheticConversations, WorkloadSpec
from app.loadgen.plan import Conversations, Embeddings, Prompts, Segment, Synthetic, Turn
from app.loadgen.token_estimates import media_tokens, turn_tokens

_CHARACTERS_PER_TOKEN = 4  # of English text, about; nobody has the tokenizer of every model


class Tokens(NamedTuple):
    """Mean tokens of a request; `output` is None when nothing limits it."""

    input: float
    output: float | None


def requests_expected(spec: BenchmarkSpec, point: Point) -> float | None:
    """Requests of a stage; None when it depends on how fast the server is."""
    load, stop = planner.at_level(spec, point.level).load, spec.stop
    seconds = math.inf if stop.duration_seconds is None else stop.duration_seconds
    if isinstance(load, ClosedLoad | ClosedStepsLoad):
        return stop.requests
    if isinstance(load, TraceLoad):
        found: float = sum(at / load.speed < seconds for at in load.at_seconds)
    else:
        arrivals = plan_loads.arrivals(load)
        found = _arrivals(arrivals.segments or (Segment(arrivals.rate, arrivals.rate),), seconds)
    found *= requests_per_arrival(spec.workload)
    return found if stop.requests is None else min(found, stop.requests)


def requests_at_least(spec: BenchmarkSpec, point: Point) -> float:
    """Requests that a stage sends whatever the server does: the first of each user, or all there are."""
    known = requests_expected(spec, point)
    load = planner.at_level(spec, point.level).load
    if isinstance(load, ClosedLoad) and (known is None or spec.stop.duration_seconds is not None):
        return min(load.concurrency, known or load.concurrency)
    if known is not None and spec.stop.duration_seconds is not None and not isinstance(load, ClosedStepsLoad):
        return known / requests_per_arrival(spec.workload)  # later turns may fall behind the end
    return known or 0.0


def requests_per_arrival(workload: WorkloadSpec) -> float:
    """Requests that one arrival of an open loop brings: the turns of a conversation, else one."""
    if isinstance(workload, SyntheticConversations):
        return workload.turns
    if isinstance(workload, ConversationList):
        return fmean(sum(turn.role == "user" for turn in turns) for turns in workload.conversations)
    return 1.0


def tokens_expected(spec: BenchmarkSpec) -> Tokens:
    """Tokens of a request, on average."""
    sampling, plan = spec.sampling, plan_workloads.workload(spec.workload)
    system = _text_tokens(sampling.system or "")
    cap = sampling.max_tokens
    if isinstance(plan, Embeddings):
        each = fmean(map(_text_tokens, plan.texts)) if plan.texts else plan.input_tokens.mean
        return Tokens(plan.batch_size * each, 0.0)
    if isinstance(plan, Prompts):
        texts = [_turns_tokens(turns) for turns in plan.message_lists] or [_text_tokens(one) for one in plan.prompts]
        limits = [tokens or cap for tokens in plan.output_tokens] or [cap]
        return Tokens(system + fmean(texts), None if None in limits else fmean(limit for limit in limits if limit))
    if isinstance(plan, Conversations):
        tokens = _conversation(plan, cap)
        return Tokens(system + tokens.input, tokens.output)
    if isinstance(plan, Synthetic):
        own = plan.prefix_tokens + plan.input_tokens.mean + media_tokens(plan.media)
        wanted = plan.output_tokens.mean
    else:
        own, wanted = fmean(plan.input_tokens), fmean(plan.output_tokens)
    return Tokens(system + own, min(wanted, cap) if cap else wanted)


def _conversation(plan: Conversations, cap: int | None) -> Tokens:
    """Every request carries the turns before it and the answers to them."""
    if not plan.given:
        asked, answered = plan.input_tokens.mean, plan.output_tokens.mean
        if cap:
            answered = min(answered, cap)
        return Tokens(asked * (plan.turns + 1) / 2 + answered * (plan.turns - 1) / 2, answered)
    inputs, outputs = [], []
    for turns in plan.given:
        history = 0.0
        for position, turn in enumerate(turns):
            history += _turns_tokens([turn])
            if turn.role == "user":
                following = turns[position + 1] if position + 1 < len(turns) else None
                answer = _text_tokens(following.content) if following and following.role == "assistant" else cap
                inputs.append(history)
                outputs.append(answer)
    return Tokens(fmean(inputs), None if None in outputs else fmean(one for one in outputs if one is not None))


def _turns_tokens(turns: Sequence[Turn]) -> float:
    return sum(_text_tokens(turn.content) for turn in turns) + turn_tokens(turns)


def _text_tokens(text: str) -> float:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _arrivals(segments: Sequence[Segment], seconds: float) -> float:
    """Expected arrivals of an open loop: the integral of its rate; infinite when nothing ends it."""
    total, left = 0.0, seconds
    for segment in segments:
        length = min(left, math.inf if segment.seconds is None else segment.seconds)
        if length <= 0:
            break
        total += _integral(segment, length)
        left -= length
    return total


def _integral(segment: Segment, length: float) -> float:
    first, last, whole = segment.rate_from, segment.rate_to, segment.seconds
    if first == last or whole is None:
        return first * length
    if segment.curve == "linear":
        return length * (first + (last - first) * length / whole / 2)
    growth = math.log(last / first) / whole
    return first * math.expm1(growth * length) / growth
