"""The addresses of the live page.

/  /run?run=KEY  /compare?run=KEY&run=KEY      the page; all it shows stands in its address
/api/runs  /api/run  /api/charts               what it is told, as JSON
/api/compare  /api/compared                    the same of several runs
/api/samples                                   what a model said
/report?run=KEY                                a run as one file
/events?list  /events?run=KEY                  what has changed, as it changes
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from barograph.core.errors import BarographError, ConfigurationError, MissingExtra
from barograph.core.plain_json import plain
from barograph.web.door import Door
from barograph.web.stream import MOST_STREAMS, SOON, Lookout, events

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from barograph.charts.drawing import View
    from barograph.web.room import Asked, Room

__all__ = ["application"]

STATIC = Path(__file__).with_name("static")
#: What the report and the page look like is said once.
SHEET = Path(__file__).parent.parent / "charts" / "sheet.css"
KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
#: Shorter answers are not worth packing.
SHORTEST_PACKED = 2_000
#: Seconds between two looks at a run that somebody looks at, and at the folder.
RUN_EVERY, FOLDER_EVERY = 0.25, 2.0
#: So many questions are worked on at once: most of them wait for a log to be read.
MOST_ANSWERS = 64
#: A chart has no more places than that, whoever asks.
MOST_PLACES = 4_000


class _Inside:
    """What the addresses share: the room, and who looks out for what."""

    def __init__(self, make_room: Callable[[], Room], is_ending: Callable[[], bool]) -> None:
        self._make_room = make_room
        self.is_ending = is_ending
        self._room: asyncio.Future[Room] | None = None
        self._lookouts: dict[str | None, Lookout] = {}
        self.streams = 0

    def begin(self) -> None:
        """Make the room, while the server answers already: what it needs takes a while to load."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(MOST_ANSWERS, "answers"))
        self._room = asyncio.ensure_future(asyncio.to_thread(self._make_room))

    async def end(self) -> None:
        with suppress(BarographError):  # Where there never was a room, that has been said.
            (await self.room()).close()

    async def room(self) -> Room:
        assert self._room is not None  # noqa: S101 - the server begins before it answers
        return await asyncio.shield(self._room)

    def lookout(self, room: Room, key: str | None) -> Lookout:
        """For a run, or for the folder."""
        self._lookouts = {name: one for name, one in self._lookouts.items() if not one.is_over}
        if key not in self._lookouts:
            if key is None:
                self._lookouts[key] = Lookout(room.shelf.scan, FOLDER_EVERY)
            else:
                self._lookouts[key] = Lookout(lambda: room.look(key), RUN_EVERY)
        return self._lookouts[key]


def application(
    make_room: Callable[[], Room],
    *,
    names: Sequence[str] = (),
    token: str | None = None,
    is_ending: Callable[[], bool] = bool,
) -> ASGIApp:
    """The whole page. Once the server `is_ending`, nobody is left waiting."""
    inside = _Inside(make_room, is_ending)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        inside.begin()
        yield
        await inside.end()

    def asking(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                room = await inside.room()
                response = await _worked_out(lambda: answer(room, request), is_ending)
            except BarographError as error:
                response = _refusal(request, error)
            return response

        return handle

    async def stream(request: Request) -> ASGIApp:
        try:
            return await _stream(inside, request)
        except BarographError as error:
            return _refusal(request, error)

    routes = [
        *(Route(path, _sender(_packed(STATIC / "index.html"))) for path in ("/", "/run", "/compare")),
        *(Route(f"/static/{file.relative_to(STATIC)}", _sender(_packed(file))) for file in sorted(STATIC.rglob("*.*"))),
        Route("/static/sheet.css", _sender(_packed(SHEET))),
        *(Route(path, asking(answer)) for path, answer in ANSWERS.items()),
        Route("/events", stream),
    ]
    return Door(Starlette(routes=routes, lifespan=life), names=names, token=token)


async def _worked_out(work: Callable[[], Response], is_ending: Callable[[], bool]) -> Response:
    """An answer that may take a while, unless the server ends before."""
    answer = asyncio.ensure_future(asyncio.to_thread(work))
    while not answer.done():
        await asyncio.wait({answer}, timeout=SOON)
        if is_ending() and not answer.done():
            answer.cancel()
            return Response("the server has been told to end\n", 503)
    return answer.result()


# The files of the page


class _File(NamedTuple):
    plain: bytes
    packed: bytes
    kind: str
    mark: str


def _packed(path: Path) -> _File:
    plain = path.read_bytes()
    return _File(plain, gzip.compress(plain), KINDS[path.suffix], f'"{hashlib.sha256(plain).hexdigest()[:16]}"')


def _sender(file: _File) -> Callable[[Request], Awaitable[Response]]:
    """Sends a file, or says that it is still the same."""

    async def send(request: Request) -> Response:
        if request.headers.get("if-none-match") == file.mark:
            return Response(status_code=304, headers={"ETag": file.mark})
        return _response(request, file.plain, file.kind, file.packed, {"ETag": file.mark})

    return send


def _response(
    request: Request, plain: bytes, kind: str, packed: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer, packed where it is worth it and the browser can unpack it."""
    known = {"Vary": "Accept-Encoding", **(headers or {})}
    if len(plain) >= SHORTEST_PACKED and "gzip" in request.headers.get("accept-encoding", ""):
        known["Content-Encoding"] = "gzip"
        plain = packed or gzip.compress(plain, 1)
    return Response(plain, media_type=kind, headers=known)


# Answers

Answer: TypeAlias = "Callable[[Room, Request], Response]"


def _runs(room: Room, request: Request) -> Response:
    return _json(request, room.runs())


def _run(room: Room, request: Request) -> Response:
    return _json(request, room.run(_key(request)))


def _charts(room: Room, request: Request) -> Response:
    return _json(request, room.charts(_key(request), request.query_params.getlist("chart"), _view(request)))


def _compare(room: Room, request: Request) -> Response:
    return _json(request, room.compare(_asked(request)))


def _compared(room: Room, request: Request) -> Response:
    return _json(request, room.compared(_asked(request), request.query_params.getlist("chart"), _view(request)))


def _samples(room: Room, request: Request) -> Response:
    asked = request.query_params
    first = int(_number(request, "first") or 0)
    return _json(request, room.samples(_key(request), asked.get("step", ""), asked.get("text", ""), first))


def _report(room: Room, request: Request) -> Response:
    name, document = room.report(_key(request))
    response = _response(request, document.encode(), "text/html")
    response.headers["Content-Disposition"] = f'attachment; filename="{name.encode("ascii", "replace").decode()}"'
    return response


ANSWERS: dict[str, Answer] = {
    "/api/runs": _runs,
    "/api/run": _run,
    "/api/charts": _charts,
    "/api/compare": _compare,
    "/api/compared": _compared,
    "/api/samples": _samples,
    "/report": _report,
}


def _json(request: Request, facts: Mapping[str, object], status: int = 200) -> Response:
    try:
        text = json.dumps(facts, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError):  # Settings may be anything, and numbers what JSON has no word for.
        text = json.dumps(plain(facts), allow_nan=False, separators=(",", ":"))
    response = _response(request, text.encode(), "application/json")
    response.status_code = status
    return response


def _refusal(request: Request, error: BarographError) -> Response:
    from barograph.web.room import NotHere

    status = 404 if isinstance(error, NotHere) else 501 if isinstance(error, MissingExtra) else 422
    return _json(request, {"trouble": str(error)}, status)


# What is asked for


def _key(request: Request) -> str:
    return str(request.query_params.get("run", ""))


def _several(request: Request) -> tuple[str, ...]:
    from barograph.charts.comparison import MOST

    keys = tuple(dict.fromkeys(request.query_params.getlist("run")))
    if len(keys) > MOST:
        raise ConfigurationError(f"{len(keys)} runs: {MOST} at most can be looked at together")
    return keys


def _number(request: Request, name: str) -> float | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigurationError(f"{name}: {text!r} is no number")
    return number


def _view(request: Request) -> View:
    from barograph.charts.drawing import PLACES, View

    begin, end = _number(request, "from"), _number(request, "to")
    places = int(_number(request, "places") or PLACES)
    within = None
    if begin is not None or end is not None:
        within = (-math.inf if begin is None else begin, math.inf if end is None else end)
    return View(min(max(places, 10), MOST_PLACES), within)


def _asked(request: Request) -> Asked:
    from barograph.charts.overlay import ALONG
    from barograph.web.room import Asked

    by, at = request.query_params.get("by", "step"), _number(request, "at")
    if by not in ALONG:
        raise ConfigurationError(f"by: {by!r} is none of {', '.join(ALONG)}")
    return Asked(_several(request), by, None if at is None else int(at), "nats" in request.query_params)


# Events


class _Stream:
    """A stream that counts from its beginning to its end, however it ends."""

    def __init__(self, inside: _Inside, text: AsyncGenerator[str]) -> None:
        self._inside, self._text = inside, text
        inside.streams += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"X-Accel-Buffering": "no"}
        try:
            async with aclosing(self._text) as text:
                await StreamingResponse(text, media_type="text/event-stream", headers=headers)(scope, receive, send)
        finally:
            self._inside.streams -= 1


async def _stream(inside: _Inside, request: Request) -> ASGIApp:
    """What the page shows, and whether it has changed."""
    room = await inside.room()
    keys = _several(request)
    if request.method == "HEAD":
        return Response(media_type="text/event-stream")
    if inside.streams >= MOST_STREAMS:
        return Response("too many pages are open\n", 503, {"Retry-After": "10"})
    shows_list = "list" in request.query_params
    lookouts = [inside.lookout(room, key) for key in keys]
    if shows_list or any(room.shelf.path_of(key) is None for key in keys):  # What is not there yet may come.
        lookouts.append(inside.lookout(room, None))

    def now() -> Mapping[str, object]:
        return {"runs": room.versions(keys), **({"list": room.shelf.version} if shows_list else {})}

    async def text() -> AsyncGenerator[str]:
        paths = [path for key in keys if (path := room.shelf.path_of(key)) is not None]
        with room.desk.looking(paths):
            async with aclosing(events(lookouts, now, inside.is_ending)) as news:
                async for event in news:
                    yield event

    return _Stream(inside, text())
