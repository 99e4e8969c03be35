"""Bodies of the settings and preferences endpoints."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class RuntimeValues(BaseModel):
    """The settings that can be changed while the service runs, as they are in force."""

    model_config = ConfigDict(frozen=True)

    rate_limit_requests_per_minute: int = Field(
        ge=0, le=10_000_000, description="Requests per minute and caller; 0 switches the limit off."
    )
    max_running_benchmarks: int = Field(ge=1, le=256, description="Benchmarks that run at once; others wait.")
    default_visibility: Literal["private", "team", "all"] = Field(
        description="With whom a new benchmark is shared when its owner does not say."
    )
    retention_days: int = Field(
        ge=0, le=36_500, description="Ended benchmarks are deleted after so many days; 0 keeps them for ever."
    )


class RuntimeSettingsView(RuntimeValues):
    """The settings in force, and which of them were changed at run time."""

    version: int = Field(description="Counts changes; also in the ETag.")
    changed: list[str] = Field(description="Which are not as configured.")
    updated_at: datetime | None = Field(description="The newest change.")
    updated_by: str | None = Field(description="Who made it.")


class RuntimeSettingsUpdate(BaseModel):
    """Only what is given changes; null goes back to the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate_limit_requests_per_minute: int | None = Field(None, ge=0, le=10_000_000, description="As above.")
    max_running_benchmarks: int | None = Field(None, ge=1, le=256, description="As above.")
    default_visibility: Literal["private", "team", "all"] | None = Field(None, description="As above.")
    retention_days: int | None = Field(None, ge=0, le=36_500, description="As above.")

    @model_validator(mode="after")
    def _say_something(self) -> "RuntimeSettingsUpdate":
        if not self.model_fields_set:
            raise ValueError(f"give at least one of {', '.join(type(self).model_fields)}")
        return self


class PreferencesDocument(BaseModel):
    """What a user likes."""

    document: dict[str, Any] = Field(
        description="Any JSON object of at most 16 KiB.", examples=[{"theme": "dark", "views": []}]
    )
    version: int = Field(description="Counts changes; also in the ETag. 0: never saved.")


class PreferencesUpdate(BaseModel):
    """The whole document; it replaces the one before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: dict[str, Any] = Field(description="Any JSON object of at most 16 KiB, nested at most 16 deep.")
