"""schemathesis against the GraphQL schema: whatever is asked, no fault of the service and no word that is not ours.

Deeper by hand: `LTB_SCHEMATHESIS=50 .venv/bin/python -m pytest tests/graphql/test_schemathesis.py`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from schemathesis.core.result import Ok

from tests.e2e.processes import Service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES = int(os.environ.get("LTB_SCHEMATHESIS", "3"))
SCHEMA = Path(__file__).parents[2] / "web" / "schema.graphql"
CODES = {"INVALID_REQUEST", "NOT_FOUND", "CONFLICT", "FORBIDDEN", "SERVICE_UNAVAILABLE", "CONSTRAINT_VIOLATION"}
# These end the sign-in that asks, or change how everything is answered.
LEFT_OUT = {"updateSettings", "deleteUser", "updateUser", "resetPassword", "revokeUserSignIns", "revokeSignIn"}

_INTEGERS = st.integers(-(2**64), 2**64).map(nodes.Int)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "UUID": st.one_of(st.uuids().map(str), st.text(max_size=40)).map(nodes.String),
    "JSON": st.one_of(
        st.text(max_size=20).map(nodes.String), st.booleans().map(nodes.Boolean), _INTEGERS, st.just(nodes.Object([]))
    ),
    "Long": _INTEGERS,
    "BigInt": st.one_of(_INTEGERS, st.integers().map(str).map(nodes.String)),
    "DateTime": st.one_of(
        st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        st.text(max_size=20),
        st.just("9999-12-31T23:59:59Z"),
    ).map(nodes.String),
    "Date": st.dates().map(str).map(nodes.String),
    "Decimal": st.decimals(allow_nan=True).map(str).map(nodes.String),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "config.toml").write_text(
        "[server.rate_limit]\nrequests_per_minute = 10000000\nburst_size = 1000000\n"
        # As wide as they go, so that resolvers are reached; `test_limits` has the limits themselves.
        "[server.graphql]\nmax_depth = 100\nmax_aliases = 10000\nmax_tokens = 100000\nmax_directives = 10000\n"
        "max_fields = 100000\nmax_complexity = 1000000\n"
    )
    with Service(folder / "data") as program:
        yield program


def test_no_operation_makes_the_service_fail(service: Service) -> None:
    answer = httpx.post(
        f"{service.url}/api/v1/auth/login", json={"username": "admin", "password": service.password}, timeout=30
    )
    token = answer.raise_for_status().json()["access_token"]
    for name, strategy in SCALARS.items():
        schemathesis.graphql.scalar(name, strategy)
    schema = schemathesis.graphql.from_path(SCHEMA)
    schema.config.update(base_url=f"{service.url}/graphql")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    heard: dict[str, set[str]] = {}
    broken = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for operation in operations:
            name = operation.label.split(".", 1)[1]
            if name in LEFT_OUT or operation.label.startswith("Subscription."):
                continue
            try:
                heard[operation.label] = _try(operation, session, f"{service.url}/graphql")
            except Exception as error:  # noqa: BLE001 - every operation is to be heard before the test fails
                broken.append(f"{operation.label}: {error!r}")
    assert not broken, "\n\n".join(broken)
    assert len(heard) >= 36
    assert sum("" in codes for codes in heard.values()) > 9, heard


def _try(operation: Any, session: requests.Session, url: str) -> set[str]:
    codes: set[str] = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES <= 3,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        answer = session.post(url, json={"query": case.body}, timeout=60)
        assert answer.status_code == 200, (answer.status_code, answer.text[:500], case.body[:1000])
        errors = answer.json().get("errors", [])
        found = {error["extensions"]["code"] for error in errors}
        assert found <= CODES, (errors[:3], case.body[:1000])
        codes.update(found or {""})

    one()
    return codes
