"""How a trainer comes to know, of each example, by how much the model holds with its label.

Three things are put around what the trainer does anyway: the data loader tells which example stands in which row of a
batch, the loss is listened to for the margins that it works out, and after some steps both go to what is kept
(`data/looks.py`). Nothing is computed twice, and nothing is waited for in between.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from barograph.core.methods import Method
from barograph.data.kept import FILE
from barograph.data.looks import Look, Looks
from barograph.data.map import map_of
from barograph.data.recognised import said_in
from barograph.sinks.replace import write_whole
from barograph.trainers import trl_compat

__all__ = ["ExampleWatch", "has_labels"]

#: The key under which a batch says which examples it holds.
ROW = "barograph_row"
#: After so many steps margins are fetched from the device: seldom enough to cost nothing, often enough to lose little.
EVERY = 16
#: What is kept is written down after so many seconds, so that little is lost when a process is killed; and so seldom
#: that writing takes no more than this part of the time.
SECONDS, MOST_OF_TIME = 60.0, 0.005
#: Methods whose examples carry a label that may be wrong. Others are trained on answers that they make themselves.
LABELLED = frozenset({
    Method.DPO, Method.KTO, Method.BCO, Method.ORPO, Method.CPO, Method.REWARD, Method.PRM, Method.CLASSIFIER,
})  # fmt: skip
#: Of so many examples the texts are kept at the end, or of one in twenty.
FEWEST_TEXTS, MOST_TEXTS = 100, 1_000
#: The label of a token of which nothing is asked.
UNLABELLED = -100
CLASSIFIERS = frozenset({Method.PRM, Method.CLASSIFIER})


def has_labels(method: Method | str | None) -> bool:
    """Whether a method learns from labelled examples."""
    return method in LABELLED


class Numbered:
    """A data set whose examples know their place in it."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, place: int) -> Any:
        return _numbered(self._dataset[place], place)

    def __getitems__(self, places: Sequence[int]) -> list[Any]:
        many = getattr(self._dataset, "__getitems__", None)
        items = many(places) if many is not None else [self._dataset[place] for place in places]
        return [_numbered(item, place) for item, place in zip(items, places, strict=True)]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_dataset":  # As while a copy for another process is being made.
            raise AttributeError(name)
        return getattr(self._dataset, name)


def _numbered(item: Any, place: int) -> Any:
    return {**item, ROW: int(place)} if isinstance(item, Mapping) else item


class Collated:
    """Puts examples together as before, and says beside them which they are."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self.collate = collate

    def __call__(self, items: Any) -> Any:
        import torch

        rows = [item.pop(ROW, None) if isinstance(item, dict) else None for item in items]
        batch = self.collate(items)
        if None not in rows and hasattr(batch, "pop"):
            batch[ROW] = torch.tensor(rows)
        return batch


class Seen(NamedTuple):
    """What one batch has shown, still on its device."""

    rows: Any
    margins: Any
    signs: Any = None
    places: Any = None


class ExampleWatch:
    """Listens to one trainer. The first of several processes keeps what all of them have seen."""

    def __init__(self, trainer: Any, method: Method, examples: int, folder: str | None) -> None:
        self.trainer = trainer
        self.method = method
        self.looks = Looks(examples, {"method": str(method)}) if folder is not None else None
        self.path = Path(folder) / FILE if folder is not None else None
        #: What went wrong, if anything did: then no more is kept.
        self.problem = ""
        self._seen: list[Seen] = []
        self._next_writing = time.monotonic() + SECONDS
        self._compute_loss: Callable[..., Any] | None = None
        self._was_own = False

    def take_up(self) -> None:
        """Go on with what an earlier process has kept of the same examples."""
        if self.looks is None or self.path is None or not self.path.is_file():
            return
        before = Looks.read(self.path)
        if before.examples == self.looks.examples and before.about.get("method") == str(self.method):
            before.about = {"method": str(self.method)}
            self.looks = before

    # Around the trainer

    def attach(self, loader: Any) -> bool:
        """Have the loader number its examples, and the loss listened to. Gives whether that can be."""
        import torch

        loader = getattr(loader, "base_dataloader", loader)  # Accelerate puts its own around that which works.
        dataset = getattr(loader, "dataset", None)
        if isinstance(dataset, Numbered):
            return True
        is_plain = isinstance(loader, torch.utils.data.DataLoader) and hasattr(loader, "collate_fn")
        if not is_plain or isinstance(dataset, torch.utils.data.IterableDataset) or not hasattr(dataset, "__len__"):
            return False
        # A loader lets nobody exchange its data set for another one. This is the same one, with numbers.
        vars(loader)["dataset"] = Numbered(dataset)
        loader.collate_fn = Collated(loader.collate_fn)
        if self._compute_loss is None:
            self._was_own = "compute_loss" in vars(self.trainer)
            self._compute_loss = self.trainer.compute_loss

            @functools.wraps(self.trainer.compute_loss)
            def listening(*arguments: Any, **named: Any) -> Any:
                return self._listening(*arguments, **named)

            self.trainer.compute_loss = listening
        return True

    def detach(self) -> None:
        """Leave the trainer as it was."""
        if self._compute_loss is not None:
            if self._was_own:
                self.trainer.compute_loss = self._compute_loss
            else:
                del self.trainer.compute_loss
            self._compute_loss = None

    def _listening(self, model: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
        """Compute the loss as before, and hear the margins."""
        assert self._compute_loss is not None  # noqa: S101 - it stands here in place of it
        rows = inputs.pop(ROW, None) if ROW in inputs else None
        if rows is None or self.problem:
            return self._compute_loss(model, inputs, *arguments, **named)
        if self.method in CLASSIFIERS:
            return self._of_classifier(rows, model, inputs, *arguments, **named)
        labels = inputs.get("label")
        with trl_compat.rewards_heard(self.trainer) as heard:
            loss = self._compute_loss(model, inputs, *arguments, **named)
        with self._noting_problems():
            self._see(rows, heard, labels)
        return loss

    def _of_classifier(self, rows: Any, model: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
        assert self._compute_loss is not None  # noqa: S101 - as above
        if arguments or named.get("return_outputs"):
            return self._compute_loss(model, inputs, *arguments, **named)
        labels = inputs.get("labels")
        loss, outputs = self._compute_loss(model, inputs, return_outputs=True, **named)
        with self._noting_problems():
            logits = outputs["logits"] if isinstance(outputs, Mapping) else outputs[1]
            self._seen.append(Seen(rows, *_odds(logits.detach(), labels)))
        return loss

    def _see(self, rows: Any, heard: Sequence[tuple[Any, Any]], labels: Any) -> None:
        import torch

        if not heard:
            raise LookupError(f"{type(self.trainer).__name__} tells no rewards of single examples here")
        chosen, rejected = (side.detach().flatten().float() for side in heard[0])
        if labels is None:
            self._seen.append(Seen(rows, chosen - rejected))
            return
        is_good = torch.as_tensor(labels, device=chosen.device).bool().flatten()
        scores = torch.empty(len(is_good), device=chosen.device)
        scores[is_good], scores[~is_good] = chosen, rejected
        signs = torch.where(is_good, 1.0, -1.0)
        self._seen.append(Seen(rows, signs * scores, signs))

    @contextmanager
    def _noting_problems(self) -> Iterator[None]:
        """What goes wrong ends the listening, never the training."""
        try:
            yield
        except Exception as problem:  # noqa: BLE001 - see above
            self.problem = f"{type(problem).__name__}: {problem}"
            self._seen.clear()

    # To what is kept

    def step(self, number: int) -> None:
        """At the end of a step, in every process."""
        if number % EVERY == 0:
            self.fetch(together=True)
            if time.monotonic() > self._next_writing:
                self.write()

    def fetch(self, *, together: bool) -> None:
        """Take in what was seen; `together` with the other processes, if all of them are here."""
        import torch

        seen, self._seen = self._seen, []
        look = None
        with self._noting_problems():
            if seen:
                look = _as_look(seen)
        looks = [look]
        if together and trl_compat.is_distributed(self.trainer.args):
            looks = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(looks, look)
        if self.looks is not None:
            for one in looks:
                if one is not None:
                    self.looks.add(one)

    def close(self) -> None:
        """Write down everything, and leave the trainer as it was. Of several processes each comes here by itself."""
        self.detach()
        self.fetch(together=False)
        if self.looks is not None:
            self.looks.settle()
        self.write()

    def write(self) -> None:
        """Write down all that is kept so far, in place of what was written before."""
        if self.looks is None or self.path is None:
            return
        begun = time.monotonic()
        with self._noting_problems():
            self._remember_texts(self.looks)
        write_whole(self.path, self.looks.to_bytes())
        took = time.monotonic() - begun
        self._next_writing = begun + max(SECONDS, took / MOST_OF_TIME)

    def _remember_texts(self, looks: Looks) -> None:
        """What stands in those examples that a reader will be shown: by then the data may be elsewhere."""
        found = map_of(looks)
        most = min(MOST_TEXTS, max(FEWEST_TEXTS, found.seen // 20))
        words = getattr(self.trainer, "processing_class", None)
        ending = getattr(words, "eos_token", None) or ""
        texts = []
        for place in dict.fromkeys([*found.ranked()[:most], *found.wavering()[:most]]):
            fields = self.trainer.train_dataset[place]
            said = said_in(fields, ending)
            if words is not None and not said.answers and "input_ids" in fields:  # Only tokens are left of it.
                decoded = words.decode(fields["input_ids"], skip_special_tokens=True)
                said = said_in({"completion": decoded, "labels": _known_labels(fields.get("labels"))}, ending)
            texts.append({"row": place + 1, "fingerprint": said.fingerprint(), "texts": said.quoted()})
        looks.about["texts"] = texts


def _as_look(seen: Sequence[Seen]) -> Look:
    """What several batches have shown, fetched from their device."""
    rows, margins, signs, places = (_fetched(parts) for parts in zip(*seen, strict=True))
    if len(rows) != len(margins):
        raise LookupError(f"{len(margins)} margins of {len(rows)} examples")
    return Look(rows, margins, signs, places)


def _fetched(parts: Sequence[Any]) -> Any:
    """The same numbers of several batches as one array; None where there are none."""
    import torch

    return None if parts[0] is None else torch.cat([part.flatten() for part in parts]).cpu().numpy()


def _known_labels(labels: Any) -> Any:
    """The label of an example, or those of its steps."""
    return [label for label in labels if label != UNLABELLED] if isinstance(labels, list) else labels


def _odds(logits: Any, labels: Any) -> tuple[Any, None, Any]:
    """The logarithm of the odds of the true label.

    Of several labels in one example it is that of the least likely one, and which of them that is, from 1 on.
    """
    import torch

    logits = logits.float()
    is_labelled = labels != UNLABELLED
    known = labels.clamp(min=0).unsqueeze(-1)
    true = logits.gather(-1, known).squeeze(-1)
    others = logits.scatter(-1, known, -torch.inf).logsumexp(-1)
    odds = torch.where(is_labelled, true - others, torch.inf)
    if odds.dim() == 1:
        return odds, None, None
    least, token = odds.min(dim=-1)
    return least, None, is_labelled.cumsum(dim=-1).gather(-1, token.unsqueeze(-1)).squeeze(-1)
