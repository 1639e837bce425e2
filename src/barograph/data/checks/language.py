"""Which languages are spoken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from barograph.data.check import INFO, Check, Graded, limit, percent
from barograph.data.evidence import Evidence
from barograph.data.example import PAIRS
from barograph.data.finding import DataFinding, numbers
from barograph.data.languages import language_of

__all__ = ["CHECKS"]


class OtherLanguage(Graded):
    """Pairs whose chosen and rejected answers are in different languages. Looked for in a sample.

    Why: the language is far easier to learn than what makes an answer good.
    False alarm: a set that teaches to answer in the language of the question; texts that quote another language.
    """

    code, name = "DATA25", "sides-in-other-languages"
    kinds = PAIRS
    says = "{count:,} of {of:,} pairs that were looked at have answers in different languages"
    do = ("Leave these pairs out, unless the language is what you want to teach",)
    warns_from = limit(0.005, "share of pairs from which it is more than a remark")
    grave_from = limit(0.3, "share of pairs from which it is critical")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        rows, examples = numbers(), evidence.train.sample.examples()
        for example in examples:
            one, other = language_of(example.chosen), language_of(example.rejected)
            if one and other and one != other:
                rows.append(example.number)
        if rows:
            yield self.found(self.grade(len(rows) / len(examples)), rows=rows, of=len(examples))


class LanguageMix(Check):
    """Several languages in one set. Looked for in a sample, in the answers.

    Why: it is worth knowing: a language that few rows speak is learned badly, and one that should not be there leaks
    in.
    False alarm: a set that is meant to be of several languages.
    """

    code, name = "DATA26", "language-mix"
    severity = INFO
    says = "several languages: {languages}"
    do = ("Nothing, if that is what you want",)
    told_from = limit(0.01, "share that the second language must have to be told")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        spoken: Counter[str] = Counter()
        rows: dict[str, list[int]] = {}
        for example in evidence.train.sample.examples():
            language = language_of(next(iter(example.answers()), "") or example.prompt)
            if language:
                spoken[language] += 1
                rows.setdefault(language, []).append(example.number)
        total = spoken.total()
        told = [(name, count) for name, count in spoken.most_common(5) if count >= self.told_from * total]
        if len(told) > 1:
            words = ", ".join(f"{name} {percent(count / total)}" for name, count in told)
            others = numbers(sorted(number for name in rows if name != told[0][0] for number in rows[name]))
            yield self.found(rows=others, of=total, told={"languages": words})


CHECKS: tuple[type[Check], ...] = (OtherLanguage, LanguageMix)
