"""RUBY (Tran et al., ICPC 2019): how alike two texts of code are, on the most telling level that both reach.

    graph    1 - edits between the program dependence graphs / all their nodes and edges
    tree     1 - edits between the abstract syntax trees / all their nodes
    string   1 - edits between the sequences of tokens / the longer one

The level is chosen for each pair, as in the paper: an answer that does not parse is compared as a string, and the
others keep the level they reach. The score says by its parts which level it was, a corpus how many pairs each had.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, NamedTuple

from barograph.core.errors import MissingExtra
from barograph.text.code.abstract import LabelledTree, abstract_tree
from barograph.text.code.dependence import DependenceGraph, dependence_graph
from barograph.text.code.grammar import EXTRA, grammar_edition
from barograph.text.code.graph_distance import graph_distance
from barograph.text.code.languages import language_named
from barograph.text.code.tree import parsed
from barograph.text.code.tree_distance import tree_distance
from barograph.text.score import Metric, Score, best_of, mean_of

__all__ = ["LEVELS", "Ruby", "ruby"]

#: The levels from the most telling one on.
LEVELS = ("graph", "tree", "string")
#: A token without any grammar: a word, or a character that is none.
TOKEN = re.compile(r"\w+|[^\w\s]")
#: From this many pairs of tokens on, only the beginnings of two texts are compared token by token.
MOST_TOKEN_PAIRS = 100_000_000_000
#: From this length on a reference is taken apart anew each time: keeping it would cost more than it spares.
KEPT_LENGTH = 20_000

NO_CODE = "neither prediction nor reference has code"
UNSOUND = "the prediction has syntax errors: compared as a string"
UNSOUND_REFERENCE = "the reference has syntax errors: compared as a string"
TOO_LARGE = "too large for a comparison of trees: compared as a string"
NO_GRAPH = "without a dependence graph: compared on a lower level"
TOO_INTRICATE = "the dependence graphs take too many steps: compared on a lower level"
CUT = "too long to be compared token by token to the end"


class _Analysis(NamedTuple):
    """What the metric knows of one text."""

    words: list[str]
    #: Whether there is anything in it but comments.
    has_code: bool
    sound: bool
    #: None where the text does not parse, or is too large.
    tree: LabelledTree | None
    graph: DependenceGraph | None


def ruby(prediction: str, references: Sequence[str], language: str = "python", *, graphs: bool = False) -> Score:
    """The RUBY of one prediction, of several references by the nearest.

    >>> renamed = ruby("def add(x, y): return x + y", ["def add(a, b): return a + b"])
    >>> round(renamed.value, 3), renamed.parts
    (0.778, {'graph': None, 'tree': 0.777..., 'string': None})
    """
    return Ruby(language, graphs).score(prediction, references)


@dataclass(frozen=True, slots=True)
class Ruby(Metric):
    """RUBY for one programming language."""

    language: str = "python"
    #: Whether dependence graphs are compared, where that is possible in few enough steps. Off by default: only short
    #: texts reach that level, and a mean over two levels says less than one over the same level.
    graphs: bool = False

    name: ClassVar[str] = "ruby"

    def __post_init__(self) -> None:
        language_named(self.language)

    @property
    def signature(self) -> str:
        """Language, levels and the edition of the grammar."""
        language = language_named(self.language).name
        levels = ",".join(LEVELS if self.graphs else LEVELS[1:])
        return f"lang:{language}|levels:{levels}|grammar:{grammar_edition(language)}|version:1"

    def score(self, prediction: str, references: Sequence[str]) -> Score:
        """One prediction beside the reference nearest to it."""
        language = language_named(self.language).name
        said = _analysed(prediction, language, graphs=self.graphs)
        return best_of(self._beside(said, reference, language) for reference in references)

    def _beside(self, said: _Analysis, reference: str, language: str) -> Score:
        known = _kept if len(reference) <= KEPT_LENGTH else _analysed
        wanted = known(reference, language, graphs=self.graphs)
        if not said.words and not wanted.words:
            return Score(None, dict.fromkeys(LEVELS), (NO_CODE,))
        if said.has_code != wanted.has_code:
            return _on("string", 0.0)
        notes: list[str] = []
        if said.has_code and not (said.sound and wanted.sound):
            notes.append(UNSOUND_REFERENCE if said.sound else UNSOUND)
        elif said.has_code:
            for level in (_by_graphs, _by_trees) if self.graphs else (_by_trees,):
                score, note = level(said, wanted)
                if score is not None:
                    return replace(score, notes=tuple(notes))
                notes.append(note)
        score = _by_strings(said.words, wanted.words)
        return replace(score, notes=(*notes, *score.notes))

    def corpus_of(self, scores: Sequence[Score]) -> Score:
        """The mean, and how many pairs were compared on each level."""
        mean = mean_of(scores)
        pairs = {level: sum(score.parts.get(level) is not None for score in scores) for level in LEVELS}
        return replace(mean, parts={**mean.parts, **{f"{level}_pairs": float(pairs[level]) for level in LEVELS}})


def _on(level: str, value: float, *notes: str) -> Score:
    return Score(value, {**dict.fromkeys(LEVELS), level: value}, notes)


def _by_graphs(said: _Analysis, wanted: _Analysis) -> tuple[Score | None, str]:
    """The score on this level, or None and why there is none."""
    if said.graph is None or wanted.graph is None:
        return None, NO_GRAPH
    edits = graph_distance(said.graph, wanted.graph)
    if edits is None:
        return None, TOO_INTRICATE
    return _on("graph", 1 - edits / (said.graph.size + wanted.graph.size)), ""


def _by_trees(said: _Analysis, wanted: _Analysis) -> tuple[Score | None, str]:
    if said.tree is None or wanted.tree is None:
        return None, TOO_LARGE
    edits = tree_distance(said.tree, wanted.tree)
    if edits is None:
        return None, TOO_LARGE
    return _on("tree", 1 - edits / (said.tree.size + wanted.tree.size)), ""


def _by_strings(said: Sequence[str], wanted: Sequence[str]) -> Score:
    longer = max(len(said), len(wanted))
    if said == wanted:
        return _on("string", 1.0)
    limit = longer if len(said) * len(wanted) <= MOST_TOKEN_PAIRS else int(MOST_TOKEN_PAIRS**0.5)
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError:
        raise MissingExtra("RUBY", "rapidfuzz", EXTRA) from None
    # Numbers in place of words: rapidfuzz compares by hash, and only those of small numbers are never the same.
    numbers: dict[str, int] = {}
    one, other = ([numbers.setdefault(word, len(numbers)) for word in words[:limit]] for words in (said, wanted))
    edits = Levenshtein.distance(one, other) + max(longer - limit, 0)
    return _on("string", 1 - edits / longer, *([CUT] if limit < longer else []))


def _analysed(code: str, language: str, *, graphs: bool) -> _Analysis:
    """Everything that is to be known of one text."""
    words = TOKEN.findall(code)
    tree = parsed(code, language_named(language))
    if tree is None:
        return _Analysis(words, bool(words), sound=True, tree=None, graph=None)
    has_code = bool(tree.tokens)
    if not tree.sound:
        return _Analysis(words, has_code, sound=False, tree=None, graph=None)
    graph = dependence_graph(tree) if graphs else None
    return _Analysis(words, has_code, sound=True, tree=abstract_tree(tree), graph=graph)


#: One reference has many answers, one after another. Small, so that a million pairs do not stay in memory.
_kept = lru_cache(maxsize=128)(_analysed)
