"""What a language model on disk makes of each word piece of a text: its inner states at one layer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barograph.core.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    import torch

__all__ = ["Look", "Looker", "described", "layers_of", "looker"]

#: The layers at which models of the field agree best with people, from the table of bert-score. Others: the last.
TUNED = {
    "bert-base-multilingual-cased": 9,
    "bert-base-uncased": 9,
    "bert-large-uncased": 18,
    "codebert-base": 10,
    "deberta-xlarge-mnli": 40,
    "distilbert-base-uncased": 5,
    "roberta-base": 10,
    "roberta-large": 17,
    "xlm-roberta-base": 9,
    "xlm-roberta-large": 17,
}
#: Texts that go through the model at once.
BATCH = 64
#: A tokeniser that names no limit has one of this size.
NO_LIMIT = 1_000_000
#: Models whose tokeniser sees a difference between the first word and others.
FIRST_WORD_DIFFERS = {"gpt2", "roberta"}
#: Models that begin to count positions after the padding.
POSITIONS_AFTER_PADDING = {"roberta", "xlm-roberta", "camembert"}


@dataclass(frozen=True, slots=True)
class Look:
    """One text, as the model sees it."""

    #: The numbers of its word pieces, with those that the model sets around a text.
    pieces: tuple[int, ...]
    #: A row of unit length for each piece.
    states: torch.Tensor
    #: How many pieces were cut off at the end, for the model reads no more.
    lost: int


def described(folder: Path) -> dict[str, Any]:
    """What the folder says of its model; one clear sentence where it is no such folder."""
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder}: is no folder; BERTScore takes the folder of a model on disk, for nothing is downloaded"
        )
    try:
        described = json.loads((folder / "config.json").read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(
            f"{folder}: holds no config.json; name the folder that a model was saved to with save_pretrained"
        ) from None
    except ValueError as error:
        raise ConfigurationError(f"{folder / 'config.json'}: is no JSON: {error}") from None
    if not isinstance(described, dict):
        raise ConfigurationError(f"{folder / 'config.json'}: does not describe a model")
    return described


def layers_of(folder: Path, layer: int | None) -> int:
    """The layer to look at: as wished, or the one that suits the model best, or its last."""
    config = described(folder)
    names = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
    last = next((config[name] for name in names if isinstance(config.get(name), int)), None)
    if layer is None:
        layer = TUNED.get(folder.resolve().name, last)
    if layer is None:
        raise ConfigurationError(f"{folder}: does not say how many layers it has; name one with --bertscore-layer")
    if layer < 0 or (last is not None and layer > last):
        raise ConfigurationError(f"{folder}: has layers 0 to {last}, and no layer {layer}")
    return layer


@cache
def fingerprint(folder: Path) -> str:
    """Tells two models of one name apart: by their description, and by how their weights begin and end."""
    seen = sha256((folder / "config.json").read_bytes())
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")]):
        with path.open("rb") as file:
            seen.update(file.read(1_000_000))
            file.seek(max(0, path.stat().st_size - 1_000_000))
            seen.update(file.read())
    return seen.hexdigest()[:8]


class Looker:
    """A model that has been loaded."""

    def __init__(self, folder: Path, layer: int, device: str | None) -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise MissingExtra("BERTScore", error.name or "transformers", "train") from None
        config = described(folder)
        kind = config.get("model_type")
        more = {"add_prefix_space": True} if kind in FIRST_WORD_DIFFERS else {}
        with _quiet():
            try:
                self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, **more)
                model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
            except (OSError, ValueError, KeyError) as error:
                first = str(error).strip().partition("\n")[0]
                raise ConfigurationError(f"{folder}: its model cannot be loaded: {first}") from None
        if getattr(model.config, "is_encoder_decoder", False):
            model = model.get_encoder()
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.eval().to(self.device)
        self.layer = layer
        positions = config.get("max_position_embeddings") or NO_LIMIT
        if kind in POSITIONS_AFTER_PADDING:
            positions -= 2
        self.limit = min(self.tokenizer.model_max_length, positions)
        self.set_around = frozenset(
            number for number in (self.tokenizer.sep_token_id, self.tokenizer.cls_token_id) if number is not None
        )

    def pieces(self, text: str) -> tuple[tuple[int, ...], int]:
        """The pieces of a text, and how many more there would be if the model could read them."""
        text = text.strip()
        everything = self.tokenizer(text, verbose=False)["input_ids"]
        if len(everything) <= self.limit:
            return tuple(everything), 0
        kept = self.tokenizer(text, truncation=True, max_length=self.limit)["input_ids"]
        return tuple(kept), len(everything) - len(kept)

    def look(self, texts: Sequence[str]) -> dict[str, Look]:
        """Each different text once, those of a like length together."""
        import torch

        split = {text: self.pieces(text) for text in dict.fromkeys(texts)}
        ordered = sorted((text for text, (pieces, _) in split.items() if pieces), key=lambda text: len(split[text][0]))
        looks = {text: Look((), torch.zeros(0, 1), 0) for text, (pieces, _) in split.items() if not pieces}
        for first in range(0, len(ordered), BATCH):
            batch = ordered[first : first + BATCH]
            states = self._through([split[text][0] for text in batch])
            for text, rows in zip(batch, states, strict=True):
                pieces, lost = split[text]
                looks[text] = Look(pieces, rows, lost)
        return looks

    def _through(self, batch: Sequence[Sequence[int]]) -> Iterator[torch.Tensor]:
        import torch

        longest = max(map(len, batch))
        padding = self.tokenizer.pad_token_id or 0
        numbers = torch.tensor([[*pieces, *[padding] * (longest - len(pieces))] for pieces in batch])
        real = torch.tensor([[1] * len(pieces) + [0] * (longest - len(pieces)) for pieces in batch])
        with torch.inference_mode():
            found = self.model(
                input_ids=numbers.to(self.device), attention_mask=real.to(self.device), output_hidden_states=True
            )
            states = torch.nn.functional.normalize(found.hidden_states[self.layer], dim=-1)
        for rows, pieces in zip(states, batch, strict=True):
            yield rows[: len(pieces)]


@cache
def looker(folder: Path, layer: int, device: str | None) -> Looker:
    """The model of a folder, loaded once."""
    return Looker(folder, layer, device)


@contextmanager
def _quiet() -> Iterator[None]:
    """Loading says nothing: a head that is left out is no news here."""
    from transformers.utils import logging

    told, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(told)
        if bars:
            logging.enable_progress_bar()
