"""What all answers of the API have in common."""

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(populate_by_name=True, from_attributes=True)
