"""A benchmark from its spec to its results: plan, lifecycle, execution, recording, summaries.

Knows nothing about sockets (`loadgen`), wire formats (`adapters`) or who pushes events to browsers (`realtime`).

The path of one benchmark, in the order of its files:
`schemas.py` the spec (`budget.py` and `queue_limits.py` may refuse it); `service.py` submits it; `tasks.py` claims it
(`states.py` has every transition) once the cluster could run it (`wishes.py`); `executor.py` makes a run of it
(`runs.py`), which `attending.py` looks after while `stages.py` takes it through its stages on `cluster.py` or
`remote_cluster.py`, and `exploring.py` says which level of load comes next; `token_probe.py` finds out beforehand what
a word is in tokens (`token_models.py` how that is told); `shard_tries.py` takes each shard through workers and engines
that die; `shards.py` is one shard as a cluster task (`shard_task.py` is all that travels to it, `worker_context.py`
what it finds there, `shard_preparing.py` makes its plan out of the database, with `planner.py`); `supervisor.py` owns
its engine process (`stop_signal.py`: until told to stop); `shard_reports.py` is what it reports, `shard_teller.py` what
it tells meanwhile; `measures.py` turns records into results; `recorder.py` stores them; `live.py` holds what a running
benchmark shows; `ending.py` finishes it, `closing.py` one that lost its server. `local.py` is the same path without a
server: no database, no cluster, no bus. `changing.py` is what may be done to a benchmark afterwards;
`results_removal.py` takes away what was deleted. `bundles.py` says what it takes to repeat a run, with the bytes that
`bodies.py` gets from the engine's own writer.
The answers are in `views.py`, `summary_views.py` and `result_views.py`, the routes in `endpoints.py` and
`results_endpoints.py`; `hosting.py` puts the room together inside a server.
"""
