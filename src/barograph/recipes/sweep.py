"""One recipe several times: a run for each combination of the values that are to be compared.

Every run has a folder of its own, named after what sets it apart. A sweep that is called again goes on where it was:
runs that have ended are not trained again, and one that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from barograph.core.errors import BarographError, ConfigurationError, Interrupted
from barograph.core.file_names import plain_name
from barograph.recipes.options import Options, settled
from barograph.recipes.result import TOLD, Finished, checkpoints_of, result_of

__all__ = ["NOT_SWEPT", "Outcome", "Trial", "outcomes", "trials"]

#: What every run has to itself, or what holds commas of its own.
NOT_SWEPT = frozenset({"output_dir", "resume_from", "report_to"})


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a sweep."""

    #: What sets it apart, as it was written.
    label: Mapping[str, str]
    options: Options

    @property
    def name(self) -> str:
        """As a person reads it.

        >>> Trial({"beta": "0.1", "seed": "2"}, Options()).name
        'beta 0.1, seed 2'
        """
        return ", ".join(f"{name} {value}" for name, value in self.label.items()) or "as usual"

    @property
    def folder(self) -> Path:
        return Path(str(self.options.output_dir))


#: How a run ended, or why it did not.
Outcome: TypeAlias = "Finished | BarographError"


def trials(
    kind: type[Options], told: Sequence[Mapping[str, object]], varied: Mapping[str, Sequence[str]], folder: Path
) -> list[Trial]:
    """The runs, in the order in which they are said; whatever is wrong with one of them is said before the first."""
    for name, values in varied.items():
        if len(set(values)) < len(values):
            raise ConfigurationError(f"{name}: {', '.join(values)} holds a value twice")
    made = list[Trial]()
    for values in itertools.product(*varied.values()):
        label = dict(zip(varied, values, strict=True))
        own = folder / ("_".join(f"{name}={plain_name(value)}" for name, value in label.items()) or "usual")
        made.append(Trial(label, kind.made(*told, label, {"output_dir": str(own)})))
    if len({trial.folder for trial in made}) < len(made):
        raise ConfigurationError("two of the values would share a folder: name them so that more than signs differ")
    return made


def outcomes(
    runs: Sequence[Trial], train: Callable[[Options], Finished], *, begins: Callable[[Trial, int], None]
) -> Iterator[tuple[Trial, Outcome]]:
    """Train one after another. A run that cannot be trained does not keep the others from it."""
    for number, trial in enumerate(runs, 1):
        outcome: Outcome | None = _ended(trial)
        if outcome is None:
            begins(trial, number)
            try:
                outcome = train(_continued(trial))
            except Interrupted:
                raise
            except BarographError as error:
                outcome = error
            _let_go()
        yield trial, outcome


def _ended(trial: Trial) -> Finished | None:
    """What came of the run in an earlier call; its settings must be those of now."""
    before = _told_before(trial)
    if before is None:
        return None
    # What was not said may have been chosen for the card or the model; and a rescue may have cut the rate.
    said = {name: value for name, value in trial.options.said().items() if name not in NOT_SWEPT}
    is_resumed = before.get("resume_from") is not None
    differs = sorted(
        name
        for name, value in said.items()
        if before.get(name) != value and not (is_resumed and name == "learning_rate")
    )
    if differs:
        raise ConfigurationError(
            f"{trial.folder}: holds a run with another {', '.join(differs)}; name another --output-dir"
        )
    return result_of(trial.folder)


def _told_before(trial: Trial) -> dict[str, object] | None:
    try:
        return dict(json.loads((trial.folder / TOLD).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _continued(trial: Trial) -> Options:
    """The options, or those of going on from the newest checkpoint that an interrupted run has left."""
    last = settled(trial.options).max_steps or sys.maxsize
    numbered = {step: path for step, path in checkpoints_of(trial.folder) if 0 < step < last}
    if not numbered:
        return trial.options
    # What it was told lies beside the checkpoint, with the rate as rescues have left it.
    return dataclasses.replace(
        type(trial.options)(), output_dir=str(trial.folder), resume_from=str(numbered[max(numbered)])
    )


def _let_go() -> None:
    """Give back what a run held on the device."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
