"""The table of a run while it goes on: a row every few steps, with the columns that its method is watched by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from barograph.console.terminal import Terminal, clean
from barograph.core.epochs import is_of_evaluation
from barograph.core.methods import CLASSIFIER, ONLINE, PAIRED, REWARD_MODEL, Method
from barograph.core.names import COUNTERS, catalogue

__all__ = ["STYLES", "Column", "LiveTable", "style_of"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the series it shows, the first of them that there is."""

    title: str
    series: tuple[str, ...]
    digits: int = 3
    #: Shown even before there is a value, and in the narrowest terminal.
    is_main: bool = True
    #: What it is called where the terminal is too narrow for the table.
    short: str = ""


_RATE = Column("LR", ("lr",), -1, is_main=False)
_GRADIENT = Column("Grad", ("grad_norm",), 2, is_main=False)
_COMMON = (_RATE, _GRADIENT)

#: The tables, by style. Those of KTO and DPO are the ones that people know from their guides.
STYLES: dict[str, tuple[Column, ...]] = {
    "kto": (
        Column("Loss", ("loss",)),
        Column("Chosen", ("reward_chosen",)),
        Column("Reject", ("reward_rejected",)),
        Column("Margin", ("reward_margin",)),
        Column("KL", ("kto_z0", "bco_delta"), is_main=False),
        *_COMMON,
    ),
    "dpo": (
        Column("Training Loss", ("loss",), 4, short="Loss"),
        Column("Rewards/Margins", ("reward_margin",), 4, short="Margin"),
        Column("Rewards/Chosen", ("reward_chosen",), 4, short="Chosen"),
        Column("Rewards/Rejected", ("reward_rejected",), 4, short="Rejected"),
        Column("Rewards/Accuracies", ("reward_accuracy",), 2, short="Accuracy"),
        *_COMMON,
    ),
    "online": (
        Column("Reward", ("score_mean", "reward_total")),
        Column("Spread", ("score_std",), is_main=False),
        Column("KL", ("kl_ref", "kl_ref_sequence", "approx_kl"), 4),
        Column("Entropy", ("entropy", "entropy_sequence")),
        Column("Length", ("len_mean",), 1, is_main=False),
        Column("Cut off", ("truncated_frac",), 2, is_main=False),
        Column("Clipped", ("clip_frac",), is_main=False),
        Column("Policy", ("policy_loss", "loss"), 4, is_main=False),
        Column("Value", ("value_loss",), is_main=False),
        *_COMMON,
    ),
    "reward": (
        Column("Loss", ("loss",)),
        Column("Accuracy", ("rm_accuracy",)),
        Column("Margin", ("rm_margin",)),
        Column("Mean", ("rm_mean",), is_main=False),
        Column("Lowest", ("rm_min",), is_main=False),
        Column("Highest", ("rm_max",), is_main=False),
        *_COMMON,
    ),
    "classifier": (
        Column("Loss", ("loss",), 4),
        Column("Eval Loss", ("eval.loss",), 4, is_main=False),
        Column("Accuracy", ("eval.cls_accuracy", "cls_accuracy"), 4),
        Column("F1", ("eval.cls_f1", "cls_f1"), 4),
        *_COMMON,
    ),
    "plain": (Column("Loss", ("loss",), 4), *_COMMON),
}
_BY_METHOD: dict[str, str] = {
    **dict.fromkeys(PAIRED, "dpo"),
    **dict.fromkeys(ONLINE, "online"),
    **dict.fromkeys(REWARD_MODEL, "reward"),
    **dict.fromkeys(CLASSIFIER, "classifier"),
    Method.KTO: "kto",
    Method.BCO: "kto",
    Method.SFT: "plain",
}
#: What gives a style away while the method is not known.
_SIGNS = (
    ("kto", ("kto_z0", "bco_delta")), ("dpo", ("reward_accuracy",)), ("kto", ("reward_margin", "reward_chosen")),
    ("reward", ("rm_accuracy", "rm_margin")), ("online", ("score_mean", "reward_total")),
    ("classifier", ("cls_accuracy", "cls_f1", "eval.cls_accuracy", "eval.cls_f1")),
)  # fmt: skip
STEP = Column("Step", ("step",))
LEFT = Column("Left", ("left",), is_main=False)
GAP = "  "
#: The header stands again after so many rows.
REPEAT = 20
#: So much of a name that a log brings itself is shown.
LONGEST = 18
MOST_UNKNOWN = 5
#: However narrow the terminal is, so many columns are shown besides the step.
FEWEST = 2


def style_of(method: str, seen: Mapping[str, object]) -> str:
    """The style for a method, or for what has been logged so far while that is open."""
    if method in _BY_METHOD:
        return _BY_METHOD[method]
    return next((style for style, signs in _SIGNS if any(sign in seen for sign in signs)), "plain")


class LiveTable:
    """Gathers values, and gives the lines of the table when a row is due."""

    def __init__(self, style: str = "auto") -> None:
        if style != "auto" and style not in STYLES:
            raise ValueError(f"there is no table {style!r}: take one of auto, {', '.join(STYLES)}")
        self.style = style
        self.method = Method.UNKNOWN.value
        self._latest: dict[str, float] = {}
        self._seen: dict[str, None] = {}
        self._header = ""
        self._since_header = 0

    def absorb(self, values: Mapping[str, float]) -> None:
        """Take the values of a row: the last of each stands in the next row of the table."""
        self._latest.update(values)

    def lines(self, step: int, terminal: Terminal, left: str = "") -> list[str]:
        """The row, with the header above it where it is due."""
        self._seen.update(dict.fromkeys(self._latest))
        first = max(len(STEP.title) + 3 * (self._style() == "kto"), len(f"{step}"))
        room = terminal.width - first
        columns = self._chosen(room, has_left=bool(left))
        is_short = _width(columns, short=False) > room
        titles = [_title(column, short=is_short) for column in columns]
        widths = [_cell_width(column, title) for column, title in zip(columns, titles, strict=True)]
        columns, titles, widths = [STEP, *columns], [STEP.title, *titles], [first, *widths]
        cells = [self._cell(*pair, step, left) for pair in zip(columns, widths, strict=True)]
        lines = []
        header = self._joined([(title, "") for title in titles], widths, terminal)
        if header != self._header or self._since_header >= REPEAT:
            lines.append(terminal.paint(header, "bold"))
            self._header, self._since_header = header, 0
        self._since_header += 1
        lines.append(self._joined(cells, widths, terminal))
        self._latest = {key: value for key, value in self._latest.items() if is_of_evaluation(key)}
        return lines

    def _joined(self, cells: list[tuple[str, str]], widths: list[int], terminal: Terminal) -> str:
        """Cells side by side: numbers stand below each other, but in the table of KTO, whose readers know it so."""
        is_left = self._style() == "kto"
        line = ""
        for (text, style), width in zip(cells, widths, strict=True):
            shown, blank = terminal.paint(text, style) if style else text, " " * (width - len(text))
            line += (shown + blank if is_left else blank + shown) + GAP
        return line.rstrip()

    def again(self) -> None:
        """Say the header again with the next row: something else stands between."""
        self._header = ""

    def _style(self) -> str:
        return self.style if self.style != "auto" else style_of(self.method, self._seen)

    def _chosen(self, room: int, *, has_left: bool) -> list[Column]:
        """The main columns, and of the others those that have values and room."""
        style = self._style()
        table = STYLES[style]
        if style == "plain" and "loss" not in self._seen:
            table = (*self._unknown(), *_COMMON)
        base = [column for column in table if column.is_main]
        while len(base) > FEWEST and _width(base, short=True) > room:
            base.pop()
        wanted = [LEFT] if has_left else []
        wanted += [column for column in table if not column.is_main and self._has(column)]
        is_short = _width(base, short=False) > room
        for column in wanted:
            if _width([*base, column], short=is_short) <= room:
                base.append(column)
        return [column for column in (*table, LEFT) if column in base]

    def _unknown(self) -> tuple[Column, ...]:
        """Where even the loss is missing: whatever there is, under its own name."""
        names = [name for name in self._seen if name not in COUNTERS and name not in {"lr", "grad_norm"}]
        return tuple(Column(_named(name), (name,), 4) for name in names[:MOST_UNKNOWN])

    def _has(self, column: Column) -> bool:
        return any(series in self._seen for series in column.series)

    def _cell(self, column: Column, width: int, step: int, left: str) -> tuple[str, str]:
        """What stands in a cell, and its colour."""
        if column is STEP:
            return str(step), ""
        if column is LEFT:
            return left, "dim"
        value = next((self._latest[series] for series in column.series if series in self._latest), None)
        if value is None:
            return "-", "dim"
        if not math.isfinite(value):
            return str(value), "red"
        is_backwards = column.series[0] in {"reward_margin", "rm_margin"} and value < 0
        return _number(value, column.digits, width), "yellow" if is_backwards else ""


def _number(value: float, digits: int, width: int) -> str:
    """A number that fits its cell, with as many digits as there is room for."""
    if digits < 0:
        return f"{value:.2e}"
    if value and (abs(value) < 0.5 * 10**-digits or abs(value) >= 1e5):
        return f"{value:.1e}"
    return next(text for fewer in range(digits, -1, -1) if len(text := f"{value:.{fewer}f}") <= width or fewer == 0)


def _title(column: Column, *, short: bool) -> str:
    return column.short or column.title if short else column.title


def _cell_width(column: Column, title: str) -> int:
    """Room for the title, or for a number with its sign and three digits before the point."""
    if column is LEFT:
        return len("1:02:03")
    number = 8 if column.digits < 0 else column.digits + 3
    return max(len(title), number)


def _width(columns: list[Column], *, short: bool) -> int:
    titles = [_title(column, short=short) for column in columns]
    return sum(_cell_width(*pair) + len(GAP) for pair in zip(columns, titles, strict=True))


def _named(series: str) -> str:
    metric = catalogue().get(series)
    name = metric.title if metric else clean(series)
    return name if len(name) <= LONGEST else f"{name[:7]}...{name[-8:]}"
