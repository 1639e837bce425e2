"""The reference: the model as it was when the training began. DPO and KTO measure every answer against it.

What it says of an answer never changes, so it is asked once for each model and data, and what it says is kept: runs
that differ in beta or rate find it again. TRL can keep it too, but only for data that it has read from a file itself,
and only as long as nothing about the tokenizer has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from accelerate.utils import broadcast_object_list

from barograph.core.cache_folder import cache_folder
from barograph.recipes.options import AgainstReference
from barograph.recipes.processes import processes
from barograph.recipes.weights import causal
from barograph.sinks.replace import write_whole

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["in_memory", "remembering"]

#: What the reference says, by the name of the column: one number for each example.
Columns: TypeAlias = "dict[str, np.ndarray[Any, Any]]"
#: Settings that change what it says. Neither beta nor the learning rate is among them.
MATTERS = ("loss_type", "max_length", "truncation_mode", "bf16", "fp16", "ld_alpha")
#: Weights times tokens that are worth a bar: some seconds on a processor. And the tokens that an example is taken for.
LONG, TOKENS = 2e11, 100


def in_memory(options: AgainstReference, examples: int) -> tuple[Any, bool]:
    """The reference to hold in memory, if one is to be held; and whether it is asked before the training instead.

    By itself it is asked before, unless the run is too short to see the examples once. An adapter needs no second
    model in either case: the reference is the model without it.
    """
    keeps = options.keep_reference
    if keeps is None:
        seen = (options.max_steps or 0) * (options.batch_size or 1) * (options.accumulate or 1) * processes()
        keeps = 0 < seen < examples
    return (causal(options) if keeps and not options.lora else None), not keeps


def remembering(kind: Any) -> Any:
    """A trainer of TRL that finds again what the reference said in an earlier run."""

    class Remembering(kind):  # type: ignore[misc]  # it is known only when it is called
        def _precompute_ref_logps(self, dataset: Dataset, name: str, batch_size: int) -> Dataset:
            def ask() -> Dataset:
                with _bar_if_long(self.model, dataset):
                    return super(Remembering, self)._precompute_ref_logps(dataset, name, batch_size)

            return _answered(self, dataset, ask)

    Remembering.__name__ = Remembering.__qualname__ = kind.__name__
    return Remembering


def _answered(trainer: Any, dataset: Dataset, ask: Callable[[], Dataset]) -> Dataset:
    """The examples with what the reference says of them: from an earlier run, or asked now and kept."""
    file = _file_for(trainer, dataset)
    # The first process reads, or some might find the file and others not, and wait for each other for ever.
    found = [_read(file, len(dataset)) if trainer.accelerator.is_main_process else None]
    known: Columns | None = broadcast_object_list(found)[0]
    if known is None:
        whole = ask()
        said = whole.column_names[len(dataset.column_names) :]
        known = {name: np.asarray(whole[name][:], np.float32) for name in said}
        if trainer.accelerator.is_main_process:
            _write(file, known)
        return whole
    for name, values in known.items():
        dataset = dataset.add_column(name, values)
    return dataset


def _file_for(trainer: Any, dataset: Dataset) -> Path | None:
    """Named after all that the answers hang on: the weights, the tokens, and how they are put together."""
    folder = cache_folder()
    if folder is None:
        return None
    whole = hashlib.sha256()
    whole.update(f"{importlib.metadata.version('trl')} {type(trainer).__name__}".encode())
    whole.update(repr([(name, getattr(trainer.args, name, None)) for name in MATTERS]).encode())
    whole.update(_of_weights(trainer.model))
    whole.update(_of_rows(dataset))
    return folder / "references" / f"{whole.hexdigest()[:32]}.npz"


def _of_weights(model: torch.nn.Module) -> bytes:
    """A digest of the weights without those of an adapter, whose first values are drawn anew in every run."""
    import xxhash

    digest = xxhash.xxh3_128()
    for name, tensor in sorted(model.state_dict().items()):
        if "lora_" not in name:
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().contiguous().cpu().view(-1).view(torch.uint8).numpy())
    return bytes(digest.digest())


def _of_rows(dataset: Dataset) -> bytes:
    import pyarrow as pa
    import xxhash

    digest = xxhash.xxh3_128()
    for table in dataset.with_format("arrow").iter(batch_size=1_000):
        sink = io.BytesIO()
        # Without what the columns were called and made from: only what stands in them counts.
        rows = table.combine_chunks().replace_schema_metadata(None)
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        digest.update(sink.getbuffer())
    return bytes(digest.digest())


def _read(file: Path | None, rows: int) -> Columns | None:
    """What was kept, if it can be read and fits; else the reference is asked again."""
    if file is None:
        return None
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            columns = {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return columns if columns and all(values.shape == (rows,) for values in columns.values()) else None


def _write(file: Path | None, columns: Columns) -> None:
    if file is None:
        return
    packed = io.BytesIO()
    np.savez(packed, **columns)  # type: ignore[arg-type]  # each column is an array
    with contextlib.suppress(OSError):  # Not kept, it is asked again.
        write_whole(file, packed.getvalue())


@contextmanager
def _bar_if_long(model: torch.nn.Module, dataset: Dataset) -> Iterator[None]:
    """TRL's own bar, where it takes long enough to want one; whoever has switched bars off is heeded."""
    work = len(dataset) * TOKENS * sum(weight.numel() for weight in model.parameters())
    if work > LONG or "TQDM_DISABLE" in os.environ:
        yield
        return
    os.environ["TQDM_DISABLE"] = "1"
    try:
        yield
    finally:
        del os.environ["TQDM_DISABLE"]
