"""Folders of runs with margins of examples, made without a trainer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from barograph.data.kept import FILE
from barograph.data.looks import Look, Looks
from barograph.data.map import map_of
from barograph.data.recognised import said_in


def made_run(
    folder: Path,
    trained_on: Sequence[Mapping[str, Any]],
    margins: Sequence[Sequence[float]],
    method: str = "dpo",
    **recipe: Any,
) -> Path:
    """A run that looked at all its examples as often as there are rows of margins, as the callback leaves it."""
    looks, dice = Looks(len(trained_on), {"method": method}), np.random.default_rng(0)
    for one in margins:
        order = dice.permutation(len(trained_on))
        looks.add(Look(order, np.array(one)[order]))
    looks.settle()
    texts = []
    for place in map_of(looks).ranked():
        said = said_in(trained_on[place])
        texts.append({"row": place + 1, "fingerprint": said.fingerprint(), "texts": said.quoted()})
    looks.about["texts"] = texts
    (folder / "logs").mkdir(parents=True)
    (folder / FILE).write_bytes(looks.to_bytes())
    (folder / "run.json").write_text(json.dumps({"method": method}))
    if recipe:
        (folder / "recipe.json").write_text(json.dumps(recipe))
    return folder
