"""Every metric by its name: what `barograph eval --metrics` takes, and what its help says.

To add one: write a module with a `Metric`, and a `Kind` here that makes it. Nothing is imported before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from barograph.core.errors import ConfigurationError, suggest
from barograph.text.score import Metric

__all__ = ["KINDS", "Kind", "Settings", "made", "usual"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may say about the texts, for whichever metric it concerns."""

    #: The programming language of the texts; None where they are prose.
    language: str | None = None
    #: The folder of the model that BERTScore looks through, and how.
    model: Path | None = None
    layer: int | None = None
    idf: bool = False
    baseline: Path | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A metric that can be asked for."""

    name: str
    title: str
    summary: str
    #: The extra that brings its libraries.
    extra: str
    make: Callable[[Settings], Metric]
    #: The field prints its values as shares, or in percent.
    percent: bool = False
    #: Whether it reads code, so that it is left out where no language is named.
    of_code: bool = False


def _bleu(settings: Settings) -> Metric:
    from barograph.text.bleu import Bleu

    return Bleu()


def _rouge(settings: Settings) -> Metric:
    from barograph.text.rouge import Rouge

    return Rouge()


def _bertscore(settings: Settings) -> Metric:
    from barograph.text.bertscore import BertScore

    if settings.model is None:
        raise ConfigurationError("bertscore needs a model on disk: name its folder with --bertscore-model FOLDER")
    return BertScore(settings.model, settings.layer, idf=settings.idf, baseline=settings.baseline)


def _codebleu(settings: Settings) -> Metric:
    from barograph.text.codebleu import CodeBleu

    return CodeBleu(_language("codebleu", settings))


def _ruby(settings: Settings) -> Metric:
    from barograph.text.ruby import Ruby

    return Ruby(_language("ruby", settings))


def _language(metric: str, settings: Settings) -> str:
    if settings.language is None:
        raise ConfigurationError(f"{metric} reads code: name its language with --lang, as in --lang python")
    return settings.language


KINDS: tuple[Kind, ...] = (
    Kind(
        "bleu",
        "BLEU",
        "overlap of sequences of one to four words, of the whole corpus at once",
        "eval",
        _bleu,
        percent=True,
    ),
    Kind("rouge", "ROUGE-L", "longest common subsequence of words; ROUGE-1, -2 and -Lsum beside it", "eval", _rouge),
    Kind(
        "codebleu",
        "CodeBLEU",
        "overlap of code in tokens, keywords, syntax trees and data flow",
        "eval",
        _codebleu,
        of_code=True,
    ),
    Kind(
        "ruby",
        "RUBY",
        "likeness of code by its tree, or by its tokens where it does not parse",
        "eval",
        _ruby,
        of_code=True,
    ),
    Kind(
        "bertscore", "BERTScore", "similarity of meaning, by the inner states of a model on disk", "train", _bertscore
    ),
)


def usual(settings: Settings) -> tuple[str, ...]:
    """The names of the metrics that are meant when none is named."""
    names = ["bleu", "rouge"]
    if settings.language is not None:
        names += [kind.name for kind in KINDS if kind.of_code]
    if settings.model is not None:
        names.append("bertscore")
    return tuple(names)


def made(names: Sequence[str], settings: Settings) -> list[Metric]:
    """The metrics of these names, each once."""
    known = {kind.name: kind for kind in KINDS}
    for name in names:
        if name not in known:
            near = suggest(name, known) or f"; there are {', '.join(known)}"
            raise ConfigurationError(f"there is no metric {name!r}{near}")
    return [known[name].make(settings) for name in dict.fromkeys(names)]
