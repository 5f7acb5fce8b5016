"""The web form's own files, at every path that is not the API's. Deep links work: what is no file is the page itself."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

_DIST = Path(__file__).resolve().parent.parent / "web" / "dist"
_NOT_BUILT = "The web form is not built here (`make web` builds it). The API is at /api; /openapi.json describes it.\n"

# The form keeps to it without exception: no inline script or style, no data: address, nothing from outside.
_POLICY = "default-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Site:
    """An ASGI application over `web/dist`; says so where the form has not been built."""

    def __init__(self, folder: Path = _DIST) -> None:
        self._folder = folder
        self._files = StaticFiles(directory=folder, html=True) if folder.is_dir() else None

    def has(self, scope: Scope) -> bool:
        """A file of the form, or what a browser opens as a page. What a program asks for in vain is the API's 404."""
        path = scope["path"]
        if path == "/" or self._files is None or "\0" in path:
            return bool(path == "/")
        wants_page = any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
        return wants_page or bool(self._files.lookup_path(path.lstrip("/"))[1])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._response(scope)
        response.headers.update(_HEADERS)
        await response(scope, receive, send)

    async def _response(self, scope: Scope) -> Response:
        if self._files is None:
            return PlainTextResponse(_NOT_BUILT)
        path = self._files.get_path(scope)
        try:
            response = await self._files.get_response(path, scope)
        except HTTPException:
            response = await self._files.get_response("index.html", scope)
        # Built files carry a hash in their name; the page that names them must always be asked for.
        built = path.startswith("assets/") and response.status_code == 200
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if built else "no-cache"
        return response
