"""GET /comparisons and the reports: numbers, warnings, who may see them, and texts that try to run."""

from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import delete

from app.accounts.permissions import Role
from app.benchmarks.models import Result
from app.core.ids import new_id
from tests.evaluation.stored import LIST, finished
from tests.factories import make_spec
from tests.service import Running

API = "/api/v1"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


async def asked(running: Running, *ids: Any, **query: Any) -> dict[str, Any]:
    client = await running.admin()
    answer = await client.get(f"{API}/comparisons", params={"ids": ",".join(map(str, ids)), **query})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def figure(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in document["figures"] if each["name"] == name)


async def test_a_faster_run_is_said_to_be_faster_by_about_that_much(running: Running) -> None:
    database = running.app.state.database
    slow, fast = await finished(database), await finished(database, factor=0.8, seed=2)
    document = await asked(running, slow.id, fast.id)
    found = figure(document, "p50_ttft_ms")["differences"][0]
    low, high = found["ratio_interval"]
    assert low < 0.8 < high
    assert (found["verdict"], found["is_better"]) == ("lower", True)
    assert "B's p50 TTFT is" in found["sentence"]
    assert "95 % CI" in found["sentence"]
    assert [run["source"] for run in document["runs"]] == ["rows", "rows"]
    pair = document["pairings"][0]["metrics"][0]
    assert (pair["metric"], pair["n"]) == ("ttft_ms", len(LIST["prompts"]))
    assert pair["median_ratio"] == pytest.approx(0.8, abs=0.08)

    mirrored = figure(await asked(running, slow.id, fast.id, baseline=fast.id), "p50_ttft_ms")["differences"][0]
    assert mirrored["difference"] == pytest.approx(-found["difference"])
    assert mirrored["p"] == found["p"]
    assert mirrored["is_better"] is False


async def test_the_same_requests_never_differ_and_slices_say_what_rows_say(running: Running) -> None:
    database = running.app.state.database
    one, other = await finished(database), await finished(database)
    document = await asked(running, one.id, other.id, window="whole")
    assert {each["verdict"] for row in document["figures"] for each in row["differences"]} <= {
        *("same", "undecided", "too_few", "not_measured")
    }
    async with database.write() as session:
        await session.execute(delete(Result).where(Result.session_id == other.id))
    later = await asked(running, one.id, other.id, window="whole", margin_percent=4)
    assert [run["source"] for run in later["runs"]] == ["rows", "slices"]
    for name in ("p50_ttft_ms", "p95_e2e_ms", "requests_per_s"):
        row = figure(later, name)
        values = row["baseline"]["value"], row["differences"][0]["estimate"]["value"]
        assert values[1] == pytest.approx(values[0], rel=0.05), name
    assert "stored" in later["pairings"][0]["reason"]


async def test_what_makes_runs_unlike_is_told(running: Running) -> None:
    database = running.app.state.database
    spec = make_spec(load={"kind": "closed", "concurrency": 9}, workload={"kind": "prompt", "prompt": "Another."})
    one, other = await finished(database), await finished(database, failed=80, spec=spec)
    document = await asked(running, one.id, other.id)
    kinds = {warning["kind"] for warning in document["warnings"]}
    assert {"workload", "load", "errors"} <= kinds
    assert "spec.load.concurrency" in {each["path"] for each in document["setup"]}
    share = figure(document, "error_share")["differences"][0]
    assert (share["verdict"], share["is_better"]) == ("higher", False)
    assert share["difference"] == pytest.approx(0.2, abs=0.05)


async def test_wrong_questions_are_answered_with_what_is_allowed(running: Running) -> None:
    client = await running.admin()
    database = running.app.state.database
    done = await finished(database, n=30)
    for ids, status, said in (
        (str(done.id), 422, "2 to 8"),
        (f"{done.id},{done.id}", 422, "once"),
        (f"{done.id},nonsense", 422, "nonsense"),
        (f"{done.id},{new_id()}", 404, "there is no benchmark"),
    ):
        for path in ("comparisons", "comparisons/report.html"):
            answer = await client.get(f"{API}/{path}", params={"ids": ids})
            assert answer.status_code == status, answer.text
            assert said in answer.json()["error"]["message"]
    answer = await client.get(f"{API}/comparisons", params={"ids": f"{done.id},{new_id()}", "baseline": str(new_id())})
    assert answer.json()["error"]["details"]["errors"][0]["path"] == "baseline"


async def test_nobody_compares_or_reports_what_they_do_not_see(running: Running) -> None:
    database = running.app.state.database
    mine, shared = await finished(database, n=30), await finished(database, n=30, visibility="all")
    client = await running.user("stranger", Role.USER)
    for path in (f"comparisons?ids={shared.id},{mine.id}", f"benchmarks/{mine.id}/report.html"):
        assert (await client.get(f"{API}/{path}")).status_code == 404
    assert (await client.get(f"{API}/benchmarks/{shared.id}/report.html")).status_code == 200
    assert (await running.anonymous.get(f"{API}/comparisons?ids={shared.id},{mine.id}")).status_code == 401


class Tags(HTMLParser):
    """What a page is made of: its tags, and addresses in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


async def test_reports_show_hostile_texts_and_run_none(running: Running) -> None:
    database = running.app.state.database
    spec = make_spec(name=HOSTILE, workload={"kind": "prompt", "prompt": HOSTILE})
    spec["targets"] = [{"provider": "local", "model": HOSTILE}]
    one, other = await finished(database, name=HOSTILE, spec=spec, failed=3), await finished(database)
    client = await running.admin()
    for path in (f"benchmarks/{one.id}/report.html", f"comparisons/report.html?ids={one.id},{other.id}"):
        answer = await client.get(f"{API}/{path}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        page = Tags()
        page.feed(answer.text)
        assert page.tags.isdisjoint({"script", "img", "link", "iframe", "object", "form", "a", "base"})
        assert not {name for name in page.attributes if name.startswith("on")} | page.attributes & {"src", "href"}
        assert "&lt;script&gt;alert(1)" in answer.text
        assert "http-equiv" in page.attributes
