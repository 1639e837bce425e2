"""One pass over a data set, every check, one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from barograph.data.catalogue import CHECKS
from barograph.data.check import Check, NotJudgeable
from barograph.data.evidence import Circumstances, Evidence, Seen
from barograph.data.example import Example, Kind
from barograph.data.finding import DataFinding, DataReport, Shown, Unjudged
from barograph.data.form import Form, Misfit, form_of
from barograph.data.formats.base import Row, UnreadableData
from barograph.data.reading import DataSet

__all__ = ["SAMPLE", "SHOWN", "judge"]

#: Rows that are looked at to recognise the form.
LOOKED_AT = 1_000
#: Examples that the dearer checks draw.
SAMPLE = 10_000
#: Examples that are shown of a finding.
SHOWN = 3
#: So many reasons why a row is none are kept in words.
REASONS = 1_000


def judge(  # noqa: PLR0913 - what may be said of the data, each by its name
    train: DataSet,
    held_out: DataSet | None = None,
    *,
    kind: Kind | None = None,
    tokenizer: Any = None,
    max_length: int | None = None,
    sample: int = SAMPLE,
    checks: Sequence[type[Check]] = CHECKS,
    limits: Mapping[str, Mapping[str, float]] | None = None,
    progress: Callable[[DataSet, int], None] | None = None,
) -> DataReport:
    """Everything that can be said of a data set: what is trained on, and what is held out if there is anything."""
    form = _form(train, kind)
    held_form = _form(held_out, form.kind) if held_out else form
    circumstances = Circumstances(form.kind, tokenizer, max_length, form.scores)
    chosen = [check(circumstances) for check in checks if form.kind in check.kinds]
    for check in chosen:
        check.set((limits or {}).get(check.code, {}))
    seen = Seen(sample)
    evidence = Evidence(circumstances, seen, Seen(sample, like=seen) if held_out else None)
    seers = [check.see for check in chosen if type(check).see is not Check.see]
    for example in _looked_at(train, form, evidence.train, progress):
        for see in seers:
            see(example)
    _refuse_nothing(train, form, evidence.train)
    if held_out is not None and evidence.held_out is not None:
        for _ in _looked_at(held_out, held_form, evidence.held_out, progress):
            pass
    findings: list[tuple[Check, DataFinding]] = []
    judged, not_judged = [], []
    for check in chosen:
        try:
            found = list(check.findings(evidence))
        except NotJudgeable as reason:
            not_judged.append(Unjudged(check.code, str(reason)))
        else:
            judged.append(check.code)
            findings += [(check, finding) for finding in found]
    findings.sort(key=lambda entry: -entry[1].severity)
    return DataReport(
        path=train.name,
        read_as=train.describes,
        kind=form.kind.value,
        columns=form.columns,
        rows=evidence.train.rows,
        eval_path=held_out.name if held_out else None,
        eval_rows=evidence.held_out.rows if evidence.held_out else 0,
        findings=_with_quotes(findings, {"train": (train, form), "eval": (held_out or train, held_form)}, evidence),
        judged=judged,
        not_judged=not_judged,
        figures=evidence.figures,
        notes=_notes(form),
    )


def _notes(form: Form) -> list[str]:
    """What should be known of how the data were read."""
    if not form.others:
        return []
    named = ", ".join(form.others[:8]) + (", ..." if len(form.others) > 8 else "")
    return [f"not looked at: {named}"]


def _form(data: DataSet, kind: Kind | None) -> Form:
    """The form of a data set by its first rows."""
    first = [row for _, row in islice(data.rows(), LOOKED_AT)]
    fields = [row.fields for row in first if row.fields is not None]
    if not fields and first:
        raise UnreadableData(f"{data.name}: holds no examples; row {first[0].number} {first[0].flaw}")
    return form_of(fields, data.name, kind)


def _refuse_nothing(data: DataSet, form: Form, seen: Seen) -> None:
    """Say in one sentence that not one row was an example."""
    if seen.rows and not seen.examples:
        number, reason = next(iter(seen.first_reasons.items()))
        raise UnreadableData(f"{data.name}: holds no examples of kind {form.kind.value!r}; row {number}: {reason}")


def _looked_at(
    data: DataSet, form: Form, seen: Seen, progress: Callable[[DataSet, int], None] | None
) -> Iterator[Example]:
    """Every example of a split; what is none is noted."""
    for number, row in data.rows():
        seen.rows += 1
        if progress is not None and seen.rows % 1024 == 0:
            progress(data, seen.rows)
        if row.is_damaged:
            seen.damaged.append(number)
        made = _example(form, number, row)
        if isinstance(made, str):
            (seen.broken if row.fields is None else seen.misfits).append(number)
            if len(seen.first_reasons) < REASONS:
                seen.first_reasons[number] = made
            continue
        seen.ledger.add(made)
        seen.sample.offer(made)
        seen.sketches.add(made)
        yield made


def _example(form: Form, number: int, row: Row) -> Example | str:
    """An example, or why a row is none."""
    if row.fields is None:
        return row.flaw
    try:
        return form.example(number, row.fields, is_damaged=row.is_damaged)
    except Misfit as misfit:
        return str(misfit)


# The rows that are shown


def _with_quotes(
    findings: Sequence[tuple[Check, DataFinding]], splits: Mapping[str, tuple[DataSet, Form]], evidence: Evidence
) -> list[DataFinding]:
    """The findings with what stands in their first rows, for which the files are opened once more."""
    quoted: dict[tuple[str, int], dict[str, str]] = {}
    for split, (data, form) in splits.items():
        wanted: dict[int, list[Check]] = {}
        for check, finding in findings:
            if finding.split == split:
                for number in finding.rows[:SHOWN]:
                    wanted.setdefault(number, []).append(check)
        for number, row in _rows_at(data, set(wanted)):
            made = _example(form, number, row)
            quoted[split, number] = {
                check.code: made if isinstance(made, str) else check.quote(made) for check in wanted[number]
            }
    done = []
    for check, finding in findings:
        data, _ = splits[finding.split]
        seen = evidence.train if finding.split == "train" else evidence.held_out
        shown = []
        for number in finding.rows[:SHOWN]:
            place = data.place(number)
            reason = seen.first_reasons.get(number, "") if seen else ""
            quote = quoted.get((finding.split, number), {}).get(check.code, reason)
            twin = finding.twins.get(number)
            shown.append(Shown(place.row, str(place.file), quote, splits["train"][0].place(twin).row if twin else None))
        done.append(replace(finding, shown=tuple(shown)))
    return done


def _rows_at(data: DataSet, wanted: set[int]) -> Iterator[tuple[int, Row]]:
    """The rows with these numbers; nothing is read beyond the last of them."""
    if not wanted:
        return
    last = max(wanted)
    for number, row in data.rows():
        if number in wanted:
            yield number, row
        if number >= last:
            return
