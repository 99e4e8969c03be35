"""The Dockerfile: what it copies is there, what it runs is no root, and its versions are the checkout's."""

import fnmatch
import re
import tomllib

from tests.ops.prometheus import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = re.split(r"^FROM ", DOCKERFILE.replace("\\\n", " "), flags=re.MULTILINE)[1:]
RUNTIME = STAGES[-1]


def instructions(stage: str, name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", stage, re.MULTILINE)


def test_there_are_a_web_a_wheel_and_a_runtime_stage() -> None:
    assert [stage.split()[2] for stage in STAGES] == ["web", "wheel", "runtime"]


def test_the_runtime_has_no_compiler_and_no_sources() -> None:
    assert instructions(RUNTIME, "COPY") == ["--from=wheel /opt/llm-test-bench /opt/llm-test-bench"]
    assert "apt-get" not in RUNTIME


def test_it_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    assert instructions(RUNTIME, "USER")[-1] == "10001:10001"
    assert '["llm-test-bench", "health"]' in instructions(RUNTIME, "HEALTHCHECK")[0]
    assert instructions(RUNTIME, "ENTRYPOINT") == ['["llm-test-bench"]']
    assert instructions(RUNTIME, "CMD") == ['["serve"]']
    assert instructions(RUNTIME, "VOLUME") == ['["/data"]']
    assert not re.search(r"PASSWORD|TOKEN|SECRET", RUNTIME)


def test_what_is_copied_is_there_and_sent_to_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    def is_sent(path: str) -> bool:
        sent = True
        for line in lines:
            pattern = line.removeprefix("!")
            if fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
                sent = line.startswith("!")
        return sent

    for stage in STAGES:
        for copied in instructions(stage, "COPY"):
            if not copied.startswith("--from"):
                for source in copied.split()[:-1]:
                    assert (ROOT / source).exists(), source
                    assert is_sent(source.rstrip("/")), source
    for kept_out in (
        "secrets",
        ".env",
        ".git",
        "data",
        "config.toml",
        ".venv",
        "tests",
        "web/node_modules",
        "app/static",
    ):
        assert not is_sent(kept_out), kept_out


def test_its_versions_are_those_of_the_checkout() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    assert f"uv=={version}" in DOCKERFILE
    (least,) = re.findall(
        r">=3\.(\d+)", tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    (python,) = re.findall(r"PYTHON_IMAGE=python:3\.(\d+)-", DOCKERFILE)
    assert int(python) >= int(least)
    (node,) = re.findall(r"NODE_IMAGE=node:(\d+)-", DOCKERFILE)
    assert int(node) >= 20
