"""What the model of a run said, step by step: the predictions of a classifier, the answers of a policy.

>>> samples = samples_of("runs/grpo")  # doctest: +SKIP
>>> samples.rows(samples.steps[-1])[0]["completion"]  # doctest: +SKIP
'no , it is 7 .'

Frameworks leave such rows in many places; the first of these that holds any is shown: our own record, the tables of
TRL, what verl dumps, the tables of W&B, and the file that classifiers write. To add a place, write a function like the
ones in `PLACES`: it is given the folder of a run and gives a `Shelf`, or None.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from barograph.sources.samples import own_record, predictions, trl, verl, wandb
from barograph.sources.samples.base import Samples, found_in
from barograph.sources.samples.folder import RunFolder
from barograph.sources.samples.notes import Notes

__all__ = ["Samples", "samples_of"]

PLACES = (own_record.shelf_in, trl.shelf_in, verl.shelf_in, wandb.shelf_in, predictions.shelf_in)
#: Parts of a run that somebody may name in its place: what the model said lies beside them.
_PARTS = re.compile(r"logs|checkpoint-\d+")


def samples_of(folder: str | os.PathLike[str]) -> Samples | None:
    """What the model said in the run that lies in a folder; None where it left nothing of the kind.

    Never raises: what cannot be read is left out, and a note says so.
    """
    place = Path(folder)
    samples = _in_folder(place)
    if samples is None and _PARTS.fullmatch(place.absolute().name):
        return _in_folder(place.absolute().parent)
    return samples


def _in_folder(place: Path) -> Samples | None:
    notes = Notes()
    folder = RunFolder(place)
    for look in PLACES:
        shelf = look(folder, notes)
        if shelf is not None and shelf.steps:
            return found_in(shelf, notes)
    return Samples((), (), notes) if notes else None
