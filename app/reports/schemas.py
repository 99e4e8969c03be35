"""What reports are asked for by."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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


class CompatDocument(BaseModel):
    """What another tool would report of the same data."""

    tool: Literal["vllm", "aiperf", "guidellm"] = Field(description="Whose names and formulas these are.")
    version: str = Field(description="Which version of the tool the formulas were taken from.")
    source: str = Field(description="The source files that were read.")
    notes: list[str] = Field(description="What the tool would have seen differently.")
    missing: dict[str, str] = Field(description="Figures that cannot be told from the stored data, and why.")
    figures: dict[str, Any] = Field(description="The figures under the tool's own names, in its units.")
