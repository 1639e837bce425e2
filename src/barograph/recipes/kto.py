"""KTO: answers that are labelled good or bad, one by one, with no pairs between them.

The rate rises for a tenth of the run and then stays. Answers of both kinds are mixed, for a batch of one kind alone has
no margin; and the two kinds weigh alike, however many there are of each.
"""

from __future__ import annotations

from barograph.core.errors import ConfigurationError
from barograph.recipes import answers, reference
from barograph.recipes.course import arguments, prepare, train, watching
from barograph.recipes.examples import UNPAIRED, Room, split_of
from barograph.recipes.options import KTOOptions
from barograph.recipes.result import Finished
from barograph.recipes.weights import adapter, causal, tokenizer

__all__ = ["run", "weights_of"]

#: Below it, KTO's estimate of the KL is of too few answers to be worth anything.
LEAST_BATCH = 4


def weights_of(good: int, bad: int) -> tuple[float, float]:
    """What a good and a bad answer weigh, so that both kinds together weigh alike; the rarer one weighs more than 1.

    >>> weights_of(100, 100), weights_of(100, 300), weights_of(300, 100)
    ((1.0, 1.0), (3.0, 1.0), (1.0, 3.0))
    """
    if not good or not bad:
        kind = "bad" if good else "good"
        raise ConfigurationError(f"there are only {'good' if good else 'bad'} answers: KTO needs some that are {kind}")
    return max(1.0, bad / good), max(1.0, good / bad)


def run(asked: KTOOptions) -> Finished:
    """Train, and measure what it brought."""
    from trl import KTOConfig, KTOTrainer

    options = prepare(asked, "kto")
    if (options.batch_size or 0) < LEAST_BATCH:
        raise ConfigurationError(
            f"batch_size = {options.batch_size}: KTO compares the answers of a batch with each other, "
            f"so at least {LEAST_BATCH} belong in one; --accumulate does not count"
        )
    words = tokenizer(options)
    examples = split_of(options, UNPAIRED, Room(words, (options.max_length or 0) - 1))
    good = sum(map(bool, examples.train["label"]))
    balanced = weights_of(good, len(examples.train) - good)
    start, is_asked_before = reference.in_memory(options, len(examples.train))
    trainer = reference.remembering(KTOTrainer)(
        model=causal(options),
        ref_model=start,
        args=arguments(
            KTOConfig, options, beta=options.beta, precompute_ref_log_probs=is_asked_before,
            desirable_weight=balanced[0] if options.desirable_weight is None else options.desirable_weight,
            undesirable_weight=balanced[1] if options.undesirable_weight is None else options.undesirable_weight,
        ),
        train_dataset=examples.train,
        eval_dataset=examples.held_out,
        processing_class=words,
        peft_config=adapter(options, "CAUSAL_LM"),
        callbacks=[watching(options)],
    )  # fmt: skip
    before = answers.of_the_tiny_world(trainer.model, options)
    verdict = train(trainer, options, "kto")
    after = answers.of_the_tiny_world(trainer.model, options)
    margin = trainer.evaluate()["eval_rewards/margins"]
    after |= {"held-out margin": margin, "held-out margin in nats": margin / (options.beta or 1.0)}
    return Finished("kto", str(options.output_dir), trainer.state.global_step, verdict, before, after).kept()
