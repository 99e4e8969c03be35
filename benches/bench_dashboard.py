"""What a long live run costs in the browser's tab: CPU, heap, and frames that come late.

A real service, simulator and Chromium. Nobody waits two hours: the page is handed 7,200 points of history before the
run (the ring's whole length: every redraw is as heavy as at the end of two hours), then watches a real live run. CPU is
Chromium's own `TaskDuration` of the page's main thread, the heap is measured after a forced collection at both ends,
and a frame is late when more than 50 ms lie between two.

    python -m benches.bench_dashboard [--seconds 60]

Goals: under 15 % of one core, a flat heap (less than 2 MB more), no frame over 50 ms in a minute. On busy cores the
last one says more about the machine than about the page; the figures are told either way.
"""

import argparse
import math
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import CDPSession, Page, Route, sync_playwright

from tests.e2e.processes import Service, Simulator

POINTS = 7_200
MAX_CPU_SHARE = 0.15
MAX_HEAP_GROWTH_BYTES = 2 * 10**6
_LATE_FRAMES = """() => {
  window.lateFrames = []; let before = performance.now();
  const frame = (now) => { if (now - before > 50) window.lateFrames.push(now - before); before = now;
    requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""


def history(real: dict[str, Any]) -> dict[str, Any]:
    """Two hours of made-up seconds before the run's first."""
    before = range(-POINTS, 0)
    wave = {"ttft": 200.0, "gap": 20.0}
    columns: dict[str, Any] = {"t_s": [float(at) for at in before]}
    for name, height in wave.items():
        for factor, percentile in ((1.0, 50), (1.2, 95), (1.5, 99)):
            values = [height * factor * (1 + 0.2 * math.sin(at / 40 + factor)) for at in before]
            columns[f"{name}_p{percentile}_ms"] = values
    for name in set(real) - set(columns):
        columns[name] = [15 + 5 * math.sin(at / 30) for at in before]
    return columns


def watch(page: Page, session: CDPSession, seconds: int) -> dict[str, float]:
    """Look at the page for so long."""
    session.send("Performance.enable")

    def heap() -> float:
        session.send("HeapProfiler.collectGarbage")
        return metric("JSHeapUsedSize")

    def metric(name: str) -> float:
        return float(
            next(one["value"] for one in session.send("Performance.getMetrics")["metrics"] if one["name"] == name)
        )

    page.evaluate(_LATE_FRAMES)
    page.wait_for_timeout(5_000)
    heap_before, busy, at = heap(), metric("TaskDuration"), metric("Timestamp")
    page.evaluate("window.lateFrames.length = 0")
    page.wait_for_timeout(seconds * 1_000)
    late = page.evaluate("window.lateFrames")
    busy, at = metric("TaskDuration") - busy, metric("Timestamp") - at
    return {
        "cpu_share": busy / at,
        "heap_before_bytes": heap_before,
        "heap_growth_bytes": heap() - heap_before,
        "late_frames": len(late),
        "longest_frame_ms": max(late, default=0.0),
    }


def main() -> int:
    """Measure, tell, and say by the exit status whether CPU and heap keep their goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    options, _ = parser.parse_known_args()
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        print("no Chromium found")
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="ltb-dashboard-") as folder,
        Simulator() as simulator,
        Service(Path(folder) / "data") as service,
        sync_playwright() as playwright,
    ):
        benchmark = _start(service, simulator, options.seconds + 60)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1600})

        def with_history(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, json=history(answer.json()))

        page.route("**/timeline", with_history)
        page.goto(f"{service.url}/benchmarks/{benchmark}")
        page.get_by_label("Username").fill(service.username)
        page.get_by_label("Password").fill(service.password)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".run-status", has_text="running").wait_for(timeout=90_000)
        found = watch(page, page.context.new_cdp_session(page), options.seconds)
        browser.close()
    print(f"{POINTS:,} points a series, {options.seconds} s of a live run:")
    print(f"  main thread {found['cpu_share']:.1%} of one core (goal: under {MAX_CPU_SHARE:.0%})")
    heap, growth = found["heap_before_bytes"] / 1e6, found["heap_growth_bytes"] / 1e6
    print(f"  heap {heap:.1f} MB, {growth:+.2f} MB at the end (goal: under +{MAX_HEAP_GROWTH_BYTES / 1e6:.0f} MB)")
    print(f"  {found['late_frames']} frames over 50 ms, the longest {found['longest_frame_ms']:.0f} ms (goal: none)")
    return int(found["cpu_share"] > MAX_CPU_SHARE or found["heap_growth_bytes"] > MAX_HEAP_GROWTH_BYTES)


def _start(service: Service, simulator: Simulator, seconds: int) -> str:
    with httpx.Client(base_url=service.url + "/api/v1", timeout=60, trust_env=False) as client:
        login = client.post("/auth/login", json={"username": service.username, "password": service.password})
        client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
        provider = {"name": "sim", "kind": "openai-compatible", "base_url": simulator.base_url}
        client.post("/providers", json=provider).raise_for_status()
        spec = {
            "name": "long",
            "targets": [{"provider": "sim", "model": "simulated"}],
            "workload": {"kind": "synthetic", "input_tokens": 64, "output_tokens": 50},
            "load": {"kind": "constant", "rate": 10},
            "stop": {"duration_seconds": seconds},
        }
        return str(client.post("/benchmarks", json=spec).raise_for_status().json()["id"])


if __name__ == "__main__":
    sys.exit(main())
