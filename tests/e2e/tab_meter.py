"""What a page costs its tab, as Chromium itself counts it: CPU of the main thread and of the process, heap, frames.

Nothing of this runs in the page but one observer, which is told only of frames that took longer than 50 ms: a loop of
animation frames would itself be much of what is measured.
"""

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

_OBSERVE = """() => {
  window.longFrames = [];
  new PerformanceObserver((list) => {
    for (const frame of list.getEntries()) window.longFrames.push(frame.duration);
  }).observe({ type: "long-animation-frame" });
}"""


@dataclass(frozen=True)
class TabCost:
    """Of one stretch of time."""

    seconds: float
    main_thread_share: float
    """Of one core: what `TaskDuration` grew by."""
    process_share: float
    """Of one core, by all threads of the tab's process."""
    heap_before_bytes: float
    heap_growth_bytes: float
    """After a forced collection at both ends."""
    long_frames_ms: tuple[float, ...]
    """Frames that took longer than 50 ms, by the clock: on a busy machine that is mostly waiting for a core."""
    longest_task_ms: float | None = None
    """CPU time of the main thread's longest task, with a trace: what the page itself does to a frame."""
    busiest: tuple[tuple[str, float], ...] = ()
    """With a profile: functions, and their own share of the time."""


class TabMeter:
    """Watches one page of a browser that has no other."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self._of = browser
        self._page = page
        self._tab: CDPSession = page.context.new_cdp_session(page)
        self._browser = browser.new_browser_cdp_session()
        self._tab.send("Performance.enable")
        page.evaluate(_OBSERVE)

    def watch(self, seconds: float, *, profile: bool = False, trace: bool = False) -> TabCost:
        """Look on for so long; the page is left alone meanwhile."""
        heap = self._heap_bytes()
        self._page.evaluate("window.longFrames.length = 0")
        if trace:
            self._of.start_tracing(page=self._page, categories=["toplevel"])
        if profile:
            self._tab.send("Profiler.enable")
            self._tab.send("Profiler.start")
        before, process = self._metrics(), self._process_seconds()
        self._page.wait_for_timeout(seconds * 1_000)
        after, process_after = self._metrics(), self._process_seconds()
        longest = _longest_task_ms(self._of.stop_tracing()) if trace else None
        busiest = _busiest(self._tab.send("Profiler.stop")["profile"]) if profile else ()
        passed = after["Timestamp"] - before["Timestamp"]
        long_frames = tuple(self._page.evaluate("window.longFrames"))
        return TabCost(
            passed,
            (after["TaskDuration"] - before["TaskDuration"]) / passed,
            (process_after - process) / passed,
            heap,
            self._heap_bytes() - heap,
            long_frames,
            longest,
            busiest,
        )

    def _metrics(self) -> dict[str, float]:
        return {one["name"]: float(one["value"]) for one in self._tab.send("Performance.getMetrics")["metrics"]}

    def _heap_bytes(self) -> float:
        self._tab.send("HeapProfiler.collectGarbage")
        return self._metrics()["JSHeapUsedSize"]

    def _process_seconds(self) -> float:
        processes = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        return max((float(one["cpuTime"]) for one in processes if one["type"] == "renderer"), default=0.0)


def _longest_task_ms(trace: bytes) -> float:
    """Of the main thread with the most tasks: the watched page's; other tabs and spare ones idle."""
    events = json.loads(trace)["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[float]] = {}
    for event in events:
        thread = (event.get("pid"), event.get("tid"))
        if thread in mains and event.get("ph") == "X" and event["name"].endswith("RunTask"):
            tasks.setdefault(thread, []).append(event.get("tdur", 0) / 1_000)
    most = max(map(len, tasks.values()), default=0)
    return max((max(durations) for durations in tasks.values() if len(durations) == most), default=0.0)


def _busiest(profile: dict[str, Any], most: int = 25) -> tuple[tuple[str, float], ...]:
    nodes = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    spent: dict[str, float] = {}
    for sample, delta in zip(profile["samples"], profile["timeDeltas"], strict=True):
        frame = nodes[sample]
        where = f"{frame['functionName'] or '(anonymous)'} {frame['url'].rsplit('/', 1)[-1]}:{frame['lineNumber']}"
        spent[f"{where}:{frame['columnNumber']}"] = spent.get(f"{where}:{frame['columnNumber']}", 0.0) + delta
    total = sum(profile["timeDeltas"]) or 1
    ranked = sorted(spent.items(), key=lambda item: -item[1])
    return tuple((name, time / total) for name, time in ranked[:most])
