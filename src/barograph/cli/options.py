"""What several commands take alike."""

from __future__ import annotations

import click

from barograph.core.methods import Method

__all__ = ["METHOD"]

#: Names that people use for what is one of our methods with other settings.
KIN = {"simpo": Method.CPO, "ipo": Method.DPO, "dapo": Method.GRPO, "gspo": Method.GRPO, "rm": Method.REWARD}


class _MethodName(click.Choice[str]):
    """A method by its name, in capitals or not, or by the name of one of its kin."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value).strip().lower()
        return super().convert(KIN[word].value if word in KIN else word, param, ctx)


METHOD = _MethodName([method.value for method in Method])
