"""What reports are asked for by."""

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
    format: ExportFormat = Field(description="`csv` (for spreadsheets), `json` (one array) or `jsonl` (one per line).")
