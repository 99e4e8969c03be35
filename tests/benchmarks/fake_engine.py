"""A program that speaks the engine's frames without measuring anything, and misbehaves on request.

The first prompt of the plan is a JSON object: {"mode": …, "pause_s": seconds between records}. Modes: `good`;
`hold` (one record, then ticks until stopped); `stubborn` (as `hold`, but ignores Stop); `die` (kills itself after half
of its records); `garbage` (a frame that cannot be read); `refuse` (`Failed`); `errors` (every other request failed).
With "at", only the shard of this concurrency misbehaves.
"""

import json
import os
import select
import signal
import sys
import time
from typing import NoReturn

from app.loadgen.frames import Done, Failed, Outgoing, Ready, Record, Records, Stop, Tick, decode_incoming, encode_frame
from app.loadgen.plan import Plan, Prompts

TICK_S = 0.05
MS = 10**6


def send(frame: Outgoing) -> None:
    sys.stdout.buffer.write(encode_frame(frame))
    sys.stdout.buffer.flush()


def read_exactly(number: int) -> bytes:
    data = b""
    while len(data) < number:
        if not (more := os.read(0, number - len(data))):
            sys.exit(3)
        data += more
    return data


def read_frame() -> Plan | Stop:
    return decode_incoming(read_exactly(int.from_bytes(read_exactly(4), "big")))


def stop_asked(seconds: float) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable) and isinstance(read_frame(), Stop)


def record(index: int, *, ok: bool) -> Record:
    now = time.time_ns()
    if not ok:
        return Record(index, "error", now, now, end_ns=now + MS, error_type="http_5xx", error="no", http_status=500)
    return Record(
        index,
        "ok",
        now - 50 * MS,
        now - 50 * MS,
        first_byte_ns=now - 40 * MS,
        first_token_ns=now - 40 * MS,
        first_output_ns=now - 40 * MS,
        last_token_ns=now,
        end_ns=now,
        reused=True,
        chunks=3,
        gaps=(20 * MS).to_bytes(8, "little") * 2,
        uncached_input_tokens=4,
        visible_output_tokens=3,
        token_count_source="usage",
        response_id=f"fake-{index}",
        http_status=200,
    )


def tick(number: int, in_flight: int) -> Tick:
    return Tick(time.time_ns(), number, number, in_flight, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def done(reason: str, began: int, number: int) -> Done:
    lag = {"p50": 1000, "p99": 2000, "max": 3000}
    return Done(
        "cancelled" if reason == "cancelled" else "completed",
        began,
        time.time_ns(),
        number,
        number,
        100 * number,
        number,
        0,
        2**20,
        lag,
        lag,
        "kernel",
        0,
    )


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def main() -> None:
    plan = read_frame()
    assert isinstance(plan, Plan)
    assert isinstance(plan.workload, Prompts)
    how = json.loads(plan.workload.prompts[0])
    mode, pause_s = how["mode"], how.get("pause_s", 0.0)
    if how.get("at") not in {None, plan.arrivals.concurrency}:
        mode, pause_s = "good", 0.0
    if mode == "refuse":
        send(Failed("the plan is bad"))
        return
    send(Ready(os.getpid(), 1, "kernel"))
    began = time.time_ns()
    arrivals = range(plan.shard, plan.requests or 1, plan.shards)
    indices = [plan.index_base + arrival * plan.index_stride for arrival in arrivals]
    indices = [index for index in indices if index not in set(plan.skip)]
    reason = "completed"
    for number, index in enumerate(indices):
        if mode == "die" and number >= len(indices) // 2:
            time.sleep(2 * TICK_S)
            die()
        if mode in {"hold", "stubborn"} and number:
            break
        send(Records([record(index, ok=mode != "errors" or index % 2 == 0)]))
        send(tick(number + 1, 1))
        if stop_asked(pause_s) and mode != "stubborn":
            reason = "cancelled"
            break
    if mode == "garbage":
        sys.stdout.buffer.write(b"\x00\x00\x00\x02hi")
        sys.stdout.buffer.flush()
        time.sleep(10)
    while mode in {"hold", "stubborn"} and reason == "completed":
        send(tick(1, 2))
        if stop_asked(TICK_S) and mode == "hold":
            reason = "cancelled"
            break
    send(done(reason, began, len(indices)))


if __name__ == "__main__":
    main()
