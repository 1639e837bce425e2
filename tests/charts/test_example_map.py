"""The map of examples: what is drawn where, in the report and as a picture."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from documents import EVIL, Document, written

from barograph.charts.example_map import BINS, Dot, ExampleMap, bars, section
from barograph.charts.markup import joined
from barograph.charts.png import map_of_examples
from barograph.cli.plot import plot
from barograph.cli.report import report

sys.path.insert(0, str(Path(__file__).parent.parent / "data"))
from made_runs import made_run

DOTS = [Dot(0.1, 1.0, 0), Dot(0.5, 0.0, 1), Dot(0.1, -1.0, 2, is_apart=True)]
MAP = ExampleMap(DOTS, [("learned", 1), ("undecided", 1), ("never learned", 1)], has_spread=True, says=["Three."])


def drawn(of: ExampleMap) -> Document:
    return Document(joined(section(of)))


def places(document: Document, tag: str, style: str) -> list[dict[str, str | None]]:
    return [given for name, given in document.elements if name == tag and style in (given.get("class") or "").split()]


def test_each_group_has_a_shape_of_its_own_and_what_stands_apart_a_ring() -> None:
    page = drawn(MAP)
    # One of each in the picture, and one in the key.
    assert len(places(page, "circle", "s2")) == len(places(page, "path", "s0")) == len(places(page, "rect", "s1")) == 2
    ring, learned = places(page, "circle", "ring")[0], places(page, "circle", "s2")[1]
    assert float(ring["cy"] or 0) > float(learned["cy"] or 0)  # A negative margin lies below.
    assert ring["cx"] == learned["cx"]
    assert "never learned: 1" in page.text
    assert "Ringed ones stand apart." in page.text


def test_after_one_look_there_is_a_histogram() -> None:
    dice = random.Random(0)
    dots = [Dot(0.0, dice.gauss(0.0, 1.0), n % 3) for n in range(900)]
    counted = bars(ExampleMap(dots, MAP.groups, has_spread=False))
    assert len(counted) == BINS
    assert [sum(counts[group] for _, _, counts in counted) for group in range(3)] == [300] * 3
    begin, end, counts = counted[BINS // 2]
    assert sum(counts) == sum(begin <= dot.margin < end for dot in dots)
    page = drawn(ExampleMap(dots, MAP.groups, has_spread=False))
    assert not places(page, "circle", "ring")
    assert places(page, "rect", "s2")


def test_all_margins_alike_can_be_drawn() -> None:
    for has_spread in (True, False):
        assert drawn(replace(MAP, dots=[Dot(0.0, 0.0, 1)] * 3, has_spread=has_spread)).text


def test_what_stands_in_an_example_is_no_markup() -> None:
    page = drawn(replace(MAP, suspects=[{"row": 1, "margin": -1.0, "chosen": EVIL}]))
    assert not [name for name, _ in page.elements if name in {"script", "img"}]
    assert EVIL in page.text


def run_with_examples(folder: Path) -> Path:
    rows = [{"prompt": f"Say {n}.", "chosen": f"It is {n}.", "rejected": f"No {n}."} for n in range(200)]
    margins = [[-2.0 if n < 20 else 2.0 + n % 7 / 10 + epoch for n in range(200)] for epoch in range(3)]
    made_run(folder, rows, margins)
    written(folder / "logs", "training_metrics.jsonl")
    return folder


def test_the_report_has_the_map_and_its_suspects(tmp_path: Path) -> None:
    folder = run_with_examples(tmp_path / "run")
    target = tmp_path / "page.html"
    assert CliRunner().invoke(report, [str(folder), "-o", str(target)]).exit_code == 0
    page = Document(target.read_text())
    assert "Its examples" in page.text
    assert "It is 1" in page.text
    assert len(places(page, "circle", "ring")) == 20
    assert CliRunner().invoke(report, [str(folder), "-o", str(target), "--anonymous"]).exit_code == 0
    page = Document(target.read_text())
    assert "Its examples" in page.text
    assert "It is 1" not in page.text


def test_a_picture_is_written_beside_the_others(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the `plot` extra")
    folder = run_with_examples(tmp_path / "run")
    done = CliRunner().invoke(plot, [str(folder), "-o", str(tmp_path / "plots")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "plots/example_map.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_has_every_dot_and_ring() -> None:
    pytest.importorskip("matplotlib", reason="needs the `plot` extra")
    (axis,) = map_of_examples(MAP, "a run").axes
    assert [len(dots.get_offsets()) for dots in axis.collections] == [1, 1, 1, 1]
    assert axis.collections[2].get_offsets().tolist() == axis.collections[3].get_offsets().tolist() == [[0.1, -1.0]]
