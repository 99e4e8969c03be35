"""`llm-test-bench config`: make, show, check and find the configuration."""

import json
import os
from textwrap import wrap
from typing import Annotated

import typer

from app.cli.options import ConfigOption, examples
from app.core.errors import ConfigError

config_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, show and check the configuration.")


@config_app.command(
    "init", epilog=examples("llm-test-bench config init", "llm-test-bench config init -c /etc/llm-test-bench.toml")
)
def write_template(
    config: ConfigOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented configuration file; every line shows a default, so it changes nothing until edited."""
    from app.core.settings import config_path  # noqa: PLC0415

    path = config_path(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        # It may come to hold a secret key or a database password.
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise ConfigError(f"{path} exists already; --force overwrites it", errors=[]) from None
    typer.echo(f"Wrote {path}. Edit it, then check it with: llm-test-bench config validate")


@config_app.command(
    "show", epilog=examples("llm-test-bench config show", "LTB_SERVER__PORT=9090 llm-test-bench config show")
)
def show_settings(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: key, value and source.")] = False,
) -> None:
    """Print the settings in force, secrets hidden, and where each value came from."""
    from app.core.settings import config_path, load_settings  # noqa: PLC0415
    from app.core.settings_catalogue import Sources, settings, toml_value, value_of  # noqa: PLC0415

    path = config_path(config)
    values = load_settings(config)
    sources = Sources(path)
    rows = [(setting, value_of(values, setting), sources.of(setting)) for setting in settings()]
    if as_json:
        typer.echo(json.dumps({setting.key: {"value": value, "source": source} for setting, value, source in rows}))
        return
    section = None
    for setting, value, source in rows:
        if setting.section != section:
            typer.echo(f"{'' if section is None else chr(10)}[{setting.section}]")
            section = setting.section
        text = f"{setting.name} = {toml_value(value)}" if value is not None else f"# {setting.name} is not set"
        typer.echo(f"{text:<60}  # {source}" if source != "default" else text)


@config_app.command("validate", epilog=examples("llm-test-bench config validate -c staging.toml"))
def check_settings(config: ConfigOption = None) -> None:
    """Check the configuration file and the LTB_… variables; exit code 2 names every wrong key."""
    from app.accounts.roles import Roles  # noqa: PLC0415
    from app.core.settings import config_path, load_settings  # noqa: PLC0415

    Roles.configured(load_settings(config).security)
    path = config_path(config)
    where = str(path) if path.is_file() else f"no {path}, so defaults"
    typer.echo(f"The configuration is valid ({where} and LTB_… variables).")


@config_app.command("path", epilog=examples("llm-test-bench config path"))
def print_path(config: ConfigOption = None) -> None:
    """Print the path of the configuration file that is read."""
    from app.core.settings import config_path  # noqa: PLC0415

    typer.echo(config_path(config).absolute())


def template() -> str:
    """The commented configuration file."""
    from app.core.settings_catalogue import settings, toml_value  # noqa: PLC0415

    lines = [
        "# LLM Test Bench. Every setting, with its default; take the `#` off a line to change it.",
        "# An environment variable wins over this file: LTB_SERVER__PORT=9090 is [server] port.",
    ]
    section = None
    for setting in settings():
        if setting.section != section:
            lines += ["", f"[{setting.section}]"]
            section = setting.section
        meaning = setting.description
        if setting.allowed:
            meaning = f"{meaning.removesuffix('.')} ({setting.allowed})."
        lines += [f"# {line}" for line in wrap(meaning, 110)]
        unset = setting.default is None
        lines.append(f"#{setting.name} = {toml_value('' if unset else setting.default)}{'  # not set' * unset}")
    return "\n".join(lines) + "\n"
