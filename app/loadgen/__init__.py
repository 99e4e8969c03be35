"""The instrument: sockets, clocks, schedules, and kernel receive stamps.

Does not know JSON, tokens, providers, databases or web frameworks: it is handed bytes to send and a decoder to feed.
Start reading at `session.py`, the one loop; `backlog.py` is what it does when it is not measuring, `deadlines.py` and
`further_tries.py` what becomes of requests that take too long or fail; `schedule.py` says what starts when (`users.py`
who of a closed loop is free), `conversations.py` where that depends on answers; `reader.py` reads every ready socket
with the kernel's stamps, and `native.py` does the same in C (`_reader.c`) where that was built; `wire.py` decides what
the reads mean; `exchange.py` is one request on the wire; `frames.py` is what an engine process says to its owner,
`process.py` the owner's side.
"""
