"""Which version this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def service_version() -> str:
    """The installed version."""
    try:
        return version("llm-test-bench")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
