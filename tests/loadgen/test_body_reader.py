"""Reading bodies: the short way for repeated events must give exactly what the long way gives."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.adapters import registry
from app.adapters.base import Reply, ReplyDecoder
from app.loadgen.http1 import BodyReader
from tests.loadgen.servers import STREAM_END, STREAM_HEAD, chunk, event

ADAPTER = registry.get("openai")
TEXT = st.one_of(st.sampled_from([" time", " year", "\n", '"', "\\", "é", "", " a b"]), st.text(max_size=6))
PIECE = st.one_of(
    st.builds(lambda text: chunk(event(text)), TEXT),
    st.builds(lambda text: chunk(json_event({"reasoning_content": text})), TEXT),
    st.builds(lambda text: chunk(json_event({"role": "assistant", "content": text})), TEXT),
    st.builds(lambda text: chunk(b": ping\n\n" + event(text)), TEXT),
    st.builds(lambda text: chunk(event(text)[:20]) + chunk(event(text)[20:]), TEXT),
    st.builds(lambda text: chunk(event(text) * 2), TEXT),
    st.just(b"5;ext=1\r\n: hm\n\r\n"),
)


def json_event(delta: dict[str, str]) -> bytes:
    return b"data: " + json.dumps({"id": "r", "choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


class WithoutTemplate:
    """A decoder that never offers a template, so that everything takes the long way."""

    template = None

    def __init__(self, decoder: ReplyDecoder) -> None:
        self.decoder = decoder
        self.reply = decoder.reply
        self.feed = decoder.feed
        self.repeat = decoder.repeat
        self.take_headers = decoder.take_headers
        self.finish = decoder.finish


def read(reads: list[bytes], *, short_way: bool) -> Reply:
    decoder = ADAPTER.decoder(200, "text/event-stream", keep_text=True)
    reader = BodyReader(decoder if short_way else WithoutTemplate(decoder), b"", is_chunked=True)
    half = len(reads) // 2
    for part, base in ((reads[:half], 0), (reads[half:], half)):
        ends = [sum(map(len, part[: number + 1])) for number in range(len(part))]
        reader.feed(b"".join(part), ends, [1000 + base + number for number in range(len(part))])
    return decoder.finish(complete=True)


def facts(reply: Reply) -> tuple[object, ...]:
    return (
        list(reply.chunk_stamps),
        reply.first_output_ns,
        "".join(reply.text),
        reply.buckets,
        reply.error_type,
        reply.response_id,
    )


@given(st.lists(PIECE, max_size=30), st.lists(st.integers(0, 4000), max_size=10), st.booleans())
def test_both_ways_agree(pieces: list[bytes], cuts: list[int], whole_reads: bool) -> None:
    stream = [STREAM_HEAD, *pieces, STREAM_END]
    if not whole_reads:
        raw = b"".join(stream)
        bounds = sorted({0, len(raw), *(min(cut, len(raw)) for cut in cuts)})
        stream = [raw[start:end] for start, end in pairwise(bounds)]
    assert facts(read(stream, short_way=True)) == facts(read(stream, short_way=False))


class Spy:
    """Counts what takes the long way."""

    def __init__(self, decoder: ReplyDecoder) -> None:
        self.decoder = decoder
        self.fed: list[bytes] = []
        self.reply = decoder.reply
        self.repeat = decoder.repeat
        self.take_headers = decoder.take_headers
        self.finish = decoder.finish

    @property
    def template(self) -> tuple[bytes, bytes] | None:
        return self.decoder.template

    def feed(self, stamp_ns: int, data: bytes) -> None:
        self.fed.append(data)
        self.decoder.feed(stamp_ns, data)


def test_a_regular_stream_takes_the_short_way() -> None:
    spy = Spy(ADAPTER.decoder(200, "text/event-stream", keep_text=True))
    reads = [STREAM_HEAD, *[chunk(event(" word")) for _ in range(50)], STREAM_END]
    ends = [sum(map(len, reads[: number + 1])) for number in range(len(reads))]
    BodyReader(spy, b"", is_chunked=True).feed(b"".join(reads), ends, range(len(reads)))
    assert len(spy.fed) == 2, "the first event and [DONE]"
    assert list(spy.reply.chunk_stamps) == list(range(1, 51))


def test_reads_of_several_chunks_take_the_short_way_too() -> None:
    words = [chunk(event(word)) for word in (" a", " word", " word", " longer words")] * 20
    groups = [b"".join(words[start : start + 7]) for start in range(1, len(words), 7)]
    spy = Spy(ADAPTER.decoder(200, "text/event-stream", keep_text=True))
    reads = [STREAM_HEAD, words[0], *groups, STREAM_END]
    ends = [sum(map(len, reads[: number + 1])) for number in range(len(reads))]
    BodyReader(spy, b"", is_chunked=True).feed(b"".join(reads), ends, range(len(reads)))
    assert len(spy.fed) == 2, "the first event and [DONE]"
    assert len(spy.reply.chunk_stamps) == len(words)
    assert list(spy.reply.chunk_stamps) == sorted(spy.reply.chunk_stamps)
    assert set(spy.reply.chunk_stamps) == set(range(1, len(groups) + 2))


@given(
    st.lists(st.lists(PIECE | TEXT.map(lambda text: chunk(event(text))), min_size=1, max_size=6), max_size=10),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_both_ways_agree_on_groups_of_chunks(groups: list[list[bytes]], is_cut: list[bool]) -> None:
    stream = [STREAM_HEAD, chunk(event(" word"))]
    for group, cut in zip(groups, is_cut, strict=False):
        whole = b"".join(group)
        stream += [whole[:-3], whole[-3:]] if cut else [whole]
    stream.append(STREAM_END)
    assert facts(read(stream, short_way=True)) == facts(read(stream, short_way=False))
