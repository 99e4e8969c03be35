"""Ready-made benchmarks: whole specs but for their targets. They are data, in `presets.toml` beside this file."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Field

from app.benchmarks.view import View


class Preset(View):
    """A benchmark to start from."""

    name: str = Field(description="As `bench --preset` takes it.", examples=["quick-check"])
    title: str = Field(description="For people.")
    purpose: str = Field(description="What it is for, in one sentence.")
    spec: dict[str, Any] = Field(description="A spec without `targets`.")


class Presets(View):
    """All of them, in the order to show them in."""

    presets: list[Preset] = Field(description="Each of them.")


@cache
def presets() -> Presets:
    """The presets of this release."""
    text = files("app.benchmarks").joinpath("presets.toml").read_text(encoding="utf-8")
    return Presets(presets=[Preset.model_validate(entry) for entry in tomllib.loads(text)["preset"]])


def find(name: str) -> Preset | None:
    """The preset of this name."""
    return next((preset for preset in presets().presets if preset.name == name), None)
