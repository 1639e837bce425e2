"""What runs there are in a folder, and how each stands: what the list shows."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from barograph.core.errors import UnreadableRun
from barograph.core.finding import Diagnosis, Severity
from barograph.core.run import Run
from barograph.engine.judge import judge
from barograph.engine.settings import Settings
from barograph.monitor.own_folder import OwnFolder
from barograph.sources.base import STANDARD_INPUT, unreadable
from barograph.sources.locate import Place, find_each
from barograph.sources.remote import is_elsewhere
from barograph.sources.runs import How, begins_like_training, read_with_doubt
from barograph.sources.sketch import LARGE
from barograph.sources.tail import stamps
from barograph.web.desk import Desk, next_version

__all__ = ["Card", "Shelf"]

_LOG = logging.getLogger(__name__)

#: A log that grows is read anew for the list when so many times as long has passed as reading it took.
RESTS = 20.0
#: After a look at the folder nobody has to look again for so many seconds, and for so many times as long as it took.
FRESH, LOOK_RESTS = 2.0, 4.0
#: Whoever waits for a run to be opened goes first, for so many seconds.
MOST_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Card:
    """One run on the list."""

    key: str
    path: str
    #: None until it has been read.
    diagnosis: Diagnosis | None = None
    state: str = ""
    #: When its log was written to, in seconds since 1970.
    changed: float | None = None
    #: Why it cannot be read.
    trouble: str = ""

    @property
    def says(self) -> str:
        """What matters most about it."""
        if self.trouble or self.diagnosis is None:
            return self.trouble
        if self.diagnosis.causes:
            return self.diagnosis.causes[0].name
        loud = [found for found in self.diagnosis.findings if found.severity > Severity.INFO]
        return f"{loud[0].code} {loud[0].says}" if loud else ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A place as it was when it was read."""

    stamp: object
    cards: tuple[Card, ...]
    at: float
    took: float


class Shelf:
    """The runs at a path: a folder of runs, or one run.

    `scan` looks; what it has found so far can be asked for at any time. What a run is called here is never a path:
    only what was found can be asked for.
    """

    def __init__(self, root: str, settings: Settings, desk: Desk) -> None:
        self.root = root
        #: Rises with every change.
        self.version = next_version()
        #: Why there is nothing.
        self.trouble = ""
        self._settings = settings
        self._desk = desk
        self._how = How(metrics=settings.metrics)
        self._seen: dict[str, _Seen] = {}
        self._cards: dict[str, Card] = {}
        #: Also of runs that are gone: a page may still show them.
        self._paths: dict[str, str] = {}
        self._scanning = threading.Lock()
        self._is_fresh_until = -math.inf
        self._is_closed = False

    def close(self) -> None:
        """A look that is under way ends soon."""
        self._is_closed = True

    def cards(self) -> list[Card]:
        """Every run that is known."""
        return list(self._cards.values())

    def path_of(self, key: str) -> str | None:
        """Where a run lies, or lay when it was last seen; None for what never was on the shelf."""
        return self._paths.get(key)

    def looked_up(self, key: str) -> str | None:
        """The same, after a look at the folder: it may have come just now."""
        if key not in self._paths:
            try:
                self._paths |= {self._key(place.path): place.path for place in self._places()}
            except UnreadableRun as error:
                self.trouble = str(error)
        if key not in self._paths and "#" in key:  # Only reading tells what a log of several runs calls them.
            self.scan()
        return self._paths.get(key)

    def scan(self) -> None:
        """Look for runs, and judge those that are new or have changed."""
        with self._scanning:
            begun = time.monotonic()
            self._scan()
            now = time.monotonic()
            self._is_fresh_until = now + max(FRESH, LOOK_RESTS * (now - begun))

    def refresh(self, longest: float) -> None:
        """The same where no page looks all the time; what is not judged within so many seconds is known later."""
        if time.monotonic() > self._is_fresh_until and not self._scanning.locked():
            look = threading.Thread(target=self.scan, name=f"looks at {self.root}", daemon=True)
            look.start()
            look.join(longest)

    def _scan(self) -> None:
        try:
            places, trouble = self._places(), ""
        except UnreadableRun as error:
            places, trouble = [], str(error)
        if trouble != self.trouble:
            self.trouble, self.version = trouble, next_version()
        self._forget({place.path for place in places})
        for place in places:
            if place.path not in self._seen and not place.is_guess:
                self._put([Card(self._key(place.path), place.path)])
        for place in sorted(places, key=_size):  # One that takes seconds is waited for by none.
            if self._is_closed:
                return
            self._desk.wait_for_others(MOST_PATIENCE)
            with suppress(OSError):  # It has gone this moment: the next look will tell.
                self._read(place)

    def _places(self) -> list[Place]:
        """Where runs lie, each called what it will be called when others have come."""
        if self.root == STANDARD_INPUT or is_elsewhere(self.root):
            raise unreadable(self.root, "cannot be looked at again and again", "name a folder on this machine")
        return find_each(self.root)

    def _forget(self, there: set[str]) -> None:
        """Runs that are gone leave the list."""
        for path in [path for path in self._seen if path not in there]:
            for card in self._seen.pop(path).cards:
                self._cards.pop(card.key, None)
            self.version = next_version()

    def _read(self, place: Place) -> None:
        seen, stamp = self._seen.get(place.path), _stamp(place)
        if seen is not None and (seen.stamp == stamp or time.monotonic() - seen.at < RESTS * seen.took):
            return
        begun = time.monotonic()
        cards = tuple(self._judged(place))
        now = time.monotonic()
        for card in seen.cards if seen is not None else (Card(self._key(place.path), place.path),):
            if card.key not in {one.key for one in cards} and self._cards.pop(card.key, None) is not None:
                self.version = next_version()
        self._seen[place.path] = _Seen(stamp, cards, now, now - begun)
        self._put(cards)

    def _judged(self, place: Place) -> Iterator[Card]:
        log = place.logs[0].document.place
        state = str(OwnFolder(log).facts().get("state", ""))
        changed = max((time_ns / 1e9 for _, _, time_ns in stamps(log)), default=None)
        try:
            if _size(place) > LARGE:
                if place.is_guess and not begins_like_training(place, self._how):
                    return
                card = self._of_large(place.path, state, changed)
                if not card.trouble:
                    yield card
                    return  # Else it may hold several runs, each of which is to be had by its name.
            for found, is_log in read_with_doubt(place, self._how):
                if isinstance(found, Run) and is_log:
                    yield Card(self._key(found.path), found.path, judge(found, self._settings), state, changed)
                elif is_log:
                    yield Card(self._key(place.path), place.path, trouble=str(found), changed=changed)
        except UnreadableRun as error:
            yield Card(self._key(place.path), place.path, trouble=str(error), changed=changed)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - one log that nobody has thought of hides no other.
            _LOG.exception("%s", place.path)
            said = f"{place.path}: {type(error).__name__}: {error}"
            yield Card(self._key(place.path), place.path, trouble=said, changed=changed)

    def _of_large(self, path: str, state: str, changed: float | None) -> Card:
        """A log that takes seconds is read where whoever looks at it has it read: not twice."""
        opened = self._desk.at(path)
        opened.is_read.wait()
        if opened.run is None:
            return Card(self._key(path), path, trouble=opened.trouble or "is still being read", changed=changed)
        return Card(self._key(path), path, opened.diagnosis(), state, changed)

    def _put(self, cards: list[Card] | tuple[Card, ...]) -> None:
        for card in cards:
            self._paths[card.key] = card.path
            if self._cards.get(card.key) != card:
                self._cards[card.key] = card
                self.version = next_version()

    def _key(self, path: str) -> str:
        """What a run is called: what its path adds to that of the folder.

        >>> settings = Settings()
        >>> Shelf("runs", settings, Desk(settings))._key("runs/sweep/one#2")
        'sweep/one#2'
        >>> Shelf("runs/kto", settings, Desk(settings))._key("runs/kto")
        'kto'
        """
        own = path.removeprefix(self.root).lstrip("/\\")
        key = own if own and own != path else Path(os.path.abspath(path)).name  # noqa: PTH100 - `..` is a name too
        # No address can hold the bytes of a name that is no text.
        return key.encode(errors="surrogateescape").decode(errors="replace")


def _size(place: Place) -> int:
    try:
        return place.logs[0].document.place.stat().st_size
    except OSError:
        return 0


def _stamp(place: Place) -> object:
    log = place.logs[0].document.place
    return [*stamps(log), OwnFolder(log).facts().get("state")]
