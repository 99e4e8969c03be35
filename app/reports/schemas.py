"""What reports are asked for by."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.benchmarks.schemas import BenchmarkSpec
from app.reports.exports import ExportFormat


class ExportRequest(BaseModel):
    """Which results to export, and as what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"session_id": "0198a5b0-7c00-7000-8000-000000000001", "format": "csv"}]},
    )

    session_id: UUID = Field(description="The benchmark whose results to export.")
    format: ExportFormat = Field(
        description="`csv` (for spreadsheets), `json` (one array), `jsonl` (one per line) or "
        "`vllm` (the file that `vllm bench serve --save-result --save-detailed` writes)."
    )
    gaps: bool = Field(False, description="Add every chunk gap as `gaps_ms` to each line of `json` and `jsonl`.")


class Bundle(BaseModel):
    """What it takes to repeat a run exactly and to check that it is the same. Holds no secret."""

    format: str = Field(description="`llm-test-bench bundle`.")
    version: int = Field(description="Of the format.")
    program: str = Field(description="What made the bundle.")
    libraries: dict[str, str | None] = Field(description="Versions of what the instrument stands on.")
    spec: BenchmarkSpec = Field(description="The benchmark, seed included.")
    targets: list[dict[str, Any]] = Field(
        description="For each target: `endpoint` (header names only), `schedule` (arrival offsets of an open loop in "
        "nanoseconds, and their digest) and `requests` (SHA-256 of request bodies in order, and a digest of all)."
    )


class CompatDocument(BaseModel):
    """What another tool would report of the same data."""

    tool: Literal["vllm", "aiperf", "guidellm"] = Field(description="Whose names and formulas these are.")
    version: str = Field(description="Which version of the tool the formulas were taken from.")
    source: str = Field(description="The source files that were read.")
    notes: list[str] = Field(description="What the tool would have seen differently.")
    missing: dict[str, str] = Field(description="Figures that cannot be told from the stored data, and why.")
    figures: dict[str, Any] = Field(description="The figures under the tool's own names, in its units.")


class RequestBody(BaseModel):
    """What a request asked."""

    body: str | None = Field(None, description="The body as it was sent; null where it cannot be made again.")
    body_bytes: int | None = Field(None, description="Length of all of it.")
    turn: str | None = Field(None, description="Of a given conversation: what the user says in this turn.")
    note: str | None = Field(None, description="Why there is no body, or what it lacks.")
    method: str | None = Field(None, description="Method of the request; null where it cannot be made again.")
    url: str | None = Field(None, description="Where it went; null for callers who may not read providers.")
    headers: dict[str, str] | None = Field(
        None,
        description="As they were sent, but for those that HTTP itself needs. The key reads `$API_KEY`, the values of "
        "the provider's own headers read as their names: `$X_TEAM`.",
    )
