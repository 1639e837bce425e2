"""The loop of PPO: an update; `train`; and `run`, which is what the command calls."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from barograph.core.decision import Decision, Deed
from barograph.recipes.answers import of_the_tiny_world
from barograph.recipes.course import FINAL, Interrupted, prepare, remember, stops_after_the_step
from barograph.recipes.disk import says_when_full
from barograph.recipes.examples import PROMPTS, Room, split_of
from barograph.recipes.options import PPOOptions
from barograph.recipes.ppo.checkpoint import drop_later_ones, load
from barograph.recipes.ppo.checkpoint import save as save_checkpoint
from barograph.recipes.ppo.checks import refuse, sampling_warning, whole
from barograph.recipes.ppo.objective import (
    explained_variance,
    gae,
    kl_of,
    policy_loss,
    token_rewards,
    value_loss,
    whiten,
)
from barograph.recipes.ppo.rollout import Rollout, roll_out
from barograph.recipes.ppo.state import Run, look
from barograph.recipes.ppo.team import AllEnd, Team
from barograph.recipes.result import Finished
from barograph.recipes.score import Score
from barograph.recipes.scoring import scored_by
from barograph.recipes.weights import adapter, causal
from barograph.recipes.weights import tokenizer as tokenizer_of
from barograph.trainers.tracker import Tracker, start
from barograph.trainers.trl_compat import of_model

__all__ = ["Reached", "run", "train"]


# An update. --------------------------------------------------------------------------------------------------------- #


def _learn(run: Run, rollout: Rollout) -> dict[str, float]:
    """Move policy and values by what the answers of a step teach, and tell of it as TRL's old PPO did."""
    options, mask, beta, mean = run.options, rollout.mask, run.kl_weight.coefficient, run.team.mean_of
    kl = kl_of(rollout.logp, rollout.reference_logp, str(options.kl_estimator)).masked_fill(~mask, 0.0)
    rewards = token_rewards(rollout.scores, kl, mask, beta)
    if options.whiten_rewards:
        rewards = whiten(rewards, mask, shift_mean=False, mean=mean)
    advantages, returns = gae(rewards, rollout.values, mask, options.gamma, options.lam)
    told = _told(run, rollout, kl.sum(dim=1), explained_variance(rollout.values, returns, mask, mean))
    run.kl_weight.update(told["objective/kl"], run.size)

    # Over the batch, not over each minibatch: the sign of an advantage must not hang on its neighbours.
    advantages = whiten(advantages, mask, mean=mean)
    updates, device = list[dict[str, float]](), mask.device
    for _ in range(options.ppo_epochs):
        order = torch.randperm(run.share).to(device)
        for minibatch in order.chunk(options.minibatches):
            updates.append(_update(run, rollout, advantages, returns, minibatch))
    return {**told, **{name: math.fsum(one[name] for one in updates) / len(updates) for name in updates[0]}}


def _told(run: Run, rollout: Rollout, kl: Tensor, explained: float | None) -> dict[str, float]:
    """What is to be seen of a rollout before the policy moves; KL and entropy are sums over an answer."""
    here = {
        "kl": float(kl.mean()),
        "entropy": float(-rollout.logp.masked_fill(~rollout.mask, 0.0).sum(dim=1).mean()),
        "score": float(rollout.scores.mean()),
        "length": float(rollout.mask.sum(dim=1).float().mean()),
        "ended": float(rollout.ended),
    }
    total, team, answers = run.team.sum_of(here), run.team, run.step * run.size
    # Every process has as many answers, so that the mean over all is the mean of their means.
    kl_mean, score = total["kl"] / team.size, total["score"] / team.size
    penalty = -run.kl_weight.coefficient * kl_mean
    told = {
        "objective/kl": kl_mean,
        "objective/kl_coef": run.kl_weight.coefficient,
        "objective/entropy": total["entropy"] / team.size,
        "objective/non_score_reward": penalty,
        "objective/rlhf_reward": score + penalty,
        "objective/scores": score,
        "policy/entropy_avg": float(team.mean_of(rollout.entropy, rollout.mask)),
        "val/num_eos_tokens": total["ended"],
        "mean_length": total["length"] / team.size,
        "episode": float(answers),
        "epoch": answers / len(run.prompts),
    }
    return told if explained is None else {**told, "explained_variance": explained}


def _update(run: Run, rollout: Rollout, advantages: Tensor, returns: Tensor, minibatch: Tensor) -> dict[str, float]:
    """One step of the optimizer, on as many answers at once as fit."""
    options, told = run.options, dict[str, float]()
    tokens_in_all = run.team.sum(rollout.mask[minibatch].sum())
    for part in minibatch.split(options.batch_size):
        mask, tokens, attention = rollout.mask[part], rollout.tokens[part], rollout.attention[part]
        with run.recomputing():
            seen = look(run, run.policy, tokens, attention, mask.shape[1], run.head)
        moved = policy_loss(seen.logp, rollout.logp[part], advantages[part], mask, options.clip)
        valued = value_loss(seen.values, rollout.values[part], returns[part], mask, options.value_clip)
        # Each token counts alike, however the minibatch is cut into parts, and spread over processes.
        share = mask.sum() / tokens_in_all
        (share * (moved.loss + options.value_weight * valued.loss)).backward()
        for name, value in (
            ("policy/approxkl_avg", moved.approx_kl),
            ("policy/clipfrac_avg", moved.clip_fraction),
            ("loss/policy_avg", moved.loss),
            ("loss/value_avg", valued.loss),
            ("val/clipfrac_avg", valued.clip_fraction),
            ("val/ratio", moved.ratio_mean),
            # The mean of the squares, of which that of the whole minibatch is taken off below: variances do not add up.
            ("val/ratio_var", moved.ratio_variance + moved.ratio_mean**2),
        ):
            told[name] = told.get(name, 0.0) + float(share * value.detach())
    told = run.team.sum_of(told)
    told["val/ratio_var"] = max(0.0, told["val/ratio_var"] - told["val/ratio"] ** 2)
    told["loss"] = told["loss/policy_avg"] + options.value_weight * told["loss/value_avg"]  # What is made small.
    run.team.sum_gradients(run.weights)
    told["grad_norm"] = float(torch.nn.utils.clip_grad_norm_(run.weights, options.max_grad_norm))
    run.optimizer.step()
    run.optimizer.zero_grad()
    return told


# The loop. ---------------------------------------------------------------------------------------------------------- #


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run has come."""

    steps: int
    first_reward: float
    last_reward: float
    last_kl: float
    #: Whether the guard ended it before its time.
    was_stopped: bool


def train(  # noqa: PLR0913 - the parts of a run, by name
    options: PPOOptions,
    *,
    policy: Any,
    reference: Any,
    tokenizer: Any,
    prompts: Sequence[Mapping[str, Any]],
    score: Score,
    tracker: Tracker,
    team: Team | None = None,
    on_checkpoint: Callable[[int, Path], None] | None = None,
    resume: str | Path | None = None,
) -> Reached:
    """Train a policy on the scores of its own answers, and log every step to the tracker.

    Each of the `prompts` holds a "prompt", a text or the messages of a chat; `score.of_each` makes a score of a
    function of one answer. `reference` may be None where the policy has a LoRA adapter: it is the policy without it
    then. Of several processes, the first alone is told of checkpoints, and its tracker alone decides.
    """
    known, team = whole(options), team or Team.joined()
    refuse(known, policy, reference, tokenizer, prompts)
    if (biased := sampling_warning(options)) and team.is_first:
        warnings.warn(biased, stacklevel=2)
    if reference is not None:
        reference.eval()
    transformers.set_seed(team.seed(known.seed, step=0))
    run = Run(
        options=known, policy=policy, reference=reference, tokenizer=tokenizer, prompts=prompts, score=score, team=team
    )
    team.begin_alike(run.weights)

    def save() -> str:
        path = save_checkpoint(run)
        tracker.saved(run.step, path)
        if on_checkpoint is not None and team.is_first:
            on_checkpoint(run.step, path)
        return str(path)

    if resume or known.resume_from:
        load(run, Path(str(resume or known.resume_from)))
    elif known.guard == "rescue":
        save()  # So that there is always something to go back to.
    rewards, kl, was_stopped = list[float](), math.nan, False
    with stops_after_the_step() as heard:
        while run.step < run.steps and not was_stopped:
            row = _step(run)
            rewards, kl = [*rewards[:1], row["objective/scores"]], row["objective/kl"]
            tracker.log(run.step, row)
            tracker.samples(run.step, run.said)
            decision, should_stop, is_interrupted = _agreed(team, tracker, is_interrupted=bool(heard))
            if decision is not None and decision.deed is Deed.RESCUE and decision.path and not decision.is_dry:
                _go_back(run, Path(decision.path), decision.rate)
                tracker.went_back(run.step)
                continue
            if is_interrupted:
                raise Interrupted(save(), "ppo")
            was_stopped = should_stop
            if not was_stopped and not math.isfinite(row["grad_norm"]):
                raise AllEnd(
                    f"step {run.step}: the gradient is no number any more, and the policy cannot be sampled from;"
                    " go on from an earlier checkpoint at a lower learning rate"
                )
            if was_stopped or run.step == run.steps or (known.save_steps and run.step % known.save_steps == 0):
                save()
    first, last = (rewards[0], rewards[-1]) if rewards else (math.nan, math.nan)
    return Reached(run.step, first, last, kl, was_stopped)


def _step(run: Run) -> dict[str, float]:
    began = time.perf_counter()
    run.step += 1
    rate = run.set_rates()
    with run.team.together():  # A reward of one's own may fail on one answer, which but one process has.
        rollout = roll_out(run)
    row = _learn(run, rollout)
    return {**row, "lr": rate, "eps": run.size / (time.perf_counter() - began)}


def _agreed(team: Team, tracker: Tracker, *, is_interrupted: bool) -> tuple[Decision | None, bool, bool]:
    """What all processes do next: the guard of the first decides, and whichever was interrupted ends all."""
    said = team.gather((tracker.take_decision(), tracker.should_stop, is_interrupted))
    decision, should_stop, _ = said[0]
    return decision, should_stop, any(one[-1] for one in said)


def _go_back(run: Run, checkpoint: Path, rate: float) -> None:
    """Load an earlier checkpoint, take later ones out of the way of resumes, and go on at a part of the run's rate."""
    load(run, checkpoint)
    run.cut = rate  # Of the rate before any cut: not to be multiplied with the cut that the checkpoint holds.
    drop_later_ones(run)


# What the command calls. -------------------------------------------------------------------------------------------- #


def run(asked: PPOOptions) -> Finished:
    """Train, and measure what it brought."""
    options, team = prepare(asked, "ppo", mark="ppo.pt"), Team.joined()
    score, words = scored_by(options, team.device), tokenizer_of(options)
    room = (options.max_length or 0) - (options.response_length or 0)
    examples = split_of(options, PROMPTS, Room(words, room))
    policy, reference = causal(options).to(team.device), None
    lora = adapter(options, "CAUSAL_LM")
    if lora is None:
        reference = causal(options).to(team.device)
    else:
        from peft import get_peft_model

        policy = get_peft_model(policy, lora)
    before = of_the_tiny_world(policy, options)
    remember(options)
    config = {**options.said(), **of_model(policy), "world_size": team.size}
    tracker = start(str(options.output_dir), "ppo", config, guard=str(options.guard))
    try:
        with says_when_full(Path(str(options.output_dir)), "ppo"):
            reached = train(
                options, policy=policy, reference=reference, tokenizer=words, prompts=examples.train.to_list(),
                score=score, tracker=tracker, team=team,
            )  # fmt: skip
    except BaseException as error:
        tracker.finish("interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "crashed")
        if isinstance(error, Interrupted | AllEnd):
            team.leave_telling_to_the_first()
        raise
    diagnosis = tracker.finish("stopped" if reached.was_stopped else "finished")
    if team.is_first:
        policy.save_pretrained(Path(str(options.output_dir)) / FINAL)
        words.save_pretrained(Path(str(options.output_dir)) / FINAL)
    after = of_the_tiny_world(policy, options)
    return Finished(
        "ppo", str(options.output_dir), reached.steps, diagnosis.verdict.value if diagnosis else "unjudged",
        {**before, "mean reward": reached.first_reward},
        {**after, "mean reward": reached.last_reward, "KL": reached.last_kl},
    ).kept()  # fmt: skip
