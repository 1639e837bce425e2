"""Every format in the order in which they are asked, and the way from a path to a run."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from barograph.core.errors import UnreadableRun
from barograph.core.methods import Method
from barograph.core.run import Run
from barograph.sources.base import STANDARD_INPUT, Document, RawRun, Source, unreadable
from barograph.sources.cache import entry_for
from barograph.sources.csv_table import CSV_TABLE
from barograph.sources.json_records import JSON_RECORDS
from barograph.sources.jsonl import JSONL
from barograph.sources.normalise import as_method, normalise
from barograph.sources.own_run import OWN_RUN
from barograph.sources.stdin import standard_input
from barograph.sources.trainer_state import TRAINER_STATE
from barograph.sources.wording import counted, listed, visible

__all__ = ["SOURCES", "expand", "find", "read_run"]

#: The first that recognises a file reads it, so the particular stand before the general.
SOURCES: tuple[Source, ...] = (OWN_RUN, TRAINER_STATE, JSONL, JSON_RECORDS, CSV_TABLE)

#: Files that lie in many run folders, have a readable ending, and are no logs.
NO_LOGS = frozenset({
    "adapter_config.json", "added_tokens.json", "all_results.json", "config.json", "dataset_infos.json",
    "eval_results.json", "findings.jsonl", "generation_config.json", "merges.json", "model.safetensors.index.json",
    "package.json", "prediction_samples.json", "preprocessor_config.json", "run.json", "special_tokens_map.json",
    "tokenizer.json", "tokenizer_config.json", "train_results.json", "vocab.json",
})  # fmt: skip
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def expand(patterns: Iterable[str]) -> list[str]:
    """The paths that run arguments stand for: globs (also `**`) become what they match, sorted; the rest stays.

    A path is named once, however many patterns match it. What exists is taken as it is, whatever its name.
    """
    paths: list[str] = []
    for pattern in patterns:
        if not glob.has_magic(pattern) or os.path.lexists(pattern):
            paths.append(pattern)
            continue
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  # a Path would rewrite what was typed
        if not found:
            raise unreadable(pattern, "no file or folder matches this pattern", "is it quoted as you meant?")
        paths += found
    return list(dict.fromkeys(paths))


def find(path: str | os.PathLike[str]) -> list[tuple[Source, str]]:
    """The logs that a path stands for, best first: itself if it is a file, what lies in it if it is a folder.

    Raises `UnreadableRun` where there is none.
    """
    name = os.fspath(path)
    mode = _mode(name)
    if stat.S_ISDIR(mode):
        return _find_in_folder(Path(name))
    for is_kind, kind in _KINDS:
        if is_kind(mode):
            raise unreadable(name, f"is {kind}, not a file", "to read from a pipe, use - for standard input")
    return [(_recognise(Document(name)), name)]


def read_run(
    path: str | os.PathLike[str],
    method: Method | str | None = None,
    config: Mapping[str, object] | None = None,
    metrics: Mapping[str, str] | None = None,
) -> Run:
    """The run at a path: a file, a folder, or `-` for standard input.

    `method` overrides what the log looks like, `config` what it says of its settings, `metrics` what a raw key means.
    Raises `UnreadableRun`, and for an unknown method `ConfigurationError`.
    """
    name = os.fspath(path)
    method = as_method(method)
    if name == STANDARD_INPUT:
        document = standard_input()
        source = _recognise(document)
        return normalise(
            _read(source, document), path=name, source=source.name, method=method, config=config, metrics=metrics
        )
    if not name:
        raise unreadable("''", "is no path", "is a variable empty?")
    errors: list[UnreadableRun] = []
    logs = find(name)
    for place, (source, file) in enumerate(logs):
        try:
            raw = _read_cached(source, file)
            raw.config = {**raw.config, **source.facts_beside(file)}
            if file != name:
                # Older checkpoints tell of the same run; files side by side may be several.
                rest = sum(Path(other).parent == Path(file).parent for _, other in logs[place + 1 :])
                more = f"; {counted(rest, 'log')} beside it left out: name each, or use a glob" if rest else ""
                raw.notes.insert(0, f"read from {visible(os.path.relpath(file, name))}{more}")
                raw.notes += [f"could not be read: {error}" for error in errors]
            return normalise(raw, path=name, source=source.name, method=method, config=config, metrics=metrics)
        except UnreadableRun as error:
            errors.append(error)
    raise errors[0]


# Files


def _mode(path: str) -> int:
    """What kind of thing a path is; every way of not being there is a sentence."""
    try:
        return Path(path).stat().st_mode
    except FileNotFoundError:
        if Path(path).is_symlink():
            raise unreadable(path, "is a link to something that does not exist") from None
        raise unreadable(path, *_absent(path)) from None
    except PermissionError:
        raise unreadable(path, "may not be looked at", "check the permissions of its folders") from None
    except NotADirectoryError:
        raise unreadable(path, "does not exist", "a part of the path before its last is a file, not a folder") from None
    except (OSError, ValueError) as error:
        raise unreadable(path, f"is no usable path ({visible(getattr(error, 'strerror', None) or error)})") from None


def _absent(path: str) -> tuple[str, str]:
    """What to say of a path that does not exist: the nearest name beside it, or the part that is missing."""
    place = Path(path)
    if not place.parent.is_dir():
        return "does not exist", f"neither does its folder {visible(place.parent, 200)}"
    try:
        names = sorted(beside.name for beside in islice(place.parent.iterdir(), 10_000))
    except OSError:
        return "does not exist", ""
    near = get_close_matches(place.name, names, n=1, cutoff=0.6)
    return "does not exist", f"did you mean {visible(place.with_name(near[0]), 200)}?" if near else ""


def _failed(path: str, error: OSError) -> UnreadableRun:
    if isinstance(error, PermissionError):
        return unreadable(path, "may not be read (permission denied)", "check its owner and mode")
    return unreadable(path, f"cannot be read ({os.strerror(error.errno or errno.EIO)})")


def _recognise(document: Document) -> Source:
    """The format of a document, by its content."""
    try:
        head = document.head()
    except OSError as error:
        raise _failed(document.path, error) from None
    if not head:
        raise unreadable(document.path, "is empty", "is the run still starting?")
    if not head.strip():
        raise unreadable(document.path, "holds nothing but white space", "is the run still starting?")
    for source in SOURCES:
        if source.recognises(document.path, head):
            return source
    if b"\0" in head or _share_of_control(head) > 0.1:
        raise unreadable(document.path, "is a binary file in no format known here", f"known are {_known()}")
    line = head.lstrip().split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    raise unreadable(document.path, f"is in no format known here; it begins with '{visible(line)}'",
                     f"known are {_known()}")  # fmt: skip


def _known() -> str:
    return ", ".join(source.name for source in SOURCES)


def _share_of_control(head: bytes) -> float:
    text = head.translate(None, delete=bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\b\x1b"))
    return 1.0 - len(text) / len(head)


def _read(source: Source, document: Document) -> RawRun:
    try:
        return source.read(document)
    except OSError as error:
        raise _failed(document.path, error) from None
    except MemoryError:
        raise unreadable(document.path, "is too large for the memory of this machine") from None


def _read_cached(source: Source, path: str) -> RawRun:
    """A log from its kept columns, or read and kept."""
    document = Document(path)
    entry = entry_for(path, source.name)
    if entry is None:
        return _read(source, document)
    kept = entry.load()
    if kept is None:
        kept = _read(source, document)
        entry.store(kept)
    return kept


# Folders


def _find_in_folder(folder: Path) -> list[tuple[Source, str]]:
    """Logs at the places where each format keeps them, else any file that a format recognises."""
    try:
        inside = sorted(folder.iterdir())
        known = [(source, path) for source in SOURCES for path in source.in_folder(folder)]
        endings = tuple(ending for source in SOURCES for ending in source.suffixes)
        others = [
            path for path in inside
            if path.name.lower().endswith(endings) and path.name not in NO_LOGS and path.is_file()
        ]  # fmt: skip
    except OSError as error:
        raise _failed(str(folder), error) from None
    found: dict[Path, Source] = {}
    for source, path in known:
        if path not in found and _is(source, path):
            found[path] = source
    for path in others if not found else ():
        for source in SOURCES:
            if _is(source, path):
                found[path] = source
                break
    if not found:
        raise _no_run(folder, list(dict.fromkeys([*(path for _, path in known), *others])))
    return [(source, str(path)) for path, source in found.items()]


def _is(source: Source, path: Path) -> bool:
    try:
        return source.recognises(str(path), Document(str(path)).head())
    except OSError:
        return False


def _no_run(folder: Path, seen: list[Path]) -> UnreadableRun:
    """The error for a folder without a log: what was looked for, and what stood in its place."""
    if len(seen) == 1:
        # There is one candidate after all: its own trouble says more than the folder's.
        try:
            _recognise(Document(str(seen[0])))
        except UnreadableRun as error:
            return error
    marks = ["trainer_state.json", "checkpoint-N", *(mark for source in SOURCES for mark in source.landmarks[:1])]
    runs_below = sorted({path.parent.name for path in folder.glob("*/trainer_state.json")})
    looked_for = f"{listed(dict.fromkeys(marks), 8)} and any .jsonl, .json or .csv"
    others = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    cure = f"what it holds ({listed(others, 3)}) is in no format read yet" if others else "it holds no files at all"
    if runs_below:
        cure = f"its folders {listed(runs_below, 3)} hold runs"
    return unreadable(folder, f"holds no run: looked for {looked_for}", cure)
