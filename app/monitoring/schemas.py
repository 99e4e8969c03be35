"""Bodies of the health endpoints. They are public, so they say what fails and never how."""

from typing import Literal

from pydantic import BaseModel, Field


class CheckResult(BaseModel):
    """How one part answered."""

    status: Literal["ok", "failed", "timeout"] = Field(description="How it went.")
    latency_ms: float | None = Field(description="Null when it did not answer.")


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Health(BaseModel):
    """An overview for people and load balancers."""

    status: Literal["ok", "degraded"] = Field(description="`degraded` when any part fails.")
    checks: dict[str, CheckResult] = Field(
        description="By part.", examples=[{"database": {"status": "ok", "latency_ms": 0.4}}]
    )


class Ready(BaseModel):
    """Every part answers that has to."""

    status: Literal["ok"] = "ok"
    checks: dict[str, CheckResult] = Field(description="By part.")
