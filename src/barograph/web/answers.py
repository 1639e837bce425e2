"""What the page is told, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from barograph.charts.comparison import Comparison
from barograph.charts.comparison_page import preferred, told
from barograph.charts.drawing import Chart, Line, meanings
from barograph.charts.overlay import overlaid
from barograph.charts.panels import Panel, series_title
from barograph.charts.report import WORDS
from barograph.console.watch_view import Scene
from barograph.core.cause import Cause
from barograph.core.finding import Diagnosis, Finding, StageRow
from barograph.core.run import Run
from barograph.core.story import Chapter, ground_words, story_of
from barograph.web.shelf import Card

__all__ = ["about_card", "about_chart", "about_comparison", "about_diagnosis", "about_panel", "about_scene"]

#: More signs of a setting are not shown.
LONGEST_SETTING = 300


def about_card(card: Card) -> dict[str, object]:
    """A run on the list."""
    diagnosis = card.diagnosis
    known = {} if diagnosis is None else {
        "verdict": diagnosis.verdict.value, "method": str(diagnosis.method), "rows": diagnosis.rows,
        "last_step": diagnosis.last_step, "source": diagnosis.source,
    }  # fmt: skip
    return {"key": card.key, "state": card.state, "changed": card.changed, "trouble": card.trouble,
            "says": card.says, **known}  # fmt: skip


def about_diagnosis(diagnosis: Diagnosis, run: Run, why: Mapping[str, str]) -> dict[str, object]:
    """What was found, and what it rests on."""
    known = diagnosis.to_dict()
    known["headline"] = WORDS[diagnosis.verdict]
    known["findings"] = [_finding(found, why) for found in diagnosis.findings]
    known["story"] = _story(diagnosis)
    known["grounds"] = [_grounds(cause) for cause in diagnosis.causes]
    known["stages"] = _stages(diagnosis.stages)
    known["judged"] = len(diagnosis.judged)
    known["notes"] = list(dict.fromkeys([*diagnosis.notes, *run.notes]))
    known["config"] = {name: str(value)[:LONGEST_SETTING] for name, value in sorted(run.config.items())}
    return known


def _grounds(cause: Cause) -> dict[str, list[str]]:
    """What speaks for a cause and against it, in words."""
    return {"for": [*map(ground_words, cause.speaks)], "against": [*map(ground_words, cause.against)]}


def _story(diagnosis: Diagnosis) -> dict[str, object]:
    """Which findings the likeliest cause explains, and what follows from which: by their places in the list."""
    places = {id(finding): place for place, finding in enumerate(diagnosis.findings)}

    def placed(chapters: Sequence[Chapter]) -> list[dict[str, object]]:
        return [
            {
                "finding": places[id(lead.finding)],
                "times": lead.times,
                "consequences": [places[id(one.finding)] for one in consequences],
            }
            for lead, consequences in chapters
        ]

    story = story_of(diagnosis)
    return {"explained": placed(story.explained), "apart": placed(story.apart)}


def _finding(found: Finding, why: Mapping[str, str]) -> dict[str, object]:
    return {**found.to_dict(), "why": why.get(found.code, "")}


def _stages(stages: Sequence[StageRow]) -> dict[str, object]:
    names = list(dict.fromkeys(name for row in stages for name in row.cells))
    return {
        "titles": {name: series_title(name) for name in names},
        "rows": [row.to_dict() for row in stages],
    }


def about_scene(scene: Scene) -> dict[str, object]:
    """How a run stands."""
    return {
        "state": scene.state, "planned": scene.planned, "share": scene.share, "seconds_left": scene.seconds_left,
        "quiet": scene.quiet, "decisions": list(scene.decisions), "remarks": list(scene.remarks),
        "trouble": scene.trouble,
    }  # fmt: skip


def about_panel(panel: Panel) -> dict[str, object]:
    """A chart, before it is drawn."""
    return {"name": panel.name, "title": panel.title, "metrics": list(panel.metrics)}


def about_chart(chart: Chart) -> dict[str, object]:
    """A chart with its lines."""
    return {
        "name": chart.name, "title": chart.title, "unit": chart.unit, "axis": chart.axis, "is_log": chart.is_log,
        "low": chart.low, "high": chart.high, "says": chart.says,
        "lines": [_line(line) for line in chart.lines],
        "bands": [{"from": one.first_step, "to": one.last_step, "low": _finite(one.low), "high": _finite(one.high)}
                  for one in chart.bands],
        "marks": [{"code": one.code, "name": one.name, "severity": str(one.severity), "step": one.step,
                   "last_step": one.last_step, "says": one.says, "metric": one.metric} for one in chart.marks],
        "levels": [{"value": one.value, "says": one.says} for one in chart.levels],
        "meanings": [{"title": title, "says": says} for title, says in meanings(chart)],
    }  # fmt: skip


def _line(line: Line) -> dict[str, object]:
    high, low, smooth = (_rounded(values) for values in (line.high, line.low, line.smooth))
    known: dict[str, object] = {
        "key": line.key, "title": line.title, "held_out": line.is_held_out, "gaps": list(line.gaps), "at": line.steps,
        "high": high, "shows_all": line.shows_all,
    }  # fmt: skip
    # What is the same is not sent twice.
    return known | ({"low": low} if low != high else {}) | ({"smooth": smooth} if smooth != high else {})


def _rounded(values: Sequence[float]) -> list[float]:
    """To six digits: more than can be seen."""
    return [float(f"{value:.6g}") for value in values]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def about_comparison(comparison: Comparison, keys: Mapping[str, str]) -> dict[str, object]:
    """Several runs side by side; `keys` are what the page calls them, by their paths."""
    known = comparison.to_dict()
    known["runs"] = [{**one.to_dict(), "key": keys.get(one.run.path, "")} for one in comparison.contestants]
    known["says"] = preferred(comparison)
    known["told"] = [told(one) for one in comparison.differences]
    known["settings"] = list(comparison.settings)
    known["series"] = [{"key": key, "title": series_title(key)} for key in comparison.series]
    known["panels"] = [{"name": name, "title": series_title(key)} for name, key in overlaid(comparison).items()]
    return known
