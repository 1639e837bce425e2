from __future__ import annotations

import json
import math
import os
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import RawRun
from barograph.sources.growth import Growth, News
from barograph.sources.normalise import normalise
from barograph.sources.runs import How, read_each
from barograph.sources.table import Gatherer, RawTable
from barograph.sources.tail import Tail


def lines(first: int, last: int, loss: float = 0.5) -> str:
    return "".join(
        json.dumps({"step": step, "loss": loss, "grad_norm": step / 8}) + "\n" for step in range(first, last + 1)
    )


def steps(news: News) -> list[int]:
    return [step for step, _ in news.rows]


def append(path: Path, text: str) -> None:
    with path.open("a") as stream:
        stream.write(text)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.fixture
def tail(log: Path):
    with Tail(log, How("dpo")) as tail:
        yield tail


# What a writer may do


def test_a_log_that_grows_is_given_bit_by_bit(log: Path, tail: Tail) -> None:
    log.write_text(lines(1, 3))
    assert list(tail.poll().rows) == [(step, {"loss": 0.5, "grad_norm": step / 8}) for step in (1, 2, 3)]
    assert tail.poll() == News()
    append(log, lines(4, 4))
    assert tail.poll() == News([(4, {"loss": 0.5, "grad_norm": 0.5})])


def test_a_log_that_is_not_there_yet(log: Path, tail: Tail) -> None:
    assert tail.poll() == News()
    assert "does not exist" in tail.trouble
    log.write_text("")
    assert tail.poll() == News()
    assert "is empty" in tail.trouble
    log.write_text(lines(1, 2))
    assert steps(tail.poll()) == [1, 2]
    assert tail.trouble == ""


def test_a_line_that_is_half_written_waits_for_its_end(log: Path, tail: Tail) -> None:
    whole = lines(1, 3).encode()
    given: list[int] = []
    for size in range(1, len(whole) + 1):
        log.write_bytes(whole[:size])  # In place: the same file, a byte longer.
        given += steps(tail.poll())
    assert given == [1, 2, 3]


def test_nothing_is_read_twice(log: Path, tail: Tail, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_text(lines(1, 2000))
    tail.poll()
    follower = tail._follower
    seen: list[int] = []
    real = follower._reading.take
    monkeypatch.setattr(follower._reading, "take", lambda data: seen.append(len(data)) or real(data))
    append(log, lines(2001, 2001))
    assert steps(tail.poll()) == [2001]
    assert seen == [len(lines(2001, 2001))]


def test_a_log_that_is_rotated_goes_on(log: Path, tail: Tail) -> None:
    log.write_text(lines(1, 3))
    tail.poll()
    append(log, lines(4, 5))  # Written after the last look, and before it was put aside.
    log.rename(log.with_suffix(".1"))
    append(log.with_suffix(".1"), lines(6, 6))
    assert steps(tail.poll()) == [4, 5, 6]
    assert tail.poll() == News()
    log.write_text(lines(7, 8))
    assert tail.poll() == News([(step, {"loss": 0.5, "grad_norm": step / 8}) for step in (7, 8)])


def test_a_log_that_another_run_replaces_begins_anew(log: Path, tail: Tail) -> None:
    log.write_text(lines(1, 30))
    tail.poll()
    other = log.with_suffix(".new")
    other.write_text(lines(1, 5, loss=0.25))
    other.replace(log)
    news = tail.poll()
    assert (steps(news), news.anew) == ([1, 2, 3, 4, 5], True)
    assert {row["loss"] for _, row in news.rows} == {0.25}
    append(log, lines(6, 6, loss=0.25))
    assert tail.poll() == News([(6, {"loss": 0.25, "grad_norm": 0.75})])


def test_a_log_that_is_written_anew_with_more_rows_only_goes_on(log: Path, tail: Tail) -> None:
    """As writers do that put a whole new file in the old one's place each time."""
    log.write_text(lines(1, 30))
    tail.poll()
    other = log.with_suffix(".new")
    other.write_text(lines(1, 32))
    other.replace(log)
    news = tail.poll()
    assert (steps(news), news.anew) == ([31, 32], False)


def test_a_log_that_is_cut_and_begun_again(log: Path, tail: Tail) -> None:
    log.write_text(lines(1, 30))
    tail.poll()
    log.write_text(lines(1, 2, loss=0.25))
    news = tail.poll()
    assert (steps(news), news.anew) == ([1, 2], True)


def test_a_log_that_is_written_over_in_place_by_a_longer_one(log: Path, tail: Tail) -> None:
    log.write_text(lines(1, 3))
    tail.poll()
    log.write_text(lines(1, 40, loss=0.25))
    news = tail.poll()
    assert (len(news.rows), news.anew) == (40, True)
    assert {row["loss"] for _, row in news.rows} == {0.25}


def test_a_resume_takes_back_what_it_repeats(log: Path, tail: Tail) -> None:
    log.write_text(lines(1, 20))
    tail.poll()
    append(log, lines(15, 16, loss=0.25))
    news = tail.poll()
    assert (steps(news), news.anew) == ([*range(1, 15), 15, 16], True)
    assert [row["loss"] for _, row in news.rows][13:] == [0.5, 0.25, 0.25]


def test_a_method_that_is_recognised_late(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 0.7, "kl": 3.0}\n')
    with Tail(path) as tail:
        tail.poll()
        append(path, '{"step": 2, "loss": 0.6, "kl": 3.0, "rewards/chosen": 0.1, "rewards/rejected": -0.1}\n')
        news = tail.poll()
    assert news.anew
    assert tail.run is not None
    assert tail.run.method.value == "kto"
    assert [row["kto_z0"] for _, row in news.rows] == [3.0, 3.0]
    assert news.rows[1][1]["reward_margin"] == 0.2


def test_a_new_metric_leaves_earlier_rows_alone(log: Path, tail: Tail) -> None:
    log.write_text(lines(1, 3))
    tail.poll()
    append(log, '{"step": 3, "eval_loss": 0.75}\n')
    assert tail.poll() == News([(3, {"eval.loss": 0.75})])


def test_a_share_that_turns_out_to_be_in_percent(log: Path, tail: Tail) -> None:
    log.write_text('{"step": 1, "loss": 1, "rewards/accuracies": 1.0}\n')
    assert tail.poll().rows[0][1]["reward_accuracy"] == 1.0
    append(log, '{"step": 2, "loss": 1, "rewards/accuracies": 55.0}\n')
    news = tail.poll()
    assert news.anew
    assert [row["reward_accuracy"] for _, row in news.rows] == [0.01, 0.55]


def test_the_newest_checkpoint_of_a_folder(tmp_path: Path) -> None:
    def save(step: int) -> None:
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        history = [{"step": s, "loss": s / 8} for s in range(1, step + 1)]
        (folder / "trainer_state.json").write_text(json.dumps({"global_step": step, "log_history": history}))

    with Tail(tmp_path, How("dpo")) as tail:
        assert tail.poll() == News()
        assert "holds no run" in tail.trouble
        save(2)
        assert steps(tail.poll()) == [1, 2]
        assert tail.poll() == News()
        save(4)
        assert tail.poll() == News([(3, {"loss": 0.375}), (4, {"loss": 0.5})])


def test_a_state_that_is_being_written_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    whole = json.dumps({"log_history": [{"step": 1, "loss": 0.5}]})
    path.write_text(whole)
    with Tail(path, How("dpo")) as tail:
        assert steps(tail.poll()) == [1]
        longer = json.dumps({"log_history": [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.5}]})
        path.write_text(longer[:50])
        assert tail.poll() == News()
        assert "ends too early" in tail.trouble
        path.write_text(longer)
        assert steps(tail.poll()) == [2]


def test_of_several_runs_in_a_folder_the_newest_is_followed(tmp_path: Path) -> None:
    for number, name in enumerate(("new", "old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text(lines(1, 2, loss=number))
        os.utime(tmp_path / name / "metrics.jsonl", (1000 - number, 1000 - number))
    with Tail(tmp_path, How("dpo")) as tail:
        assert tail.poll().rows[0][1]["loss"] == 0.0


def test_a_log_from_windows_and_a_packed_one(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "wide.jsonl").write_bytes(lines(1, 3).encode("utf-16"))
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(lines(1, 3).encode()))
    for path in tmp_path.iterdir():
        with Tail(path, How("dpo")) as tail:
            assert steps(tail.poll()) == [1, 2, 3]
            assert tail.poll() == News()


@pytest.mark.parametrize("name", ["log.jsonl", "my log.jsonl"])
def test_a_file_url_is_a_path_like_any_other(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(lines(1, 2))
    with Tail((tmp_path / name).as_uri(), How("dpo")) as tail:
        assert steps(tail.poll()) == [1, 2]
        with (tmp_path / name).open("a") as log:
            log.write(lines(3, 3))
        assert steps(tail.poll()) == [3]


def test_the_url_of_a_folder_follows_its_newest_checkpoint(tmp_path: Path) -> None:
    with Tail(tmp_path.as_uri(), How("dpo")) as tail:
        for newest in (2, 3):
            state = tmp_path / f"checkpoint-{newest}" / "trainer_state.json"
            state.parent.mkdir()
            state.write_text(f'{{"log_history": [{lines(1, newest).strip().replace(chr(10), ",")}]}}')
            assert steps(tail.poll())[-1] == newest


@pytest.mark.parametrize("path", ["-", "s3://bucket/log.jsonl", "simplecache::file:///log.jsonl"])
def test_what_cannot_be_followed(path: str) -> None:
    with pytest.raises(UnreadableRun, match="cannot be followed"):
        Tail(path)


# Against reading the whole log


def contents(run: Run | None) -> object:
    if run is None:
        return None
    columns = {name: [(run.steps[at], repr(value)) for at, value in zip(column.at, column.values, strict=True)]
               for name, column in run.columns.items()}  # fmt: skip
    return run.method, columns


def table_of(rows: list[dict]) -> RawTable:
    gatherer = Gatherer()
    gatherer.extend(rows)
    return gatherer.finish()


VALUES = st.sampled_from([0.5, -1.0, math.nan, math.inf, 0.0, 60.0, 1.0])
KEYS = ["loss", "eval_loss", "rewards/chosen", "rewards/rejected", "rewards/accuracies", "kl", "reward", "zebra",
        "train_runtime", "train_samples_per_second", "epoch", "grad_norm", "global_step"]  # fmt: skip
LOGS = st.lists(
    st.tuples(st.one_of(st.integers(-3, 3), st.none()), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4)),
    max_size=40,
)


@settings(max_examples=400)
@given(LOGS, st.lists(st.integers(0, 40), max_size=8))
@example([(0, {"eval_loss": 0.5}), (1, {"loss": 0.5}), (-2, {"eval_loss": 0.5})], [2])
def test_in_any_portions_the_rows_make_the_same_run(log: list, cuts: list[int]) -> None:
    """And what was given as news, put together by whoever listens, is that run too."""
    step, rows = 5, []
    for move, metrics in log:
        step = max(0, step + (move or 0)) if move != -3 else 1
        step += 1
        metrics.pop("global_step", None)
        if "epoch" in metrics:
            metrics["epoch"] = 0.5  # A counter that is given twice for a step counts once, whichever it is.
        rows.append({**({} if move is None else {"step": step}), **metrics})
    growth = Growth("log", "test", How())
    heard: list = []
    borders = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    for begin, end in pairwise(borders):
        try:
            news = growth.extend(table_of(rows[begin:end]))
        except UnreadableRun:
            return
        heard = [*news.rows] if news.anew else [*heard, *news.rows]
    try:
        runs = normalise(RawRun(table_of(rows)), path="log", source="test")
    except UnreadableRun:
        assert growth.run is None
        return
    assert contents(growth.run) == contents(runs[-1])
    run = runs[-1]
    assert [step for step, _ in heard] == list(run.steps)
    again = {name: [(step, repr(row[name])) for step, row in heard if name in row] for name in run.columns}
    assert again == contents(run)[1]


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_file_in_any_cut_makes_the_same_run(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    whole = (lines(1, 12) + '{"step": 12, "eval_loss": 0.75}\nbroken\n' + lines(13, 20) + lines(18, 25)).encode()
    path = tmp_path_factory.mktemp("tail") / "log.jsonl"
    heard: list = []
    with Tail(path, How("dpo")) as tail, path.open("wb", buffering=0) as writer:
        position = 0
        while position < len(whole):
            size = chance.randrange(1, 200)
            writer.write(whole[position : position + size])
            position += size
            news = tail.poll()
            heard = [*news.rows] if news.anew else [*heard, *news.rows]
        (run,) = read_each(path, How("dpo"))
        assert contents(tail.run) == contents(run)
    assert [step for step, _ in heard] == list(run.steps)
