"""Of which day the list prices are: genai-prices tells a version and no date, so the dates of its releases are here.

Source: the upload times of `uv.lock`, which a test compares. Of a version that no lock file chose the day is not known.
"""

RELEASED = {"0.2.3": "2026-11-10"}
"""The day of each release, in UTC, by version."""


def released(version: str) -> str | None:
    """The day on which a version of the table came out: its prices held then at the latest."""
    return RELEASED.get(version)
