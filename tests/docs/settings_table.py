"""The configuration table of the README, made from the settings; run as a module it rewrites the README."""

from itertools import groupby
from pathlib import Path

from app.core.settings_catalogue import Setting, settings, toml_value

README = Path(__file__).parents[2] / "README.md"
START = "<!-- settings: written by `python -m tests.docs.settings_table` -->\n"
END = "<!-- /settings -->"


def table() -> str:
    """One Markdown table, a row per setting."""
    lines = ["| section | setting | default | meaning |", "|---|---|---|---|"]
    for section, members in groupby(settings(), key=lambda setting: setting.section):
        lines += [
            f"| {f'`[{section}]`' if index == 0 else ''} | {row(setting)} |" for index, setting in enumerate(members)
        ]
    return "\n".join(lines) + "\n"


def row(setting: Setting) -> str:
    """The last three columns of a setting."""
    default = "not set" if setting.default is None else f"`{toml_value(setting.default)}`"
    meaning = setting.description
    if setting.allowed:
        meaning = f"{meaning.removesuffix('.')} ({setting.allowed})."
    escaped = meaning.replace("|", "\\|")
    return f"`{setting.name}` | {default} | {escaped}"


def rewritten(readme: str) -> str:
    """The README with a fresh table."""
    before, rest = readme.split(START)
    return before + START + table() + END + rest.split(END, 1)[1]


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
