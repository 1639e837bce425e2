"""One run for the whole script, in the shape that scripts have for W&B and trackio: `import barograph as wandb`.

What such a script calls is there. Numbers are kept and judged; pictures, tables and uploads are taken and dropped.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from barograph.core.finding import Diagnosis
from barograph.trainers.tracker import Tracker, start

__all__ = ["Config", "Session", "Summary", "current", "finish", "free_folder", "init", "log"]

#: Where runs are kept unless the script says.
FOLDER = "runs"
_current: Session | None = None


class Config(dict[str, Any]):
    """The settings of a run, by key or by attribute; what is set while it goes on is known to the rules at once."""

    def __init__(self, run: Session, facts: Mapping[str, Any]) -> None:
        super().__init__(facts)
        object.__setattr__(self, "_run", run)

    def update(self, *facts: Any, allow_val_change: bool = True, **more: Any) -> None:
        """As of a dict; parsed arguments and dataclasses are taken too."""
        from barograph.monitor.run_file import settings_of

        fresh: dict[str, Any] = {**(settings_of(facts[0]) if facts else {}), **more}
        super().update(fresh)
        self._told(fresh)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._told({key: value})

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the configuration of the run has no {name!r}") from None

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def _told(self, facts: Mapping[str, Any]) -> None:
        run: Session = object.__getattribute__(self, "_run")
        if run.tracker.monitor is not None:
            run.tracker.monitor.configure(facts)


class Summary(dict[str, Any]):
    """The last number of every metric, and what the script sets itself; the latter goes to `run.json`."""

    def __init__(self, run: Session) -> None:
        super().__init__()
        self._run = run
        self._own: dict[str, Any] = {}

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._own[key] = value
        if self._run.tracker.monitor is not None:
            self._run.tracker.monitor.summarise({key: value})

    def update(self, *facts: Any, **more: Any) -> None:
        for key, value in dict(*facts, **more).items():
            self[key] = value

    def logged(self, metrics: Mapping[str, Any]) -> None:
        """A row was logged. What the script has set itself stays."""
        for key, value in metrics.items():
            if key not in self._own:
                super().__setitem__(str(key), value)


class Session:
    """A run as `init` gives it."""

    def __init__(
        self, tracker: Tracker, project: str, name: str, config: Mapping[str, Any], tags: Iterable[str]
    ) -> None:
        self.tracker = tracker
        self.project = project
        self.name = self.id = name
        self.tags = tuple(tags)
        self.notes = self.entity = self.group = self.url = ""
        self.config = Config(self, config)
        self.summary = Summary(self)
        #: The step of the next row that names none.
        self.step = 0

    @property
    def dir(self) -> str:
        """Where the run is kept."""
        return self.tracker.folder

    @property
    def disabled(self) -> bool:
        return self.tracker.monitor is None

    def log(
        self, data: Mapping[str, Any] | None = None, step: object = None, commit: bool | None = None, **ignored: Any
    ) -> None:
        """Keep one row. With no step, each call is one further; with `commit=False` the next belongs to the same."""
        if not isinstance(data, Mapping):
            self.tracker.log(step, data)
            return
        row = {key: value for key, value in data.items() if not isinstance(value, Shape)}
        self.tracker.log(self.step if step is None else step, row)
        at = self.tracker.monitor.last_step if self.tracker.monitor is not None else self.step
        self.step = at if commit is False or (step is not None and commit is None) else at + 1
        self.summary.logged(row)

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> Diagnosis | None:
        """The run is over."""
        global _current  # noqa: PLW0603 - one run for the whole script is what this module is for
        if _current is self:
            _current = None
        return self.tracker.finish("crashed" if exit_code else "finished")

    def alert(self, title: str = "", text: str = "", **ignored: Any) -> None:
        """Say something once to whoever listens to the run."""
        if self.tracker.monitor is not None:
            self.tracker.monitor.tell(": ".join(part for part in (str(title), str(text)) if part))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(1 if error is not None else 0)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in WITHOUT_EFFECT:
            raise AttributeError(f"a run of barograph has no {name!r}")
        return nothing


def init(
    project: str | None = None,
    name: str | None = None,
    config: Any = None,
    dir: str | os.PathLike[str] | None = None,  # noqa: A002 - the name that scripts use
    mode: str | None = None,
    tags: Sequence[str] | None = None,
    **others: Any,
) -> Session:
    """Begin the run of this script; one that is still open ends.

    It is kept in `DIR/PROJECT/NAME`, in a folder of its own unless `resume` says otherwise. `method`, `guard` and
    `console` are those of `barograph.start`; with `mode="disabled"` nothing is kept. What else is given is ignored.
    """
    global _current  # noqa: PLW0603 - as above
    from barograph.monitor.run_file import settings_of

    if _current is not None:
        _current.finish()
    facts = settings_of(config)
    chosen = str(name or others.get("id") or f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}")  # noqa: DTZ005
    folder = Path(dir or FOLDER) / _safe(str(project or "default")) / _safe(chosen)
    if not _goes_on(others.get("resume")):
        folder = free_folder(folder)
    if mode == "disabled":
        tracker = Tracker(None)
    else:
        asked = {key: others[key] for key in ("method", "guard", "console", "dry_run") if key in others}
        tracker = start(folder, config=facts, **asked)
    _current = Session(tracker, str(project or ""), folder.name, facts, tags or ())
    if tracker.monitor is not None and tracker.monitor.has_past:
        _current.step = tracker.monitor.past_step() + 1
    return _current


def log(data: Mapping[str, Any], step: object = None, commit: bool | None = None, **ignored: Any) -> None:
    """Keep one row of the script's run, as `Session.log`. With no run begun, one begins."""
    (_current or init()).log(data, step, commit)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> Diagnosis | None:
    """The script's run is over."""
    return _current.finish(exit_code) if _current is not None else None


def alert(title: str = "", text: str = "", **ignored: Any) -> None:
    """Say something once to whoever listens to the script's run."""
    if _current is not None:
        _current.alert(title, text)


def current(name: str) -> Any:
    """`run`, `config` or `summary` of the script's run, as modules of this shape offer them."""
    if name == "run":
        return _current
    return getattr(_current, name) if _current is not None else {}


class Shape:
    """A picture, a table, a sample of sounds: taken, and not kept, for no rule can judge it."""

    def __init__(self, *data: Any, **more: Any) -> None:
        self.columns: list[Any] = list(more.get("columns") or ())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return nothing


class Nothing:
    """What a call gives that has no effect here: it may be called, entered and asked for anything."""

    def __call__(self, *data: Any, **more: Any) -> Self:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __bool__(self) -> bool:
        return False


nothing = Nothing()
#: What scripts call beside the metrics, with no effect here.
WITHOUT_EFFECT = frozenset({
    "define_metric", "link_artifact", "log_artifact", "log_code", "login", "mark_preempting", "save", "setup",
    "unwatch", "use_artifact", "watch",
})  # fmt: skip
SHAPES = frozenset({
    "Artifact", "Audio", "Histogram", "Html", "Image", "Object3D", "Plotly", "Settings", "Table", "Video",
})  # fmt: skip


def offered(name: str) -> Any:
    """What the package offers under a name beside its own, for `import barograph as wandb`."""
    if name in {"run", "config", "summary"}:
        return current(name)
    if name in WITHOUT_EFFECT:
        return nothing
    if name in SHAPES:
        return Shape
    if name in {"init", "log", "finish", "alert"}:
        return globals()[name]
    raise AttributeError(f"module 'barograph' has no attribute {name!r}")


def _safe(name: str) -> str:
    """A name as that of one folder, inside the one it belongs to."""
    return re.sub(r"[^\w.+=,@-]+", "-", name)[:100].strip(".-") or "run"


def _goes_on(resume: object) -> bool:
    return resume is True or resume in {"allow", "must", "auto"}


def free_folder(folder: Path) -> Path:
    """The folder, or the next one beside it that does not exist."""
    number, free = 2, folder
    while free.exists():
        free, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return free
