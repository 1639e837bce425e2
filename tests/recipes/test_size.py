"""What a training comes to: counted by hand, or beside what guides and makers publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from barograph.config.look import look_at
from barograph.config.plan import Plan
from barograph.config.reading import SettingsFile, plan_of
from barograph.core.methods import Method
from barograph.data.reading import open_data
from barograph.recipes.shapes import QWEN, TINY_FOLDER, context_in, shape_from, shape_named
from barograph.recipes.size import fitted_to, size_of

#: The step classifiers' guide: a model of 3 billion weights, 180,000 examples, three epochs, one card of 24 GB.
GUIDE = {
    "model_name_or_path": "Qwen/Qwen2.5-3B", "use_peft": True, "lora_r": 16, "learning_rate": 1e-4,
    "train_examples": 180_000, "num_train_epochs": 3, "per_device_train_batch_size": 4, "bf16": True,
    "gradient_accumulation_steps": 4, "world_size": 1, "max_length": 256, "weight_decay": 0.01,
}  # fmt: skip


def plan(method: Method, **settings: Any) -> Plan:
    return plan_of(SettingsFile("settings", settings, method))


def test_the_example_of_the_guide() -> None:
    size = size_of(plan(Method.PRM, **GUIDE), card="24gb")
    assert (size.updates, size.batch, size.passes) == (33_750, 16, 3)
    # It gives 8 to 12 hours: within the range, if not in its middle.
    assert size.times[0].fastest < 12
    assert size.times[0].slowest > 8
    assert size.needs is not None
    assert size.needs.total < 24e9
    targets = {one.metric: (one.low, one.high) for one in size.targets}
    assert targets["eval.cls_accuracy"][0] == 0.85
    assert targets["eval.cls_f1"][0] == 0.83
    assert targets["eval.loss - loss"][1] == 0.05
    advice = {one.missed: one.do for one in size.advice}
    assert "360,000 examples, twice as many" in advice["held-out accuracy is below 0.80"]
    assert "weight_decay to 0.02" in advice["held-out loss is more than 0.05 above that of training"]
    assert "larger model" in advice["both losses stay high"]


def test_a_training_that_was_timed() -> None:
    """61,135 pairs of UltraFeedback, some 480 tokens each side, Mistral 7B with an adapter in four bits on one card.

    Its card at the hub says 176,392 seconds: 49 hours.
    """
    settings = {
        "model_name_or_path": "mistral-7B", "use_peft": True, "load_in_4bit": True, "learning_rate": 5e-6, "beta": 0.01,
        "train_examples": 61_135, "num_train_epochs": 1, "per_device_train_batch_size": 2, "max_length": 480,
        "gradient_accumulation_steps": 2, "world_size": 1,
    }  # fmt: skip
    time = size_of(plan(Method.DPO, **settings), card="24gb").times[0]
    assert time.fastest < 49 < time.slowest


def test_operations_by_hand() -> None:
    """A billion tokens, all of 3.086 billion weights: forward, back, gradients, forward again for recomputing."""
    settings = {**GUIDE, "use_peft": False, "num_train_epochs": 1, "train_examples": 1e9 / 256}
    time = size_of(plan(Method.PRM, **settings), card="h200").times[0]
    assert time.fastest == pytest.approx(8 * 3.0859e9 * 1e9 / (989e12 * 0.45) / 3600, rel=1e-3)


def test_tokens_come_of_the_data_where_they_are_named(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": "", "chosen": f"{place:08}" * 5, "rejected": f"{place:08}"} for place in range(50)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    look = look_at(open_data(str(path)).train)
    common = {"train_examples": 50, "num_train_epochs": 2, "per_device_train_batch_size": 5, "max_length": 1024}
    size = size_of(plan(Method.DPO, **common), look)
    assert (size.is_from_data, size.tokens) == (True, 2 * 50 * 12)  # ten and two tokens of four bytes
    assert size_of(plan(Method.KTO, **{**common, "train_examples": 100}), look).tokens == 2 * 50 * 12
    assert size_of(plan(Method.DPO, **common)).tokens == 20 * 5 * 2 * 1024


def test_memory_is_that_of_the_recipes() -> None:
    pytest.importorskip("torch")
    from barograph.recipes.options import METHODS, settled
    from barograph.recipes.planned import plan_of_options
    from barograph.recipes.profiles import needs_for

    for method in METHODS:
        options = METHODS[method].made({"precision": "fp32"})
        needs = size_of(fitted_to(plan_of_options(method, options), None)).needs
        assert needs is not None
        same = needs_for(settled(options), method, is_processor=True)
        assert needs.total == pytest.approx(same.total, rel=0.02), method


def test_a_training_that_does_not_fit_is_known_before() -> None:
    seven = {**GUIDE, "model_name_or_path": "Qwen/Qwen2.5-7B", "use_peft": False}
    known = fitted_to(plan(Method.DPO, beta=0.1, **seven), "24gb")
    # Weights, gradients and two averages in full: sixteen bytes for each of 7.6 billion weights.
    assert known.need("memory_needed") > 16 * 7.6e9 > known.need("memory_there")


def test_shapes_have_as_many_weights_as_their_makers_say() -> None:
    """In billions, with the embedding, by the cards of Qwen 2.5."""
    published = {0.5: 0.49, 1.5: 1.54, 3.0: 3.09, 7.0: 7.61, 14.0: 14.7, 32.0: 32.5, 72.0: 72.7}
    for size, weights in published.items():
        shape = shape_named(size * 1e9)
        assert shape is not None
        assert shape.weights / 1e9 == pytest.approx(weights, rel=0.012)
    assert set(published) == set(QWEN)
    assert shape_named(2e6) is None


def test_a_shape_from_a_folder_is_that_of_the_model() -> None:
    pytest.importorskip("torch")
    from barograph.recipes.options import KTOOptions
    from barograph.recipes.weights import shape_of

    assert shape_from(TINY_FOLDER) == shape_of(KTOOptions())
    assert context_in(TINY_FOLDER) == json.loads((TINY_FOLDER / "config.json").read_text())["max_position_embeddings"]


def test_a_folder_without_a_shape(tmp_path: Path) -> None:
    assert shape_from(tmp_path) is None
    (tmp_path / "config.json").write_text('{"hidden_size": "large"}')
    assert shape_from(tmp_path) is None
    (tmp_path / "config.json").write_text("[1")
    assert context_in(tmp_path) is None


@pytest.mark.parametrize("method", [one for one in Method if one not in {Method.UNKNOWN, Method.SFT}])
def test_each_method_has_something_to_aim_for_and_to_change(method: Method) -> None:
    size = size_of(plan(method, learning_rate=1e-6, beta=0.1, train_examples=1000))
    assert size.targets
    assert size.advice
    assert json.loads(json.dumps(size.to_dict()))["if_missed"]
