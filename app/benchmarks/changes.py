"""What of a submitted benchmark may be changed: how it is called, how it is found, and who sees it."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.accounts.visibility import Visibility
from app.benchmarks.spec_parts import Name, Tag
from app.core.validation import without_nul


class BenchmarkUpdate(BaseModel):
    """Only what is given changes; nothing may be null."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[Name, AfterValidator(without_nul)] | None = Field(None, description="Another name.")
    tags: list[Annotated[Tag, AfterValidator(without_nul)]] | None = Field(
        None, max_length=32, description="Tags instead of those it has."
    )
    visibility: Visibility | None = Field(None, description="With whom to share it: nobody, the owner's team, or all.")

    @model_validator(mode="after")
    def _say_something(self) -> "BenchmarkUpdate":
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("null means nothing here; leave out what should stay")
        if not self.model_fields_set:
            raise ValueError("give name, tags or visibility")
        return self

    def given(self) -> dict[str, Any]:
        """The columns that change, except who sees it."""
        found: dict[str, Any] = {}
        if self.name is not None:
            found["name"] = self.name
        if self.tags is not None:
            found["tags"] = list(dict.fromkeys(self.tags))
        return found
