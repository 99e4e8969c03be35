"""The figures of a run wherever it is told of: list, page, comparison, report; against numpy over its exported rows."""

import csv
import io
import re
import time
from html import unescape
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e import recomputed
from tests.e2e.conftest import PRICE_INPUT, PRICE_OUTPUT, PRICED
from tests.e2e.processes import Service, Simulator
from tests.e2e.runs import add_provider, exported, signed_in, submit

REQUESTS = 100
SHOWN = 0.006
"""Three significant figures are shown."""


def _run(api: httpx.Client, name: str, users: int) -> str:
    return submit(
        api,
        "counted",
        name=name,
        targets=[{"provider": "counted", "model": PRICED}],
        load={"kind": "closed", "concurrency": users},
        stop={"requests": REQUESTS},
        # The simulator's first token comes after about 200 ms: some are late.
        timeouts={"first_token_seconds": 0.24},
    )


def _by_hand(rows: recomputed.Rows) -> dict[str, float]:
    ok = [row for row in rows if row["status"] == "ok"]
    costs = [row["input_tokens"] * PRICE_INPUT / 1e6 + row["output_tokens"] * PRICE_OUTPUT / 1e6 for row in ok]
    assert [row["cost_usd"] for row in ok] == pytest.approx(costs)
    found = {f"{name}_{metric}": value for metric in ("ttft_ms", "tpot_ms", "e2e_ms") for name, value in
             recomputed.latencies(rows, metric).items() if value is not None}  # fmt: skip
    totals = recomputed.totals(rows)
    return found | {
        "requests": float(len(rows)),
        "error_share": 1 - len(ok) / len(rows),
        "requests_per_s": totals["Requests per second"],
        "output_tokens_per_s": totals["Output speed"],
        "cost": float(np.sum(costs)),
    }


def _tables(html: str) -> dict[str, list[str]]:
    """The rows of a report's tables by their first cell; of equal names the first."""
    found: dict[str, list[str]] = {}
    for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL):
        shown = re.sub(r'<span class="ci">.*?</span>', "", row, flags=re.DOTALL)
        cells = [unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<t[dh].*?</t[dh]>", shown, re.DOTALL)]
        found.setdefault(cells[0], cells[1:])
    return found


def _number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text.split(maxsplit=1)[0]))


def _close(value: float) -> Any:
    return pytest.approx(value, rel=SHOWN)


@pytest.mark.timeout(180)
def test_list_page_comparison_and_report_say_what_the_rows_say(service: Service, simulator: Simulator) -> None:
    with signed_in(service) as api:
        add_provider(api, simulator, "counted")
        runs = [_run(api, "counted four", 4), _run(api, "counted nine", 9)]
        deadline = time.monotonic() + 120
        while any(api.get(f"/benchmarks/{run}").json()["status"] != "completed" for run in runs):
            assert time.monotonic() < deadline, "the runs did not end"
            time.sleep(0.3)
        compared = api.get("/comparisons", params={"ids": ",".join(runs), "window": "whole"}).raise_for_status().json()
        listed = {one["id"]: one["headline"] for one in api.get("/benchmarks?q=counted").json()["items"]}
        for number, run in enumerate(runs):
            rows = exported(api, run)
            assert len(rows) == REQUESTS
            hand = _by_hand(rows)
            _says_the_same_as_csv(api, run, rows)
            _check_list(listed[run], hand)
            _check_page(api.get(f"/benchmarks/{run}").json()["summary"], hand)
            _check_comparison(compared, number, hand)
            _check_report(api.get(f"/benchmarks/{run}/report.html").raise_for_status().text, hand)


def _says_the_same_as_csv(api: httpx.Client, run: str, rows: recomputed.Rows) -> None:
    answer = api.get("/results/export", params={"session_id": run, "format": "csv"}).raise_for_status()
    lines = {int(line["index"]): line for line in csv.DictReader(io.StringIO(answer.text))}
    assert len(lines) == len(rows)
    for row in rows:
        for name in ("ttft_ms", "tpot_ms", "cost_usd"):
            told = lines[row["index"]][name]
            assert (told == "") if row[name] is None else (float(told) == pytest.approx(row[name]))


def _check_list(headline: dict[str, Any], hand: dict[str, float]) -> None:
    assert headline["requests"] == hand["requests"]
    assert headline["error_rate"] == pytest.approx(hand["error_share"])
    assert headline["ttft_p50_ms"] == _close(hand["p50_ttft_ms"])
    assert headline["ttft_p95_ms"] == _close(hand["p95_ttft_ms"])
    assert headline["tpot_p50_ms"] == _close(hand["p50_tpot_ms"])
    assert headline["output_tokens_per_s"] == _close(hand["output_tokens_per_s"])
    assert headline["cost_usd"] == pytest.approx(hand["cost"])


def _check_page(summary: dict[str, Any], hand: dict[str, float]) -> None:
    for metric in ("ttft_ms", "tpot_ms", "e2e_ms"):
        found = summary["metrics"][metric]
        assert found["n"] == hand[f"n_{metric}"]
        for name in ("min", "mean", "p50", "p95", "max"):
            assert found[name] == _close(hand[f"{name}_{metric}"]), (metric, name)
    assert summary["cost_usd"] == pytest.approx(hand["cost"])


def _check_comparison(compared: dict[str, Any], number: int, hand: dict[str, float]) -> None:
    figures = {row["name"]: row for row in compared["figures"]}
    for name in ("p50_ttft_ms", "p95_ttft_ms", "p50_tpot_ms", "p95_e2e_ms", "requests_per_s", "output_tokens_per_s"):
        row = figures[name]
        told = row["baseline"] if number == 0 else row["differences"][0]["estimate"]
        assert told["value"] == _close(hand[name]), name
    row = figures["error_share"]
    told = row["baseline"] if number == 0 else row["differences"][0]["estimate"]
    assert told["value"] == pytest.approx(hand["error_share"])


def _check_report(html: str, hand: dict[str, float]) -> None:
    tables = _tables(html)
    heads = tables["all in ms"]
    for label, metric in (("TTFT", "ttft_ms"), ("TPOT", "tpot_ms"), ("end to end", "e2e_ms")):
        cells = dict(zip(heads, tables[label], strict=True))
        for name in ("n", "mean", "p50", "p95", "max"):
            assert _number(cells[name]) == _close(hand[f"{name}_{metric}"]), (metric, name)
    assert _number(tables["requests/s"][0]) == _close(hand["requests_per_s"])
    assert _number(tables["output tokens/s"][0]) == _close(hand["output_tokens_per_s"])
    assert _number(tables["error share"][0]) == pytest.approx(100 * hand["error_share"], rel=0.05)
    assert _number(tables["cost"][0]) == _close(hand["cost"])
