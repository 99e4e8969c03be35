"""Statistics that an older program has stored: their targets have no point."""

import msgspec

from app.stats.run_statistics import RunStatistics, TargetKey
from tests.stats.batches import ORIGIN, batch


def test_statistics_without_points_are_read() -> None:
    run = RunStatistics(ORIGIN)
    run.add(TargetKey("local", "m"), batch([1.0, 2.0], ttft_ms=[5.0, 6.0]))
    packed = msgspec.msgpack.decode(run.encode())
    packed["targets"] = [target[:4] for target in packed["targets"]]
    older = RunStatistics.decode(msgspec.msgpack.encode(packed))
    assert list(older.targets) == [TargetKey("local", "m", 0, None)]
    assert older.overall().metrics["ttft_ms"].n == 2
