"""The plan of a recipe: its options, those that were not said at their usual value."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping

from barograph.config.dialects.recipe import RECIPE
from barograph.config.plan import Plan, Stranger
from barograph.config.reading import ALIKE, SettingsFile, plan_of
from barograph.core.methods import Method
from barograph.recipes.options import METHODS, TINY, Options, choices_of, settled

__all__ = ["plan_of_options", "plan_of_recipe"]


def plan_of_options(method: str, options: Options) -> Plan:
    """What a recipe is about to do."""
    whole: dict[str, object] = dataclasses.asdict(settled(options))
    if options.model_size and options.model_size != TINY:
        whole.pop("model")
    file = SettingsFile(f"barograph train {method}", {k: v for k, v in whole.items() if v is not None}, Method(method))
    return dataclasses.replace(plan_of(file), dialect=RECIPE)


def plan_of_recipe(method: str, found: Mapping[str, object]) -> Plan:
    """The plan of a file for a recipe. What the recipe would refuse is left to the checks."""
    kind = METHODS[method]
    said = {name.rpartition(".")[2].replace("-", "_"): value for name, value in found.items() if value is not None}
    model: dict[str, object] = {name: str(said[name]) for name in ("model", "model_size") if name in said}
    usual = dataclasses.asdict(settled(kind.made(model)))
    whole = {name: value for name, value in {**usual, **said}.items() if value is not None}
    if model.get("model_size", TINY) != TINY:
        whole.pop("model")
    plan = dataclasses.replace(plan_of(SettingsFile("", whole, Method(method))), dialect=RECIPE)
    known = choices_of(kind)
    near = {name: difflib.get_close_matches(name, known, n=1, cutoff=ALIKE) for name in said if name not in known}
    strangers = tuple(Stranger(name, found[0]) for name, found in near.items() if found and found[0] not in said)
    return dataclasses.replace(plan, strangers=strangers)
