"""Tags of workers, such as `gpu` and `region=eu`: what benchmarks may ask for. Pure."""

import re
from collections.abc import Iterable

TAG_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}(=[A-Za-z0-9][A-Za-z0-9._-]{0,63})?$"
MAX_TAGS = 16
_PREFIX = "tag:"


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags, each once, in the order given.

    Raises:
        ValueError: naming the first one that is not a tag.
    """
    found = tuple(dict.fromkeys(tags))
    for tag in found:
        if not re.fullmatch(TAG_PATTERN, tag):
            raise ValueError(f"{tag!r} is not a tag: a word such as gpu, or name=value such as region=eu")
    if len(found) > MAX_TAGS:
        raise ValueError(f"at most {MAX_TAGS} tags")
    return found


def as_resources(tags: Iterable[str], slots: int) -> dict[str, float]:
    """Tags as Dask knows them, so that its own tools show them too."""
    return {_PREFIX + tag: float(slots) for tag in tags}


def of_resources(resources: Iterable[str]) -> tuple[str, ...]:
    """Undo `as_resources`."""
    return tuple(sorted(name.removeprefix(_PREFIX) for name in resources if name.startswith(_PREFIX)))
