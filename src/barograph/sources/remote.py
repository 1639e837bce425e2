"""Logs on other machines (`s3://`, `gs://`, `hf://`, `https://`), through fsspec and the library it needs for each.

What may be a log is copied to a temporary folder and read there; weights and data stay where they are. The copies are
removed when the program ends. A `file://` URL is read where it lies.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from barograph.core.errors import UnreadableRun
from barograph.sources.base import unreadable
from barograph.sources.catalogue import sources
from barograph.sources.late import late
from barograph.sources.storage.compressed import ENDINGS
from barograph.sources.wording import visible

__all__ = ["Progress", "fetched", "is_copy", "is_elsewhere", "is_remote", "matching", "progress_shown"]

T = TypeVar("T")

#: So many entries of a remote folder are looked at, and so many bytes of it copied.
MOST_ENTRIES = 20_000
MOST_BYTES = 2 << 30
#: How far below a folder logs are looked for: those of a run lie up to five levels down, its parts three more.
DEEPEST = 8
BLOCK = 1 << 20
#: The longest wait for an answer, in seconds.
PATIENCE = 60.0

_URL = re.compile(r"(?:[a-z][a-z0-9+.-]+::)*([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_LOCAL = frozenset({"file", "local"})
_WEB = frozenset({"http", "https"})
#: What fsspec knows that is no place, but a way to look at one.
_VIEWS = frozenset({
    "asynclocal", "async_wrapper", "blockcache", "cached", "dask", "data", "dir", "filecache", "generic", "libarchive",
    "reference", "simplecache", "tar", "worker", "zip",
})  # fmt: skip
#: The library for each kind of URL; for others fsspec says it.
_LIBRARIES = {
    "abfs": "adlfs", "abfss": "adlfs", "adl": "adlfs", "az": "adlfs", "gcs": "gcsfs", "github": "requests",
    "gs": "gcsfs", "hf": "huggingface_hub", "http": "aiohttp", "https": "aiohttp", "oss": "ossfs", "s3": "s3fs",
    "s3a": "s3fs", "sftp": "paramiko", "ssh": "paramiko", "webhdfs": "requests",
}  # fmt: skip
#: Files that are read along with a log: settings beside it, and the parts of logs that are folders.
_BESIDE = (
    "trainer_state.json", "adapter_config.json", "run.json", "events.out.tfevents.*", "*.wandb",
    "wandb-summary.json", "config.yaml", "meta.yaml", "metrics/*", "metrics/*/*", "params/*", "tags/*",
)  # fmt: skip
#: What is never a log, whatever its ending.
_NEVER = late(
    r".*\.(safetensors|bin|pt|pth|ckpt|arrow|npy|npz|h5|gguf|onnx|msgpack|model|pkl|tiktoken)(\.\w+)*"
    r"|(tokenizer|tokenizer_config|vocab|merges|added_tokens|special_tokens_map|preprocessor_config)\.\w+"
    r"|.*\.index\.json",
    re.IGNORECASE,
)
_CHECKPOINT = late(r"(?:checkpoint-|global_step_?)(\d+)")
#: Of so many checkpoints the newest are looked into: each holds the history of those before it.
NEWEST = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the copying of a remote path has come."""

    url: str
    files: int
    bytes: int


_shown: ContextVar[Callable[[Progress], None] | None] = ContextVar("shown", default=None)


@contextmanager
def progress_shown(show: Callable[[Progress], None]) -> Iterator[None]:
    """Inside, `show` is called with every megabyte that is copied."""
    token = _shown.set(show)
    try:
        yield
    finally:
        _shown.reset(token)


def is_remote(path: str) -> bool:
    """Whether a path is a URL.

    >>> is_remote("s3://bucket/run"), is_remote("C:/run"), is_remote("runs/kto")
    (True, False, False)
    """
    return _URL.match(path) is not None


def is_elsewhere(path: str) -> bool:
    """Whether a path is a URL of what does not lie on this machine.

    >>> is_elsewhere("s3://bucket/run"), is_elsewhere("file:///runs/kto"), is_elsewhere("runs/kto")
    (True, False, False)
    """
    match = _URL.match(path)
    return match is not None and match[0].removesuffix("://").lower() not in _LOCAL


def is_copy(path: Path) -> bool:
    """Whether a path is that of a copy, which is gone when the program ends."""
    return _home.cache_info().currsize > 0 and path.is_relative_to(_home())


def fetched(url: str) -> Path:
    """A copy of a remote file or folder on this machine; of a folder only what may be a log."""
    protocol = _protocol(url)
    if protocol in _LOCAL:
        return _local(url)
    with _sentences(url, protocol):
        files, path = _opened(url)
        kind = _answer(url, lambda: _kind(files, path, url))
        home = _new_folder(_home())
        if kind == "directory":
            target = home / _safe_name(path, "run")
            target.mkdir()
            return _Copying(url, files).folder(path, target)
        return _Copying(url, files).file(path, home / _safe_name(path, "log"))


def matching(url: str) -> list[str]:
    """The URLs that a pattern stands for, sorted; a URL without one, and an address on the web, stands for itself."""
    protocol = _protocol(url)
    if protocol in _WEB or not re.search(r"[*?\[]", url):
        return [url]
    if protocol in _LOCAL:
        import glob

        return sorted(f"{protocol}://{path}" for path in glob.glob(str(_local(url)), recursive=True))  # noqa: PTH207
    with _sentences(url, protocol):
        files, path = _opened(url)
        if _answer(url, lambda: files.exists(path)):
            return [url]
        found = _answer(url, lambda: sorted(map(str, files.glob(path))))
        # What stands before the path says more than the protocol: the repository, the host.
        start = url.removesuffix(path) if url.endswith(path) else f"{protocol}://"
        return [start + one for one in found]


def _protocol(url: str) -> str:
    match = _URL.match(url)
    if match is None or "::" in url:
        raise unreadable(url, "is a chain of URLs, which is not followed", "name the log itself")
    protocol = match[1].lower()
    if protocol in _VIEWS:
        raise unreadable(url, f"{protocol}:// is no place where a log lies", "name the log itself")
    return protocol


def _local(url: str) -> Path:
    """The path that a `file://` URL stands for. A browser writes %20 for a blank; others do not."""
    from urllib.parse import unquote

    host, slash, rest = url.partition("://")[2].partition("/")
    if host not in {"", "localhost"}:
        raise unreadable(url, "names another machine", "file:///PATH is a path on this one")
    path = slash + rest
    return Path(path if "%" not in path or os.path.lexists(path) else unquote(path))


def _opened(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    try:
        import fsspec.core
    except ImportError:
        raise unreadable(url, "is a remote path, which needs fsspec", "pip install 'barograph[remote]'") from None
    files, path = _answer(url, lambda: fsspec.core.url_to_fs(url))
    return files, str(path)


def _kind(files: Any, path: str, url: str) -> str:
    if _protocol(url) in _WEB and url.endswith("/"):
        raise unreadable(url, "is a folder on the web, which cannot be listed", "name the log itself")
    return str(files.info(path)["type"])


@contextmanager
def _sentences(url: str, protocol: str) -> Iterator[None]:
    """Whatever the libraries of other machines raise is one sentence."""
    try:
        yield
    except (UnreadableRun, MemoryError):
        raise
    except ImportError as error:
        library = _LIBRARIES.get(protocol)
        said = f"need {library}, which is not installed" if library else f"need a library: {visible(error, 200)}"
        cure = f"pip install {library}" if library else ""
        raise unreadable(url, f"{protocol}:// paths {said}", cure) from None
    except FileNotFoundError:
        raise unreadable(
            url, "does not exist there", "is the address complete, and are you allowed to see it?"
        ) from None
    except PermissionError as error:
        said = f"may not be read (permission denied{_detail(error, url)})"
        raise unreadable(url, said, "are the credentials for it set up here?") from None
    except TimeoutError:
        raise unreadable(url, "gives no answer in time", "is it reachable from here?") from None
    except Exception as error:  # noqa: BLE001 - each of the many libraries has errors of its own
        if isinstance(error, ValueError) and "rotocol not known" in str(error):
            raise unreadable(url, f"{protocol}:// is no kind of path that fsspec knows") from None
        said = f"cannot be fetched ({type(error).__name__}{_detail(error, url)})"
        raise unreadable(url, said, "is it reachable from here, and are the credentials for it set up?") from None


def _detail(error: Exception, url: str) -> str:
    """What an error says. What follows a question mark in an address may be a key, and is not repeated."""
    said = " ".join(str(error).split())
    said = re.sub(r"(\w+://[^\s?]+)\?\S+", r"\1", said)
    return f": {visible(said, 200)}" if said else ""


def _answer(url: str, ask: Callable[[], T]) -> T:
    """What a library answers, which is waited for only so long: not every one knows a limit of its own."""
    import threading

    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(ask())
        except BaseException as error:  # noqa: BLE001 - raised again by the one who asked
            errors.append(error)

    asking = threading.Thread(target=run, daemon=True, name="barograph-remote")
    asking.start()
    asking.join(PATIENCE)
    if errors:
        raise errors[0]
    if not answers:
        problem = f"gave no answer for {PATIENCE:.0f} seconds"
        raise unreadable(url, problem, "is it reachable from here, and small enough to be listed?")
    return answers[0]


@functools.cache
def _home() -> Path:
    """The folder of all copies, which goes when the program ends."""
    import shutil

    home = _new_folder().resolve()
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def _new_folder(inside: Path | None = None) -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="barograph-", dir=inside))


def _safe_name(path: str, otherwise: str) -> str:
    """The last part of a remote path as the name of a file here."""
    name = path.rstrip("/").rpartition("/")[2].partition("?")[0].partition("#")[0]
    return name if _is_safe(name) and name.isprintable() and len(os.fsencode(name)) < 200 else otherwise


def _is_safe(part: str) -> bool:
    return (
        part not in {"", ".", ".."}
        and not any(sign in part for sign in "\0/\\")
        and not (os.name == "nt" and ":" in part)
    )


class _Copying:
    """One path that is copied: how much of it was seen and taken."""

    def __init__(self, url: str, files: Any) -> None:
        self.url = url
        self.files = files
        self.entries = 0
        self.copied = 0
        self.bytes = 0
        self.endings = tuple(ending for source in sources() for ending in source.suffixes)
        landmarks = (mark for source in sources() for mark in source.landmarks)
        self.patterns = tuple(dict.fromkeys([*landmarks, *_BESIDE]))

    def folder(self, root: str, target: Path) -> Path:
        """Copy what may be a log, folder by folder, those at the top first."""
        level: list[tuple[str, PurePosixPath]] = [(root, PurePosixPath())]
        for _ in range(DEEPEST):
            below: list[tuple[str, PurePosixPath]] = []
            for path, place in level:
                folders = []
                for name, entry in self._listed(path):
                    if entry.get("type") == "directory":
                        folders.append((str(entry["name"]), place / name))
                    elif self._may_be_log(place / name):
                        self._into(str(entry["name"]), target, place / name)
                below += _worth_a_look(folders)
            level = below
        return target

    def _listed(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The entries of a folder with their names, in order. A name that leads elsewhere is passed over."""
        found = _answer(self.url, lambda: self.files.ls(path, detail=True))
        self.entries += len(found)
        if self.entries > MOST_ENTRIES:
            problem = f"holds more than {MOST_ENTRIES:,} files and folders"
            raise unreadable(self.url, problem, "name the folder of one run, or the log itself")
        named = [(str(entry["name"]).rstrip("/").rpartition("/")[2], entry) for entry in found]
        # Some file systems list a folder among what it holds.
        own = str(path).strip("/")
        yield from sorted(
            ((name, entry) for name, entry in named if _is_safe(name) and str(entry["name"]).strip("/") != own),
            key=lambda pair: pair[0],
        )

    def _may_be_log(self, place: PurePosixPath) -> bool:
        if _NEVER.fullmatch(place.name):
            return False
        name = place.name.lower()
        for ending in ENDINGS:
            name = name.removesuffix(ending)
        return name.endswith(self.endings) or any(place.match(pattern) for pattern in self.patterns)

    def _into(self, path: str, target: Path, place: PurePosixPath) -> None:
        """Copy a file to its place. One whose name this machine cannot have is left out."""
        file = target.joinpath(*place.parts)
        with suppress(
            FileExistsError, NotADirectoryError, IsADirectoryError
        ):  # A bucket may have a file and a folder `a`.
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch(exist_ok=False)
            except (OSError, ValueError):
                return
            try:
                self.file(path, file)
            except FileNotFoundError:  # Gone since it was listed.
                file.unlink()

    def file(self, path: str, target: Path) -> Path:
        show = _shown.get()
        stream = _answer(self.url, lambda: self.files.open(path, "rb"))
        try:
            with target.open("wb") as copy:
                while piece := _answer(self.url, lambda: stream.read(BLOCK)):
                    self.bytes += len(piece)
                    if self.bytes > MOST_BYTES:
                        problem = f"holds more than {MOST_BYTES >> 30} GB of what may be logs"
                        raise unreadable(self.url, problem, "name the log itself, or copy it here")
                    copy.write(piece)
                    if show is not None:
                        show(Progress(self.url, self.copied, self.bytes))
        finally:
            with suppress(Exception):
                stream.close()
        self.copied += 1
        return target


def _worth_a_look(folders: Iterable[tuple[str, PurePosixPath]]) -> Iterator[tuple[str, PurePosixPath]]:
    """The folders that may hold logs: not hidden ones, and of checkpoints the newest."""
    checkpoints: list[tuple[int, tuple[str, PurePosixPath]]] = []
    for path, place in folders:
        match = _CHECKPOINT.fullmatch(place.name)
        if match:
            checkpoints.append((int(match[1][:18]), (path, place)))
        elif not place.name.startswith(".") and place.name not in {"__pycache__", "node_modules", "site-packages"}:
            yield path, place
    yield from (folder for _, folder in sorted(checkpoints, reverse=True)[:NEWEST])
