"""The OpenAPI document and the dashboard's files."""

from pathlib import Path

import pytest

from app import main
from app.core.settings import StorageSettings
from tests.service import Running, running_service, service_settings

# Their fields are the names of percentiles, or of metrics by second.
SELF_EXPLAINING = {"Median", "Percentiles", "MetricSummary", "Timeline", "TimelinePoint"}
SECRET = "a configured secret of enough characters"


async def test_every_operation_is_documented(running: Running) -> None:
    document = (await running.anonymous.get("/openapi.json")).json()
    assert document == (await running.anonymous.get("/api/v1/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "cookie"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    seen = set()
    tags = {tag["name"] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["operationId"] not in seen, where
            seen.add(operation["operationId"])
            assert operation["summary"], where
            assert operation["description"], where
            assert set(operation["tags"]) <= tags, where
            assert "500" in operation["responses"], where
            assert {"429", "503"} <= set(operation["responses"]), where
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorBody"}, where
            if operation["security"]:
                assert operation["x-permission"], where
                assert {"401", "403"} <= set(operation["responses"]), where
            if "requestBody" in operation or operation.get("parameters"):
                assert "422" in operation["responses"], where


async def test_every_parameter_and_field_is_described(running: Running) -> None:
    document = (await running.anonymous.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), f"{method} {path} {parameter['name']}"
    bare = {
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        if name not in SELF_EXPLAINING
        for field, shape in schema.get("properties", {}).items()
        if field != "kind" and "$ref" not in shape and not shape.get("description") and "const" not in shape
    }
    assert sorted(bare) == []


async def test_production_mode_shows_no_document(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, security={"secret_key": SECRET})
    async with running_service(settings):
        pass  # makes the first user, which production mode will not
    settings = service_settings(sqlite_settings, security={"secret_key": SECRET, "production": True})
    async with running_service(settings) as running:
        for path in ("/openapi.json", "/api/v1/openapi.json", "/docs", "/redoc"):
            assert (await running.anonymous.get(path)).status_code == 404, path


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>dashboard</title>")
    (folder / "assets" / "main-1a2b3c.js").write_text("export {}")
    (folder / "favicon.svg").write_text("<svg/>")
    (tmp_path / "outside.txt").write_text("secret")
    monkeypatch.setattr(main, "STATIC_FOLDER", folder)
    return folder


async def test_the_dashboard_is_a_single_page(built: Path, sqlite_settings: StorageSettings) -> None:
    async with running_service(service_settings(sqlite_settings)) as running:
        client = running.anonymous
        for path in ("/", "/users/ada@example.org", "/benchmarks/new", "/index.html"):
            page = await client.get(path)
            assert page.status_code == 200, path
            assert "dashboard" in page.text
            assert page.headers["Cache-Control"] == "no-cache"
            assert "unsafe" not in page.headers["Content-Security-Policy"]
        script = await client.get("/assets/main-1a2b3c.js")
        assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert script.headers["Content-Type"].startswith("text/javascript")
        assert (await client.get("/favicon.svg")).headers["Cache-Control"] == "no-cache"
        for path in ("/assets/gone.js", "/gone.png", "/api/v1/gone", "/api", "/ws", "/docs"):
            missing = await client.get(path)
            assert missing.status_code == 404, path
            assert missing.json()["error"]["code"] == "NOT_FOUND"
        assert (await client.post("/benchmarks/new")).status_code == 405


@pytest.mark.parametrize(
    "path", ["/../outside.txt", "/%2e%2e/outside.txt", "/assets/..%2f..%2foutside.txt", "//etc/passwd"]
)
async def test_no_path_leaves_the_folder(built: Path, sqlite_settings: StorageSettings, path: str) -> None:
    async with running_service(service_settings(sqlite_settings)) as running:
        response = await running.anonymous.get(f"http://127.0.0.1:8080{path}")
        assert "secret" not in response.text
        assert "root:" not in response.text


async def test_a_missing_dashboard_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_settings: StorageSettings
) -> None:
    monkeypatch.setattr(main, "STATIC_FOLDER", tmp_path / "nothing")
    async with running_service(service_settings(sqlite_settings)) as running:
        page = await running.anonymous.get("/")
        assert page.status_code == 503
        assert "make setup" in page.text
        assert (await running.anonymous.get("/health/live")).status_code == 200
