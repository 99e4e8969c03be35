"""Runs that the browser tests look at, made and read over REST."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from tests.e2e.browsing import Visitor
from tests.e2e.processes import Service, Simulator

RUN_TIMEOUT_MS = 90_000
SHOWN_TIMEOUT_MS = 20_000


@contextmanager
def signed_in(service: Service) -> Iterator[httpx.Client]:
    """The service's API as its administrator."""
    with httpx.Client(base_url=service.url + "/api/v1", timeout=60, trust_env=False) as client:
        login = client.post("/auth/login", json={"username": service.username, "password": service.password})
        client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
        yield client


def add_provider(api: httpx.Client, simulator: Simulator, name: str = "sim", **fields: Any) -> None:
    """Make the simulator a provider."""
    provider = {"name": name, "kind": "openai-compatible", "base_url": simulator.base_url} | fields
    api.post("/providers", json=provider).raise_for_status()


def submit(api: httpx.Client, **fields: Any) -> str:
    """Start a benchmark of the simulator; gives its id."""
    spec = {
        "name": "watched",
        "targets": [{"provider": "sim", "model": "simulated"}],
        "workload": {"kind": "synthetic", "input_tokens": 64, "output_tokens": 20},
    }
    return str(api.post("/benchmarks", json=spec | fields).raise_for_status().json()["id"])


def exported(api: httpx.Client, benchmark: str) -> list[dict[str, Any]]:
    """Every request of a benchmark, as its export has it."""
    answer = api.get("/results/export", params={"session_id": benchmark, "format": "json"})
    return list(answer.raise_for_status().json())


def saved(page: Page, folder: Path, what: str) -> list[dict[str, str]]:
    """The rows of a chart or table that the page offers as CSV."""
    with page.expect_download() as download:
        page.get_by_role("button", name=f"{what} as CSV", exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def opened(visitor: Visitor, benchmark: str, path: str = "") -> Page:
    """The page of a benchmark, for a visitor who signs in first."""
    visitor.open(f"/benchmarks/{benchmark}{path}")
    visitor.sign_in()
    return visitor.page
