"""Which addresses may be bound, and which Host and Origin headers are believed."""

import pytest
from starlette.types import Scope

from app.core.bind import check_bind, is_loopback
from app.core.errors import ConfigError
from app.core.origins import HostPolicy, OriginPolicy
from app.core.settings import ServerSettings, load_settings

SECRET = "a configured secret of enough characters"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST.", "::1", "[::1]"])
def test_loopback_needs_no_secret(host: str) -> None:
    assert is_loopback(host)
    check_bind(load_settings(server={"host": host}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org"])
def test_other_addresses_need_a_configured_secret(host: str) -> None:
    with pytest.raises(ConfigError, match="LTB_SECURITY__SECRET_KEY"):
        check_bind(load_settings(server={"host": host}))
    check_bind(load_settings(server={"host": host}, security={"secret_key": SECRET}))


def _scope(server: str = "127.0.0.1", scheme: str = "http", **headers: str) -> Scope:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": scheme, "server": (server, 8080), "headers": raw}


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8080", True),
        ("localhost", True),
        ("[::1]:8080", True),
        ("bench.example.org", True),
        ("BENCH.example.org:443", True),
        ("other.example.org", True),
        ("10.1.2.3:8080", True),  # the address that the client is connected to
        ("10.1.2.4:8080", False),
        ("evil.example.org", False),
        ("localhost.evil.org", False),
        ("127.0.0.1.evil.org", False),
        ("127.0.0.1@evil.org", False),
        ("evil.org/127.0.0.1", False),
        ("127.0.0.1:bad", False),
        ("", False),
    ],
)
def test_host_names(host: str, allowed: bool) -> None:
    policy = HostPolicy(ServerSettings(host="bench.example.org", allowed_hosts=("other.example.org",)))
    assert policy.allows(_scope(server="10.1.2.3", host=host)) is allowed


def test_a_missing_host_is_refused() -> None:
    assert not HostPolicy(ServerSettings()).allows(_scope())


@pytest.mark.parametrize(
    ("scheme", "headers", "allowed"),
    [
        ("http", {"host": "localhost:8080", "origin": "http://localhost:8080"}, True),
        ("http", {"host": "localhost:8080", "origin": "http://localhost:9090"}, False),
        ("http", {"host": "localhost:8080", "origin": "http://127.0.0.1:8080"}, False),
        ("http", {"host": "localhost:8080", "origin": "null"}, False),
        ("http", {"host": "localhost:8080", "origin": "http://localhost:bad"}, False),
        ("http", {"host": "bench.example.org", "origin": "https://bench.example.org"}, True),  # behind a TLS proxy
        ("https", {"host": "bench.example.org", "origin": "http://bench.example.org"}, False),
        ("https", {"host": "bench.example.org", "origin": "https://bench.example.org"}, True),
        ("http", {"host": "localhost:8080", "origin": "https://Dashboards.example.org"}, True),  # allowed by CORS
        ("http", {"host": "localhost:8080", "origin": "https://dashboards.example.org.evil.org"}, False),
        ("http", {"host": "localhost:8080", "sec_fetch_site": "same-origin"}, True),
        ("http", {"host": "localhost:8080", "sec_fetch_site": "same-site"}, False),
        ("http", {"host": "localhost:8080", "sec_fetch_site": "cross-site"}, False),
        ("http", {"host": "localhost:8080"}, None),
    ],
)
def test_origins(scheme: str, headers: dict[str, str], allowed: bool | None) -> None:
    policy = OriginPolicy(("https://dashboards.example.org",))
    assert policy.allows(_scope(scheme=scheme, **headers)) is allowed


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("trusted_proxies", "*", "is not an address or a network"),
        ("trusted_proxies", "proxy.example", "is not an address or a network"),
        ("trusted_proxies", "10.0.0.1/8", "has host bits set"),
        ("allowed_hosts", "*", "is not a host name"),
        ("allowed_hosts", "https://bench.example", "is not a host name"),
        ("allowed_hosts", "bench.example:8080", "is not a host name"),
        ("cors_allowed_origins", "*", "is not an origin"),
        ("cors_allowed_origins", "bench.example", "is not an origin"),
        ("cors_allowed_origins", "https://*.example", "is not an origin"),
        ("cors_allowed_origins", "https://bench.example/path", "is not an origin"),
    ],
)
def test_whom_nobody_should_believe_is_refused_at_the_start(key: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        load_settings(server={key: [value]})
    assert f"server.{key}" in refused.value.message


def test_names_and_origins_are_taken_as_browsers_write_them() -> None:
    server = load_settings(
        server={
            "trusted_proxies": ["10.0.0.0/8", "::1", "192.0.2.7"],
            "allowed_hosts": ["bench.example", "192.0.2.7", "[2001:db8::1]", "bench_1.internal"],
            "cors_allowed_origins": ["https://Bench.example/", "http://127.0.0.1:5173"],
        }
    ).server
    assert server.cors_allowed_origins == ("https://bench.example", "http://127.0.0.1:5173")
    assert HostPolicy(server).allows(_scope(host="[2001:db8::1]:8080"))
