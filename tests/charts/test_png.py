"""PNG files: tested by what was drawn, and by the command that a person calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from documents import written

pytest.importorskip("matplotlib", reason="needs the `plot` extra")

from barograph.charts.drawing import Chart, charts_of
from barograph.charts.png import COLOURS, figure_of, pictures
from barograph.cli.plot import plot
from barograph.core.errors import MissingExtra
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows

RUN = run_from_rows(
    [
        (step, {"reward_chosen": 0.01 * step, "reward_rejected": -0.01 * step, "loss": 0.69 - 0.001 * step})
        for step in range(1, 101)
    ],
    method=Method.DPO,
)


def diagnosis_of(run: Run, *findings: Finding, verdict: Verdict = Verdict.UNHEALTHY) -> Diagnosis:
    return Diagnosis("run", "rows", run.method, len(run), run.first_step, run.last_step, verdict, findings)


def axes_of(charts: list[Chart], diagnosis: Diagnosis) -> dict[str, Any]:
    return {axis.get_title(loc="left"): axis for axis in figure_of(charts, "a run").axes}


def test_chosen_and_rejected_are_two_lines_of_their_own_colours() -> None:
    axis = axes_of(charts_of(RUN, diagnosis_of(RUN)), diagnosis_of(RUN))["Rewards of chosen and rejected"]
    labelled = {line.get_label(): line for line in axis.get_lines() if not line.get_label().startswith("_")}
    assert list(labelled) == ["Reward of chosen", "Reward of rejected"]
    green, orange = labelled.values()
    assert (green.get_color(), orange.get_color()) == ("#009E73", "#D55E00")
    assert list(green.get_xdata()) == list(range(1, 101))
    assert green.get_ydata()[-1] == pytest.approx(0.99)  # The mean of the last three: 0.98, 0.99, 1.00.
    assert [text.get_text() for text in axis.get_legend().get_texts()] == list(labelled)


def test_a_finding_is_a_line_at_its_step_and_its_stretch_is_shaded() -> None:
    found = Finding("LOSS02", "loss-rising", Severity.CRITICAL, 40, 60, "loss", "the loss rises")
    diagnosis = diagnosis_of(RUN, found)
    axis = axes_of(charts_of(RUN, diagnosis), diagnosis)["Loss"]
    upright = [line for line in axis.get_lines() if list(line.get_xdata()) == [40, 40]]
    assert len(upright) == 1
    assert any(text.get_text() == "LOSS02" for text in axis.texts)
    stretches = [(patch.get_x(), patch.get_width()) for patch in axis.patches]
    assert stretches == [(40, 20)]


def test_the_verdict_is_over_all_of_it_in_its_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = list[tuple[Any, ...]]()

    def noted(charts: Any, *title: Any) -> Any:
        titles.append(title)
        return figure_of(charts, *title)

    monkeypatch.setattr("barograph.charts.png.figure_of", noted)
    list(pictures(charts_of(RUN, diagnosis_of(RUN)), diagnosis_of(RUN), "runs/$first_"))  # A name is no formula.
    assert titles[0] == ("UNHEALTHY: runs/$first_ (dpo)", "#B00020")
    assert figure_of(charts_of(RUN, diagnosis_of(RUN)), *titles[0]).get_suptitle() == titles[0][0]


def test_a_spike_reaches_the_top_of_its_chart() -> None:
    rows = [(step, {"grad_norm": 140.0 if step == 5_000 else 1.0 + step % 3}) for step in range(1, 10_001)]
    run = run_from_rows(rows, method=Method.DPO)
    (axis,) = axes_of(charts_of(run, diagnosis_of(run)), diagnosis_of(run)).values()
    assert axis.get_yscale() == "log"
    envelope = max(point[1] for shape in axis.collections for path in shape.get_paths() for point in path.vertices)
    assert envelope == 140.0
    assert axis.get_ylim()[1] >= 140.0


def test_the_scores_of_text_have_the_colours_that_people_know() -> None:
    scores = {"bertscore": 0.9, "codebleu": 0.5, "bleu": 0.3, "rouge": 0.4, "ruby": 0.6}
    run = run_from_rows([(1, scores), (2, scores)], method=Method.PPO)
    axis = axes_of(charts_of(run, diagnosis_of(run)), diagnosis_of(run))["Evaluation"]
    drawn = {line.get_label(): line.get_color() for line in axis.get_lines() if not line.get_label().startswith("_")}
    assert drawn == {
        "BERTScore": "tab:red", "CodeBLEU": "tab:blue", "BLEU": "tab:green", "ROUGE-L": "tab:orange",
        "RUBY": "tab:purple",
    }  # fmt: skip


def test_files_are_those_that_there_is_something_for() -> None:
    found = dict(pictures(charts_of(RUN, diagnosis_of(RUN)), diagnosis_of(RUN), "run"))
    assert list(found) == ["overview.png", "training_progress.png"]
    assert all(picture.startswith(b"\x89PNG") for picture in found.values())
    assert dict(pictures([], diagnosis_of(RUN), "run")) == {}


def test_more_lines_than_colours_begin_anew() -> None:
    names = [f"eval/set{number}.loss" for number in range(len(COLOURS) + 2)]
    run = run_from_rows([(1, dict.fromkeys(names, 0.5)), (2, dict.fromkeys(names, 0.4))], method=Method.SFT)
    (axis,) = axes_of(charts_of(run, diagnosis_of(run)), diagnosis_of(run)).values()
    assert len(axis.get_legend().get_texts()) == len(names)


def test_lines_of_one_metric_have_colours_of_their_own() -> None:
    chart = charts_of(RUN, diagnosis_of(RUN))[0]
    line = chart.lines[0]
    same = [replace(line, title=title) for title in ("_first", "$second$", *"abcdefg")]
    (axis,) = figure_of([replace(chart, lines=same)], "runs").axes
    labelled = [one for one in axis.get_lines() if not one.get_label().startswith("_")]
    assert len({(one.get_color(), one.get_linestyle()) for one in labelled}) == len(same)
    axis.figure.canvas.draw()  # Names are no formulas.


def test_what_is_larger_than_can_be_drawn_is_said() -> None:
    run = run_from_rows([(1, {"grad_norm": 1e308}), (2, {"grad_norm": 1e308})], method=Method.DPO)
    figure = figure_of(charts_of(run, diagnosis_of(run)), "run")
    figure.canvas.draw()
    assert "larger than can be drawn" in [text.get_text() for text in figure.axes[0].texts]


def test_the_command_writes_beside_the_log(tmp_path: Path) -> None:
    log = written(tmp_path, "log.jsonl")
    done = CliRunner().invoke(plot, [str(log), "--method", "dpo"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        str(tmp_path / "plots" / name) for name in ("overview.png", "training_progress.png")
    ]
    assert (tmp_path / "plots/overview.png").read_bytes().startswith(b"\x89PNG")


def test_several_runs_have_a_folder_each_and_one_that_cannot_be_read_hides_none(tmp_path: Path) -> None:
    logs = [str(written(tmp_path, name)) for name in ("first.jsonl", "second.jsonl")]
    done = CliRunner().invoke(plot, [*logs, str(tmp_path / "missing.jsonl"), "-o", str(tmp_path / "all")])
    assert done.exit_code == 1
    assert "missing.jsonl" in done.stderr
    assert len(list((tmp_path / "all").iterdir())) == 2
    assert len(list((tmp_path / "all").rglob("overview.png"))) == 2


def test_without_matplotlib_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("barograph.charts.png.find_spec", lambda name: None)
    with pytest.raises(
        MissingExtra, match=r"a plot needs matplotlib, which is not installed: pip install 'barograph\[plot\]'"
    ):
        figure_of(charts_of(RUN, diagnosis_of(RUN)), "run")
