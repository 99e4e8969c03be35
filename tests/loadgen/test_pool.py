"""Idle connections: last used first, and none that the server is about to close."""

import socket
from collections.abc import Iterator

import pytest

from app.loadgen.connection import Address, Connection
from app.loadgen.poller import new_poller
from app.loadgen.pool import Pool

SECOND = 1_000_000_000


@pytest.fixture
def pool() -> Iterator[Pool]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Pool(new_poller(), [Address(socket.AF_INET, listener.getsockname())], None, "localhost")
        yield made
        made.close_all()


def _idle(pool: Pool, *ages_s: float) -> list[Connection]:
    found = []
    for age in ages_s:
        connection = pool.open()
        pool.release(connection)
        connection.idle_since_ns -= int(age * SECOND)
        found.append(connection)
    return found


def test_without_a_word_of_the_server_every_idle_connection_is_used(pool: Pool) -> None:
    old, new = _idle(pool, 3600, 0)
    assert (pool.take(), pool.take(), pool.take()) == (new, old, None)


@pytest.mark.parametrize(
    ("header", "kept_s"),
    [(b"timeout=5, max=100", 4), (b"max=100, Timeout = 60", 59), (b'timeout="2"', 1), (b"timeout=1", 0.5)],
)
def test_connections_are_given_up_before_the_server_does(pool: Pool, header: bytes, kept_s: float) -> None:
    pool.heed(header)
    too_old, old, new = _idle(pool, kept_s + 0.2, kept_s - 0.2, 0)
    assert (pool.take(), pool.take()) == (new, old)
    assert pool.take() is None
    assert too_old.fd not in pool.by_fd
    assert pool.take() is None


@pytest.mark.parametrize("header", [b"", b"max=100", b"timeout=", b"timeout=soon", b"mytimeout=1", b"timeout=-1"])
def test_other_words_change_nothing(pool: Pool, header: bytes) -> None:
    pool.heed(header)
    (old,) = _idle(pool, 3600)
    assert pool.take() is old
