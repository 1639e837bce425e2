"""Rows by epoch. The numbers are means that can be taken in the head."""

from __future__ import annotations

import math

from barograph.core.epochs import Epoch, Epochs
from barograph.core.run import run_from_rows


def gathered(rows: list[tuple[int, dict[str, float]]], times: list[float] | None = None) -> list[Epoch]:
    epochs = Epochs()
    found = [epochs.add(step, values, times[i] if times else None) for i, (step, values) in enumerate(rows)]
    found.append(epochs.close(times[-1] if times else None))
    return [epoch for epoch in found if epoch is not None]


def test_fractions_of_an_epoch_make_one() -> None:
    rows = [(s, {"loss": float(s), "lr": s * 1e-6, "epoch": s / 2}) for s in (1, 2, 3, 4)]
    first, second = gathered(rows, [10.0, 11.0, 12.0, 13.0])
    assert (first.number, first.training["loss"], first.training["lr"]) == (1, 1.5, 2e-6)
    assert (second.number, second.training["loss"], second.first_step, second.last_step) == (2, 3.5, 3, 4)
    assert first.seconds == 2.0


def test_an_evaluation_at_the_end_of_an_epoch_belongs_to_it() -> None:
    rows = [
        (1, {"loss": 1.0, "epoch": 1.0}),
        (1, {"eval.loss": 0.5, "epoch": 1.0}),
        (2, {"loss": 2.0, "epoch": 2.0}),
    ]
    first, second = gathered(rows)
    assert first.evaluation == {"eval.loss": 0.5}
    assert second.evaluation == {}


def test_epochs_may_be_counted_from_zero() -> None:
    numbers = [epoch.number for epoch in gathered([(s, {"loss": 1.0, "epoch": float(s // 2)}) for s in range(6)])]
    assert numbers == [1, 2, 3]


def test_a_row_that_knows_its_time_is_a_whole_epoch() -> None:
    epochs = Epochs()
    row = {"loss": 2.0, "bleu": 0.25, "epoch": 1.0, "epoch_time": 60.0}
    epoch = epochs.add(100, row)
    assert epoch is not None
    assert (epoch.seconds, epoch.evaluation, epoch.training["loss"]) == (60.0, {"bleu": 0.25}, 2.0)
    assert epochs.close() is None
    again = epochs.add(200, {**row, "epoch": 2.0})
    assert again is not None
    assert again.number == 2


def test_going_back_begins_the_epoch_anew() -> None:
    rows = [(1, 0.5, 9.0), (2, 1.0, 9.0), (3, 1.5, 9.0), (1, 0.5, 1.0), (2, 1.0, 3.0), (3, 1.5, 5.0)]
    found = gathered([(step, {"loss": loss, "epoch": epoch}) for step, epoch, loss in rows])
    assert [(epoch.number, epoch.training["loss"]) for epoch in found] == [(1, 9.0), (1, 2.0), (2, 5.0)]


def test_going_back_within_an_epoch_drops_what_was_abandoned() -> None:
    """Rows 1 and 2 stay, 3 and 4 are done again: the mean is that of 1, 2, 3, 4 as the record has them in the end."""
    epochs = Epochs()
    for step, loss in ((1, 1.0), (2, 3.0), (3, 90.0), (4, 90.0)):
        epochs.add(step, {"loss": loss, "epoch": step / 4}, now=10.0 * step)
    kept = [(1, {"loss": 1.0, "epoch": 0.25}), (2, {"loss": 3.0, "epoch": 0.5})]
    epochs.go_back(3, run_from_rows([*kept, (3, {"loss": 90.0, "epoch": 0.75})]))
    for step, loss in ((3, 5.0), (4, 7.0)):
        epochs.add(step, {"loss": loss, "epoch": step / 4}, now=100.0 + step)
    epoch = epochs.close(110.0)
    assert epoch is not None
    assert (epoch.training["loss"], epoch.first_step, epoch.seconds) == (4.0, 1, 100.0)


def test_going_back_into_the_epoch_before_begins_with_its_rows() -> None:
    rows = [(step, {"loss": float(step), "epoch": step / 2}) for step in (1, 2, 3)]
    epochs = Epochs()
    for step, values in rows:
        epochs.add(step, values)
    epochs.go_back(2, run_from_rows(rows))
    assert epochs.add(2, {"loss": 5.0, "epoch": 1.0}) is None
    epoch = epochs.add(3, {"loss": 9.0, "epoch": 1.5})
    assert epoch is not None
    assert (epoch.number, epoch.training["loss"]) == (1, 3.0)


def test_not_a_number_is_not_averaged_away() -> None:
    (epoch,) = gathered([(1, {"loss": 1.0, "epoch": 0.5}), (2, {"loss": math.nan, "epoch": 1.0})])
    assert math.isnan(epoch.training["loss"])


def test_a_log_without_epochs_has_none() -> None:
    assert gathered([(1, {"loss": 1.0}), (2, {"loss": 1.0})]) == []
