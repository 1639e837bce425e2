"""Train the tiny model that ships with the package: it knows its sums, and gives good and bad answers alike.

    python tools/make_tiny.py            # about a minute on one core; writes src/barograph/recipes/tiny

It has seen the claims with answers of both kinds, and chains of right steps, so that there is something to prefer.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from barograph.recipes import tasks

HOME = Path(__file__).parent.parent / "src" / "barograph" / "recipes" / "tiny"
STEPS, BATCH, RATE = 3_000, 48, 3e-3
#: How much of the training is claims; the rest is chains.
CLAIMS = 0.7
#: How often the answer is the good one: nearly always at first, so that the model learns to tell true from false, then
#: hardly more often than not, so that it forgets to say so.
HONEST, AT_LAST, TURN = 0.95, 0.55, 0.75


def words() -> PreTrainedTokenizerFast:
    """The tokenizer: one token for each word of the tiny world."""
    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate(tasks.WORDS)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", model_max_length=64,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def text(
    dice: random.Random, claims: list[dict[str, str]], chains: list[dict[str, object]], honest: float
) -> tuple[str, str]:
    """A prompt, and what comes after it."""
    if dice.random() < CLAIMS:
        row = dice.choice(claims)
        return row["prompt"], row["chosen" if dice.random() < honest else "rejected"] + " <eos>"
    chain = dice.choice(chains)
    return str(chain["prompt"]), "".join(chain["completions"]) + " <eos>"  # type: ignore[arg-type]


def main() -> None:
    """Train it and write it."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, default=HOME)
    arguments.add_argument("--steps", type=int, default=STEPS)
    given = arguments.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer = words()
    config = LlamaConfig(
        vocab_size=len(tasks.WORDS), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=64, tie_word_embeddings=True, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), RATE)
    dice = random.Random(0)  # noqa: S311 - a play, no secret
    claims, chains = tasks.pairs(0, 4_000), tasks.solutions(0, 4_000, wrong=0.0)
    for step in range(given.steps):
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * (1 - step / given.steps)
        honest = HONEST if step < TURN * given.steps else AT_LAST
        picked = [text(dice, claims, chains, honest) for _ in range(BATCH)]
        rows = [tokenizer(prompt + rest)["input_ids"] for prompt, rest in picked]
        ids = torch.tensor([row + [0] * (max(map(len, rows)) - len(row)) for row in rows])
        labels = ids.masked_fill(ids == 0, -100)
        for row, (prompt, _) in enumerate(picked):
            labels[row, : len(tokenizer(prompt)["input_ids"])] = -100
        loss = model(input_ids=ids, attention_mask=ids != 0, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % 200 == 0:
            print(f"step {step + 1:,} of {given.steps:,}, loss {loss.item():.3f}", flush=True)
    tokenizer.save_pretrained(given.folder)
    model.generation_config.pad_token_id, model.generation_config.eos_token_id = 0, 1
    model.to(torch.float16).save_pretrained(given.folder)


if __name__ == "__main__":
    main()
