"""Streams as real engines sent them (`make test-engines` builds those): the server of llama-cpp-python 0.3.36, and
llama.cpp's own of the sources that it carries.
"""

from pathlib import Path

import pytest

from app.adapters import registry
from app.adapters.base import Buckets, Reply
from app.adapters.server_timings import from_body

RECORDED = Path(__file__).with_name("recorded")


def _decode(kind: str, raw: bytes, cut: int) -> Reply:
    decoder = registry.get(kind).decoder(200, "text/event-stream", keep_text=True)
    for stamp, piece in enumerate((raw[:cut], raw[cut:])):
        if piece:
            decoder.feed(1000 + stamp, piece)
    return decoder.finish(complete=True)


@pytest.mark.parametrize(
    ("kind", "name", "text", "finish", "prompt", "timings"),
    [
        ("llamacpp-completion", "llama_server_completion", " koto bibi ropo gepi", "limit", 8, (20.878, 6.432)),
        ("llamacpp", "llama_server_chat", " rote varukuna gule", "length", 22, (39.984, 7.523)),
        ("openai-compatible", "llama_server_chat", " rote varukuna gule", "length", 22, (39.984, 7.523)),
    ],
)
def test_llama_server(kind: str, name: str, text: str, finish: str, prompt: int, timings: tuple[float, float]) -> None:
    raw = (RECORDED / f"{name}.sse").read_bytes()
    for cut in range(0, len(raw), 7):
        reply = _decode(kind, raw, cut)
        assert reply.error_type is None
        assert "".join(reply.text) == text
        assert len(reply.chunk_stamps) == 4
        assert reply.finish_reason == finish
        assert reply.token_count_source == "usage"
        assert (reply.buckets.uncached_input, reply.buckets.cache_read, reply.buckets.visible_output) == (prompt, 0, 4)
        told = dict(from_body(reply.timings))
        assert (told["prompt_ms"], told["predicted_ms"]) == timings


def test_a_request_that_llama_cpp_python_breaks_off_is_no_answer() -> None:
    """It does so to every waiting request when a new one comes in: the role, then `[DONE]`, under status 200."""
    reply = _decode("openai-compatible", (RECORDED / "llama_cpp_python_interrupted.sse").read_bytes(), 0)
    assert (reply.error_type, reply.buckets) == ("empty", Buckets())
