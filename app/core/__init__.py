"""What every room stands on: settings, errors, logging, clock, database sessions, crypto, outbound guard, paging.

Knows nothing about benchmarks, users or providers, and imports no other room.
"""
