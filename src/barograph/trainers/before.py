"""What is looked at before the first step: a trainer's settings, and a sample of the data that it is about to use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from barograph.config.dialects.trl import TRL
from barograph.config.judge import judge_settings
from barograph.config.plan import Plan
from barograph.config.reading import SettingsFile, plan_of
from barograph.core.errors import BarographError
from barograph.core.finding import Finding, Severity
from barograph.core.methods import ONLINE, Method
from barograph.data.formats.base import DataFile, Row
from barograph.data.reading import DataSet
from barograph.monitor.live import Monitor
from barograph.trainers import trl_compat

__all__ = ["look_before", "plan_of_trainer", "said_already"]

#: So many examples are looked at, in this many seconds at most.
SAMPLE, SECONDS = 1_000, 2.0
#: The weights of the classes are known here, so that settings are judged against the balance, and not it by itself.
ELSEWHERE = frozenset({"class-ratio"})
#: Columns that a trainer has made of texts.
OF_TOKENS = ("_ids", "_mask")
#: Of two models so many weights of so many tensors are compared.
TENSORS, WEIGHTS = 6, 1_000
#: Weights that differ by less are the same in another precision.
ROUNDING = 1e-2

_said: set[tuple[str, str]] = set()


def said_already(findings: Iterable[Finding] = ()) -> None:
    """What whoever trains has told just now, so that it is not told a second time when the trainer begins."""
    _said.clear()
    _said.update((finding.code, finding.says) for finding in findings)


def look_before(trainer: Any, model: Any, monitor: Monitor, *, at_settings: bool, at_data: bool) -> None:
    """Judge what a trainer was told, and what it is given. What is more than a remark is told."""
    sample = sample_of(trainer, monitor.method) if at_data or monitor.method is Method.KTO else None
    if at_settings:
        plan = plan_of_trainer(trainer, model, monitor.config, monitor.method)
        if sample is not None:
            plan = plan.knowing(good=sample.labelled(is_good=True), bad=sample.labelled(is_good=False))
        findings = judge_settings(plan).findings
        loud = [one for one in findings if one.severity > Severity.INFO and (one.code, one.says) not in _said]
        monitor.found_before(loud)
        monitor.found_before((one for one in findings if one not in loud), quietly=True)
    if at_data and sample is not None and monitor.method not in ONLINE:
        look_at_data(trainer, sample, monitor)


# Settings


def plan_of_trainer(trainer: Any, model: Any, config: Mapping[str, object], method: Method) -> Plan:
    """The plan of a trainer: what its arguments say, what is recorded of the run, and what its models are."""
    args, found = getattr(trainer, "args", None), dict[str, object]()
    for names in TRL.names.values():
        for name in names:
            group, dot, key = name.partition(".")
            value = getattr(args, group, None)
            if dot:
                value = value.get(key) if isinstance(value, Mapping) else None
            found[name] = getattr(value, "value", value)
    found["weights_dtype"] = found["reference_differs"] = None
    found |= {name: value for name, value in config.items() if value is not None}
    found["dtype"] = str(getattr(model, "dtype", "")).removeprefix("torch.") or None
    found["model_name_or_path"] = getattr(getattr(model, "config", None), "_name_or_path", None) or None
    found["reference_differs"] = _reference_differs(trainer, model)
    if "lora_r" not in config and getattr(model, "peft_config", None) is None and hasattr(model, "parameters"):
        found["use_peft"] = False
    known = {name: value for name, value in found.items() if value is not None}
    return replace(plan_of(SettingsFile("", known, method if method is not Method.UNKNOWN else None)), strangers=())


def _reference_differs(trainer: Any, model: Any) -> bool | None:
    """Whether the reference has other weights than the model that is about to be trained; None if that is not known."""
    import torch

    reference = getattr(trainer, "ref_model", None)
    if reference is None or getattr(model, "peft_config", None) is not None or trl_compat.is_sharded(trainer):
        return None
    own, other = dict(model.named_parameters()), dict(reference.named_parameters())
    shared = [name for name in own if name in other and own[name].shape == other[name].shape]
    if not shared:
        return None
    with torch.no_grad():
        for name in shared[:: max(1, len(shared) // TENSORS)]:
            here, there = (one[name].detach().flatten()[:WEIGHTS].float().cpu() for one in (own, other))
            if not torch.allclose(here, there, rtol=ROUNDING, atol=1e-6):
                return True
    return False


# Data


class Sampled(DataFile):
    """Rows of a data set in memory, drawn evenly, as if they stood in a file."""

    describes = "the data of the trainer"

    def __init__(self, dataset: Any, columns: Sequence[str], ending: str = "") -> None:
        super().__init__(Path("train_dataset"))
        self.whole = len(dataset)
        until = time.monotonic() + SECONDS
        self.kept: list[Row] = []
        for place in range(0, self.whole, -(-self.whole // SAMPLE)):
            fields = dataset[place]
            # The end that a trainer puts behind every answer is none of the data's.
            self.kept.append(Row(place + 1, {name: _without(fields[name], ending) for name in columns}))
            if time.monotonic() > until:
                break

    def rows(self) -> Iterator[Row]:
        yield from self.kept

    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        raise NotImplementedError("nothing is written of data in memory")

    def labelled(self, *, is_good: bool) -> int | None:
        """How many rows are labelled so; None where there are no labels."""
        labels = [row.fields.get("label") for row in self.kept if row.fields is not None]
        return sum(label is is_good for label in labels) if any(isinstance(one, bool) for one in labels) else None


def sample_of(trainer: Any, method: Method) -> Sampled | None:
    """A sample of a trainer's data; None where it is no table in memory, or holds no texts."""
    dataset: Any = getattr(trainer, "train_dataset", None)
    names = getattr(dataset, "column_names", None)
    if not isinstance(names, list) or not hasattr(dataset, "__len__") or not len(dataset):
        return None
    columns = [name for name in names if not name.endswith(OF_TOKENS)]
    if "input_ids" in names:
        columns = [name for name in columns if name != "labels"]
    if method is Method.REWARD:  # TRL puts it in front of both answers.
        columns = [name for name in columns if name != "prompt"]
    ending = getattr(getattr(trainer, "processing_class", None), "eos_token", None) or ""
    return Sampled(dataset, columns, ending) if columns else None


def look_at_data(trainer: Any, sample: Sampled, monitor: Monitor) -> None:
    """Judge a sample of the data. What is more than a remark is told."""
    from barograph.data.catalogue import CHECKS
    from barograph.data.judge import judge

    length, words = getattr(trainer.args, "max_length", None), getattr(trainer, "processing_class", None)
    checks = [check for check in CHECKS if check.name not in ELSEWHERE]
    try:
        report = judge(DataSet("train_dataset", [sample]), tokenizer=words, max_length=length, checks=checks)
    except BarographError:
        return  # A form of its own: there is nothing to say of it.
    of = f" (of {len(sample.kept):,} of {sample.whole:,} examples)" if len(sample.kept) < sample.whole else ""
    monitor.found_before(
        Finding(
            code=one.code, name=one.name, severity=one.severity, step=0, last_step=0, metric="train_dataset",
            says=f"{one.says}{of}", evidence=dict(one.evidence), advice=tuple(one.advice),
        )
        for one in report.findings
        if one.severity > Severity.INFO
    )  # fmt: skip


def _without(value: object, ending: str) -> object:
    return value.removesuffix(ending) if ending and isinstance(value, str) else value
