"""Which test process runs what, for `--dist loadfile`: the long things first, and rooms with one costly fixture whole.

Left to itself, xdist gives out the files with the most tests first, so that those which start a cluster or a browser,
with few and long tests, come last: one core idles at the end, and what a whole room shares is started for every file.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# Rooms that share a package fixture (a cluster; a service, a simulator and a browser) are given out as one.
WHOLE_ROOMS = ("tests/cluster/", "tests/e2e/")

# Rough seconds, for the order only; what is not named takes less than ten and keeps its place behind these.
SECONDS = {
    "tests/e2e/": 400,
    "tests/cluster/": 250,
    "tests/cli/test_bench_remote.py": 70,
    "tests/benchmarks/test_explored_runs.py": 43,
    "tests/api/test_schemathesis.py": 40,
    "tests/cli/test_explored_bench.py": 36,
    "tests/benchmarks/test_many_at_once.py": 25,
    "tests/cli/test_bench_loads.py": 24,
    "tests/api/test_secret_search.py": 23,
    "tests/cli/test_serve.py": 20,
    "tests/packaging/test_wheel.py": 20,
    "tests/ops/test_dashboards.py": 18,
    "tests/graphql/test_schemathesis.py": 16,
    "tests/stats/test_slices.py": 17,
    "tests/loadgen/test_machine.py": 14,
    "tests/cli/test_bench.py": 14,
    "tests/cli/test_disk_full.py": 12,
    "tests/core/test_database_outage.py": 11,
    "tests/benchmarks/test_presets.py": 11,
}


def unit_of(nodeid: str) -> str:
    """What a test is given out with: its room if that is whole, else its file."""
    return next((room for room in WHOLE_ROOMS if nodeid.startswith(room)), nodeid.split("::", 1)[0])


def longest_first(items: list[pytest.Item]) -> None:
    """Order tests by how long their unit takes; the order within a unit stays."""
    items.sort(key=lambda item: -SECONDS.get(unit_of(item.nodeid), 0))


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """xdist's own, by unit and in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
