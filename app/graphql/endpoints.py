"""`/graphql`: queries and mutations over HTTP, subscriptions over server-sent events and WebSocket, and the explorer.

What answers is loaded for the first operation: its types are a third of what a start costs, and many never ask.
"""

import asyncio
import gc
import sys
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.websockets import WebSocket

from app.core.errors import NotFoundError
from app.core.rate_limit import address_key
from app.core.settings import Settings
from app.graphql.explorer_files import EXPLORER, MEDIA_TYPES, has_explorer

if TYPE_CHECKING:
    from app.graphql.view import View

router = APIRouter(include_in_schema=False)


class Door:
    """The view of one app, made when it is first asked for: in a thread, so that others are answered meanwhile."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._making = asyncio.Lock()
        self._view: View | None = None
        self.has_explorer = has_explorer(settings)

    async def view(self) -> "View":
        """The view; who asks while it is made waits for it."""
        if self._view is None:
            async with self._making:
                if self._view is None:
                    self._view = await asyncio.to_thread(_make, self._settings)
        return self._view


def _make(settings: Settings) -> "View":
    is_first = "app.graphql.view" not in sys.modules
    from app.graphql.view import build_view  # noqa: PLC0415 - see above

    view = build_view(settings)
    if is_first:
        gc.freeze()  # it stays, as what `serve` imports: collections that look at it hold up every request
    return view


@router.api_route("/graphql", methods=["GET", "POST"])
async def graphql(request: Request) -> Response:
    """GraphQL over HTTP and server-sent events. Needs `app.state.graphql`; each field declares its permission."""
    view = await cast("Door", request.app.state.graphql).view()
    return await view.answer(request)


@router.get("/graphql/{file}")
async def explorer_file(request: Request, file: str) -> Response:
    """A file of the explorer page, where it is served."""
    if file not in MEDIA_TYPES or not cast("Door", request.app.state.graphql).has_explorer:
        raise NotFoundError("there is nothing at this address")
    return FileResponse(EXPLORER / file, media_type=MEDIA_TYPES[file], headers={"Cache-Control": "no-cache"})


@router.websocket("/graphql")
async def graphql_socket(websocket: WebSocket) -> None:
    """Operations over `graphql-transport-ws`."""
    address = address_key(websocket.client.host if websocket.client else "")
    with websocket.app.state.subscribers.connection(address) as seat:
        if seat is None:
            await websocket.close(1013, "too many connections")
            return
        websocket.state.seat = seat
        view = await cast("Door", websocket.app.state.graphql).view()
        await view.run(websocket)
