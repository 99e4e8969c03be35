"""Benchmarks of the instrument itself: tables for people, not tests. Run them all with `make bench`."""
