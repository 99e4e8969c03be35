"""A benchmark from its spec to its results: plan, lifecycle, execution, recording, summaries.

Knows nothing about sockets (`loadgen`), wire formats (`adapters`) or who pushes events to browsers (`realtime`).
Start reading at `schemas.py` (the spec), then `states.py`, `planner.py`, `executor.py`, `recorder.py`.
"""
