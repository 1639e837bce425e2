"""`trainer_state.json` of transformers, and so of TRL, Axolotl, Unsloth, LLaMA-Factory and ms-swift."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from barograph.sources.base import HEAD, Document, RawRun, Source, neighbour
from barograph.sources.formats.json_records import parsed, table_of_records

__all__ = ["TRAINER_STATE", "TrainerState"]

STATE = "trainer_state.json"
#: No state that a trainer saves is shorter.
SMALLEST = 200
#: What the file says of the run's settings.
FACTS = ("max_steps", "logging_steps", "save_steps", "eval_steps", "num_train_epochs", "train_batch_size")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_GLOBAL_STEP = re.compile(rb'"global_step"\s*:\s*(\d+)')


class TrainerState(Source):
    """The history that the trainer of transformers saves with every checkpoint."""

    name: ClassVar[str] = "trainer_state"
    describes: ClassVar[str] = (
        "`trainer_state.json` as transformers, TRL and their relatives save it, or a run folder with `checkpoint-N`."
    )
    checked: ClassVar[str] = "seven real runs of transformers and TRL"

    def recognises(self, path: str, head: bytes) -> bool:
        if head.strip()[:1] not in (b"{", b"") or (not head and Path(path).is_dir()):
            return False
        # A state that is cut, or whose settings fill the head, is still known by its name.
        is_cut = len(head) < SMALLEST or b'"global_step"' in head
        return b'"log_history"' in head or (Path(path).name == STATE and is_cut)

    def read(self, document: Document) -> list[RawRun]:
        state = parsed(document)
        facts = {name: state[name] for name in FACTS if isinstance(state.get(name), int | float)}
        records = state.get("log_history")
        table, notes = table_of_records(document.path, records if isinstance(records, list) else [])
        return [RawRun(table, facts, notes)]

    def in_folder(self, folder: Path) -> list[Path]:
        """The state with the longest history: that of the newest checkpoint, or the one beside them if it is newer."""
        found = [
            path
            for path in folder.glob(f"checkpoint-*/{STATE}")
            if _CHECKPOINT.fullmatch(path.parent.name) and path.is_file()
        ]
        by_step = {path: _number_of(path) for path in found}
        root = folder / STATE
        if root.is_file():
            by_step[root] = _global_step(root)
        # At the same step the one in the root was written last, and may hold the final evaluation.
        return sorted(by_step, key=lambda path: (by_step[path], path == root), reverse=True)

    def facts_beside(self, path: str) -> dict[str, object]:
        folder = Path(path).parent
        homes = [folder, folder.parent] if _CHECKPOINT.fullmatch(folder.name) else [folder]
        return {"lora": True} if any((home / "adapter_config.json").is_file() for home in homes) else {}


def _number_of(path: Path) -> int:
    match = _CHECKPOINT.fullmatch(path.parent.name)
    return int(match[1]) if match else -1


def _global_step(path: Path) -> int:
    """The step of a state file, read from its head: the history comes after it."""
    match = _GLOBAL_STEP.search(neighbour(path, HEAD))
    return int(match[1]) if match else 0


TRAINER_STATE = TrainerState()
