"""From what somebody typed to where runs lie: a file, a folder, a glob, a run in a log that holds several.

A folder is a run if a log lies where runs keep theirs. Else every log in it is a run, and so are those in the folders
inside it. What a path names is read as it is; a link inside a folder that leads out of it is not followed.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from barograph.core.errors import UnreadableRun
from barograph.sources.base import STANDARD_INPUT, Document, Source, unreadable
from barograph.sources.catalogue import claimant_of, claims, failed, guarded, recognise, sources
from barograph.sources.remote import fetched, is_remote, matching
from barograph.sources.stdin import standard_input
from barograph.sources.storage.compressed import ENDINGS
from barograph.sources.wording import listed, visible

__all__ = ["Log", "Place", "expand", "find", "find_each"]

T = TypeVar("T")

#: Files that lie in many run folders, have a readable ending, and are no logs.
NO_LOGS = frozenset({
    "adapter_config.json", "added_tokens.json", "all_results.json", "completions.jsonl", "config.json",
    "dataset_infos.json", "eval_results.json", "findings.jsonl", "generation_config.json", "merges.json",
    "merges.txt", "model.safetensors.index.json", "package.json", "prediction_samples.json",
    "preprocessor_config.json", "requirements.txt", "run.json", "special_tokens_map.json", "tokenizer.json",
    "tokenizer_config.json", "train_results.json", "vocab.json", "vocab.txt",
})  # fmt: skip
#: Folders that hold no runs, only what runs or programs left.
_NO_RUNS = re.compile(r"\..*|__pycache__|node_modules|site-packages|checkpoint-\d+|global_step_?\d+|final_model")
#: How far below a folder runs are looked for, and in how many folders.
DEEPEST = 5
MOST_FOLDERS = 5_000
#: How many files of one folder are opened to see whether they are logs, where nothing but their ending says so.
MOST_FILES = 2_000
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class Log:
    """One log and its format."""

    source: Source
    document: Document


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run lies: the logs that tell of it, best first."""

    #: What the run is called; typed again, it is found again.
    path: str
    logs: tuple[Log, ...]
    #: Of the runs in the log, only that of this name.
    only: str = ""
    #: Whether nobody named this log: it was found in a folder, and may be something else after all.
    is_guess: bool = False
    #: Whether the folder that it is named by holds this run and nothing else.
    is_whole_folder: bool = False


def expand(patterns: Iterable[str]) -> list[str]:
    """The paths that run arguments stand for: globs (also `**`) become what they match, sorted; the rest stays.

    A path is named once, however many patterns match it. What exists is taken as it is, whatever its name.
    """
    paths: list[str] = []
    for pattern in patterns:
        if is_remote(pattern):
            found = matching(pattern)
        elif not glob.has_magic(pattern) or _is_there(pattern):
            found = [pattern]
        else:
            found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  # a Path would rewrite what was typed
        if not found:
            raise unreadable(pattern, "no file or folder matches this pattern", "is it quoted as you meant?")
        paths += found
    return list(dict.fromkeys(paths))


def find(path: str | os.PathLike[str]) -> list[Place]:
    """The places of the runs that a path stands for; at least one, or `UnreadableRun`.

    `PATH#NAME` is the run of that name in a log or a folder that holds several.
    """
    name = os.fspath(path)
    if name == STANDARD_INPUT:
        document = standard_input()
        return [Place(name, (Log(recognise(document), document),))]
    if not name:
        raise unreadable("''", "is no path", "is a variable empty?")
    whole, mark, only = name.rpartition("#")
    if mark and whole and only and (is_remote(name) or not _is_there(name)):
        try:
            return _named(find(whole), whole, only)
        except UnreadableRun:
            # A remote name may have the sign in it too: that is tried last, for on the web it is not part of one.
            if not is_remote(name):
                raise
    return _find(name, fetched(name) if is_remote(name) else Path(name))


def find_each(path: str | os.PathLike[str]) -> list[Place]:
    """The same, each by a name of its own: one alone does not go by that of its folder, which may come to hold more."""
    name = os.fspath(path)
    if name and name != STANDARD_INPUT and not is_remote(name) and os.path.isdir(name):  # noqa: PTH112 - as `_is_there`
        return _places_below(_Folder(Path(name), name, Path(name).resolve()))
    return find(path)


def _named(places: list[Place], whole: str, only: str) -> list[Place]:
    """The place of that name, or all of them, for the name may be one that a log gives."""
    for place in places:
        if len(places) > 1 and only in {os.path.relpath(place.path, whole), os.path.basename(place.path)}:  # noqa: PTH119
            return [place]
    return [replace(place, only=only) for place in places]


def _is_there(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # No path at all, with a zero in it.
        return False


def _find(name: str, place: Path) -> list[Place]:
    mode = _mode(name, place)
    if stat.S_ISDIR(mode):
        return _find_in_folder(_Folder(place, name, place.resolve()))
    for is_kind, kind in _KINDS:
        if is_kind(mode):
            raise unreadable(name, f"is {kind}, not a file", "to read from a pipe, use - for standard input")
    document = Document(name, copy=place)
    return [Place(name, (Log(recognise(document), document),))]


def _mode(name: str, place: Path) -> int:
    """What kind of thing a path is; every way of not being there is a sentence."""
    try:
        return place.stat().st_mode
    except FileNotFoundError:
        if place.is_symlink():
            raise unreadable(name, "is a link to something that does not exist") from None
        raise unreadable(name, *_absent(place)) from None
    except PermissionError:
        raise unreadable(name, "may not be looked at", "check the permissions of its folders") from None
    except NotADirectoryError:
        raise unreadable(name, "does not exist", "a part of the path before its last is a file, not a folder") from None
    except (OSError, ValueError) as error:
        raise unreadable(name, f"is no usable path ({visible(getattr(error, 'strerror', None) or error)})") from None


def _absent(place: Path) -> tuple[str, str]:
    """What to say of a path that does not exist: the nearest name beside it, or the part that is missing."""
    from difflib import get_close_matches

    if not place.parent.is_dir():
        return "does not exist", f"neither does its folder {visible(place.parent, 200)}"
    try:
        names = sorted(beside.name for beside in islice(place.parent.iterdir(), 10_000))
    except OSError:
        return "does not exist", ""
    near = get_close_matches(place.name, names, n=1, cutoff=0.6)
    return "does not exist", f"did you mean {visible(place.with_name(near[0]), 200)}?" if near else ""


# Folders


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that is searched: where it lies, what it is called, and the folder that was asked for."""

    place: Path
    shown: str
    root: Path

    def holds(self, path: Path) -> bool:
        """Whether a path is really inside the folder that was asked for, whatever links lead to it."""
        try:
            return path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError):  # Links that lead in a circle.
            return False

    def entries(self) -> list[os.DirEntry[str]]:
        """What lies in it, by name."""
        with os.scandir(self.place) as found:
            return sorted(found, key=lambda entry: entry.name)

    def name_of(self, path: Path) -> str:
        return os.path.join(self.shown, path.relative_to(self.place))  # noqa: PTH118 - what was typed stays as typed

    def log(self, source: Source, path: Path) -> Log:
        return Log(source, Document(self.name_of(path) if path != self.place else self.shown, copy=path))

    def folders(self) -> Iterator[_Folder]:
        """The folders to look into. What a link inside leads to is found where it lies."""
        for entry in self.entries():
            if entry.is_dir(follow_symlinks=False) and not _NO_RUNS.fullmatch(entry.name):
                path = self.place / entry.name
                yield _Folder(path, self.name_of(path), self.root)


def _find_in_folder(folder: _Folder) -> list[Place]:
    """The runs in a folder, of which one alone may as well go by its name."""
    found = _places_below(folder)
    return found if len(found) > 1 else [replace(found[0], path=folder.shown)]


def _places_below(folder: _Folder) -> list[Place]:
    """The run that a folder is, or the runs that lie in it and in the folders inside it."""
    found: list[Place] = []
    try:
        level, seen = [folder], 0
        for _ in range(DEEPEST):
            below: list[_Folder] = []
            for inner in level:
                places = _unless_denied(_places_in, inner, folder)
                found += places
                if not any(place.is_whole_folder or _fills(place, inner) for place in places):
                    below += _not_read(_unless_denied(_Folder.folders, inner, folder), places)
            seen += len(level)
            level = below[: MOST_FOLDERS - seen]
    except OSError as error:
        raise failed(folder.shown, error) from None
    if not found:
        raise _no_run(folder)
    return found


def _fills(place: Place, folder: _Folder) -> bool:
    """Whether a folder has a log to which all below it belongs: TensorBoard puts parts of a run there."""
    log = place.logs[0]
    return log.source.fills_its_folder and folder.place in {log.document.place, log.document.place.parent}


def _not_read(folders: Iterable[_Folder], places: Sequence[Place]) -> list[_Folder]:
    """The folders that no log was taken from: `wandb`, `mlruns` and the like are known from above."""
    read = [log.document.place for place in places for log in place.logs]
    return [folder for folder in folders if not any(path.is_relative_to(folder.place) for path in read)]


def _unless_denied(look: Callable[[_Folder], Iterable[T]], inner: _Folder, root: _Folder) -> list[T]:
    """What there is in a folder; nothing in one that may not be looked into, unless it is the one that was named."""
    try:
        return list(look(inner))
    except OSError:
        if inner is root:
            raise
        return []


def _at_landmarks(source: Source, folder: _Folder) -> list[Path]:
    """Where a log of a format lies in a folder: a file or a folder, and really in it."""
    nothing: list[Path] = []
    try:
        found = guarded(source, lambda: source.in_folder(folder.place), nothing)
    except (OSError, RuntimeError):  # Denied, or links that lead in a circle.
        return []
    return [path for path in found if (path.is_file() or path.is_dir()) and folder.holds(path)]


def _places_in(folder: _Folder) -> list[Place]:
    """The run that a folder is, or the runs that lie in it side by side."""
    if not folder.entries():
        return []
    known: dict[Path, Log] = {}
    for source in sources():
        for path in _at_landmarks(source, folder):
            log = folder.log(source, path)
            if path not in known and claims(source, log.document):
                known[path] = log
    if known:
        logs = tuple(known.values())
        first = logs[0].source
        if first.one_run_a_folder:
            return [Place(folder.shown, logs, is_whole_folder=True)]
    found = [Place(log.document.path, (log,)) for log in known.values() if not log.source.one_run_a_folder]
    for path in _candidates(folder):
        document = Document(folder.name_of(path), copy=path)
        claimant = claimant_of(document)
        if claimant is not None and path not in known:
            found.append(Place(document.path, (Log(claimant, document),), is_guess=claimant.is_general))
    return found


def _candidates(folder: _Folder) -> list[Path]:
    """Files in a folder that by their names may be logs."""
    endings = tuple(ending for source in sources() for ending in source.suffixes)
    found = [
        folder.place / entry.name
        for entry in folder.entries()
        if _without(entry.name.lower(), ENDINGS).endswith(endings)
        and entry.name not in NO_LOGS
        and _is_file(entry)
        and (not entry.is_symlink() or folder.holds(folder.place / entry.name))
    ]
    if len(found) > MOST_FILES:
        problem = f"holds {len(found):,} files that may be logs, more than the {MOST_FILES:,} that are looked into"
        raise unreadable(folder.shown, problem, "name the logs, or a pattern such as 'run-1*.jsonl'")
    return found


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # Links that lead in a circle.
        return False


def _without(name: str, endings: Iterable[str]) -> str:
    for ending in endings:
        name = name.removesuffix(ending)
    return name


def _no_run(folder: _Folder) -> UnreadableRun:
    """The error for a folder without a log: what was looked for, and what stood in its place."""
    known = [path for source in sources() for path in _at_landmarks(source, folder) if path.is_file()]
    seen = list(dict.fromkeys([*known, *_candidates(folder)]))
    if len(seen) == 1:
        # There is one candidate after all: its own trouble says more than the folder's.
        try:
            recognise(Document(folder.name_of(seen[0]), copy=seen[0]))
        except UnreadableRun as error:
            return error
    inside = [entry for entry in folder.entries() if not entry.name.startswith(".")]
    led_out = [entry.name for entry in inside if entry.is_symlink() and not folder.holds(Path(entry.path))]
    if led_out:
        cure = f"links that lead out of it are not followed ({listed(led_out, 3)}): name what they lead to"
    elif others := [entry.name for entry in inside if _is_file(entry)]:
        cure = f"what it holds ({listed(others, 3)}) is in no format read here"
    elif inside:
        cure = f"neither do its folders ({listed([entry.name for entry in inside], 3)})"
    else:
        cure = "it holds no files"
    marks = ["trainer_state.json", "checkpoint-N", *(mark for source in sources() for mark in source.landmarks[:1])]
    return unreadable(folder.shown, f"holds no run: looked for {listed(dict.fromkeys(marks), 8)} and the like", cure)
