"""`/ws`: live events."""

from typing import cast

from fastapi import APIRouter, WebSocket

from app.realtime.gateway import Gateway

router = APIRouter()


@router.websocket("/ws")
async def live_events(websocket: WebSocket) -> None:
    """Live events; the messages are described in `protocol.py`. Needs `app.state.gateway`."""
    await cast("Gateway", websocket.app.state.gateway).serve(websocket)
