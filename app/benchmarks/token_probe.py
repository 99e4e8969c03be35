"""Words per token, found out from the server's own `usage` with a few short requests before the run.

Made-up prompts are so many words long; how many tokens that is only the server knows. Texts of known lengths are sent
through the same engine and adapter as the run's, and a line is put through what `usage` counted:
`tokens = overhead + per_word * words`. The first request decides: when it brings no usage, no further one is sent and a
word is taken for a token. Probes are no part of the results, take half a minute at most, and never fail a run.
"""

import asyncio
import logging
from collections.abc import Sequence
from statistics import median

import msgspec

from app.benchmarks.supervisor import Engine, EngineFactory, engine_process
from app.benchmarks.token_models import MEASURED_DIGITS
from app.core.errors import TestBenchError
from app.datasets import synthetic
from app.loadgen.frames import Done, Failed, Record, Records
from app.loadgen.plan import (
    Arrivals,
    Conversations,
    Embeddings,
    Limits,
    Plan,
    Prompts,
    RateLimit,
    Synthetic,
    TokenModel,
    Trace,
    Workload,
)
from app.loadgen.process import EngineDiedError

log = logging.getLogger(__name__)

PROBE_SECONDS = 30.0
_SHORT, _MIDDLE, _LONG = 32, 128, 256  # words; the longest fits into the 512 tokens of small embedding models
_FURTHER = (_LONG, _MIDDLE, _SHORT)
_NS_PER_S = 10**9
_LIKE = 0.1  # slopes of a line differ by less; a server that cuts texts off shows more
_PER_WORD_RANGE = (0.05, 50.0)
_SEED = 0x70726F6265  # texts of their own, so that they warm no cache for the run's


class Probed(msgspec.Struct, frozen=True):
    """What the probes of one target found, and how many there were."""

    tokens: TokenModel
    requests: int = 0

    def encode(self) -> bytes:
        """As msgpack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> "Probed":
        """What is behind `encode`'s bytes."""
        return msgspec.msgpack.decode(encoded, type=Probed)


def makes_text_up(workload: Workload) -> bool:
    """Whether lengths in tokens have to be turned into words."""
    if isinstance(workload, Conversations):
        return not workload.given
    if isinstance(workload, Embeddings):
        return not workload.texts
    return isinstance(workload, Synthetic | Trace)


def needs_probes(workload: Workload) -> bool:
    """Whether what a word is in tokens matters and was not given."""
    return not isinstance(workload, Prompts) and makes_text_up(workload) and workload.tokens.source != "given"


def with_tokens(plan: Plan, tokens: TokenModel) -> Plan:
    """The plan with texts made by this model; a plan that makes none up, or was given its own, stays as it is."""
    workload = plan.workload
    if isinstance(workload, Prompts) or not needs_probes(workload):
        return plan
    return msgspec.structs.replace(plan, workload=msgspec.structs.replace(workload, tokens=tokens))


async def probe(plan: Plan, *, new_engine: EngineFactory = engine_process, stop: asyncio.Event | None = None) -> Probed:
    """What one word of made-up text is in tokens at the plan's target. Never raises for what a server does.

    Setting `stop` ends it early.
    """
    if not needs_probes(plan.workload):
        return Probed(getattr(plan.workload, "tokens", TokenModel()))
    stop = stop or asyncio.Event()
    samples: list[tuple[int, int]] = []
    sent = 0
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            for lengths in ((_SHORT,), _FURTHER):
                records = await _send(plan, lengths, new_engine, stop)
                sent += len(records)
                samples += _samples(lengths, records)
                if not samples:
                    break
    except TimeoutError:
        log.warning("the probes for words per token took longer than %g s", PROBE_SECONDS)
    except (EngineDiedError, TestBenchError, OSError, msgspec.DecodeError) as error:
        log.warning("the probes for words per token failed: %s", error)
    return Probed(fitted(samples), sent)


async def probe_all(
    plans: Sequence[Plan], *, new_engine: EngineFactory = engine_process, stop: asyncio.Event | None = None
) -> list[Probed]:
    """The same for several targets, one after another; those that are alike are asked once."""
    found: dict[bytes, Probed] = {}
    answers = []
    for plan in plans:
        key = msgspec.msgpack.encode(plan.endpoint)
        if key not in found:
            found[key] = await probe(plan, new_engine=new_engine, stop=stop)
        answers.append(found[key])
    return answers


def fitted(samples: Sequence[tuple[int, int]]) -> TokenModel:
    """The line through `(words, tokens)`; the assumption of one token a word where no line can be told."""
    by_words: dict[int, list[int]] = {}
    for words, tokens in samples:
        by_words.setdefault(words, []).append(tokens)
    points = [(words, median(counts)) for words, counts in sorted(by_words.items())]
    if len(points) < 2:
        return TokenModel()
    (first, at_first), (second, at_second) = points[0], points[1]
    slope = (at_second - at_first) / (second - first)
    if len(points) > 2:
        last, at_last = points[-1]
        whole = (at_last - at_first) / (last - first)
        slope = whole if abs(whole - slope) <= _LIKE * slope else slope
    if not _PER_WORD_RANGE[0] <= slope <= _PER_WORD_RANGE[1]:
        return TokenModel()
    per_word = 1 / round(1 / slope, MEASURED_DIGITS)
    return TokenModel(per_word, at_first - per_word * first, "usage")


def _samples(lengths: tuple[int, ...], records: list[Record]) -> list[tuple[int, int]]:
    samples = []
    for record in records:
        counts = (record.uncached_input_tokens, record.cache_read_tokens, record.cache_write_tokens)
        tokens = sum(count or 0 for count in counts)
        if record.status == "ok" and tokens > 0:
            samples.append((lengths[record.index], tokens))
    return samples


async def _send(plan: Plan, lengths: tuple[int, ...], new_engine: EngineFactory, stop: asyncio.Event) -> list[Record]:
    """One request after another, one for each length in words."""
    workload: Embeddings | Trace
    if isinstance(plan.workload, Embeddings):
        seed = plan.seed ^ _SEED
        workload = Embeddings(tuple(synthetic.prompt(seed, len(lengths), words) for words in lengths))
    else:
        workload = Trace(lengths, (1,) * len(lengths))
    return await _run(_probe_plan(plan, workload, len(lengths)), new_engine, stop)


def _probe_plan(plan: Plan, workload: Embeddings | Trace, requests: int) -> Plan:
    # A system message is sent with every request but is no part of a prompt's length.
    sampling = {name: value for name, value in plan.sampling.items() if name != "system"}
    limits = Limits(
        connect_ns=min(plan.limits.connect_ns, 10 * _NS_PER_S),
        first_token_ns=round(PROBE_SECONDS * _NS_PER_S),
        between_chunks_ns=round(PROBE_SECONDS * _NS_PER_S),
        total_ns=round(PROBE_SECONDS * _NS_PER_S),
    )
    return msgspec.structs.replace(
        plan,
        workload=workload,
        arrivals=Arrivals("closed", concurrency=1),
        sampling=sampling,
        limits=limits,
        rate_limit=RateLimit(),
        requests=requests,
        duration_ns=None,
        seed=(plan.seed ^ _SEED) + requests,  # each round its own texts
        shard=0,
        shards=1,
        index_base=0,
        index_stride=1,
        start_at_ns=0,
        save_responses=False,
        save_gaps=False,
        skip=(),
    )


async def _run(plan: Plan, new_engine: EngineFactory, stop: asyncio.Event) -> list[Record]:
    records: list[Record] = []
    if stop.is_set():
        return records
    async with new_engine(plan) as engine:
        frames = asyncio.create_task(_collect(engine, records))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({frames, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if frames.done():
                frames.result()
        finally:
            for task in (frames, stopped):
                task.cancel()
            await asyncio.gather(frames, stopped, return_exceptions=True)
    return records


async def _collect(engine: Engine, records: list[Record]) -> None:
    async for frame in engine.frames():
        if isinstance(frame, Records):
            records += frame.records
        elif isinstance(frame, Done | Failed):
            return
