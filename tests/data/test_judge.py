"""The whole answer, its second look at the rows it shows, the cleaned copy, near repeats and the sample."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barograph.core.errors import ConfigurationError
from barograph.data.baseline import wilson
from barograph.data.clean import clean
from barograph.data.example import Example, Kind
from barograph.data.finding import DataReport
from barograph.data.grouping import groups
from barograph.data.judge import judge
from barograph.data.ledger import Sample
from barograph.data.reading import open_data
from barograph.data.sketch import Sketches

SAME = {"prompt": "Why?", "chosen": "So.", "rejected": "So."}
GOOD = {"prompt": "Who?", "chosen": "You.", "rejected": "Me."}


def test_the_graver_findings_come_first(judged: Callable[..., DataReport]) -> None:
    report = judged([SAME, GOOD, {**GOOD, "prompt": "Where?", "chosen": "a@example.org"}, {"chosen": 3}])
    severities = [one.severity for one in report.findings]
    assert severities == sorted(severities, reverse=True)
    assert report.verdict == "unhealthy"
    assert json.loads(json.dumps(report.to_dict()))["findings"][0]["severity"] == "critical"


def test_rows_are_shown_under_the_numbers_of_their_file(tmp_path: Path) -> None:
    for name, rows in (("a.jsonl", [GOOD, GOOD | {"prompt": "b"}]), ("b.jsonl", [GOOD | {"prompt": "c"}, SAME])):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = judge(*open_data(str(tmp_path)))
    shown = [one for finding in report.findings if finding.code == "DATA04" for one in finding.shown]
    assert [(one.row, Path(one.file).name, one.quote) for one in shown] == [
        (2, "b.jsonl", "prompt: Why?\nchosen: So.\nrejected: So.")
    ]


def test_the_held_out_part_may_call_its_columns_otherwise(judged: Callable[..., DataReport]) -> None:
    report = judged([GOOD] * 2, [{"question": "Who?", "win": "You.", "lose": "Me."}])
    told = next(one for one in report.findings if one.code == "DATA11")
    assert [(one.row, one.twin) for one in told.shown] == [(1, 1)]
    assert told.shown[0].quote == "prompt: Who?\nchosen: You.\nrejected: Me."


# The cleaned copy


def test_a_cleaned_copy_and_its_log(written: Callable[..., Path], tmp_path: Path) -> None:
    path = written("pairs.jsonl", [GOOD, SAME, GOOD, {**GOOD, "chosen": "Them."}])
    data = open_data(str(path)).train
    report = judge(data)
    done = clean(data, report.rows, report.findings, tmp_path / "out.jsonl")
    assert (done.kept, done.dropped) == (2, 2)
    assert done.out.read_text() == "".join(json.dumps(row) + "\n" for row in (GOOD, {**GOOD, "chosen": "Them."}))
    log = [json.loads(line) for line in done.log.read_text().splitlines()]
    assert [(row["row"], row["codes"], row["twin"]) for row in log] == [(2, ["DATA04"], None), (3, ["DATA09"], 1)]
    assert judge(*open_data(str(done.out))).rows == 2


def test_a_folder_is_cleaned_as_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "pairs"
    source.mkdir()
    for name, rows in (("a.jsonl", [GOOD, SAME]), ("b.jsonl", [SAME, GOOD | {"prompt": "c"}])):
        (source / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = open_data(str(source)).train
    report = judge(data)
    clean(data, report.rows, report.findings, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "a.jsonl").read_text()) == GOOD
    assert json.loads((tmp_path / "out" / "b.jsonl").read_text()) == GOOD | {"prompt": "c"}


def test_nothing_is_written_over(written: Callable[..., Path], tmp_path: Path) -> None:
    path = written("pairs.jsonl", [GOOD, SAME])
    data = open_data(str(path)).train
    report = judge(data)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="is there already, and nothing is written over"):
        clean(data, report.rows, report.findings, path)
    with pytest.raises(ConfigurationError, match=r"let its name end in '\.jsonl'"):
        clean(data, report.rows, report.findings, tmp_path / "out.csv")
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        clean(data, report.rows, report.findings, tmp_path / "nowhere" / "out.jsonl")
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["pairs.jsonl"]


# What the checks lean on


@given(st.lists(st.integers(0, 6), max_size=40))
def test_equal_keys_are_grouped(keys: list[int]) -> None:
    found = {tuple(group.tolist()) for group in groups(np.array(keys, np.uint64))}
    expected = {tuple(n for n, key in enumerate(keys) if key == one) for one in set(keys) if keys.count(one) > 1}
    assert found == expected


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 20))
def test_a_sample_is_of_the_size_asked_for_and_without_repeats(count: int, size: int) -> None:
    sample = Sample(size)
    for number in range(count):
        sample.offer(Example(number, Kind.PROMPTS, prompt="p"))
    drawn = [example.number for example in sample.examples()]
    assert len(drawn) == len(set(drawn)) == min(count, size)
    assert sample.is_whole == (count <= size)


def test_a_sample_is_drawn_evenly() -> None:
    """Each of 20 numbers is drawn in a quarter of 2,000 samples of 5: 500 times, give or take 4 standard deviations."""
    counts = dict.fromkeys(range(20), 0)
    for seed in range(2_000):
        sample = Sample(5, seed)
        for number in counts:
            sample.offer(Example(number, Kind.PROMPTS))
        for example in sample.examples():
            counts[example.number] += 1
    assert all(abs(count - 500) < 4 * (2_000 * 0.25 * 0.75) ** 0.5 for count in counts.values())


def test_a_sample_of_long_texts_holds_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("barograph.data.ledger.MOST_CHARACTERS", 1_000)
    sample = Sample(100)
    for number in range(100):
        sample.offer(Example(number, Kind.PROMPTS, prompt="x" * 100))
    assert 0 < len(sample) <= 10


def words(dice: random.Random, count: int) -> list[str]:
    return ["".join(dice.choice("bdfgklmnprstvw") + dice.choice("aeiou") for _ in range(3)) for _ in range(count)]


def pieces_in_common(one: str, other: str) -> float:
    """The share of pieces of eight bytes that two texts have in common, counted one by one."""
    first, second = ({text[at : at + 8] for at in range(len(text) - 7)} for text in (one, other))
    return len(first & second) / len(first | second)


def test_a_sketch_estimates_what_texts_have_in_common() -> None:
    dice = random.Random(3)
    sketches, pairs = Sketches(), []
    for _ in range(100):
        text = words(dice, 60)
        other = list(text)
        for place in dice.sample(range(60), 2):
            other[place] = words(dice, 1)[0]
        pairs.append((" ".join(text), " ".join(other)))
        for one in pairs[-1]:
            sketches.add(Example(1, Kind.UNPAIRED, prompt=one, completion=one))
    found = {(twins.one, twins.other): twins for twins in sketches.within(np.arange(200), 0.0)}
    mates = [found[2 * n, 2 * n + 1] for n in range(100) if (2 * n, 2 * n + 1) in found]
    assert len(mates) >= 95
    counted = np.mean([pieces_in_common(*pair) for pair in pairs])
    # Thirty-two bins a side: the mean of a hundred estimates is good to some two points.
    assert np.mean([twins.prompts for twins in mates]) == pytest.approx(counted, abs=0.04)


def test_what_all_prompts_begin_with_makes_none_alike(judged: Callable[..., DataReport]) -> None:
    """An instruction of two hundred words before each prompt, and one of its own of twenty."""
    dice = random.Random(5)
    before = " ".join(words(dice, 200))
    rows: list[dict[str, Any]] = [
        {"prompt": f"{before} {' '.join(words(dice, 20))}", "chosen": before, "rejected": " ".join(words(dice, 20))}
        for _ in range(300)
    ]
    report = judged(rows[:200], rows[200:])
    assert [one.code for one in report.findings if one.code in {"DATA10", "DATA12"}] == []


def test_examples_with_other_numbers_are_no_repeats(judged: Callable[..., DataReport]) -> None:
    """One mould, of long texts: once with numbers of their own, once with the same numbers and another name."""
    mould = (
        "A train leaves the station at {n} minutes past the hour and {who} has to wait for it in the rain. How long "
        "does it take until the train arrives, if nothing stands in its way and the wind blows from the other side?"
    )
    rows = [
        {"prompt": mould.format(n=n, who="Ana"), "chosen": mould.format(n=n + 1, who="she"), "rejected": "Never."}
        for n in range(100, 120)
    ]
    assert [one.code for one in judged(rows).findings if one.code == "DATA10"] == []
    again = [*rows, {**rows[3], "prompt": mould.format(n=103, who="Eva")}]
    assert [list(one.rows) for one in judged(again).findings if one.code == "DATA10"] == [[21]]


def test_short_texts_are_alike_only_if_they_are_the_same(judged: Callable[..., DataReport]) -> None:
    rows = [
        {"prompt": f"i think 3 + 4 = {n} ?", "chosen": "no , it is 7 .", "rejected": f"yes , it is {n} ."}
        for n in range(8, 60)
    ]
    assert [one.code for one in judged(rows).findings if one.code == "DATA10"] == []


@pytest.mark.parametrize(
    ("share", "count", "low", "high"), [(0.0, 10, 0.0, 0.278), (0.5, 10, 0.237, 0.763), (0.9, 100, 0.826, 0.945)]
)
def test_intervals_are_those_of_wilson(share: float, count: int, low: float, high: float) -> None:
    """The values of the usual tables."""
    assert wilson(share, count) == pytest.approx((low, high), abs=0.001)
