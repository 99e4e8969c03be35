"""What `summary.json` holds: the same keys wherever the run was, here or on a server."""

from collections.abc import Mapping
from typing import Any

from app.benchmarks.summary_views import Summary

HEAD = ("id", "name", "status", "error", "started_at", "finished_at", "program", "base_url", "spec")
"""What it takes to tell the run, and to run it again; keys and header values stay out."""


def summary_document(summary: Mapping[str, Any], **head: Any) -> dict[str, Any]:
    """The document; of `HEAD` null where a run of this sort has no such thing."""
    if unknown := head.keys() - set(HEAD):
        raise TypeError(f"summary.json has no {', '.join(sorted(unknown))}")
    parts = Summary.model_validate(summary).model_dump(mode="json", by_alias=True)
    return {name: head.get(name) for name in HEAD} | parts
