"""Compressed answers: zstd, brotli or gzip, as the client prefers; streams and server-sent events are flushed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware

from app.core.origins import header

MINIMUM_BYTES = 1024  # below this the answer fits one packet anyway


class Compression:
    """Compresses what the app answers, except below the `never` prefixes.

    Those are where an answer shows a secret beside what the request said: there, how well an answer compresses tells
    about the secret (BREACH). An entity tag gets the coding's name, because other bytes are another representation;
    `conditional` takes it off again.
    """

    def __init__(self, app: ASGIApp, never: tuple[str, ...]) -> None:
        self.app = app
        self._never = never
        self._compressing = CompressMiddleware(app, minimum_size=MINIMUM_BYTES, gzip_level=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["path"].startswith(self._never)
            or header(scope, b"accept-encoding") is None
        ):
            await self.app(scope, receive, send)
            return

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                coding = next((value for name, value in headers if name.lower() == b"content-encoding"), None)
                if coding is not None:
                    message = {**message, "headers": [_with_coding(item, coding) for item in headers]}
            await send(message)

        await self._compressing(scope, receive, tagged)


def _with_coding(item: tuple[bytes, bytes], coding: bytes) -> tuple[bytes, bytes]:
    name, value = item
    if name.lower() == b"etag" and value.endswith(b'"'):
        return name, value[:-1] + b"-" + coding + b'"'
    return item
