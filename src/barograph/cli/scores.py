"""What an evaluation of texts looks like: on the terminal, as JSON, and pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from barograph.console.boxes import wrapped
from barograph.console.terminal import Terminal, clean
from barograph.text.catalogue import KINDS
from barograph.text.evaluate import Evaluation, Result
from barograph.text.interval import LEVEL, Difference, Interval
from barograph.text.score import Score
from barograph.text.variety import Variety, shape_of

__all__ = ["Answer"]

TITLES = {kind.name: kind.title for kind in KINDS}
IN_PERCENT = {kind.name for kind in KINDS if kind.percent}
#: Of a text among the worst so much is shown.
SHOWN_LINES, SHOWN_CHARACTERS = 6, 480
#: From this many tokens on a loop is worth a word.
A_LOOP = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that was found, and how it is told."""

    path: str
    #: The line in that file that each pair begins on.
    lines: Sequence[int]
    ours: Evaluation
    rival_path: str | None
    #: The same of the other system's file.
    their_lines: Sequence[int]
    theirs: Evaluation | None
    differences: Mapping[str, Difference | None]
    #: So many pairs with the lowest scores are shown.
    worst: int

    # As text

    def shown(self, terminal: Terminal) -> Iterator[str]:
        """The lines for a terminal."""
        count = len(self.ours.pairs)
        beside = f", beside {clean(self.rival_path)}" if self.rival_path else ""
        yield terminal.paint(f"{clean(self.path)}: {count:,} pair{'' if count == 1 else 's'}{beside}", "bold")
        yield ""
        yield from _table([_HEADER, *(_row(result) for result in self.ours.results)], terminal)
        for result in self.ours.results:
            if parts := _parts_told(result):
                yield from wrapped(f"{TITLES[result.metric.name]}: {parts}", "  ", "    ", terminal, "dim")
        if self.theirs is not None:
            yield ""
            yield terminal.paint(f"Beside {clean(str(self.rival_path))}", "bold")
            yield from _table([_HEADER_BESIDE, *self._rows_beside(self.theirs)], terminal)
            told = "Intervals by the paired bootstrap, p by approximate randomisation: below 0.05 chance is unlikely."
            yield from wrapped(told, "  ", "  ", terminal, "dim")
        yield ""
        yield terminal.paint("The predictions by themselves", "bold")
        columns = [_variety_told(self.ours.variety, self.lines)]
        if self.theirs is not None:
            columns.append(_variety_told(self.theirs.variety, self.their_lines))
        rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
        yield from _table([_WHOSE, *rows] if self.theirs is not None else rows, terminal, left=True)
        yield from _notes_told(self.ours, "", terminal)
        if self.theirs is not None:
            yield from _notes_told(self.theirs, "the other: ", terminal)
        for place in self._lowest():
            yield from self._pair_shown(place, terminal)

    def _rows_beside(self, theirs: Evaluation) -> Iterator[tuple[str, ...]]:
        for result, other in zip(self.ours.results, theirs.results, strict=True):
            name = result.metric.name
            cells = [TITLES[name], _number(result.score.value, name), _number(other.score.value, name)]
            found = self.differences.get(name)
            if found is None:
                yield (*cells, "-", "-", "-", "0")
            else:
                difference = ("+" if found.value >= 0 else "") + _number(found.value, name)
                yield (*cells, difference, _interval(found.interval, name), f"{found.p:.4f}", f"{found.pairs:,}")

    def _lowest(self) -> list[int]:
        """The places of the pairs with the lowest scores by the first metric, the lowest first."""
        scores = self.ours.results[0].scores
        known = [(score.value, place) for place, score in enumerate(scores) if score.value is not None]
        return [place for _, place in sorted(known)[: self.worst]]

    def _pair_shown(self, place: int, terminal: Terminal) -> Iterator[str]:
        values = ", ".join(
            f"{TITLES[result.metric.name]} {_number(result.scores[place].value, result.metric.name)}"
            for result in self.ours.results
        )
        yield ""
        yield terminal.paint(f"line {self.lines[place]:,}: {values}", "bold")
        prediction, references = self.ours.pairs[place]
        for name, text in [("said", prediction), *(("right", reference) for reference in references[:2])]:
            for number, line in enumerate(_beginning(text)):
                yield terminal.paint(f"  {name if number == 0 else '':7}", "dim") + clean(line)

    # As data

    def to_dict(self) -> dict[str, Any]:
        """For `--json`. Every value is a share, BLEU too."""
        answer: dict[str, Any] = {
            "schema": 1,
            "predictions": self.path,
            "pairs": len(self.ours.pairs),
            "metrics": [self._metric_told(place) for place in range(len(self.ours.results))],
            "variety": asdict(self.ours.variety),
        }
        if self.theirs is not None:
            answer["against"] = {"predictions": self.rival_path, "variety": asdict(self.theirs.variety)}
        if self.worst:
            rows = list(self.rows())
            answer["worst"] = [rows[place] for place in self._lowest()]
        return answer

    def _metric_told(self, place: int) -> dict[str, Any]:
        result = self.ours.results[place]
        name = result.metric.name
        told: dict[str, Any] = {
            "name": name,
            "title": TITLES[name],
            **_value_told(result),
            "pairs": result.applied,
            "parts": dict(result.score.parts),
            "notes": list(result.score.notes),
            "signature": result.metric.signature,
        }
        if self.theirs is not None:
            found = self.differences.get(name)
            told["against"] = {**_value_told(self.theirs.results[place]), "difference": found and asdict(found)}
        return told

    def rows(self) -> Iterator[dict[str, Any]]:
        """One object for each pair."""
        for place, (prediction, references) in enumerate(self.ours.pairs):
            row: dict[str, Any] = {
                "line": self.lines[place],
                "prediction": prediction,
                "references": list(references),
                **_scores_told(self.ours, place),
                **shape_of(prediction)._asdict(),
            }
            if self.theirs is not None:
                row["against"] = {
                    "prediction": self.theirs.pairs[place].prediction,
                    **_scores_told(self.theirs, place),
                }
            yield row


_HEADER = ("metric", "value", f"{LEVEL:.0%} interval", "pairs")
_WHOSE = ("", "this", "other")
_HEADER_BESIDE = ("metric", "this", "other", "difference", f"{LEVEL:.0%} interval", "p", "pairs")


def _row(result: Result) -> tuple[str, ...]:
    name = result.metric.name
    return (
        TITLES[name],
        _number(result.score.value, name),
        _interval(result.interval, name),
        f"{result.applied:,}",
    )


def _number(value: float | None, metric: str) -> str:
    """As the field prints it: BLEU in percent, the others as shares."""
    if value is None:
        return "-"
    return f"{value * 100:.2f}" if metric in IN_PERCENT else f"{value:.4f}"


def _interval(interval: Interval | None, metric: str) -> str:
    return f"{_number(interval.low, metric)} to {_number(interval.high, metric)}" if interval else "-"


def _parts_told(result: Result) -> str:
    return ", ".join(
        # How many pairs reached a level is no share.
        f"{name.replace('_', ' ')} {part:,.0f}" if name.endswith("_pairs") else f"{name.replace('_', ' ')} {part:.3f}"
        for name, part in result.score.parts.items()
        if part is not None
    )


def _notes_told(evaluation: Evaluation, whose: str, terminal: Terminal) -> Iterator[str]:
    for result in evaluation.results:
        for note in result.score.notes:
            told = f"{TITLES[result.metric.name]}, {whose}{note}"
            yield from wrapped(clean(told), "  ", "    ", terminal, "yellow")


def _variety_told(found: Variety, lines: Sequence[int]) -> dict[str, str]:
    told = {
        "distinct-1, -2, -3": ", ".join("-" if share is None else f"{share:.3f}" for share in found.distinct),
        "repeated 4-grams": "-" if found.repetition is None else f"{found.repetition:.1%}",
        "tokens, characters": f"{found.tokens or 0:,.1f}, {found.characters or 0:,.1f}",
        "length beside references": "-" if found.length_ratio is None else f"{found.length_ratio:.2f}",
        "empty": f"{found.empty:,} of {found.texts:,}",
    }
    loops = found.loops_in is not None and found.longest_loop >= A_LOOP
    told["longest loop"] = f"{found.longest_loop:,} tokens, line {lines[found.loops_in or 0]:,}" if loops else "none"
    return told


def _value_told(result: Result) -> dict[str, Any]:
    interval = result.interval
    return {"value": result.score.value, "interval": asdict(interval) if interval else None}


def _scores_told(evaluation: Evaluation, place: int) -> dict[str, Any]:
    """Each value by the metric's name, its parts and notes beside it."""
    scores: dict[str, Score] = {result.metric.name: result.scores[place] for result in evaluation.results}
    told: dict[str, Any] = {name: score.value for name, score in scores.items()}
    told["parts"] = {name: dict(score.parts) for name, score in scores.items()}
    told["notes"] = [f"{name}: {note}" for name, score in scores.items() for note in score.notes]
    return told


def _table(rows: Sequence[tuple[str, ...]], terminal: Terminal, *, left: bool = False) -> Iterator[str]:
    """Columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, (first, *cells) in enumerate(rows):
        shown = (f"{cell:{'<' if left else '>'}{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        line = f"  {first:{widths[0]}}  {'  '.join(shown)}".rstrip()
        yield terminal.paint(line, "dim") if number == 0 and not left else line


def _beginning(text: str) -> list[str]:
    """The first lines of a text, and how much is left out."""
    lines = text[:SHOWN_CHARACTERS].splitlines()[:SHOWN_LINES] or ["(empty)"]
    left_out = len(text) - len("\n".join(lines))
    return [*lines, f"... {left_out:,} characters more"] if left_out > 1 and text.strip() else lines
