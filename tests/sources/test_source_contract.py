"""What every format has to do alike: the same logical run, written in each, is the same `Run`."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from every_format import (
    DECIMALS,
    EMPTY_FILE,
    EVALUATIONS,
    FORMATS,
    FRACTIONAL_STEP,
    LEARNING_RATE,
    MARGINS,
    NO_STEP,
    NOT_FINITE,
    NOT_WRITTEN,
    NUMBERS_IN_QUOTES,
    ODD_KEYS,
    ONE_FILE,
    OTHER_KEYS,
    SMALL_NUMBERS,
    TEXT_VALUES,
    TOTALS,
    Format,
    Rows,
)

from barograph.core.errors import UnreadableRun
from barograph.core.names import COUNTERS
from barograph.core.run import Run
from barograph.sources.catalogue import SOURCES
from barograph.sources.runs import read_run


@pytest.fixture(params=FORMATS, ids=lambda form: form.name)
def form(request: pytest.FixtureRequest) -> Format:
    """A format that can say what the test is about."""
    form: Format = request.param
    mark = request.node.get_closest_marker("says")
    for what in mark.args if mark else ():
        if what in form.cannot:
            pytest.skip(f"{form.name} has no way to say: {what}")
    return form


@pytest.fixture
def write(form: Format, tmp_path: Path) -> Callable[[Rows], Path]:
    def to_file(rows: Rows) -> Path:
        path = tmp_path / form.file
        path.parent.mkdir(parents=True, exist_ok=True)
        form.write(path, rows)
        return path

    return to_file


def contents(run: Run) -> dict[str, list[tuple[int, str]]]:
    """Every series as (step, value) pairs, with NaN equal to NaN. Some formats tell in each row how far the run is."""
    return {
        key: [(run.steps[at], repr(value)) for at, value in zip(column.at, column.values, strict=True)]
        for key, column in run.columns.items()
        if key not in COUNTERS
    }


def notes_of(run: Run, form: Format) -> list[str]:
    """What is said of this run, without what is said of every run of its format."""
    return [note for note in run.notes if not note.startswith(form.notes)]


def expected(**series: dict[int, float]) -> dict[str, list[tuple[int, str]]]:
    """Series by name, with two underscores for a dot, as `contents` shows them."""
    return {
        key.replace("__", "."): [(step, repr(float(value))) for step, value in points.items()]
        for key, points in series.items()
    }


@pytest.mark.says(SMALL_NUMBERS, LEARNING_RATE)
def test_a_plain_run(form: Format, write) -> None:
    run = read_run(write([{"step": 1, "loss": 0.7, "lr": 1e-5}, {"step": 2, "loss": 0.6, "lr": 2e-5}]), "dpo")
    assert contents(run) == expected(loss={1: 0.7, 2: 0.6}, lr={1: 1e-5, 2: 2e-5})
    assert (run.first_step, run.last_step, len(run)) == (1, 2, 2 * form.parts)
    assert notes_of(run, form) == []


def test_a_plain_run_of_few_decimals(form: Format, write) -> None:
    run = read_run(write([{"step": 1, "loss": 0.75}, {"step": 2, "loss": 0.5}, {"step": 4, "loss": -0.25}]), "dpo")
    assert contents(run) == expected(loss={1: 0.75, 2: 0.5, 4: -0.25})
    assert (run.first_step, run.last_step, len(run)) == (1, 4, 3)
    assert notes_of(run, form) == []


def test_a_single_row(write) -> None:
    assert contents(read_run(write([{"step": 7, "loss": 0.7}]), "dpo")) == expected(loss={7: 0.7})


@pytest.mark.says(NOT_FINITE)
def test_nan_and_infinity(write) -> None:
    values = [math.nan, math.inf, -math.inf, 0.5]
    run = read_run(write([{"step": step, "loss": value, "lr": 1} for step, value in enumerate(values)]), "dpo")
    assert contents(run)["loss"] == [(0, "nan"), (1, "inf"), (2, "-inf"), (3, "0.5")]


@pytest.mark.says(NUMBERS_IN_QUOTES)
def test_numbers_as_strings(write) -> None:
    rows = [{"step": "1", "loss": "0.6931", "lr": "2.433e-04"}, {"step": "2", "loss": "-0.0", "lr": ""}]
    run = read_run(write(rows), "dpo")
    assert contents(run) == expected(loss={1: 0.6931, 2: -0.0}, lr={1: 2.433e-4})


def test_a_repeated_step(write) -> None:
    run = read_run(write([{"step": 1, "loss": 1}, {"step": 2, "loss": 2}, {"step": 2, "loss": 3}]), "dpo")
    assert contents(run) == expected(loss={1: 1, 2: 3})


def test_a_resume(write) -> None:
    run = read_run(write([{"step": s, "loss": n} for n, s in enumerate([1, 2, 3, 4, 3, 4, 5])]), "dpo")
    assert contents(run) == expected(loss={1: 0, 2: 1, 3: 4, 4: 5, 5: 6})
    assert any("falls back" in note for note in run.notes)


@pytest.mark.says(EVALUATIONS)
def test_eval_rows_between_train_rows(form: Format, write) -> None:
    rows = [row for s in (1, 2, 3) for row in ({"step": s, "loss": s / 10}, {"step": s, "eval_loss": s / 5})]
    run = read_run(write(rows), "dpo")
    assert contents(run) == expected(loss={1: 0.1, 2: 0.2, 3: 0.3}, eval__loss={1: 0.2, 2: 0.4, 3: 0.6})
    assert notes_of(run, form) == []


@pytest.mark.says(TOTALS)
def test_the_row_of_totals(write) -> None:
    totals = {"step": 2, "train_runtime": 9.5, "train_samples_per_second": 3.0, "train_loss": 0.65, "total_flos": 0.0}
    run = read_run(write([{"step": 1, "loss": 0.7}, {"step": 2, "loss": 0.6}, totals]), "dpo")
    assert contents(run) == expected(loss={1: 0.7, 2: 0.6})
    assert run.unknown_keys == []


@pytest.mark.says(ODD_KEYS)
def test_unicode_and_hostile_keys(write) -> None:
    run = read_run(write([{"step": step, "loss": 1, "损失": 2, "a\x1b[31mb": 3} for step in (1, 2)]), "dpo")
    assert run.unknown_keys == ["a\\x1b[31mb", "损失"]
    assert contents(run) == expected(loss={1: 1, 2: 1})


@pytest.mark.says(NO_STEP)
def test_no_step(write) -> None:
    run = read_run(write([{"loss": 3, "lr": 1}, {"loss": 2, "lr": 1}]), "dpo")
    assert contents(run)["loss"] == [(1, "3.0"), (2, "2.0")]
    assert any("no step" in note for note in run.notes)


@pytest.mark.says(FRACTIONAL_STEP)
def test_a_fractional_step(write) -> None:
    with pytest.raises(UnreadableRun, match=r"row 2 has the step 1\.5"):
        read_run(write([{"step": 1, "loss": 3}, {"step": 1.5, "loss": 3}]))


@pytest.mark.says(TEXT_VALUES)
def test_text_columns(form: Format, write) -> None:
    run = read_run(write([{"step": 1, "loss": 3, "note": "hi"}, {"step": 2, "loss": 3, "note": "ho"}]), "dpo")
    assert contents(run) == expected(loss={1: 3, 2: 3})
    assert notes_of(run, form) == ["`note` is text in 2 rows: left out"]


@pytest.mark.says(OTHER_KEYS)
def test_no_known_metric(write) -> None:
    with pytest.raises(UnreadableRun, match="no known metric, only 'zebra'"):
        read_run(write([{"step": 1, "zebra": 3}, {"step": 2, "zebra": 3}]))


@pytest.mark.says(TEXT_VALUES)
def test_only_text(write) -> None:
    with pytest.raises(UnreadableRun, match=r"no numbers, only text|in no format known|no output of a training"):
        read_run(write([{"prompt": "a", "answer": "b"}, {"prompt": "c", "answer": "d"}]))


@pytest.mark.says(EMPTY_FILE)
@pytest.mark.parametrize("content", [b"", b"\n", b" \n\t\r\n "])
def test_an_empty_file(form: Format, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / Path(form.file).name
    path.write_bytes(content)
    with pytest.raises(UnreadableRun, match=r"is empty|nothing but white space"):
        read_run(path)


@pytest.mark.says(ONE_FILE)
def test_cut_at_every_byte(form: Format, write) -> None:
    """Half a file is half a run or one sentence, never another error, and never a step that was not logged."""
    path = write([{"step": s, "loss": s / 8, "lr": 1e-5} for s in range(10, 15)])
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        try:
            run = read_run(path, "dpo")
        except UnreadableRun:
            continue
        assert len(run) <= 5 * form.parts
        # Without quotes or brackets around it, a last number that is cut is a number all the same.
        assert set(run.steps[:-1]) <= set(range(10, 15))


@pytest.mark.says(ONE_FILE)
def test_from_standard_input(form: Format, write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write([{"step": 1, "loss": 0.7, "lr": 1}, {"step": 2, "loss": 0.6, "lr": 1}])

    class Piped:
        closed = False
        buffer = io.BytesIO(path.read_bytes())

    monkeypatch.setattr("sys.stdin", Piped())
    run = read_run("-", "dpo")
    assert contents(run) == contents(read_run(path, "dpo"))
    assert run.path == "-"


def test_from_its_folder(write, tmp_path: Path) -> None:
    path = write([{"step": 1, "loss": 0.7, "lr": 1}, {"step": 2, "loss": 0.6, "lr": 1}])
    run = read_run(tmp_path, "dpo")
    assert contents(run) == contents(read_run(path, "dpo"))
    assert any("read from" in note for note in run.notes)


@pytest.mark.says(DECIMALS, MARGINS, NOT_FINITE)
def test_a_large_log_is_the_same_run_however_it_is_parsed(write) -> None:
    """Beyond 256 KB another parser is at work, beyond 1 MB another block begins."""
    steps = range(1, 20_001)
    rows: Rows = [{"step": s, "loss": 1 / s, "rewards/margins": -s / 3, "grad_norm": s * 1e-9} for s in steps]
    rows[15_000]["loss"] = math.nan
    run = read_run(write(rows), "dpo")
    assert run.steps.tolist() == list(steps)
    for key, raw in (("loss", "loss"), ("reward_margin", "rewards/margins"), ("grad_norm", "grad_norm")):
        assert list(map(repr, run.columns[key].values)) == [repr(float(row[raw])) for row in rows]
    assert run.columns["loss"].at is run.columns["grad_norm"].at


def test_every_source_is_under_this_contract(tmp_path: Path) -> None:
    """A source that no `Format` is read by is tested here by nothing: write one, or say in `NOT_WRITTEN` why not."""
    read: set[str] = set()
    for number, form in enumerate(FORMATS):
        path = tmp_path / str(number) / form.file
        path.parent.mkdir(parents=True)
        form.write(path, [{"step": 1, "loss": 0.75, "lr": 0.5}, {"step": 2, "loss": 0.5, "lr": 0.25}])
        read.add(read_run(path, "dpo").source)
    assert read | NOT_WRITTEN.keys() == {source.name for source in SOURCES}
    assert not read & NOT_WRITTEN.keys()
