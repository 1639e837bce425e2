"""What is to be expected if a run goes on as it does: a remark about a number, never a finding."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Forecast"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A quantity is on its way to the limit of a rule that has not fired yet."""

    #: The rule whose limit it is.
    code: str
    metric: str
    limit: float
    #: The last value of the metric.
    value: float
    #: Steps until it gets there: about so many, and within which bounds.
    steps: int
    earliest: int
    latest: int
    says: str

    def to_dict(self) -> dict[str, object]:
        return {
            "code": self.code,
            "metric": self.metric,
            "limit": self.limit,
            "value": self.value,
            "steps": self.steps,
            "earliest": self.earliest,
            "latest": self.latest,
            "says": self.says,
        }
