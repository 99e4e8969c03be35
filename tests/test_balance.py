"""The order in which a suite on several processes is given out."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.balance import SECONDS, Scheduling, longest_first, unit_of

ROOT = Path(__file__).parents[1]


def test_what_is_weighed_is_there() -> None:
    assert not [name for name in SECONDS if not (ROOT / name).exists()]


def test_long_files_come_first_and_keep_their_order() -> None:
    names = ["tests/stats/test_a.py::one", "tests/cluster/test_b.py::one", "tests/e2e/test_c.py::one"]
    items: Any = [SimpleNamespace(nodeid=name) for name in (*names, *(f"{name}[2]" for name in names))]
    longest_first(items)
    assert [item.nodeid for item in items] == [
        *("tests/e2e/test_c.py::one", "tests/e2e/test_c.py::one[2]"),
        *("tests/cluster/test_b.py::one", "tests/cluster/test_b.py::one[2]"),
        *("tests/stats/test_a.py::one", "tests/stats/test_a.py::one[2]"),
    ]


def test_a_room_with_one_costly_fixture_stays_whole() -> None:
    assert unit_of("tests/e2e/test_charts.py::test_it") == unit_of("tests/e2e/test_compare.py::test_it[a::b]")
    assert unit_of("tests/cli/test_bench.py::Class::test_it") == "tests/cli/test_bench.py"


def test_xdist_takes_the_order_as_it_is(request: Any) -> None:
    if not request.config.pluginmanager.hasplugin("xdist"):
        return
    option = SimpleNamespace(loadscopereorder=True, maxprocesses=None, tx=["2*popen"], px=[], numprocesses=2)
    config: Any = SimpleNamespace(
        option=option, getvalue=lambda name: getattr(option, name), getoption=lambda name: getattr(option, name)
    )
    scheduling: Any = cast("Any", Scheduling)(config)
    assert not option.loadscopereorder
    assert scheduling._split_scope("tests/e2e/test_charts.py::test_it") == "tests/e2e/"
