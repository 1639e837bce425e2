"""DPO: of two answers the chosen one becomes likelier than the rejected one, measured against where the model began.

By default it unlearns sycophancy: people claim sums, and the model is to correct false claims instead of agreeing.
"""

from __future__ import annotations

from barograph.core.errors import ConfigurationError
from barograph.recipes import answers, reference
from barograph.recipes.course import arguments, prepare, train, watching
from barograph.recipes.examples import PAIRS, Room, split_of
from barograph.recipes.options import DPOOptions
from barograph.recipes.result import Finished
from barograph.recipes.weights import adapter, causal, tokenizer

__all__ = ["run"]


def _losses(options: DPOOptions) -> dict[str, object]:
    """The loss; with the likelihood of the chosen answer in it, chosen and rejected cannot fall together."""
    if options.loss_type == "exo_pair" and not options.label_smoothing:
        raise ConfigurationError("loss_type = 'exo_pair' needs --label-smoothing above 0; its paper takes 0.001")
    if not options.sft_weight:
        return {"loss_type": [options.loss_type]}
    return {"loss_type": [options.loss_type, "sft"], "loss_weights": [1.0, options.sft_weight]}


def run(asked: DPOOptions) -> Finished:
    """Train, and measure what it brought."""
    from trl import DPOConfig, DPOTrainer

    options = prepare(asked, "dpo")
    losses = _losses(options)
    words = tokenizer(options)
    examples = split_of(options, PAIRS, Room(words, (options.max_length or 0) - 1))
    start, is_asked_before = reference.in_memory(options, len(examples.train))
    trainer = reference.remembering(DPOTrainer)(
        model=causal(options),
        ref_model=start,
        args=arguments(
            DPOConfig, options,
            beta=options.beta, precompute_ref_log_probs=is_asked_before, label_smoothing=options.label_smoothing,
            **losses,
        ),
        train_dataset=examples.train,
        eval_dataset=examples.held_out,
        processing_class=words,
        peft_config=adapter(options, "CAUSAL_LM"),
        callbacks=[watching(options)],
    )  # fmt: skip
    before = answers.of_the_tiny_world(trainer.model, options)
    verdict = train(trainer, options, "dpo")
    after = answers.of_the_tiny_world(trainer.model, options)
    held_out = trainer.evaluate()
    after |= {
        "held-out accuracy": held_out["eval_rewards/accuracies"],
        "held-out margin": held_out["eval_rewards/margins"],
        # Margins are in units of beta: only in nats can those of runs with another beta be laid side by side.
        "held-out margin in nats": held_out["eval_rewards/margins"] / (options.beta or 1.0),
    }
    return Finished("dpo", str(options.output_dir), trainer.state.global_step, verdict, before, after).kept()
