"""`barograph eval`: what generated texts are worth beside their references."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from barograph.cli.progress import Line
from barograph.console.terminal import Terminal
from barograph.core.errors import ConfigurationError
from barograph.core.plain_json import plain
from barograph.text.catalogue import KINDS, Settings, made, usual

if TYPE_CHECKING:
    from barograph.text.evaluate import Progress
    from barograph.text.reading import Texts

__all__ = ["evaluate"]

NAMES = ", ".join(kind.name for kind in KINDS)
OF_CODE = " and ".join(kind.name for kind in KINDS if kind.of_code)
USUAL = f"bleu and rouge{f', with --lang {OF_CODE} too' if OF_CODE else ''}, with --bertscore-model that too"
METRICS_HELP = "\b\nMetrics:\n" + "\n".join(f"  {kind.name:10} {kind.title}: {kind.summary}" for kind in KINDS)
#: More processes than these bring little.
MOST_WORKERS = 8


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(name for word in (value or "").split(",") if (name := word.strip().lower()))


@click.command("eval", short_help="Score generated texts or code: BLEU, ROUGE ...", epilog=METRICS_HELP)
@click.option("-p", "--predictions", required=True, metavar="FILE", help="What the model said; - for standard input.")
@click.option("-r", "--references", multiple=True, metavar="FILE",
              help="What would have been right, if not in FILE too. Several give several references.")  # fmt: skip
@click.option("-m", "--metrics", callback=_names, metavar="NAME,...",
              help=f"Of {NAMES}. By default {USUAL}.")  # fmt: skip
@click.option("--lang", metavar="LANGUAGE", help="The texts are code in this language: python, java ...")
@click.option("--against", metavar="FILE", help="What another model said to the same: with the test of the difference.")
@click.option("--samples", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.jsonl",
              help="Write the scores of each pair.")  # fmt: skip
@click.option("--worst", type=click.IntRange(0), default=0, metavar="N",
              help="Show the N pairs with the lowest scores by the first metric.")  # fmt: skip
@click.option(
    "--prediction-field", metavar="NAME", help="The field or column of predictions, where it has no usual name."
)
@click.option("--reference-field", metavar="NAME", help="The same of references.")
@click.option("--bertscore-model", type=click.Path(path_type=Path), metavar="FOLDER",
              help="The model to see meaning with. Nothing is downloaded.")  # fmt: skip
@click.option(
    "--bertscore-layer", type=int, metavar="N", help="By default the one that suits a known model, else the last."
)
@click.option("--bertscore-idf", is_flag=True, help="Rare pieces of words weigh more.")
@click.option("--bertscore-baseline", type=click.Path(path_type=Path), metavar="FILE.tsv",
              help="What unrelated texts score (LAYER,P,R,F): that becomes 0.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes; by default one for each processor.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def evaluate(  # noqa: PLR0913, PLR0917 - one for each option
    predictions: str,
    references: Sequence[str],
    metrics: Sequence[str],
    lang: str | None,
    against: str | None,
    samples: Path | None,
    worst: int,
    prediction_field: str | None,
    reference_field: str | None,
    bertscore_model: Path | None,
    bertscore_layer: int | None,
    bertscore_idf: bool,
    bertscore_baseline: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Score what a model said beside what would have been right, with intervals.

    Files are JSON lines, JSON, CSV, TSV or text with one on each line. One file may hold both, in fields called
    prediction, completion, output ... and reference, target, answer, solution ...; a list is several references.

    \b
      barograph eval -p answers.jsonl                          both in one file
      barograph eval -p said.txt -r right.txt                  a line each
      barograph eval -p code.jsonl --lang python --worst 5     code, and the five worst
      barograph eval -p new.jsonl --against old.jsonl          is the new model better, or is it chance?
      barograph eval -p said.jsonl --bertscore-model models/roberta-large

    Every score is higher where the texts are more alike: it says nothing about whether an answer is true or code runs.
    BLEU is printed from 0 to 100, as the field does; in JSON every score runs from 0 to 1. Intervals hold 95 % of a
    bootstrap over pairs. Compare two numbers only where their signatures (--json) are equal.
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.cli.scores import Answer
    from barograph.sinks.replace import write_whole
    from barograph.text.evaluate import compare
    from barograph.text.evaluate import evaluate as scored
    from barograph.text.reading import pairs_of, read_texts, rivals_of

    settings = Settings(lang, bertscore_model, bertscore_layer, bertscore_idf, bertscore_baseline)
    names = metrics or usual(settings)
    _check_of_use(settings, names)
    chosen = made(names, settings)
    if samples is not None:
        _keep_what_is_read(samples, [predictions, *references, *([against] if against else [])])

    def read(path: str, alone: str) -> Texts:
        return read_texts(path, prediction_field=prediction_field, reference_field=reference_field, alone=alone)

    said = read(predictions, "predictions")
    right = [read(path, "references") for path in references]
    pairs = pairs_of(said, right)
    other = read(against, "predictions") if against is not None else None
    rivals = rivals_of(other, said, right) if other is not None else None
    count = workers or min(MOST_WORKERS, _processors())
    with _progress_shown() as show:
        ours = scored(pairs, chosen, workers=count, progress=show)
        theirs = scored(rivals, chosen, workers=count, progress=show) if rivals else None
    differences = compare(ours, theirs) if theirs is not None else {}
    their_lines = other.lines if other is not None else ()
    answer = Answer(predictions, said.lines, ours, against, their_lines, theirs, differences, worst)
    if samples is not None:
        rows = (json.dumps(plain(row), allow_nan=False, ensure_ascii=False) + "\n" for row in answer.rows())
        write_whole(samples, "".join(rows).encode())
    if as_json:
        click.echo(json.dumps(plain(answer.to_dict()), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        click.echo("\n".join(answer.shown(Terminal.of(sys.stdout))))
        if samples is not None:
            click.echo(f"\n{samples}")


def _check_of_use(settings: Settings, names: Sequence[str]) -> None:
    """Refuse what was said to a metric that nobody asked for, rather than leave it unheard."""
    said = {
        "model": settings.model is not None,
        "layer": settings.layer is not None,
        "idf": settings.idf,
        "baseline": settings.baseline is not None,
    }
    for name, is_said in said.items():
        if is_said and "bertscore" not in names:
            raise ConfigurationError(
                f"--bertscore-{name} is for bertscore, which is not asked for: "
                + ("name it in --metrics" if settings.model else "name its model with --bertscore-model FOLDER")
            )


def _keep_what_is_read(target: Path, read: Sequence[str]) -> None:
    """Refuse to write over what is being read."""
    for path in read:
        if target.exists() and Path(path).exists() and target.samefile(path):
            raise ConfigurationError(f"{target}: is being read; choose another name for --samples")


def _processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _progress_shown() -> Iterator[Callable[[Progress], None] | None]:
    """Inside, a person at a terminal is shown how many pairs have been scored, and what they add up to so far."""
    if not sys.stderr.isatty():
        yield None
        return
    line = Line()

    def show(progress: Progress) -> None:
        if line.is_due:
            values = "".join(f"  {name} {value:.4f}" for name, value in progress.so_far.items())
            line.show(f"processed: {progress.done:,} of {progress.total:,}{values}"[:100])

    try:
        yield show
    finally:
        line.clear()
