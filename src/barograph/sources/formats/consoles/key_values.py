"""What hand-written training loops print: `step 100 | loss 0.51`, `Epoch 3/10 - loss: 0.4`, `update=257, accuracy=0.5`.

Nobody agreed on a form, so this is strict about what a line of metrics is: counters, pairs of a key and a number, and
what separates them, with hardly a word left over. Prose, dumped settings and the logs of servers are none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import ClassVar

from barograph.core.methods import Method
from barograph.core.names import catalogue, resolve
from barograph.sources.base import decoded
from barograph.sources.formats.consoles.base import Console, Parser, Row, clean_lines
from barograph.sources.formats.consoles.printed import NUMBER, settings_in, unwrapped
from barograph.sources.late import late

__all__ = ["KEY_VALUES", "KeyValueConsole", "is_telling"]

#: No line of metrics is longer.
LONGEST_LINE = 10_000
#: So many lines decide whether a text is a log.
MOST_LINES = 20_000

#: The head of a record that a logger writes: its time, level, process and module, in brackets or not.
_HEAD = late(
    r"(?:[\[(<|\s]*(?:"
    r"\d{4}[-/]\d\d[-/]\d\d(?:[ T_]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?|\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|(?:DEBUG|INFO|WARNING):[\w.]{1,80}(?=:)|(?i:debug|info|warn(?:ing)?|critical)(?=[\s:|\]\[)-]|$)"
    r"|rank ?\d+\b|pid[ :=]?\d+\b|[\w./<>-]{1,200}\.py:\d+(?=[\])\s:])"
    r")[\])>|:,\s-]*)+"
)
#: A number, perhaps with a unit behind it.
_UNIT = r"(?P<percent>\s?%)|\s?(?:ms|us|min|m|h|s|sec|it/s|s/it|tok/s|GB|MB|GiB|MiB)|(?P<scale>[KMB])"
_END = r"(?=[\s,;|\])}>]|\.?$)"
#: `1,234` and `1,234.5`, as Python's `{:,}` writes large numbers.
_GROUPED = r"\d{1,3}(?:,\d{3}){1,4}(?!,?\d)"
_VALUE = (
    rf"(?P<value>{_GROUPED}(?:\.\d+)?|{NUMBER}|(?:np|numpy|torch)\.\w+\([^()]{{0,80}}\)|tensor\([^()]{{0,80}}\)|\[\s*{NUMBER}\s*\]"
    rf"|[Nn]one|N/A|n/a)(?:{_UNIT})?{_END}"
)
_WORD = r"[^\W\d][\w./@#%()\[\]'\"-]{0,80}?"
_PAIR = late(rf"(?P<key>[\"']?(?:{_WORD})(?: {_WORD}){{0,4}}(?: \([a-zA-Z]{{1,5}}\))?[\"']?)\s*(?:=|:)\s*{_VALUE}")
#: Without a sign between them: `loss 2.3`, `train loss 2.3`.
_BARE = late(rf"(?P<key>[A-Za-z_][\w./-]{{0,60}}(?: [A-Za-z_][\w./-]{{0,60}})?)\s+{_VALUE}")
#: How far the run is: `Epoch:[1/3](20/4292)`, `Epoch [1/3], Step [20/4292]`, `iter 10`, `step=10/500`.
_COUNTER = late(
    r"(?P<word>(?i:global[_ ]?step|train(?:ing)?[_ ]step|steps?|iter(?:ation)?|it|updates?|batch|epochs?|ep))"
    rf"\s*[:=#]?\s*[\[(]?\s*(?P<at>{_GROUPED}|\d{{1,12}}(?:\.\d{{1,12}})?)"
    rf"\s*(?:(?:/|of)\s*(?P<of>{_GROUPED}|\d{{1,12}}))?\s*[\])]?"
    r"(?=[\s,;|:(\[\]%-]|$)"
)
#: How far an epoch is: `(20/4292)`, `[640/60000 (1%)]`, or a progress bar's `20/4292 [00:10<00:20, 1.2it/s, ...`.
_WITHIN = late(r"[\[(]\s*(?P<at>\d{1,12})\s*/\s*(?P<of>\d{1,12})\s*(?:\(\s*[\d.]+\s?%\s*\))?\s*[\])]")
_BAR = late(
    r"(?:\d{1,3}%\s?\|[^|]{0,400}\|\s*)(?P<at>\d{1,12})/(?P<of>\d{1,12})\s*\[\s*[\d:?]+(?:<[\d:?]+)?\s*"
    r"(?:,\s*[\d.?]+\s*(?:[a-zA-Z]+/s|s/[a-zA-Z]+))?"
)
_KERAS = late(r"(?P<at>\d{1,12})/(?P<of>\d{1,12})\s*\[[=>.\s]*\]|(?P<at2>\d{1,12})/(?P<of2>\d{1,12}) \u2501+")
#: `(+1.2z)`, as llm.c writes behind a number how far it is from the usual.
_ASIDE = late(rf"\([+-]{NUMBER}z\)")
_BETWEEN = late(r"[\s,;|:(){}<>\[\]\u2502\u2013\u2014*=>-]+")
#: What may stand alone: `3056.36 ms`, `42.6% bf16 MFU`, `(+nanz)`.
_ALONE = late(rf"{NUMBER}\s?(?:%|ms/\w+|ms|us|s|it/s|s/it|tok/s|GB|MB)?(?:\s\w+)?\s?MFU|"
                    rf"{NUMBER}\s?(?:%|ms/\w+|ms/step|ms|us|it/s|s/it|tok/s|sec|s|GB|MB){_END}")  # fmt: skip
_LEFT_OVER = late(r"\S+")
#: `Args(`, `Namespace(`, `Config(`: what follows are settings.
_DUMP = late(r"^[\s\u2502|]*(?:[A-Z]\w*|namespace|dict)\(")
#: No printed object has more lines.
LONGEST_DUMP = 1_000
#: Words that may stand before the numbers.
_HARMLESS = frozenset({
    "train", "training", "eval", "evaluation", "validation", "valid", "val", "test", "results", "metrics", "avg",
    "average", "stats", "log", "end", "of", "at", "in", "done", "finished", "completed", "took", "summary",
})  # fmt: skip
_EPOCHS = frozenset({"epoch", "epochs", "ep"})
#: Metrics that any dump of settings holds too.
_SETTINGS = frozenset({"lr", "kl_coef", "critic_lr", "max_steps"})
_SPLIT_OF_COUNTER = late(r"(?i:train|training|eval|val|valid|test)\s+(?=(?i:epoch|step|iter|batch|update))")
_SCALES = {"K": 1e3, "M": 1e6, "B": 1e9}
_SPLITS = ("eval", "val", "valid", "validation", "test", "train")
_EVALUATION = late(r"(?i)^(?:eval|val|valid|validation)[\s_/]")


@dataclass(slots=True)
class _Line:
    """What a line of metrics says."""

    row: dict[str, object] = field(default_factory=dict)
    epoch: float | None = None
    epochs: int | None = None
    step: int | None = None
    #: Of so many steps, in the epoch or in all.
    of: int | None = None
    #: Words that are neither keys nor numbers.
    left_over: int = 0

    @property
    def counts(self) -> bool:
        return self.step is not None or self.epoch is not None


class KeyValueConsole(Console):
    """The last resort for what a program prints."""

    name: ClassVar[str] = "key_values"
    is_general: ClassVar[bool] = True
    describes: ClassVar[str] = (
        "What hand-written loops print: lines of `key: value`, `key=value` or `key value` pairs with a step, an epoch "
        "or an iteration, also a `metrics.log`, Keras' lines and the postfix of a progress bar."
    )
    checked: ClassVar[str] = "logs of three real runs, and the descriptions of nanoGPT, llm.c, Keras and others"
    landmarks: ClassVar[tuple[str, ...]] = ("metrics.log", "logs/metrics.log")

    def recognises(self, path: str, head: bytes) -> bool:
        text = decoded(head)[0]
        if not any(sign in text for sign in ":= ") or _is_document(text):
            return False
        seen: Counter[frozenset[str]] = Counter()
        others = 0
        for line in islice(clean_lines(text), MOST_LINES):
            if (found := _parsed(line)) is None or not found.row:
                others += 1
                continue
            if found.step is not None and _tells(found.row):
                return True
            shape = frozenset(found.row)
            seen[shape] += 1
            if seen[shape] > 1 and _tells(found.row):
                return True
            if found.step is None:
                others += 1
        # Keys that nobody knows are metrics too, if there is little else.
        return others <= max(seen.values(), default=0) > 1

    def parser(self) -> Parser:
        return _Rows()


def _is_document(text: str) -> bool:
    """Whether a text is written for people, and tells of logs rather than being one."""
    lines = text.split("\n", 2_000)
    return any(line.startswith("```") for line in lines) and any(re.match(r"#{1,4} \w", line) for line in lines)


@lru_cache(maxsize=4_096)
def is_telling(key: str) -> bool:
    """Whether a key is a metric that is known for some method, and no mere setting or counter."""
    for method in (Method.UNKNOWN, Method.DPO, Method.GRPO, Method.CLASSIFIER):
        if found := resolve(key, method):
            metric = catalogue().get(found.name)
            return found.name not in _SETTINGS and (metric is None or metric.group != "progress")
    return False


def _tells(row: Row) -> bool:
    """Whether a row holds a metric that is known, more than a setting."""
    return any(map(is_telling, row))


class _Rows(Parser):
    def __init__(self) -> None:
        self._config: dict[str, object] = {}
        self._clock = _Clock()
        #: How many lines of a printed object may still come.
        self._in_dump = 0
        #: Said on a line of its own, as by Keras.
        self._epoch: float | None = None
        self._epochs: int | None = None

    def line(self, line: str) -> Iterator[Row]:
        if self._is_of_dump(line):
            self._config.update(settings_in(line[:LONGEST_LINE]))
            return
        found = _parsed(line)
        if found is None:
            return
        if not found.row:
            if found.epoch is not None and found.step is None:  # `Epoch 3/10` on a line of its own.
                self._epoch, self._epochs = found.epoch, found.epochs
            return
        if found.step is None and not _tells(found.row):
            return
        if found.epoch is None and found.of is not None:
            found.epoch, found.epochs = self._epoch, self._epochs
        step = self._clock.step(found)
        row: Row = {} if step is None else {"step": step}
        if found.epoch is not None:
            row["epoch"] = found.epoch
        yield {**row, **found.row}

    def _is_of_dump(self, line: str) -> bool:
        """Whether a line belongs to a printed object, from `Args(` to the bracket that closes it."""
        if self._in_dump:
            found = _parsed(line)
            if found is None or found.step is None:
                self._in_dump = 0 if line.startswith((")", "}")) else self._in_dump - 1
                return True
            self._in_dump = 0
        if not _DUMP.match(line):
            return False
        if line.rstrip().endswith("("):
            self._in_dump = LONGEST_DUMP
        return bool(self._in_dump) or "=" in line

    def config(self) -> dict[str, object]:
        planned = self._clock.planned()
        return dict(self._config) if planned is None else {**self._config, "max_steps": planned}


class _Clock:
    """The step of each line: as it says, or, where steps begin anew in each epoch, after those of the epochs before."""

    def __init__(self) -> None:
        self._first_epoch: float | None = None
        self._epoch: float | None = None
        self._epochs: int | None = None
        self._last = -1
        self._of: int | None = None
        self._before = 0
        #: Whether steps are known to go on from epoch to epoch.
        self._goes_on: bool | None = None

    def step(self, line: _Line) -> int | None:
        if line.step is None:
            return None
        epoch = line.epoch if line.epoch is not None and line.epoch.is_integer() else None
        if epoch is not None and self._epoch is not None and epoch < self._epoch:
            self._begin_anew()
        self._epochs, self._of = line.epochs or self._epochs, line.of or self._of
        if epoch is None or self._goes_on:
            return line.step
        if self._epoch is None or self._first_epoch is None:
            self._first_epoch = epoch
            # Counted from one, unless it begins with zero. What begins later was begun elsewhere.
            self._before = int(epoch - min(epoch, 1)) * (line.of or 0)
        elif epoch > self._epoch:
            self._goes_on = line.step > self._last
            if self._goes_on:
                self._before = 0
            else:
                self._before += int(epoch - self._epoch) * (line.of or max(self._last, 0))
        self._epoch, self._last = epoch, line.step
        return self._before + line.step

    def _begin_anew(self) -> None:
        self._epoch = self._first_epoch = self._goes_on = None
        self._last, self._before = -1, 0

    def planned(self) -> int | None:
        if self._of is None or (self._epochs is None and self._epoch is not None):
            return None
        return self._of if self._goes_on or self._epochs is None else self._of * self._epochs


# One line


def _parsed(line: str) -> _Line | None:
    """What a line says, if it is one of metrics or counters; None for any other."""
    if len(line) > LONGEST_LINE or (not any(map(str.isdigit, line)) and "nan" not in line.lower()):
        return None
    if _DUMP.match(line) and "=" in line:
        return None
    if "z)" in line:
        line = _ASIDE.sub(" ", line)
    head = _HEAD.match(line)
    at = head.end() if head else 0
    found = _Line()
    while at < len(line):
        end = _take_piece(line, at, found)
        if end is None:
            return None
        at = end
    _evaluations(line, found)
    enough = len(found.row) > 1 or (found.counts and (found.row or not found.left_over))
    return found if enough and found.left_over <= 1 else None


def _take_piece(line: str, at: int, found: _Line) -> int | None:
    """Read on from a place in the line; where the next piece begins, or None if this is no line of metrics."""
    if match := _BETWEEN.match(line, at):
        return match.end()
    if match := _SPLIT_OF_COUNTER.match(line, at):
        return match.end()
    if (match := _COUNTER.match(line, at)) and _count(match, found):
        return match.end()
    if match := _WITHIN.match(line, at - 1 if at and line[at - 1] in "[(" else at):
        return _progress(int(match["at"]), int(match["of"]), match.end(), found)
    if match := _BAR.match(line, at):
        return _progress(int(match["at"]), int(match["of"]), match.end(), found)
    if match := _KERAS.match(line, at):
        return _progress(int(match["at"] or match["at2"]), int(match["of"] or match["of2"]), match.end(), found)
    if match := _PAIR.match(line, at):
        return _keep(match, found)
    if (match := _BARE.match(line, at)) and _may_be_bare(match["key"], found):
        return _keep(match, found)
    if match := _ALONE.match(line, at):
        return match.end()
    match = _LEFT_OVER.match(line, at)
    if match is None:
        return None
    found.left_over += match[0].strip(":,;|-()[]").lower() not in _HARMLESS
    return match.end() if found.left_over <= 1 else None


def _may_be_bare(key: str, found: _Line) -> bool:
    return is_telling(key) or (found.counts and " " not in key and key.lower() not in _HARMLESS)


def _keep(match: re.Match[str], found: _Line) -> int:
    """Keep a pair, the first of its key; where it ends."""
    key = match["key"].strip().strip("\"'")
    value = match["value"]
    if value.startswith("["):
        value = value.replace(" ", "")
    elif value[:1].isdigit():
        value = value.replace(",", "")
    value = unwrapped(value)
    if match["scale"]:
        value = str(float(value) * _SCALES[match["scale"]])
    found.row.setdefault(key, f"{value}%" if match["percent"] else value)
    return match.end()


def _count(match: re.Match[str], found: _Line) -> bool:
    """Take a counter. A second one of its kind is none."""
    number = float(match["at"].replace(",", ""))
    of = int(match["of"].replace(",", "")) if match["of"] else None
    if match["word"].lower() in _EPOCHS:
        if found.epoch is not None:
            return False
        found.epoch, found.epochs = number, of
        return True
    if found.step is not None or not number.is_integer():
        return False
    found.step, found.of = int(number), of
    return True


def _progress(at: int, of: int, end: int, found: _Line) -> int | None:
    if found.step is None and at <= of:
        found.step, found.of = at, of
    return end


def _evaluations(line: str, found: _Line) -> None:
    """Between bars, `Eval Loss: 0.42 Acc: 0.82` are both of the evaluation, though only one says so."""
    if "|" not in line or not any(map(_EVALUATION.match, found.row)):
        return
    renamed: dict[str, object] = {}
    place = 0
    is_evaluation = False
    for key, value in found.row.items():
        begin = line.find(key, place)
        if "|" in line[place : max(begin, place)]:
            is_evaluation = False
        place = max(begin, place)
        is_evaluation = is_evaluation or _EVALUATION.match(key) is not None
        bare = is_evaluation and not key.lower().startswith(_SPLITS)
        renamed[f"eval {key}" if bare else key] = value
    found.row = renamed


KEY_VALUES = KeyValueConsole()
