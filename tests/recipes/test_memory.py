"""What a training takes: hand calculations, what is measured, and what is chosen so that it fits."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl", "datasets"):
    pytest.importorskip(library, reason="needs the `train` extra")

from transformers import GPT2Config, LlamaConfig, Qwen2Config

from barograph.core.errors import ConfigurationError
from barograph.recipes import profiles
from barograph.recipes.memory import GIGA, Shape, needs_of
from barograph.recipes.options import METHODS, Options, settled
from barograph.recipes.profiles import announce, fitted, needs_for
from barograph.recipes.weights import shape_of

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

#: The published sizes of Qwen 2.5: hidden, layers, feed-forward, heads, heads of keys, vocabulary, whether tied.
QWEN = {
    "0.5b": (896, 24, 4_864, 14, 2, 151_936, True),
    "7b": (3_584, 28, 18_944, 28, 4, 152_064, False),
    "14b": (5_120, 48, 13_824, 40, 8, 152_064, False),
}


def qwen(size: str) -> str:
    """A folder with the configuration alone: nothing else is needed to know how large a model is."""
    hidden, layers, feed_forward, heads, keys, words, tied = QWEN[size]
    Qwen2Config(
        hidden_size=hidden, num_hidden_layers=layers, intermediate_size=feed_forward, num_attention_heads=heads,
        num_key_value_heads=keys, vocab_size=words, tie_word_embeddings=tied, max_position_embeddings=32_768,
    ).save_pretrained(size)  # fmt: skip
    return size


@pytest.mark.parametrize(("size", "billions"), [("0.5b", 0.49), ("7b", 7.62), ("14b", 14.77)])
def test_models_are_as_large_as_their_makers_say(size: str, billions: float) -> None:
    # 0.49, 7.61 and 14.7 billion: the model cards.
    assert shape_of(Options(model=qwen(size))).weights / GIGA == pytest.approx(billions, abs=0.01)


def test_the_shape_of_a_llama_by_hand() -> None:
    LlamaConfig(
        hidden_size=64, num_hidden_layers=2, intermediate_size=128, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=100, tie_word_embeddings=False,
    ).save_pretrained("llama")  # fmt: skip
    # Per layer: queries and output 64 x 64, keys and values 64 x 32, three of 64 x 128; five norms of 64 in all.
    linear = 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128)
    assert shape_of(Options(model="llama")) == Shape(
        weights=linear + 2 * 100 * 64 + 5 * 64,
        linear=linear,
        head=100 * 64,
        ends=2 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 128)),
        layers=2,
        hidden=64,
        feed_forward=128,
        keys_and_values=64,
        vocabulary=100,
    )


def test_an_older_model_has_a_shape_too() -> None:
    GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=100).save_pretrained("gpt2")
    shape = shape_of(Options(model="gpt2"))
    # As GPT-2 builds its layers: 64 x 192, 64 x 64, 64 x 256, 256 x 64.
    assert shape.linear == 2 * (64 * 192 + 64 * 64 + 2 * 64 * 256)
    assert (shape.head, shape.feed_forward, shape.keys_and_values) == (0, 256, 128)


def options_of(method: str, **said: Any) -> Any:
    given = {"batch_size": 4, "accumulate": 4, "max_length": 1_024, "precision": "bf16", "recompute": True}
    return settled(METHODS[method].made({"model": "7b", **given, **said}))


class TestByHand:
    """A model of a billion weights, of which 0.9 lie in layers and whose adapter of rank one has 300,000."""

    shape = Shape(1_000_000_000, 900_000_000, 0, 300_000, 20, 2_000, 5_000, 1_000, 50_000)

    def needs(self, method: str = "dpo", **said: Any) -> Any:
        return needs_of(method, self.shape, options_of(method, **said), on_a_card=True, holds_reference=False)

    def test_all_weights_take_sixteen_bytes_each(self) -> None:
        needs = self.needs()
        assert needs.weights + needs.averages + needs.gradients == 16e9

    def test_an_adapter_takes_sixteen_bytes_for_each_of_its_own(self) -> None:
        needs = self.needs(lora=True, lora_rank=8)
        assert needs.weights + needs.averages + needs.gradients == 2e9 + 16 * 8 * 300_000

    @pytest.mark.parametrize(("bits", "each"), [("8bit", 1.0625), ("4bit", 0.5625)])
    def test_few_bits_are_for_the_layers_alone(self, bits: str, each: float) -> None:
        needs = self.needs(lora=True, lora_rank=8, quantize=bits)
        assert needs.weights == 0.9e9 * each + 0.1e9 * 2 + 4 * 8 * 300_000

    def test_recomputing_keeps_one_state_of_each_layer(self) -> None:
        # 8 sequences of 1,024 tokens with 2,000 numbers of 4 bytes, in 20 layers.
        assert self.needs().activations == 20 * 8 * 1_024 * 2_000 * 4
        assert self.needs(recompute=False).activations > 10 * self.needs().activations

    def test_a_reference_is_the_weights_once_more(self) -> None:
        held = needs_of("dpo", self.shape, options_of("dpo"), on_a_card=True, holds_reference=True)
        assert held.reference == held.weights == 4e9

    def test_two_sequences_for_a_pair_and_one_for_an_answer(self) -> None:
        assert self.needs("dpo").activations == 2 * self.needs("kto").activations


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("method", ["dpo", "ppo"])
def test_the_estimate_is_near_what_is_measured(method: str, project: Path) -> None:
    """Every live tensor of a real training is counted, by the benchmark."""
    command = [
        sys.executable,
        project / "benchmarks/bench_memory.py",
        method,
        "--json",
        "--length",
        "64",
        "--batch",
        "2",
    ]
    done = subprocess.run(
        [*command, "--ways", "all weights, recomputed"], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    (row,) = map(json.loads, done.stdout.splitlines())
    assert 0.8 < row["ratio"] < 1.25, row


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("card", ["24gb", "80gb", "h200"])
@pytest.mark.parametrize("size", list(QWEN))
def test_what_is_chosen_fits_the_card(method: str, card: str, size: str) -> None:
    chosen = settled(fitted(METHODS[method].made({"model": qwen(size), "profile": card}), method))
    holds = {"24gb": 24, "80gb": 80, "h200": 141}[card] * GIGA
    assert needs_for(chosen, method, is_processor=False).total < holds
    # Steps are of as many examples as without a profile.
    usual = settled(METHODS[method].made({"model": size}))
    assert (chosen.batch_size or 0) * (chosen.accumulate or 0) == (usual.batch_size or 0) * (usual.accumulate or 0)
    assert chosen.precision == "bf16"
    if method == "kto":
        assert (chosen.batch_size or 0) >= 4


@pytest.mark.parametrize(
    ("size", "card", "way"),
    [
        ("0.5b", "24gb", (False, "no")),  # 16 bytes for each of half a billion weights: 8 GB.
        ("7b", "24gb", (True, "no")),  # 122 GB for all, 15 GB as they are.
        ("14b", "24gb", (True, "4bit")),  # 30 GB as they are, some 11 in four bits.
        ("7b", "80gb", (True, "no")),
    ],
)
def test_the_most_thorough_way_that_fits(size: str, card: str, way: tuple[bool, str]) -> None:
    chosen = fitted(METHODS["kto"].made({"model": qwen(size), "profile": card}), "kto")
    assert (chosen.lora, chosen.quantize) == way


def test_what_was_said_stays_as_it_was_said() -> None:
    said = {"model": qwen("0.5b"), "profile": "24gb", "lora": True, "batch_size": 2, "max_length": 300}
    chosen = fitted(METHODS["dpo"].made(said), "dpo")
    assert {name: getattr(chosen, name) for name in said} == said


def test_two_cards_share_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    one = fitted(METHODS["dpo"].made({"model": qwen("7b"), "profile": "24gb"}), "dpo")
    # As torchrun says it; where one process runs alone it has the whole step to itself.
    assert fitted(METHODS["dpo"].made({"model": "7b", "profile": "2x24gb"}), "dpo").accumulate == one.accumulate
    monkeypatch.setenv("WORLD_SIZE", "2")
    two = fitted(METHODS["dpo"].made({"model": "7b", "profile": "2x24gb"}), "dpo")
    assert (one.batch_size or 0) * (one.accumulate or 0) == 2 * (two.batch_size or 0) * (two.accumulate or 0)


def test_what_cannot_fit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "_capacity", lambda card: 8 * GIGA)
    with pytest.raises(
        ConfigurationError, match=r"7b does not fit cpu: it takes about .* and there are 8 GB; name a sm"
    ):
        fitted(METHODS["dpo"].made({"model": qwen("7b"), "profile": "cpu"}), "dpo")


def test_the_tiny_model_fits_everywhere() -> None:
    tiny = METHODS["dpo"].made({"profile": "24gb"})
    assert fitted(tiny, "dpo") is tiny


def test_it_is_announced_before_the_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "_capacity", lambda card: 24 * GIGA)
    options = settled(fitted(METHODS["dpo"].made({"model": qwen("7b"), "profile": "24gb"}), "dpo"))
    announce(options, "dpo")
    assert "barograph: memory on each device: about 2" in (said := capsys.readouterr().err)
    assert said.rstrip().endswith("of 24 GB")
    announce(dataclasses.replace(options, lora=False), "dpo")
    assert "which is more than the 24 GB that there are; --profile auto chooses what fits" in capsys.readouterr().err
    announce(settled(METHODS["dpo"]()), "dpo")
    assert capsys.readouterr().err == ""
