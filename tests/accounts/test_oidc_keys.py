"""A provider's discovery document and keys: rotated, odd, huge, elsewhere, and asked for by many at once."""

import asyncio
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.accounts.oidc_errors import OidcUnreachableError
from app.accounts.oidc_http import ProviderHttp
from app.accounts.oidc_keys import ProviderKeys
from app.core.oidc_settings import OidcSettings
from tests.accounts.identity_provider import IdentityProvider
from tests.accounts.oidc_browser import LOGIN, _provider, idp, reason_of, service, sign_in
from tests.service import Running

__all__ = ["_provider", "idp", "service"]


def _without_id(idp: IdentityProvider) -> None:
    key = idp.new_key()
    idp.keys = [type(key).import_key({name: text for name, text in key.as_dict(private=True).items() if name != "kid"})]

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode({name: text for name, text in header.items() if name != "kid"}, claims, idp.keys[0])

    idp.faults.sign = sign


async def test_a_key_without_an_id_may_rotate_too(service: Running, idp: IdentityProvider) -> None:
    _without_id(idp)
    assert reason_of(await sign_in(service.anonymous)) == "in"
    _without_id(idp)
    assert reason_of(await sign_in(service.anonymous)) == "in"
    assert idp.faults.key_sets_asked == 2
    _without_id(idp)
    assert reason_of(await sign_in(service.anonymous)) == "answer", "one fetch more a minute, whoever asks for it"
    assert idp.faults.key_sets_asked == 2


async def test_keys_of_all_kinds_may_stand_among_the_right_ones(service: Running, idp: IdentityProvider) -> None:
    curves = [ECKey.generate_key(curve, {"use": "sig"}) for curve in ("P-384", "P-521", "P-256")]
    public = [key.as_dict(private=False) for key in curves]
    shared = OctKey.generate_key(256).as_dict(private=True)
    odd: list[Any] = [
        None,
        5,
        [],
        {},
        {"kty": ["RSA"]},
        {"kty": {}},
        {"kty": "RSA", "use": ["sig"]},
        {"kty": "EC", "crv": {}},
        shared,
    ]
    idp.faults.key_set = [*odd, *({name: key[name] for name in key if name != "kid"} for key in public)]
    assert reason_of(await sign_in(service.anonymous)) == "in"

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "ES256"}, {name: claims[name] for name in claims if name != "at_hash"}, curves[-1])

    idp.faults.sign = sign
    assert reason_of(await sign_in(service.anonymous)) == "in", "the third curve of three"


async def test_a_discovery_document_cannot_lead_elsewhere(service: Running, idp: IdentityProvider) -> None:
    keys = service.app.state.oidc._providers["corp"].keys

    async def reason() -> str:
        keys._discovery = keys._keys = None
        begun = await service.anonymous.get(LOGIN)
        return (
            reason_of(begun)
            if begun.headers["location"].startswith("/signin")
            else reason_of(await sign_in(service.anonymous))
        )

    answers: dict[str, Response] = {
        "unreachable": RedirectResponse("http://169.254.169.254/latest/meta-data", 302),
        "answer": JSONResponse({"issuer": idp.url, "x": "y" * 300_000}),
    }
    for expected, answer in answers.items():
        idp.faults.discovery_answer = lambda _, answer=answer: answer
        assert await reason() == expected
    idp.faults.discovery_answer = None
    for place in ("token_endpoint", "jwks_uri"):
        for address in (
            "http://10.1.2.3/x",
            "http://169.254.169.254/x",
            "http://[fd00::1]/x",
            "http://2130706434.example/",
        ):
            idp.faults.discovery = {place: address}
            assert await reason() == "unreachable", (place, address)
    for wrong in ("javascript:alert(1)", "http://user:pass@127.0.0.1/", "//evil.example/", ["x"], ""):
        idp.faults.discovery = {"authorization_endpoint": wrong}
        assert await reason() == "answer", wrong
    idp.faults.discovery = {}
    assert await reason() == "in"


class _Hanging(ProviderHttp):
    """A provider that does not answer until it is let go; then it is down."""

    def __init__(self, settings: OidcSettings) -> None:
        super().__init__(settings)
        self.asked = 0
        self.go = asyncio.Event()

    async def get(self, url: str, headers: object = None) -> dict[str, Any]:
        self.asked += 1
        await self.go.wait()
        raise OidcUnreachableError("it did not answer in time")


async def test_all_who_wait_for_a_silent_provider_wait_for_one_time_out() -> None:
    settings = OidcSettings(name="corp", issuer="https://idp.example", client_id="x")
    http = _Hanging(settings)
    keys = ProviderKeys(settings, http)
    waiting = [asyncio.create_task(keys.discovery()) for _ in range(5)]
    await asyncio.sleep(0)  # each gets as far as it can: one to the provider, four behind it
    http.go.set()
    for one in waiting:
        with pytest.raises(OidcUnreachableError):
            await one
    assert http.asked == 1
    with pytest.raises(OidcUnreachableError):
        await keys.discovery()
    assert http.asked == 2, "whoever comes later tries again"
