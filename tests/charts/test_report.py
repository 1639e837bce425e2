"""The report: it says what was found and where, needs nothing but itself, and lets nothing of a log become markup."""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from documents import EVIL, Document, written

from barograph.charts.markup import element
from barograph.charts.report import report as document
from barograph.cli.report import report as command
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Verdict
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.engine.settings import Settings
from barograph.monitor import check, read
from barograph.pages import page_of


def of(run: Run, **named: Any) -> Document:
    return Document(document(page_of(run, check(run), Settings(), **named)))


def pair(*, is_displaced: bool) -> Run:
    """A DPO run. Displaced, its margin, accuracy and loss look better, and the chosen answers lose 25 nats."""
    dice = random.Random(7)
    rows = []
    for step in range(1, 201):
        done = step / 200
        chosen = (-25.0 if is_displaced else 1.5) * done
        rejected = chosen - (22.0 if is_displaced else 14.0) * done
        margin = 0.1 * (chosen - rejected)
        rows.append((step, {
            "loss": 0.69 - 0.35 * done * (1.2 if is_displaced else 1.0) + dice.gauss(0, 0.01),
            "reward_chosen": 0.1 * chosen + dice.gauss(0, 0.01),
            "reward_rejected": 0.1 * rejected + dice.gauss(0, 0.01),
            "reward_margin": margin + dice.gauss(0, 0.01),
            "reward_accuracy": min(1.0, 0.5 + 0.36 * done * (1.15 if is_displaced else 1.0)),
            "logp_chosen": -120 + chosen + dice.gauss(0, 0.5), "logp_rejected": -130 + rejected + dice.gauss(0, 0.5),
            "grad_norm": 5 + dice.gauss(0, 0.5), "lr": 5e-7, "entropy": 2.0,
        }))  # fmt: skip
    return run_from_rows(rows, method=Method.DPO, config={"beta": 0.1, "max_steps": 200}, path="runs/dpo")


def test_what_is_to_be_expected_is_a_quiet_line() -> None:
    """The loss falls by a fiftieth a step: it is at 0.01 by step 212."""
    falling = [(step, {"loss": 0.7 * math.exp(-0.02 * step)}) for step in range(1, 121)]
    page = of(run_from_rows(falling, method=Method.DPO, config={"max_steps": 1000})).text
    assert "Forecast: the loss reaches 0.01, practically zero, in about 92 steps" in page
    assert "Forecast" not in of(run_from_rows(falling[:60], method=Method.DPO, config={"max_steps": 1000})).text


def test_a_run_that_looks_better_and_is_sick_is_found_out_and_its_twin_is_not() -> None:
    sick, well = pair(is_displaced=True), pair(is_displaced=False)
    assert check(well).verdict is Verdict.HEALTHY
    shown = of(well)
    assert "Healthy: nothing to worry about" in shown.text
    assert not [one for one in shown.all("article") if "finding" in (one["class"] or "")]
    assert not [one for one in shown.all("line") if (one["class"] or "").startswith("mark")]
    diagnosis = check(sick)
    found = next(one for one in diagnosis.findings if one.code.startswith("LIK") and one.severity > 0)
    shown = of(sick)
    assert f"{found.severity}: {found.code} {found.name}" in shown.text
    first = shown.all("figure")[0]["id"]
    assert first in {"chart-log-probabilities", "chart-rewards"}
    assert f"{found.code} at step {found.step:,}" in shown.text


def test_the_prescription_leads_and_consequences_are_folded_with_their_number(project: Path) -> None:
    run = read(project / "examples" / "kto-sick.jsonl")
    shown, diagnosis = of(run), check(run)
    says = diagnosis.causes[0].advice[0]
    assert "learning_rate 2.5e-5 (half of 5e-5)" in says
    assert 0 < shown.text.index("Likeliest cause") < shown.text.index(says) < shown.text.index("What it explains")
    loud = [one for one in diagnosis.findings if one.severity > 0]
    consequences = {one.code for one in loud if one.follows in {root.code for root in loud}}
    assert consequences
    folded = [one for one in shown.all("details") if one.get("class") == "consequences"]
    assert len(folded) == len({one.follows for one in loud if one.code in consequences})
    assert sum(int(count) for count in re.findall(r"(\d+) consequences?: ", shown.text)) == len(consequences)


def test_every_link_leads_somewhere_and_every_name_is_given_once() -> None:
    shown = of(pair(is_displaced=True))
    names = Counter(one["id"] for _, one in shown.elements if one.get("id"))
    assert max(names.values()) == 1
    links = [one["href"] or "" for one in shown.all("a")]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(names)


def test_it_needs_nothing_but_itself() -> None:
    shown = of(pair(is_displaced=True))
    assert not {"script", "link", "iframe", "object", "embed", "img", "form"} & {tag for tag, _ in shown.elements}
    for tag, attributes in shown.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "srcset", "style"}], tag
    (policy,) = (one["content"] for one in shown.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "url(" not in document(page_of(pair(is_displaced=False), check(pair(is_displaced=False)), Settings()))


@pytest.mark.parametrize("where", ["metric", "path", "config", "config name", "note", "source", "sample"])
def test_nothing_of_a_log_becomes_markup(where: str, tmp_path: Path) -> None:
    rows = [(step, {"loss": 0.7 - 0.001 * step, EVIL if where == "metric" else "lr": 1e-6}) for step in range(1, 30)]
    config = {EVIL if where == "config name" else "model": EVIL if where == "config" else "m"}
    path = str(tmp_path / "run")
    if where == "sample":
        (tmp_path / "run").mkdir()
        (tmp_path / "run/prediction_samples.json").write_text(json.dumps([{"samples": [{EVIL: EVIL}]}]))
    run = run_from_rows(
        rows, method=Method.DPO, config=config, path=EVIL if where == "path" else path,
        source=EVIL if where == "source" else "rows",
    )  # fmt: skip
    if where == "note":
        run = run.noting(EVIL)
    shown = of(run)
    assert "alert(1)" in shown.text  # It is there, as text.
    assert not {"script", "img"} & {tag for tag, _ in shown.elements}
    assert not [name for _, attributes in shown.elements for name in attributes if name.startswith("on")]


def test_what_no_document_may_hold_is_replaced() -> None:
    assert element("p", "a\x00b\x1b[0m\ud800c") == "<p>a�b�[0m�c</p>"
    assert element("p", "é ☃\n\t") == "<p>é ☃\n\t</p>"


def test_anonymous_holds_no_path_and_no_name() -> None:
    secret = {"model": "acme/secret-7b", "output_dir": "/home/zebedee/runs", "beta": 0.1, "loss_type": "sigmoid"}
    run = run_from_rows(
        [(step, {"loss": 0.6}) for step in range(1, 20)],
        method=Method.DPO,
        config=secret,
        path="/home/zebedee/runs/secret",
    ).noting("/home/zebedee/runs/secret was cut short")
    text = document(page_of(run, check(run), Settings(), is_anonymous=True))
    assert not [word for word in ("zebedee", "secret", "acme") if word in text]
    assert "sigmoid" in text
    assert "barograph report RUN --method dpo" in text


def test_anonymous_holds_no_predictions(tmp_path: Path) -> None:
    (tmp_path / "prediction_samples.json").write_text(json.dumps([{"samples": [{"text": "private words"}]}]))
    run = run_from_rows([(step, {"loss": 0.6}) for step in range(1, 20)], method=Method.PRM, path=str(tmp_path))
    assert "private words" in document(page_of(run, check(run), Settings()))
    assert "private words" not in document(page_of(run, check(run), Settings(), is_anonymous=True))


def said(folder: Path, rows: list[dict[str, Any]]) -> Run:
    (folder / "logs").mkdir()
    (folder / "logs/completions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run_from_rows([(step, {"reward": 0.6}) for step in range(1, 20)], method=Method.GRPO, path=str(folder))


def test_what_the_model_said_last_is_shown_and_of_which_step_it_is(tmp_path: Path) -> None:
    rows = [
        {"step": step, "completion": f"answer {step}-{n}", "score": 1 / 3} for step in (5, 10, 15) for n in range(25)
    ]
    shown = of(said(tmp_path, rows))
    assert "Step 15, the last of 3 steps; the first 20 of its 25 rows." in shown.text
    cells = [f"answer 15-{n}" for n in range(25)]
    assert [cell for cell in cells if cell in shown.words] == cells[:20]
    assert "answer 10-0" not in shown.text
    assert shown.words.count("0.333333") == 20


def test_a_long_answer_is_cut_and_can_be_opened(tmp_path: Path) -> None:
    long = "word " * 100
    shown = of(said(tmp_path, [{"step": 3, "prompt": "short", "completion": long}]))
    assert "Step 3." in shown.text
    begin = ("word " * 40).rstrip() + " …"
    assert shown.words[shown.words.index(begin) + 1] == long  # The summary, and behind it all of it.
    assert shown.elements[[cell.get("class") for _, cell in shown.elements].index("answer")][0] == "td"


def test_what_cannot_be_read_of_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "completions").mkdir()
    (tmp_path / "completions/completions_00003.parquet").write_bytes(b"broken")
    run = run_from_rows([(step, {"reward": 0.6}) for step in range(1, 20)], method=Method.GRPO, path=str(tmp_path))
    text = of(run).text
    assert "What the model said" in text
    assert "completions/completions_00003.parquet: cannot be read" in text or "needs pyarrow" in text


def test_rows_of_no_file_have_no_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said(tmp_path, [{"step": 3, "completion": "somebody else's"}])
    monkeypatch.chdir(tmp_path)
    for path in ("", "-", "runs/of/another"):
        run = run_from_rows([(1, {"loss": 0.7})], method=Method.DPO, path=path)
        assert page_of(run, check(run), Settings()).samples == []


def test_the_commands_can_be_pasted() -> None:
    run = run_from_rows([(1, {"loss": 0.6})], method=Method.KTO, path="Bob's run")
    assert page_of(run, check(run), Settings()).again[0] == """barograph check 'Bob'"'"'s run' --method kto"""


def test_what_cannot_be_judged_is_said_too() -> None:
    run = run_from_rows([(1, {"loss": 0.7})], method=Method.DPO, path="short")
    assert "Unjudged: too little to say anything" in of(run).text
    empty = run_from_rows([], method=Method.DPO, path="none")
    assert of(empty).all("figure") == []


def test_numbers_at_the_edge_of_what_there_is_can_be_drawn() -> None:
    for values in (
        [1e308, -1e308],
        [1e308, 1e307, 1.5e308],
        [5e-324, 1e-323],
        [1.0, 1.0 + 2**-52],
        [float("nan"), 1.0],
        [0.0, 0.0],
    ):
        run = run_from_rows([(step, {"entropy": value}) for step, value in enumerate(values)], method=Method.GRPO)
        points = "".join(one["points"] or "" for one in of(run).all("polyline"))
        assert "nan" not in points
        assert "inf" not in points


def test_a_million_rows_make_no_large_file() -> None:
    steps = 200_000
    run = run_from_rows(((step, {"loss": 1 / (1 + step)}) for step in range(steps)), method=Method.SFT)
    assert len(document(page_of(run, check(run), Settings()))) < 60_000


def test_the_command_writes_beside_the_log_or_where_it_is_told(tmp_path: Path) -> None:
    log = written(tmp_path, "log.jsonl")
    beside = CliRunner().invoke(command, [str(log)])
    assert (beside.exit_code, beside.stdout) == (0, f"{tmp_path / 'report.html'}\n")
    told = CliRunner().invoke(command, [str(log), "-o", str(tmp_path / "deep/er.html")])
    assert told.exit_code == 0
    assert (tmp_path / "deep/er.html").read_text(encoding="utf-8") == (tmp_path / "report.html").read_text(
        encoding="utf-8"
    )
    inside = CliRunner().invoke(command, [str(log), "-o", str(tmp_path / "deep")])
    assert inside.stdout == f"{tmp_path / 'deep' / 'report.html'}\n"


def test_settings_are_counted_and_open_ranges_are_told_as_such() -> None:
    run = pair(is_displaced=False)
    text = document(page_of(run, check(run), Settings()))
    assert "2 settings" in text
    assert "from -2" in text
    assert "to inf" not in text
    text = document(page_of(replace(run, config={"beta": 0.1}), check(run), Settings()))
    assert ">1 setting<" in text


def test_several_runs_make_a_file_each(tmp_path: Path) -> None:
    logs = [str(written(tmp_path, name)) for name in ("first.jsonl", "second.jsonl")]
    done = CliRunner().invoke(command, [*logs, str(tmp_path / "missing.jsonl"), "-o", str(tmp_path / "all")])
    assert done.exit_code == 1
    assert len(list((tmp_path / "all").glob("*.html"))) == 2
    one = CliRunner().invoke(command, [*logs, "-o", str(tmp_path / "one.html")])
    assert isinstance(one.exception, ConfigurationError)
    assert not (tmp_path / "one.html").exists()
    assert "missing.jsonl" in done.stderr
