"""Keep other origins out of the local run: which requests its two ports take. Standard library only.

Any web page that the developer has open can send requests to 127.0.0.1, and a page whose DNS name is made to point
there (DNS rebinding) can read the answers. But the browser chooses `Host`, `Origin` and `Sec-Fetch-*`, and asks by a
preflight request before it sends any other header: both ports refuse that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH = "/_ministack/health"
"""The one control path of the emulator that stays open. Its neighbors wipe everything and change its configuration."""

API = "/_aws/execute-api/"
"""Where the emulator serves the stack's own API. What arrives there carries a link's or Slack's signature."""

SIGNED = "AWS4-HMAC-SHA256 "
"""How the `Authorization` header of a signed AWS call begins. The emulator itself judges the key that it names."""

PAGE_HEADER = "X-Demo"
"""The demo page's own header, on every request that changes something."""

STACK_PATHS = frozenset({"execution", "slack/events"})
"""What the demo page passes on to the stack's API, in place of looking for `..` in all its spellings."""

_LINKED = frozenset({"/", "/states/execution"})
"""What another site, such as a webmail, may link to."""

_READING = frozenset({"GET", "HEAD"})


def emulator_refusal(method: str, path: str, headers: Iterable[tuple[str, str]], port: int) -> str | None:
    """Return why the emulator must not see a request, or None. `path` is as sent; header names are in lower case."""
    found = list(headers)
    plain = _decoded(path)
    if [value for name, value in found if name == "host"] not in _hosts(port):
        return "foreign Host"
    if any(name == "origin" or name.startswith("sec-fetch-") for name, _ in found):
        return "sent by a web page"
    if method == "OPTIONS":
        return "no preflight requests"
    if "\\" in plain or ".." in plain.split("/"):
        return "a path with .."
    signed = any(name == "authorization" and value.startswith(SIGNED) for name, value in found)
    is_health = plain == HEALTH and method in _READING
    # Its control paths begin with an underscore, which servers may find behind empty parts and dots, too.
    if not (is_health or plain.startswith(API) or (signed and not plain.lstrip("/.").startswith("_"))):
        return "not a signed AWS call"
    return None


def page_refusal(method: str, path: str, headers: Mapping[str, str], port: int) -> str | None:
    """Return why the demo page's server must not answer a request, or None. `path` is decoded."""
    host = headers.get("Host", "")
    if [host] not in _hosts(port):
        return "foreign Host"
    site = headers.get("Sec-Fetch-Site", "none")
    origin = headers.get("Origin")
    # The approval pages send no referrer: their own forms come with the origin `null`.
    if origin not in (None, f"http://{host}") and (origin, site) != ("null", "same-origin"):
        return "foreign Origin"
    if site not in ("none", "same-origin") and not (_is_link(headers) and method in _READING and path in _LINKED):
        return "sent by another site"
    if method == "OPTIONS":
        return "no preflight requests"
    if path.startswith("/api/") and method not in _READING and PAGE_HEADER not in headers:
        return f"without {PAGE_HEADER}"
    return None


class ClosedEmulator:
    """The emulator's ASGI application behind `emulator_refusal`. Drops all websockets."""

    def __init__(self, emulator: Application, port: int) -> None:
        self._emulator = emulator
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "lifespan":
            await self._emulator(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif reason := self._refusal(scope):
            start = {"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]}
            await send(start)
            await send({"type": "http.response.body", "body": f"Refused: {reason}.\n".encode()})
        else:
            await self._emulator(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        return emulator_refusal(scope["method"], path, headers, self._port)


def _hosts(port: int) -> tuple[list[str], ...]:
    """The values of the `Host` header of a request that means this port: exactly one."""
    return [f"127.0.0.1:{port}"], [f"localhost:{port}"]


def _is_link(headers: Mapping[str, str]) -> bool:
    """Return True for a page that opens as a tab of its own, not in a frame."""
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"


def _decoded(path: str) -> str:
    """Undo percent-encoding, however often it was applied."""
    while (plain := unquote(path)) != path:
        path = plain
    return path
