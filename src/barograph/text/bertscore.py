"""BERTScore: each word piece of one text is held against the piece of the other that a model finds nearest.

The model is a folder on disk; nothing is ever downloaded. Scores by two models, or by two layers of one, do not
compare, so that the signature names both. Equal to the package bert-score with the same model and layer.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from barograph.core.errors import ConfigurationError
from barograph.text.inner_states import Look, Looker, fingerprint, layers_of, looker
from barograph.text.score import Metric, Pair, Score, best_of

if TYPE_CHECKING:
    import torch

__all__ = ["BertScore", "bertscore"]

#: Pairs whose states are held in memory at once.
AT_ONCE = 128
NO_WORDS = "neither prediction nor reference has a word"
NO_WEIGHT = "every piece is in every reference, so that by idf none has a weight"


def bertscore(prediction: str, references: Sequence[str], model: Path | str, layer: int | None = None) -> Score:
    """The F-measure as the value, precision and recall as parts. Of several references the best counts."""
    return BertScore(Path(model), layer).score(prediction, references)


class Frequencies(NamedTuple):
    """How rare word pieces are among the references."""

    texts: int
    holding: Mapping[int, int]

    def weight(self, piece: int) -> float:
        """The logarithm of how many references there are for each that holds the piece."""
        return math.log((self.texts + 1) / (self.holding.get(piece, 0) + 1))


@dataclass(frozen=True, slots=True)
class BertScore(Metric):
    """BERTScore by the model of a folder, at one layer.

    The pieces that a model sets around each text may be matched but carry no weight, as in bert-score.
    """

    model: Path
    #: None for the layer that suits the model best, or its last.
    layer: int | None = None
    #: Rare pieces weigh more.
    idf: bool = False
    #: A table (CSV with LAYER,P,R,F) of what unrelated texts score at each layer: that becomes 0.
    baseline: Path | None = None
    #: None for the GPU where there is one.
    device: str | None = None
    frequencies: Frequencies | None = field(default=None, repr=False)

    name: ClassVar[str] = "bertscore"
    holds_a_model: ClassVar[bool] = True

    def __post_init__(self) -> None:
        # What is wrong with the folder or the table is said before anything is scored.
        object.__setattr__(self, "layer", layers_of(self.model, self.layer))
        self._floor()

    @property
    def signature(self) -> str:
        """The model by name and fingerprint, its layer, and how its pieces are weighed."""
        place = self.model.resolve()
        name = "/".join(place.parts[-2:]) if place.name in {"model", "final_model"} else place.name
        scale = f"rescaled:{self.baseline.name}" if self.baseline else "rescaled:no"
        weights = f"idf:{'yes' if self.idf else 'no'}"
        return f"model:{name}@{fingerprint(place)}|layer:{self.layer}|value:f1|{weights}|{scale}|references:best"

    def prepared(self, references: Sequence[Sequence[str]]) -> BertScore:
        """With the frequencies of the pieces in these references, if they are wanted."""
        if not self.idf:
            return self
        texts = [text for several in references for text in several]
        look = self._looker()
        holding = Counter(piece for text in texts for piece in set(look.pieces(text)[0]))
        return replace(self, frequencies=Frequencies(len(texts), dict(holding)))

    def score(self, prediction: str, references: Sequence[str]) -> Score:
        """One pair; many at once are far quicker."""
        return self.scores([Pair(prediction, tuple(references))])[0]

    def scores(self, pairs: Sequence[Pair]) -> list[Score]:
        """Many pairs, a hundred at once: those of a like length together, for each fills up to the longest."""
        ready = self if self.frequencies or not self.idf else self.prepared([references for _, references in pairs])
        look = self._looker()
        floor = self._floor()
        texts = [(prediction, *references) for prediction, references in pairs]
        by_length = sorted(range(len(pairs)), key=lambda place: sum(map(len, texts[place])))
        found: dict[int, Score] = {}
        for first in range(0, len(pairs), AT_ONCE):
            places = by_length[first : first + AT_ONCE]
            seen = look.look([text for place in places for text in texts[place]])
            for place in places:
                ours, *right = (seen[text] for text in texts[place])
                found[place] = best_of(ready.matched(ours, theirs, look, floor) for theirs in right)
        return [found[place] for place in range(len(pairs))]

    def matched(self, ours: Look, theirs: Look, look: Looker, floor: Sequence[float]) -> Score:
        """How well the pieces of two texts match."""
        notes = []
        if ours.lost or theirs.lost:
            notes.append(f"cut off after {look.limit} word pieces, which is what the model reads")
        said, right = self._weights(ours, look), self._weights(theirs, look)
        if said is None and right is None:
            return Score(None, notes=(NO_WORDS,))
        if said is None or right is None:
            precision = recall = both = 0.0
        else:
            alike = ours.states @ theirs.states.T
            precision, recall = _weighed(alike.amax(1), said), _weighed(alike.amax(0), right)
            if math.isnan(precision) or math.isnan(recall):
                return Score(None, notes=(NO_WEIGHT,))
            both = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        precision, recall, both = (
            (share - base) / (1 - base) for share, base in zip((precision, recall, both), floor, strict=True)
        )
        return Score(both, {"precision": precision, "recall": recall}, tuple(notes))

    def _weights(self, text: Look, look: Looker) -> list[float] | None:
        """What each piece counts for; None where a text has none of its own."""
        own = [piece not in look.set_around for piece in text.pieces]
        if not any(own):
            return None
        if self.frequencies:
            return [self.frequencies.weight(piece) for piece in text.pieces]
        return [float(is_own) for is_own in own]

    def _looker(self) -> Looker:
        return looker(self.model.resolve(), layers_of(self.model, self.layer), self.device)

    def _floor(self) -> tuple[float, float, float]:
        """What unrelated texts score: precision, recall, F-measure."""
        if self.baseline is None:
            return (0.0, 0.0, 0.0)
        try:
            with self.baseline.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    if int(row["LAYER"]) == self.layer:
                        return float(row["P"]), float(row["R"]), float(row["F"])
        except OSError as error:
            raise ConfigurationError(f"{self.baseline}: {error.strerror or error}") from None
        except (KeyError, TypeError, ValueError):
            raise ConfigurationError(
                f"{self.baseline}: is no table of baselines, which has the columns LAYER, P, R and F"
            ) from None
        raise ConfigurationError(f"{self.baseline}: has no baseline for layer {self.layer}")


def _weighed(shares: torch.Tensor, weights: Sequence[float]) -> float:
    total = math.fsum(weights)
    if not total:
        return math.nan
    return float((shares * shares.new_tensor(weights)).sum()) / total
