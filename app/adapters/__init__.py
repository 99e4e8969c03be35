"""One file per wire format: chat request in, HTTP request out; response bytes in, events out.

Sans-I/O: opens no socket, reads no clock, holds no state between requests.
"""
