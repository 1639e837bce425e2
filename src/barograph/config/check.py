"""What a check of settings is: it looks at the plan of a training, and says what may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from barograph.config.plan import Plan
from barograph.core.check import Declared, NotJudgeable, limit
from barograph.core.finding import Finding, Severity
from barograph.core.methods import ALL, Method
from barograph.rules.measures import plain

__all__ = ["CRITICAL", "INFO", "WARNING", "NotJudgeable", "SaysItself", "SettingCheck", "limit", "shown"]

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


class SettingCheck(Declared):
    """One thing that may be wrong with the settings of a training. Subclasses declare, and say what they find."""

    #: The methods whose trainings it judges.
    methods: ClassVar[frozenset[Method]] = ALL
    #: The setting that it points at, under our name.
    about: ClassVar[str]

    def findings(self, plan: Plan) -> Iterator[Finding]:
        """What is wrong with a plan. `NotJudgeable` where what it asks for is not said."""
        raise NotImplementedError

    def found(
        self,
        plan: Plan,
        severity: Severity | None = None,
        *,
        about: str = "",
        told: Mapping[str, object] | None = None,
        **evidence: float,
    ) -> Finding:
        """A finding of this check; in its words stand the setting, its value, what is told, and the evidence."""
        about = about or self.about
        value = plan.values.get(about)
        words: dict[str, object] = {"setting": plan.called(about), "value": shown(value), "method": plan.method.value}
        words |= {name: shown(number) for name, number in evidence.items()}
        words |= told or {}
        number = plan.number(about)
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity if severity is None else severity,
            step=0,
            last_step=0,
            metric=plan.called(about),
            says=self.says.format(**words),
            evidence={**({} if number is None else {"value": number}), **evidence},
            advice=tuple(said for advice in self.do if (said := advice.format(**words))),
        )


class SaysItself(SettingCheck):
    """A check that has several things to say, each with its own remedy."""

    says = "{what}"
    do = ("{remedy}",)

    def say(self, plan: Plan, what: str, remedy: str, severity: Severity | None = None, about: str = "") -> Finding:
        """A finding in words of its own."""
        return self.found(plan, severity, about=about, told={"what": what, "remedy": remedy})


def shown(value: object) -> str:
    """A value as it is quoted.

    >>> shown(5e-7), shown(64), shown(33750.0), shown(None), shown(["sigmoid", "sft"])
    ('5e-7', '64', '33,750', 'nothing', 'sigmoid, sft')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:,.0f}" if abs(value) >= 99.5 else plain(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)[:80]
