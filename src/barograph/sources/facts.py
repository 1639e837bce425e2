"""What a log says of a run's settings, as plain values under the names that configurations use."""

from __future__ import annotations

from collections.abc import Mapping

from barograph.sources.storage.json_text import Broken, loads

__all__ = ["facts_in", "facts_in_text"]

#: Groups whose settings are those of the run itself, so that they count without the group's name as well.
GROUPS = frozenset({"args", "config", "hparams", "train", "trainer", "training", "training_args", "training_arguments"})
#: Groups inside groups are looked into to this depth.
DEEPEST = 4
#: More settings than this are no settings.
MOST = 5_000


def facts_in(found: Mapping[str, object]) -> dict[str, object]:
    """The settings: numbers, texts, and lists of these. Those in groups go by `group/name`.

    >>> facts_in({"beta": 0.1, "none": None, "optimizer": {"lr": 1e-6}, "trainer": {"max_steps": 9}})
    {'beta': 0.1, 'optimizer/lr': 1e-06, 'trainer/max_steps': 9, 'max_steps': 9}
    """
    facts: dict[str, object] = {}
    bare: dict[str, object] = {}
    _gather(found, "", 0, facts, bare)
    return {**facts, **{name: value for name, value in bare.items() if name not in facts}}


def _gather(
    found: Mapping[str, object], prefix: str, depth: int, facts: dict[str, object], bare: dict[str, object]
) -> None:
    for name, value in found.items():
        if len(facts) >= MOST:
            return
        if isinstance(value, dict) and depth < DEEPEST:
            _gather(value, f"{prefix}{name}/", depth + 1, facts, bare)
        elif _is_plain(value) or (isinstance(value, list) and value and all(map(_is_plain, value))):
            facts[prefix + name] = value
            if depth == 1 and prefix[:-1].lower() in GROUPS:
                bare[name] = value


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def facts_in_text(text: bytes) -> dict[str, object]:
    """The settings in a JSON text; none where it is something else."""
    try:
        found = loads(text)
    except Broken:
        return {}
    return facts_in(found) if isinstance(found, dict) else {}
