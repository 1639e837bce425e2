"""slime: `step 5: {...}` counts updates of the policy, `rollout 2: {...}` and `eval 2: {...}` count rollouts.

A rollout is trained on in several steps. It is put where its training begins, as soon as the log has shown how many
steps there are to a rollout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row
from barograph.sources.formats.consoles.printed import dict_in
from barograph.sources.late import late

__all__ = ["SLIME", "SlimeConsole"]

_LINE = late(r" - ((?:\w+-)?step|rollout|eval|perf|passrate) (\d{1,15}): (?=\{['\"])")
_SCORE = late(r"eval/[^/]+(?<!-truncated_ratio)")
#: What the trainer says of a rollout right before it trains on it.
_OF_TRAINER = ("rollout/log_probs", "rollout/advantages", "rollout/returns", "rollout/rewards", "rollout/raw_reward")
#: No run has more rollouts that wait for their training.
MOST_WAITING = 10_000


class SlimeConsole(Console):
    """What slime's processes print."""

    name: ClassVar[str] = "slime"
    describes: ClassVar[str] = (
        "The console of slime: `step 5: {'train/loss': ...}` and `rollout 2: {...}`; rollouts are put at the step at "
        "which their training begins."
    )
    checked: ClassVar[str] = "a description only"
    hint: ClassVar[bytes] = b": {'"
    mark: ClassVar[re.Pattern[str]] = late(
        r" - (?:(?:\w+-)?step \d+: \{'train/|rollout \d+: \{'(?:rollout|perf)/|eval \d+: \{'eval/)"
    )

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    def __init__(self) -> None:
        #: Steps to a rollout; 0 while it is not known.
        self._steps = 0
        self._seen_step = False
        #: The last rollout of which the trainer spoke, until its training begins.
        self._begun: int | None = None
        self._trainer_speaks = False
        self._waiting: list[tuple[int, Row]] = []

    def line(self, line: str) -> Iterator[Row]:
        if ": {" not in line or not (match := _LINE.search(line)) or not (found := dict_in(line)):
            return
        kind, number, row = match[1], int(match[2]), found[0]
        if kind == "eval":
            row = {_of_data_set(key): value for key, value in row.items()}
        if not kind.endswith("step"):
            yield from self._keep(number, row)
            return
        yield from self._train(number)
        yield {"step": number, **row}

    def end(self) -> Iterator[Row]:
        # A process that only generates says nothing of training: then rollouts are all the steps there are.
        yield from self._settle(self._steps or 1)

    def _keep(self, number: int, row: Row) -> Iterator[Row]:
        is_of_trainer = any(key in row for key in _OF_TRAINER)
        self._trainer_speaks |= is_of_trainer
        if is_of_trainer or not self._trainer_speaks:
            self._begun = number
        if number == 0:
            yield {"step": 0, **row}
            return
        self._waiting.append((number, row))
        if self._steps:
            yield from self._settle(self._steps)
        elif len(self._waiting) > MOST_WAITING:
            yield from self._settle(1)

    def _train(self, step: int) -> Iterator[Row]:
        """A step of training: the first of a rollout shows how many steps there are to one."""
        begun, self._begun = self._begun, None
        if begun and step >= begun and step % begun == 0:
            self._steps = step // begun
        elif begun == 0 or (step == 0 and self._seen_step):
            self._steps = 0
        self._seen_step = True
        if self._steps:
            yield from self._settle(self._steps)

    def _settle(self, steps: int) -> Iterator[Row]:
        waiting, self._waiting = self._waiting, []
        for number, row in waiting:
            yield {"step": number * steps, **row}


def _of_data_set(key: str) -> str:
    """A name that says what is meant: slime calls the mean score of a data set `eval/<data set>`."""
    return f"{key}/avg_score" if _SCORE.fullmatch(key) else key


SLIME = SlimeConsole()
