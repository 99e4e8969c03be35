"""Serves the built dashboard: files as they are, and `index.html` for every page of the single-page application."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

# Vite puts a content hash into the names below this folder, so their content never changes.
_HASHED_FOLDER = "assets/"
_HASHED_CACHE = "public, max-age=31536000, immutable"
_RESERVED = ("api", "ws", "graphql", "metrics", "health", "openapi.json", "docs", "redoc", "assets")

NOT_BUILT_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>LLM Test Bench</title>
<h1>The dashboard is not built</h1>
<p>The service is running; its API is at <a href="/openapi.json">/api/v1</a>.</p>
<p>To build the dashboard run <code>make setup</code> in a checkout, then start the service again.
Installed packages carry it already.</p>
</html>
"""


class Dashboard:
    """ASGI app for everything that no route of the API took."""

    def __init__(self, folder: Path) -> None:
        self._index = folder / "index.html"
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": "there is nothing here"})
            return
        scope["endpoint"] = self
        path = scope["path"].lstrip("/")
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(404 if self._is_reserved(path) else 405, headers={"Allow": "GET, HEAD"})
        await (await self._response(path, scope))(scope, receive, send)

    async def _response(self, path: str, scope: Scope) -> Response:
        if not self._index.is_file():
            if path and (self._is_reserved(path) or "." in path):
                raise HTTPException(404)
            return Response(NOT_BUILT_PAGE, status_code=503, media_type="text/html")
        if path and path != "index.html":
            try:
                response = await self._files.get_response(path, scope)
            except HTTPException as error:
                if error.status_code != 404 or self._is_reserved(path) or self._is_file(path):
                    raise
            else:
                cache = _HASHED_CACHE if path.startswith(_HASHED_FOLDER) else "no-cache"
                response.headers["Cache-Control"] = cache
                return response
        return FileResponse(self._index, headers={"Cache-Control": "no-cache"}, media_type="text/html")

    @staticmethod
    def _is_file(path: str) -> bool:
        """Whether a path that leads to nothing was meant as a file. Names of users, in deeper paths, have dots too."""
        return "." in path and "/" not in path

    @staticmethod
    def _is_reserved(path: str) -> bool:
        return path.split("/", 1)[0] in _RESERVED
