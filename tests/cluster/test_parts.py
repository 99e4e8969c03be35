import datetime as dt
import logging
import socket
import ssl
import threading
from pathlib import Path

import pytest

from app.cluster import dask_parts, transport
from app.cluster.certificates import make_certificates
from app.cluster.clocks import Offset, measure
from app.cluster.placement import Wish, WorkerInfo, check_possible, place
from app.cluster.tags import as_resources, check_tags, of_resources
from app.core.errors import ConfigError, ConflictError, ConstraintViolationError
from app.core.settings import DistributedSettings

NOW = dt.datetime.now(dt.UTC)


def worker(name: str, slots: int = 2, *tags: str, **more: str) -> WorkerInfo:
    return WorkerInfo(name, f"tls://{name}", tags, slots, "1", **more)  # type: ignore[arg-type]


WORKERS = [worker("a", 2, "region=eu"), worker("b", 2, "region=us", "gpu"), worker("c", 4, "region=us")]


def test_shards_are_spread_over_the_emptiest_workers() -> None:
    assert place(WORKERS, {}, 3, []) == ["tls://c", "tls://c", "tls://a"]
    assert place(WORKERS, {"c": 4}, 2, []) == ["tls://a", "tls://b"]
    assert place(WORKERS, {"c": 4, "a": 1}, 4, []) is None


def test_only_workers_with_every_tag_are_used() -> None:
    assert place(WORKERS, {}, 2, ["region=us", "gpu"]) == ["tls://b", "tls://b"]
    assert place([worker("a", 2, "gpu", status="draining")], {}, 1, ["gpu"]) is None
    assert place([worker("a", 2, status="mismatch")], {}, 1, []) is None


def test_who_came_first_is_served_first_where_they_want_the_same() -> None:
    assert place(WORKERS, {"b": 1}, 1, ["gpu"], [Wish(2, ("gpu",))]) is None
    assert place(WORKERS, {"b": 1}, 1, ["region=eu"], [Wish(2, ("gpu",))]) == ["tls://a"]
    assert place(WORKERS, {}, 1, ["gpu"], [Wish(9, ("gpu",))]) == ["tls://b"]  # nobody can ever serve that one


def test_what_cannot_be_placed_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConstraintViolationError, match=r"3 worker slots tagged gpu .* has 2; tags .* region=eu"):
        check_possible(WORKERS, 3, ["gpu"])
    with pytest.raises(ConstraintViolationError, match="no worker is connected"):
        check_possible([], 1, [])
    check_possible(WORKERS, 8, [])


def test_tags_are_checked_and_travel_as_resources() -> None:
    tags = check_tags(["gpu", "region=eu", "gpu"])
    assert of_resources(as_resources(tags, 2)) == ("gpu", "region=eu")
    for wrong in ("", "a b", "=x", "region=", "A"):
        with pytest.raises(ValueError, match="is not a tag"):
            check_tags([wrong])


async def test_the_offset_is_that_of_the_shortest_round_trip() -> None:
    here, delays = 1_000_000, iter([(50, 9_000), (40, 60), (5_000, 30)])

    async def ask() -> int:
        nonlocal here
        out, back = next(delays)
        here += out
        there = here - 700  # this clock is 700 ns ahead
        here += back
        return there

    found = await measure(ask, round_trips=3, now_ns=lambda: here)
    assert found.error_ns == 51
    assert abs(found.offset_ns - 700) <= found.error_ns
    assert found.to(Offset(200, 4)) == Offset(found.offset_ns - 200, found.error_ns + 4)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    make_certificates(folder, ["10.0.0.5", "scheduler.example"], 30, now=NOW, renew=False)
    return folder


def settings(folder: Path, role: str = "server", ca: Path | None = None) -> DistributedSettings:
    return DistributedSettings(
        tls_ca=ca or folder / "ca.pem", tls_cert=folder / f"{role}.pem", tls_key=folder / f"{role}-key.pem"
    )


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    theirs.settimeout(5)

    def serve() -> None:
        with theirs:
            try:
                with server.wrap_socket(theirs, server_side=True) as channel:
                    channel.send(b"hello")
            except (ssl.SSLError, OSError):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with ours, client.wrap_socket(ours, server_hostname="scheduler.example") as channel:
            return channel.recv(5)
    finally:
        thread.join()


def context(purpose: ssl.Purpose, folder: Path, role: str) -> ssl.SSLContext:
    made = ssl.create_default_context(purpose, cafile=str(folder / "ca.pem"))
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(folder / f"{role}.pem", folder / f"{role}-key.pem")
    return made


def test_certificates_of_one_ca_trust_each_other_and_no_other(certificates: Path, tmp_path: Path) -> None:
    server = context(ssl.Purpose.CLIENT_AUTH, certificates, "scheduler")
    assert handshake(server, context(ssl.Purpose.SERVER_AUTH, certificates, "worker")) == b"hello"
    make_certificates(tmp_path, ["scheduler.example"], 30, now=NOW, renew=False)
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(server, context(ssl.Purpose.SERVER_AUTH, tmp_path, "worker"))


def test_files_are_private_and_renewed_under_the_same_ca(certificates: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in certificates.iterdir()} == {0o600}
    with pytest.raises(ConflictError, match="--renew"):
        make_certificates(certificates, [], 30, now=NOW, renew=False)
    before = {path.name: path.read_bytes() for path in certificates.iterdir()}
    written = {path.name for path in make_certificates(certificates, ["scheduler.example"], 30, now=NOW, renew=True)}
    after = {path.name: path.read_bytes() for path in certificates.iterdir()}
    assert before.keys() == after.keys()
    assert {name for name in after if after[name] != before[name]} == written == after.keys() - {"ca.pem", "ca-key.pem"}
    assert handshake(
        context(ssl.Purpose.CLIENT_AUTH, certificates, "scheduler"),
        context(ssl.Purpose.SERVER_AUTH, certificates, "server"),
    )


@pytest.mark.parametrize("url", ["tcp://10.0.0.5:8786", "tcp://scheduler:8786", "tcp://0.0.0.0:8786"])
def test_plain_tcp_beyond_loopback_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="needs mutual TLS"):
        transport.check_scheduler_url(url, DistributedSettings())


def test_plain_tcp_on_loopback_is_fine() -> None:
    transport.check_scheduler_url("tcp://127.0.0.1:8786", DistributedSettings())
    assert transport.check_listen("127.0.0.1", DistributedSettings()) == "tcp"
    with pytest.raises(ConfigError, match="needs mutual TLS"):
        transport.check_listen("0.0.0.0", DistributedSettings())


@pytest.mark.parametrize("url", ["scheduler:8786", "http://a:1", "tls://:8786", "tls://a", "tls://a:x", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="is not an address"):
        transport.check_scheduler_url(url, DistributedSettings())


def test_tls_needs_files_that_belong_together(certificates: Path, tmp_path: Path) -> None:
    url = "tls://scheduler:8786"
    transport.check_scheduler_url(url, settings(certificates))
    assert transport.check_listen("10.0.0.5", settings(certificates)) == "tls"
    with pytest.raises(ConfigError, match=r"missing: distributed.tls_ca, distributed.tls_cert, distributed.tls_key"):
        transport.check_scheduler_url(url, DistributedSettings())
    with pytest.raises(ConfigError, match="cannot read"):
        transport.check_scheduler_url(url, settings(certificates, ca=tmp_path / "none.pem"))
    mixed = DistributedSettings(
        tls_ca=certificates / "ca.pem", tls_cert=certificates / "server.pem", tls_key=certificates / "worker-key.pem"
    )
    with pytest.raises(ConfigError, match="do not belong together"):
        transport.check_scheduler_url(url, mixed)


def test_a_lost_connection_is_told_in_one_line_and_a_mistake_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    dask_parts.log_like_everyone()
    for error in (OSError("Stream is closed"), ValueError("a mistake")):
        try:
            raise error
        except (OSError, ValueError):
            logging.getLogger("distributed.worker").exception("no answer in %d%% of tries", 50)
    lost, mistaken = caplog.records[-2:]
    assert (lost.getMessage(), lost.exc_info) == ("no answer in 50% of tries (Stream is closed)", None)
    assert mistaken.getMessage() == "no answer in 50% of tries"
    assert mistaken.exc_info is not None
