"""uvicorn's WebSocket protocol with the limits that it lacks: on pongs that nobody reads, fragments and control frames.

uvicorn answers each ping at once, however much of its answers waits, and keeps each fragment, also an empty one, which
no limit of bytes sees. Either would let one client, signed in or not, fill this server's memory.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_UNREAD_BYTES = 256 * 1024
"""Of what is written and not taken, when one more pong is wanted."""
MAX_FRAGMENTS = 1_024
"""Of one message. Browsers and libraries send a handful."""
MAX_CONTROL_FRAMES_PER_MINUTE = 1_200
POLICY_VIOLATION, TOO_BIG = 1008, 1009


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """Ends connections that go beyond what a client has reason for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._minute_ends = 0.0
        self._control_frames = 0

    def handle_ping(self) -> None:
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()  # it takes nothing, so it would not take a close frame either
        elif self._may_go_on():
            super().handle_ping()

    def handle_pong(self, event: Any) -> None:
        if self._may_go_on():
            super().handle_pong(event)

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self._end(TOO_BIG, f"a message has at most {MAX_FRAGMENTS} fragments")
            return
        super().handle_cont(event)

    def _may_go_on(self) -> bool:
        now = self.loop.time()
        if now >= self._minute_ends:
            self._minute_ends, self._control_frames = now + 60, 0
        self._control_frames += 1
        if self._control_frames <= MAX_CONTROL_FRAMES_PER_MINUTE:
            return True
        self._end(POLICY_VIOLATION, f"more than {MAX_CONTROL_FRAMES_PER_MINUTE} control frames in a minute")
        return False

    def _end(self, code: int, reason: str) -> None:
        """Close at once: whoever does this does not wait for the other half of a closing handshake."""
        if self.transport.is_closing():
            return
        self.frames = []
        if not self.close_sent:
            self.close_sent = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()
