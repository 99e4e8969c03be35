"""The instrument: sockets, clocks, schedules, and kernel receive stamps.

Does not know JSON, tokens, providers, databases or web frameworks: it is handed bytes to send and a `decode` callable.
"""
