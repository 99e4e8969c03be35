"""One sign-in under way: what this server must remember until the browser comes back, sealed into its cookie.

So that any replica may finish what another began, nothing is kept on the server but the mark that a flow is spent.
Only the browser that began a flow has its cookie, so an answer that somebody else's browser earned is worth nothing
here (login CSRF, RFC 9700 section 4.7).
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson

from app.accounts.oidc_errors import OidcFlowError
from app.core.crypto import Cipher, EnvelopeError
from app.core.keyring import Keyring

FLOW_LIFE = timedelta(minutes=10)
MAX_FLOWS = 5
"""Per browser: cookies of further tabs push the oldest out, so that no page can fill the browser's Cookie header."""

_MAX_NEXT_BYTES = 1024  # a browser keeps 4096 of a cookie, and sealing makes 1.8 of one
_MAX_STATE_CHARACTERS = 128
_PURPOSE = "oidc-flow"


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in that a browser began."""

    provider: str
    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    next: str
    began_at: str

    @classmethod
    def begin(cls, provider: str, redirect_uri: str, next_path: str, now: datetime) -> "Flow":
        """A fresh flow; state and nonce carry 256 bits, the verifier (RFC 7636) 384."""
        return cls(
            provider=provider,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            next=local_path(next_path),
            began_at=now.isoformat(),
        )


class FlowSeals:
    """Seals flows for the browser to keep, and opens them."""

    def __init__(self, keyring: Keyring) -> None:
        self._cipher = Cipher(keyring, _PURPOSE)

    def seal(self, flow: Flow) -> str:
        """The value of the flow's cookie."""
        return self._cipher.seal(orjson.dumps(asdict(flow)).decode(), flow.provider)

    def open(self, sealed: str | None, provider: str, state: str | None, now: datetime) -> Flow:
        """The flow that this browser began at `provider` and that the answer's `state` belongs to.

        Raises:
            OidcFlowError: there is none, or it began too long ago.
        """
        if not sealed or not state or len(state) > _MAX_STATE_CHARACTERS:
            raise OidcFlowError("the answer belongs to no sign-in that this browser began")
        try:
            flow = Flow(**orjson.loads(self._cipher.open(sealed, provider)))
        except (EnvelopeError, ValueError, TypeError):
            raise OidcFlowError("the sign-in's cookie is not ours, or of another provider") from None
        if not secrets.compare_digest(flow.state.encode(), state.encode()) or flow.provider != provider:
            raise OidcFlowError("the answer's state is not that of the sign-in which this browser began")
        if not timedelta(0) <= now - datetime.fromisoformat(flow.began_at) + timedelta(minutes=1) <= FLOW_LIFE:
            raise OidcFlowError("the sign-in began too long ago")
        return flow


def local_path(text: str) -> str:
    """`text` when it is a path of this site, else `/`: nobody is sent away by a link to the sign-in."""
    if (
        len(text.encode("utf-8", "replace")) > _MAX_NEXT_BYTES
        or not text.startswith("/")
        or text.startswith(("//", "/\\"))
        or "\\" in text
        or any(ord(character) <= 0x20 or ord(character) == 0x7F for character in text)
    ):
        return "/"
    parsed = urlsplit(text)
    return "/" if parsed.scheme or parsed.netloc else text
