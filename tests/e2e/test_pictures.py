"""Pictures for the documents that need a service with a past: only with `LTB_WRITE_SCREENSHOTS=1`."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from app.benchmarks.states import Status
from app.core.database import Database
from app.core.settings import StorageSettings
from tests.e2e.browsing import PHONE, visit
from tests.e2e.conftest import WRITES_SCREENSHOTS
from tests.e2e.processes import Service, Simulator
from tests.e2e.runs import add_provider, signed_in
from tests.factories import make_session, make_spec

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not WRITES_SCREENSHOTS, reason="writes pictures, checks nothing"),
]

ROWS = 1_200
MODELS = ("gpt-4o-mini", "llama-3.1-8b-instruct", "qwen2.5-7b", "claude-haiku")
PROVIDERS = ("vllm-a100", "openai", "cloud-eu")
NAMES = ("nightly", "saturation", "prefix cache", "regression", "canary")
LOADS = (
    *({"kind": "closed", "concurrency": users} for users in (1, 8, 32, 64)),
    *({"kind": "poisson", "rate": rate} for rate in (2.5, 10, 40)),
)


async def _stock(data: Path) -> None:
    database = Database(StorageSettings(database_url=f"sqlite+aiosqlite:///{data / 'llm-test-bench.db'}"))
    rng = random.Random(7)
    now = datetime.now(UTC)
    async with database.write() as session:
        for number in range(ROWS):
            ttft, model = 10 ** rng.uniform(1.7, 2.9), rng.choice(MODELS)
            is_failed = rng.random() < 0.05
            summary = {
                "requests": {"total": 1000, "ok": 1000, "failed": 0},
                "error_rate": rng.choice([0, 0, 0, 0, 0.003, 0.021]),
                "metrics": {
                    "ttft_ms": {"n": 990, "p50": ttft, "p95": ttft * rng.uniform(1.2, 2.4)},
                    "tpot_ms": {"n": 990, "p50": rng.uniform(8, 40)},
                },
                "rates": {"output_tokens_per_s": rng.uniform(200, 4000)},
                "cost_usd": rng.choice([None, rng.random() * 3]),
                "instrument": {"verdict": rng.choice(["trusted"] * 8 + ["suspect", "client_bound"])},
            }
            row = make_session(
                spec=make_spec(
                    name=f"{rng.choice(NAMES)} {model.split('-')[0]} {2026 - number // 365}w{52 - number % 52:02}",
                    targets=[{"provider": rng.choice(PROVIDERS), "model": model}],
                    load=rng.choice(LOADS),
                    stop={"requests": 1000},
                ),
                status=(Status.FAILED if is_failed else Status.COMPLETED).value,
                summary=None if is_failed else summary,
                tags=rng.sample(["nightly", "gpu", "eu", "release"], rng.randint(0, 2)),
                created_at=now - timedelta(minutes=11 + 97 * number),
            )
            session.add(row)
    await database.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service") / "data", has_demo=False) as program:
        with ThreadPoolExecutor(1) as pool:  # Playwright's loop runs in this thread
            pool.submit(asyncio.run, _stock(program.data)).result()
        with signed_in(program) as api:
            add_provider(api, simulator, "openai", kind="openai", default_model="gpt-4o-mini", api_key="sk-none-of-it")
            for _ in range(14):
                api.post("/providers/openai/health").raise_for_status()
            add_provider(api, simulator, "vllm-a100", kind="vllm", default_model="llama-3.1-8b-instruct")
            api.post("/providers/vllm-a100/health").raise_for_status()
        yield program


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_of_a_list_and_a_provider(browser: Browser, service: Service, pictures: Path, theme: str) -> None:
    with visit(browser, service, theme=theme) as visitor:
        page = visitor.enter("/")
        expect(page.locator(".list-row a").first).to_be_visible()
        for key in "jjxjx":
            page.keyboard.press(key)
        expect(page.locator(".bulk")).to_be_visible()
        visitor.picture(pictures, f"benchmarks-{theme}")
        visitor.open("/providers/openai?q=gpt-4o")
        expect(page.locator(".models-table tbody tr").first).to_be_visible()
        expect(page.locator(".runs-table tbody tr").first).to_be_visible()
        visitor.picture(pictures, f"provider-{theme}")


def test_of_a_list_on_a_phone(browser: Browser, service: Service, pictures: Path) -> None:
    with visit(browser, service, theme="dark", size=PHONE) as visitor:
        page = visitor.enter("/")
        expect(page.locator(".list-row a").first).to_be_visible()
        visitor.picture(pictures, "benchmarks-phone")
