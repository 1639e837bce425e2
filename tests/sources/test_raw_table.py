from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.sources import table as table_module
from barograph.sources.table import Gatherer, RawTable, TooManyColumns


def gathered(rows, size: int | None = None) -> RawTable:
    gatherer = Gatherer()
    size = size or max(1, len(rows))
    for begin in range(0, len(rows), size):
        gatherer.extend(rows[begin : begin + size])
    return gatherer.finish()


def contents(table: RawTable) -> dict[str, tuple[list[int], list[str]]]:
    """The table for comparison: NaN equals NaN, and -0.0 is not 0.0."""
    return {key: (list(column.at), list(map(repr, column.values))) for key, column in table.columns.items()}


def test_rows_of_one_shape_share_their_rows() -> None:
    table = gathered([{"step": i, "loss": i / 2} for i in range(5)])
    assert contents(table) == {
        "step": ([0, 1, 2, 3, 4], ["0.0", "1.0", "2.0", "3.0", "4.0"]),
        "loss": ([0, 1, 2, 3, 4], ["0.0", "0.5", "1.0", "1.5", "2.0"]),
    }
    assert table.columns["step"].at is table.columns["loss"].at
    assert (table.columns["loss"].at.typecode, table.columns["loss"].values.typecode) == ("q", "d")


def test_columns_of_the_same_rows_share_even_when_their_values_took_the_slow_way() -> None:
    table = gathered([{"a": 1, "b": "2.5", "c": "50%"}, {"a": 2, "b": None, "c": ""}, {"a": 3, "b": "x", "c": 1}], 1)
    assert contents(table)["b"] == ([0], ["2.5"])
    assert contents(table)["c"] == ([0, 2], ["0.5", "1.0"])
    assert table.left_out == {"b": ("text", 1)}


def test_mixed_shapes_are_merged_in_the_order_of_rows() -> None:
    rows = [{"step": 1, "loss": 1}, {"step": 1, "eval": 9}, {"step": 2, "loss": 2}, {"loss": 3, "step": 3}]
    table = gathered(rows)
    assert contents(table)["loss"] == ([0, 2, 3], ["1.0", "2.0", "3.0"])
    assert contents(table)["step"] == ([0, 1, 2, 3], ["1.0", "1.0", "2.0", "3.0"])
    assert contents(table)["eval"] == ([1], ["9.0"])


def test_objects_inside_are_laid_flat_and_wrappers_leave_no_trace() -> None:
    table = gathered([{"step": 1, "data": {"loss": 0.5, "train": {"lr": 1}}, "x": {"y": 2, "metrics": {"z": 3}}}])
    assert {key: column.values[0] for key, column in table.columns.items()} == {
        "step": 1, "loss": 0.5, "train/lr": 1, "x/y": 2, "x/z": 3,
    }  # fmt: skip


def test_objects_in_rows_of_different_shapes_stay_in_the_order_of_rows() -> None:
    rows = [{"lr": 0, "x": None}, {"x": {"y": 1}}, {"lr": 0, "x": {"y": 2}}]
    assert contents(gathered(rows))["x/y"] == ([1, 2], ["1.0", "2.0"])


def test_of_a_key_given_twice_in_one_row_the_inner_one_counts() -> None:
    rows = [{"data": {"loss": 2}, "loss": 1}, {"loss": 5}]
    assert contents(gathered(rows))["loss"] == ([0, 1], ["2.0", "5.0"])


def test_text_and_lists_are_counted_and_left_out() -> None:
    rows = [{"loss": 1, "prompt": "hello", "hist": [1, 2]}] * 20
    table = gathered(rows)
    assert set(table.columns) == {"loss"}
    assert table.left_out == {"prompt": ("text", 20), "hist": ("a list", 20)}


def test_a_bottomless_object_is_left_out() -> None:
    row: dict = {"loss": 1}
    for _ in range(50):
        row = {"loss": 1, "deeper": row}
    table = gathered([row])
    assert len(table.columns) == 5
    assert "a nested object" in {kind for kind, _ in table.left_out.values()}


@pytest.mark.parametrize("key", ["step", "global_step/max_steps", "train/global_step"])
def test_a_step_may_be_written_as_progress(key: str) -> None:
    table = gathered([{key: "1/10", "loss": 1}, {key: "2/10", "loss": 1}])
    assert list(table.columns[key].values) == [1.0, 2.0]
    assert table.target == 10


def test_only_a_step_is_read_as_progress() -> None:
    assert gathered([{"loss": "1/10"}]).left_out == {"loss": ("text", 1)}


def test_keys_are_cleaned_of_terminal_escapes() -> None:
    table = gathered([{"lo\x1b[2Jss": 1.0}])
    assert list(table.columns) == ["lo\\x1b[2Jss"]
    assert list(table.cleaned) == ["lo\\x1b[2Jss"]


def test_more_than_ten_thousand_keys_are_refused_in_one_row_and_over_many() -> None:
    with pytest.raises(TooManyColumns):
        gathered([{f"k{i}": i for i in range(10_001)}])
    with pytest.raises(TooManyColumns):
        gathered([{f"k{i}": i} for i in range(10_001)])
    assert len(gathered([{f"k{i}": i for i in range(10_000)}]).columns) == 10_000


VALUES = st.one_of(
    st.floats(), st.integers(-(10**20), 10**20), st.booleans(), st.none(),
    st.sampled_from(["", "0.5", "-0.0", "nan", "1e5", "12%", "text", "3/9", "1_0"]),
    st.lists(st.integers(), max_size=1), st.dictionaries(st.sampled_from("ab"), st.floats(), max_size=2),
)  # fmt: skip
ROWS = st.lists(st.dictionaries(st.sampled_from(["step", "loss", "a", "b", "a/b", "data"]), VALUES), max_size=30)


@given(rows=ROWS, size=st.integers(1, 30), most_shapes=st.integers(0, 5))
def test_how_rows_are_portioned_never_shows(rows, size: int, most_shapes: int) -> None:
    whole = gathered(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_module, "MOST_SHAPES", most_shapes)
        patch.setattr(table_module, "PORTION", max(1, size // 2))
        parts = gathered(rows, size)
    assert contents(parts) == contents(whole)
    assert (parts.left_out, parts.rows, parts.target) == (whole.left_out, whole.rows, whole.target)
    for column in whole.columns.values():
        assert all(map(int.__lt__, column.at, column.at[1:]))
    arrays = [column.at for column in whole.columns.values()]
    assert all(one is other for one in arrays for other in arrays if one == other)


@given(st.lists(st.dictionaries(st.sampled_from(["loss", "lr"]), st.floats()), max_size=20))
def test_against_the_naive_way(rows) -> None:
    table = gathered(rows)
    for key in ("loss", "lr"):
        naive = [(number, row[key]) for number, row in enumerate(rows) if key in row]
        column = table.columns.get(key)
        found = list(zip(column.at, column.values, strict=True)) if column else []
        assert [at for at, _ in found] == [at for at, _ in naive]
        assert all(one == other or (math.isnan(one) and math.isnan(other))
                   for (_, one), (_, other) in zip(found, naive, strict=True))  # fmt: skip


def test_text_cells() -> None:
    gatherer = Gatherer()
    gatherer.extend_cells(["step", "acc"], [["1", "15.6%"], ["2", ""]])
    gatherer.extend_cells(["step", "acc"], [["3", "0.5"]])
    assert contents(gatherer.finish()) == {
        "step": ([0, 1, 2], ["1.0", "2.0", "3.0"]), "acc": ([0, 2], ["0.156", "0.5"]),
    }  # fmt: skip
