"""schemathesis against the OpenAPI document: no 500, and no status, type or body that it does not name."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.processes import Service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES = {GenerationMode.POSITIVE: 3, GenerationMode.NEGATIVE: 3}
# Last, in this order: they change how the others are answered.
LAST = ["updateSettings", "logout"]
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


class Target(NamedTuple):
    session: requests.Session
    url: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "config.toml").write_text(
        "[server.rate_limit]\nrequests_per_minute = 10000000\nburst_size = 1000000\n"
        "[security]\nlogin_attempts_per_minute = 1000\n"
    )
    with Service(folder / "data") as program:
        yield program


def _headers(service: Service) -> dict[str, str]:
    answer = httpx.post(
        f"{service.url}/api/v1/auth/login", json={"username": "admin", "password": service.password}, timeout=30
    )
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def test_the_document_is_kept(service: Service) -> None:
    headers = _headers(service)
    document = httpx.get(f"{service.url}/openapi.json", timeout=60).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    operations.sort(key=lambda one: LAST.index(_id(one)) if _id(one) in LAST else -1)
    assert len(operations) >= 55
    told: dict[str, set[int]] = {}
    broken = []
    for operation in operations:
        statuses = told.setdefault(_id(operation), set())
        for mode, count in EXAMPLES.items():
            try:
                with requests.Session() as session:
                    _try(operation, mode, count, Target(session, service.url, headers), statuses)
            except Unsatisfiable:  # nothing to get wrong: no parameter, no body
                assert mode is GenerationMode.NEGATIVE
            except Exception as error:  # noqa: BLE001 - every operation is to be heard before the test fails
                broken.append(f"{_id(operation)} ({mode.value}): {error!r}")
    assert not broken, "\n\n".join(broken)
    unheard = [name for name, statuses in told.items() if not statuses]
    assert not unheard
    assert sum(any(status < 300 for status in statuses) for statuses in told.values()) > 15, told


def _id(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


def _try(operation: Any, mode: GenerationMode, count: int, target: Target, statuses: set[int]) -> None:
    strategy = operation.as_strategy(generation_mode=mode)

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case: Any) -> None:
        case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
        answer = case.call(
            base_url=target.url, session=target.session, headers=target.headers, allow_redirects=False, timeout=60
        )
        statuses.add(answer.status_code)
        assert answer.status_code != 500, answer.text
        case.validate_response(answer, checks=CHECKS)

    one()
