"""What a long live run costs in the browser's tab: CPU, heap, and frames that come late.

A real service, simulator and Chromium. Nobody waits two hours: the page is handed 7,200 points of history before the
run (the ring's whole length: every redraw is as heavy as at the end of two hours), then watches a real live run. CPU is
Chromium's own `TaskDuration` of the page's main thread, and beside it the CPU time of the tab's whole process; the heap
is measured after a forced collection at both ends; a frame is late when it took longer than 50 ms.

    python -m benches.bench_dashboard [--seconds 60] [--rate 10] [--points 7200] [--profile] [--trace]

Goals: under 15 % of one core, a flat heap (less than 2 MB more), no frame over 50 ms in a minute. On busy cores the
last one says more about the machine than about the page; the figures are told either way.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from tests.e2e.long_history import with_history
from tests.e2e.processes import Service, Simulator
from tests.e2e.tab_meter import TabCost, TabMeter

POINTS = 7_200
MAX_CPU_SHARE = 0.15
MAX_HEAP_GROWTH_BYTES = 2 * 10**6
# What a page missed while it was loading is read within five seconds; that belongs to loading.
_SETTLE_MS = 10_000


def main() -> int:
    """Measure, tell, and say by the exit status whether CPU and heap keep their goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long to look on")
    parser.add_argument("--rate", type=float, default=10, help="requests per second of the run")
    parser.add_argument("--points", type=int, default=POINTS, help="seconds of history before it")
    parser.add_argument("--profile", action="store_true", help="say which functions take the time")
    parser.add_argument("--trace", action="store_true", help="tell the main thread's longest task, in CPU time")
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
        benchmark = _start(service, simulator, options.seconds + 60, options.rate)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        with_history(page, options.points)
        page.goto(f"{service.url}/benchmarks/{benchmark}")
        page.get_by_label("Username").fill(service.username)
        page.get_by_label("Password").fill(service.password)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".run-status", has_text="running").wait_for(timeout=90_000)
        meter = TabMeter(browser, page)
        page.wait_for_timeout(_SETTLE_MS)
        found = meter.watch(options.seconds, profile=options.profile, trace=options.trace)
        browser.close()
    _tell(found, options.points)
    return int(found.main_thread_share > MAX_CPU_SHARE or found.heap_growth_bytes > MAX_HEAP_GROWTH_BYTES)


def _tell(found: TabCost, points: int) -> None:
    print(f"{points:,} points a series, {found.seconds:.0f} s of a live run:")
    print(f"  main thread {found.main_thread_share:.1%} of one core (goal: under {MAX_CPU_SHARE:.0%})")
    print(f"  process     {found.process_share:.1%} of one core, all its threads")
    heap, growth = found.heap_before_bytes / 1e6, found.heap_growth_bytes / 1e6
    print(f"  heap {heap:.1f} MB, {growth:+.2f} MB at the end (goal: under +{MAX_HEAP_GROWTH_BYTES / 1e6:.0f} MB)")
    late = found.long_frames_ms
    print(f"  {len(late)} frames over 50 ms, the longest {max(late, default=0.0):.0f} ms (goal: none)")
    if found.longest_task_ms is not None:
        print(f"  longest task {found.longest_task_ms:.0f} ms of CPU")
    for name, share in found.busiest:
        print(f"  {share:7.2%} {name}")


def _start(service: Service, simulator: Simulator, seconds: int, rate: float) -> str:
    with httpx.Client(base_url=service.url + "/api/v1", timeout=60, trust_env=False) as client:
        login = client.post("/auth/login", json={"username": service.username, "password": service.password})
        client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
        provider = {"name": "sim", "kind": "openai-compatible", "base_url": simulator.base_url}
        client.post("/providers", json=provider).raise_for_status()
        spec = {
            "name": "long",
            "targets": [{"provider": "sim", "model": "simulated"}],
            "workload": {"kind": "synthetic", "input_tokens": 64, "output_tokens": 50},
            "load": {"kind": "constant", "rate": rate},
            "stop": {"duration_seconds": seconds},
        }
        return str(client.post("/benchmarks", json=spec).raise_for_status().json()["id"])


if __name__ == "__main__":
    sys.exit(main())
