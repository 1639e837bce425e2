"""Who may come in, and what the browser may do with what it gets.

A page on this machine alone is for whoever sits at it. Still, a page from elsewhere must not reach it under a name of
its own that leads here, so that the name must be one of ours. Any other address demands a token: as
`?token=...` once, which the browser then keeps in a cookie, or as a header for programs.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SHORTEST_TOKEN", "Door", "is_loopback", "new_token"]

#: Nothing from elsewhere, nothing inline, no frame around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Asked again each time, and told in a few bytes if nothing has changed.
    "Cache-Control": "no-cache",
}
#: A token that somebody thought up is guessed sooner than one like ours; shorter ones are refused.
SHORTEST_TOKEN = 16
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def new_token() -> str:
    """One that cannot be guessed."""
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def name_in(host: str) -> str:
    """The name in a Host header, without the port.

    >>> name_in("localhost:8000"), name_in("[::1]:8000"), name_in("Example.org"), name_in("[::1].example.org")
    ('localhost', '::1', 'example.org', '[::1].example.org')
    """
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name.lower() if not rest or rest.startswith(":") else host
    return host.partition(":")[0].lower()


class Door:
    """Stands before everything: lets in or turns away, and sends rules for the browser along with every answer."""

    def __init__(self, app: ASGIApp, *, names: Collection[str], token: str | None) -> None:
        """`names` are those that this server may be called by; empty: any, where the token is what counts."""
        self._app = app
        self._names = {*map(str.lower, names), *LOOPBACK} if names else set()
        self._token = token
        # Browsers keep one jar for all ports of a machine: two servers must not take each other's token away.
        self._cookie = f"barograph_{hashlib.sha256((token or '').encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_rules(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._turned_away(scope)
        await (answer or self._app)(scope, receive, send_with_rules)

    def _turned_away(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._names and name_in(headers.get("host", "")) not in self._names:
            return PlainTextResponse("barograph: this page is not known under that name\n", 421)
        if scope["method"] not in {"GET", "HEAD"}:
            return PlainTextResponse("barograph: this page can only be read\n", 405, {"Allow": "GET, HEAD"})
        if self._token is None:
            return None
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name == "token" and self._is_right(value) for name, value in asked):
            return self._let_in(scope, [(name, value) for name, value in asked if name != "token"])
        # Others leave cookies of any shape there.
        cookies = cookie_parser(headers.get("cookie", ""))
        shown = [cookies[self._cookie]] if self._cookie in cookies else []
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            shown.append(value.strip())
        if any(map(self._is_right, shown)):
            return None
        said = "barograph: a token is needed: open the address that `barograph serve` has printed\n"
        return PlainTextResponse(said, 401, {"WWW-Authenticate": "Bearer"})

    def _is_right(self, token: str) -> bool:
        return self._token is not None and hmac.compare_digest(token.encode(), self._token.encode())

    def _let_in(self, scope: Scope, rest: list[tuple[str, str]]) -> Response:
        """The same address without the token, which so stays out of the history; the browser keeps it."""
        query = f"?{urlencode(rest)}" if rest else ""
        # Never to another server: a path that begins with two strokes would name one.
        answer = RedirectResponse(f"/{scope['path'].lstrip('/')}{query}", 303)
        answer.set_cookie(self._cookie, self._token or "", httponly=True, samesite="strict", path="/")
        return answer
