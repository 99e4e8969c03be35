"""The explorer: a page, its script and its style."""

from collections.abc import Mapping
from pathlib import Path

from app.core.settings import Settings

EXPLORER = Path(__file__).parent / "explorer"
MEDIA_TYPES: Mapping[str, str] = {"explorer.js": "text/javascript", "explorer.css": "text/css"}


def has_explorer(settings: Settings) -> bool:
    """Whether it is served: as `server.graphql.enable_graphiql` says, else outside of production."""
    wanted = settings.server.graphql.enable_graphiql
    return not settings.security.production if wanted is None else wanted
