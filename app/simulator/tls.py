"""TLS for the simulator, between two memory buffers, as the instrument does it on its side."""

import ssl

_RECORD_BYTES = 16384  # the most plaintext of one record, RFC 8446, section 5.1


def server_context(certificate: str) -> ssl.SSLContext:
    """A context that serves this PEM file: certificate chain and private key.

    Raises:
        OSError: it cannot be read or is not such a file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class ServerTls:
    """The server's side of one connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False

    def open(self, ciphertext: bytes) -> tuple[bytes, bytes, bool]:
        """`(plaintext, what must be sent back, whether the connection is over)`."""
        self._incoming.write(ciphertext)
        pieces = []
        is_over = False
        try:
            if not self._is_open:
                self._object.do_handshake()
                self._is_open = True
            while piece := self._object.read(_RECORD_BYTES):
                pieces.append(piece)
            is_over = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:  # a client that does not trust us, or says good-bye
            is_over = True
        return b"".join(pieces), self._outgoing.read(), is_over

    def seal(self, plaintext: bytes) -> bytes:
        """The plaintext as records."""
        self._object.write(plaintext)
        return self._outgoing.read()
