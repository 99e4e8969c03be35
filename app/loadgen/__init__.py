"""The instrument: sockets, clocks, schedules, and kernel receive stamps.

Does not know JSON, tokens, providers, databases or web frameworks: it is handed bytes to send and a decoder to feed.
Start reading at `session.py`, the one loop; `connection.py` takes the kernel's stamps; `exchange.py` is one request on
the wire; `schedule.py` says what starts when, `conversations.py` where that depends on answers; `frames.py` is what an
engine process says to its owner, `process.py` the owner's side.
"""
