"""The reference is asked once for each model and data, and never when something else than those has changed."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl", "datasets"):
    pytest.importorskip(library, reason="needs the `train` extra")

from barograph.recipes import reference, tasks
from barograph.recipes.options import METHODS, DPOOptions
from barograph.recipes.weights import causal, tokenizer

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]
SHORT = {"max_steps": 2, "eval_steps": 2, "save_steps": 2, "batch_size": 8, "guard": "advise", "keep_reference": False}


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods whose reference was asked, one entry for each batch; what is said is kept in a folder of its own."""
    monkeypatch.setenv("BAROGRAPH_CACHE", str(tmp_path / "kept"))
    asked = list[str]()
    for method in ("dpo", "kto"):
        kind = getattr(import_module(f"trl.trainer.{method}_trainer"), f"{method.upper()}Trainer")
        original = kind.compute_ref_log_probs

        def counted(self: Any, *given: Any, original: Any = original, method: str = method, **named: Any) -> Any:
            asked.append(method)
            return original(self, *given, **named)

        monkeypatch.setattr(kind, "compute_ref_log_probs", counted)
    return asked


def losses(method: str, folder: str, **options: Any) -> list[float]:
    import_module(f"barograph.recipes.{method}").run(METHODS[method].made(SHORT, options, {"output_dir": folder}))
    rows = map(json.loads, Path(folder, "logs/training_metrics.jsonl").read_text().splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def asked_for(questions: list[str]) -> int:
    count = len(questions)
    questions.clear()
    return count


def file_of(rows: list[dict[str, Any]], name: str) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_runs_that_differ_in_beta_or_rate_find_it_again(method: str, questions: list[str]) -> None:
    # Pairs for both: KTO's are mixed in memory, where TRL itself would find nothing again.
    data = file_of(tasks.pairs(5, 60), "pairs.jsonl")
    first = losses(method, "first", data=data, model="tiny", beta=0.1)
    assert asked_for(questions) > 0
    again = losses(method, "again", data=data, model="tiny", beta=0.1)
    assert asked_for(questions) == 0
    assert again == first
    losses(method, "stricter", data=data, model="tiny", beta=0.5)
    losses(method, "faster", data=data, model="tiny", learning_rate=1e-4)
    assert asked_for(questions) == 0


def test_other_examples_another_model_or_a_shorter_look_are_asked_about(questions: list[str]) -> None:
    data = file_of(tasks.pairs(5, 60), "pairs.jsonl")
    losses("dpo", "first", data=data)
    whole = asked_for(questions)
    losses("dpo", "others", data=file_of(tasks.pairs(6, 60), "others.jsonl"))
    assert asked_for(questions) == whole
    losses("dpo", "shorter", data=data, max_length=12)
    assert asked_for(questions) == whole
    changed = causal(DPOOptions())
    changed.model.embed_tokens.weight.data[5, 0] += 1e-3
    changed.save_pretrained("changed")
    tokenizer(DPOOptions()).save_pretrained("changed")
    losses("dpo", "changed-run", data=data, model="changed", max_length=64, learning_rate=1e-3)
    assert asked_for(questions) == whole


def test_the_first_values_of_an_adapter_do_not_count(questions: list[str]) -> None:
    data, held_out = file_of(tasks.pairs(5, 60), "pairs.jsonl"), file_of(tasks.pairs(6, 16), "held.jsonl")
    for seed in (1, 2):
        losses("dpo", f"seed-{seed}", data=data, eval_data=held_out, lora=True, seed=seed)
        assert bool(asked_for(questions)) is (seed == 1)


@pytest.mark.parametrize("harm", [lambda file: file.write_bytes(b"PK\x03\x04 broken"), lambda file: file.unlink()])
def test_what_is_broken_or_gone_is_asked_again(harm: Any, questions: list[str], tmp_path: Path) -> None:
    data = file_of(tasks.pairs(5, 60), "pairs.jsonl")
    first = losses("dpo", "first", data=data)
    whole = asked_for(questions)
    for file in (tmp_path / "kept" / "references").iterdir():
        harm(file)
    assert losses("dpo", "again", data=data) == first
    assert asked_for(questions) == whole


def test_nothing_is_kept_where_nothing_may_be(questions: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAROGRAPH_CACHE", "off")
    data = file_of(tasks.pairs(5, 60), "pairs.jsonl")
    losses("dpo", "first", data=data)
    whole = asked_for(questions)
    losses("dpo", "again", data=data)
    assert asked_for(questions) == whole > 0


@pytest.mark.parametrize(
    ("said", "examples", "is_asked_before"),
    [
        ({"max_steps": 10, "batch_size": 4, "accumulate": 2}, 80, True),  # 10 x 8 answers: all are seen.
        ({"max_steps": 10, "batch_size": 4, "accumulate": 2}, 81, False),
        ({"max_steps": 0, "batch_size": 4, "accumulate": 2}, 81, True),  # As many steps as it takes to see all.
        ({"max_steps": 10, "batch_size": 4, "accumulate": 2, "keep_reference": False}, 81, True),
        ({"max_steps": 10, "batch_size": 4, "accumulate": 2, "keep_reference": True}, 80, False),
    ],
)
def test_it_is_asked_before_where_all_examples_are_seen(
    said: dict[str, Any], examples: int, is_asked_before: bool
) -> None:
    model, before = reference.in_memory(DPOOptions(**said), examples)
    assert before is is_asked_before
    assert (model is None) is is_asked_before


def test_an_adapter_needs_no_second_model() -> None:
    assert reference.in_memory(DPOOptions(lora=True, keep_reference=True), 10) == (None, False)
