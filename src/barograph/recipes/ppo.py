"""PPO from human (or programmed) feedback, as one file that reads top to bottom.

The order of things: a rollout; an update; checkpoints; `train`, which puts them together; and `run`, which is what the
command calls. One step is one batch of rollouts: its prompts are answered, the answers scored, and the policy learns
from them for a few epochs. The arithmetic is in `ppo_objective`. The rows that are logged bear the names of TRL's old
PPO.
"""

from __future__ import annotations

import inspect
import math
import random
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import GenerationConfig

from barograph.core.decision import Deed
from barograph.core.errors import BarographError, ConfigurationError
from barograph.recipes.answers import of_the_tiny_world
from barograph.recipes.course import FINAL, Finished, Interrupted, prepare, remember, stops_after_the_step
from barograph.recipes.examples import PROMPTS, split_of
from barograph.recipes.options import PPOOptions, settled
from barograph.recipes.ppo_objective import (
    AdaptiveKL,
    entropy,
    explained_variance,
    gae,
    kl_of,
    mean_of,
    policy_loss,
    rate_share,
    token_rewards,
    value_loss,
    whiten,
)
from barograph.recipes.scoring import scored_by
from barograph.recipes.weights import adapter, causal
from barograph.recipes.weights import tokenizer as tokenizer_of
from barograph.trainers.rescue import set_aside
from barograph.trainers.tracker import Tracker, start
from barograph.trainers.trl_compat import of_model

__all__ = ["Reached", "run", "sampling_warning", "train"]


def sampling_warning(options: PPOOptions) -> str:
    """A sentence if the way of sampling biases the KL estimate; nothing for pure sampling.

    >>> sampling_warning(PPOOptions(top_k=0))
    ''
    >>> sampling_warning(PPOOptions(top_k=50))
    'top_k 50 biases the KL estimate, which may go below zero and be rewarded for it: set top_k 0'
    """
    known = _settled(options)
    cures, biased = [], []
    if known.top_k:
        biased, cures = [f"top_k {known.top_k}"], ["top_k 0"]
    if known.top_p < 1.0:
        biased, cures = [*biased, f"top_p {known.top_p:g}"], [*cures, "top_p 1"]
    if biased:
        verb = "biases" if len(biased) == 1 else "bias"
        tempered = f", and temperature {known.temperature:g} distorts it" if known.temperature != 1.0 else ""
        told = f"{verb} the KL estimate, which may go below zero and be rewarded for it{tempered}"
        says = f"{' and '.join(biased)} {told}"
    elif known.temperature != 1.0:
        # Log-probabilities are taken at the same temperature, so that the estimate is right, but of another policy.
        says = f"temperature {known.temperature:g} biases the KL estimate: it is that of the tempered policies"
    else:
        return ""
    return f"{says}: set {', '.join([*cures, *(['temperature 1'] if known.temperature != 1.0 else [])])}"


# One run, and how its models are asked. ----------------------------------------------------------------------------- #


@dataclass(kw_only=True)
class _Run:
    """Everything that changes while it trains, and what it takes to make a step."""

    #: `PPOOptions` after `_settled`.
    options: Any
    policy: Any
    reference: Any
    tokenizer: Any
    prompts: Sequence[Mapping[str, Any]]
    reward: Callable[..., Any]
    head: Any = field(init=False)
    optimizer: Any = field(init=False)
    kl_weight: AdaptiveKL = field(init=False)
    step: int = 0
    #: What rescues have made of the learning rate, as a factor.
    cut: float = 1.0

    def __post_init__(self) -> None:
        options = self.options
        # The values come from a head on the policy's own trunk: a critic with a trunk of its own would double weights
        # and moments, which does not fit the cards that this is for. The head starts at zero, so that at first the
        # value loss has no gradient on the trunk; later `value_weight` keeps it small.
        self.head = torch.nn.Linear(self.policy.config.get_text_config().hidden_size, 1).to(self.policy.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)
        # Dropout is off throughout, or the ratio of new to old probability would not be one before the first update.
        self.policy.eval()
        trained = [weight for weight in self.policy.parameters() if weight.requires_grad]
        # The usual epsilon of 1e-8 makes steps of full size out of the tiniest gradients.
        groups = [{"params": trained}, {"params": list(self.head.parameters())}]
        self.optimizer = torch.optim.Adam(groups, lr=options.learning_rate, eps=1e-5)
        self.kl_weight = AdaptiveKL(options.beta, options.kl_target, options.horizon)

    @property
    def size(self) -> int:
        """Prompts in a step."""
        options = self.options
        return int(options.batch_size * options.accumulate * options.minibatches)

    @property
    def steps(self) -> int:
        """How many there will be."""
        options = self.options
        return int(options.max_steps or math.ceil(options.epochs * len(self.prompts) / self.size))

    def set_rates(self) -> float:
        """Give the optimizer its rates for the step, and tell the policy's."""
        options = self.options
        share = rate_share(str(options.schedule), self.step, self.steps, options.warmup) * self.cut
        for_policy, for_head = self.optimizer.param_groups
        for_policy["lr"], for_head["lr"] = options.learning_rate * share, options.value_learning_rate * share
        return float(for_policy["lr"])

    def precision(self) -> AbstractContextManager[Any]:
        """bf16 where it is asked for, or where the card has it; the weights stay as they were loaded."""
        kind = self.policy.device.type
        is_half = self.options.precision == "bf16" or (
            self.options.precision == "auto" and kind == "cuda" and torch.cuda.is_bf16_supported()
        )
        half: AbstractContextManager[Any] = torch.autocast(kind, dtype=torch.bfloat16)
        return half if is_half else nullcontext()

    @contextmanager
    def reference_model(self) -> Iterator[Any]:
        """The reference; where none is kept, the policy without its adapter."""
        if self.reference is not None:
            yield self.reference
        else:
            with self.policy.disable_adapter():
                yield self.policy


class _Seen(NamedTuple):
    """What a model says of answers, token by token."""

    logp: Tensor
    entropy: Tensor
    values: Tensor


def _look(run: _Run, model: Any, tokens: Tensor, attention: Tensor, length: int, head: Any = None) -> _Seen:
    """Log-probabilities of the last `length` tokens, the entropy before each, and with a head the value there.

    Prompts are padded on the left, so positions count from the first real token; they must be those of sampling.
    """
    positions = (attention.cumsum(dim=1) - 1).clamp(min=0)
    named: dict[str, Any] = {"use_cache": False, "output_hidden_states": head is not None}
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        named["logits_to_keep"] = length + 1  # Logits of the prompt would be the largest tensor, for nothing.
    with run.precision():
        seen = model(input_ids=tokens, attention_mask=attention, position_ids=positions, **named)
    # What stands before a token foretells it. At the temperature of sampling, or ratio and KL are of another policy.
    logits = seen.logits[:, -length - 1 : -1].float() / run.options.temperature
    logp = logits.log_softmax(dim=-1).gather(-1, tokens[:, -length:, None]).squeeze(-1)
    spread = entropy(logits.detach())
    if head is None:
        return _Seen(logp, spread, torch.zeros_like(logp))
    return _Seen(logp, spread, head(seen.hidden_states[-1][:, -length - 1 : -1].float()).squeeze(-1))


# A rollout. --------------------------------------------------------------------------------------------------------- #


class _Rollout(NamedTuple):
    """Prompts with sampled answers, and all that is known of them before the policy moves."""

    tokens: Tensor
    attention: Tensor
    mask: Tensor
    scores: Tensor
    logp: Tensor
    reference_logp: Tensor
    values: Tensor
    entropy: Tensor
    ended: int


def _batch(prompts: Sequence[Mapping[str, Any]], first: int, count: int, seed: int) -> list[Mapping[str, Any]]:
    """The prompts from number `first` on, in an order that is new in each epoch: so a step is its place in the data."""
    many, chosen = len(prompts), list[Mapping[str, Any]]()
    for epoch in range(first // many, (first + count - 1) // many + 1):
        order = list(range(many))
        random.Random(f"{seed} {epoch}").shuffle(order)  # noqa: S311 - the order of data, no secret
        within = range(max(first, epoch * many), min(first + count, (epoch + 1) * many))
        chosen += [prompts[order[number - epoch * many]] for number in within]
    return chosen


def _roll_out(run: _Run) -> _Rollout:
    """Answer the prompts of the step, score the answers, and note how likely policy and reference hold them."""
    options, device = run.options, run.policy.device
    rows = _batch(run.prompts, (run.step - 1) * run.size, run.size, options.seed)
    room, length = options.max_length, options.response_length
    ids = [list(run.tokenizer(str(row["prompt"]))["input_ids"])[-(room - length) :] for row in rows]
    if not all(ids):
        raise ConfigurationError(f"step {run.step}: the prompt {rows[ids.index([])]['prompt']!r} holds no token")
    widest = max(map(len, ids))
    ends, pad = _ends(run.policy, run.tokenizer), _pad(run.tokenizer)
    asked = torch.tensor([[pad] * (widest - len(one)) + one for one in ids], device=device)
    is_asked = torch.tensor([[0] * (widest - len(one)) + [1] * len(one) for one in ids], device=device)
    with torch.no_grad():
        tokens = _sampled(run, asked, is_asked, ends, pad)
        answers = tokens[:, widest:]
        length = answers.shape[1]
        # The end token is part of the answer, since ending is a choice to learn; what follows it is filling.
        is_end = torch.isin(answers, torch.tensor(ends, device=device))
        mask = (is_end.cumsum(dim=1) - is_end.long()) == 0
        attention = torch.cat([is_asked, mask.long()], dim=1)
        scores = torch.tensor(_scored(run, rows, answers, mask), device=device)
        scores = scores - options.missing_eos_penalty * (~is_end.any(dim=1)).float()
        mine, its = list[_Seen](), list[Tensor]()
        with run.reference_model() as reference:
            for part in torch.arange(len(rows), device=device).split(options.batch_size):
                its.append(_look(run, reference, tokens[part], attention[part], length).logp)
        for part in torch.arange(len(rows), device=device).split(options.batch_size):
            mine.append(_look(run, run.policy, tokens[part], attention[part], length, run.head))
    logp, spread, values = (torch.cat(parts) for parts in zip(*mine, strict=True))
    ended = int(is_end.any(dim=1).sum())
    return _Rollout(tokens, attention, mask, scores, logp, torch.cat(its), values, spread, ended)


def _sampled(run: _Run, asked: Tensor, is_asked: Tensor, ends: list[int], pad: int) -> Tensor:
    """Prompts with answers. Many a model brings a top-k or a penalty for repetition of its own: set aside meanwhile."""
    options, own = run.options, run.policy.generation_config
    run.policy.generation_config = GenerationConfig(
        do_sample=True,
        max_new_tokens=options.response_length,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        eos_token_id=ends,
        pad_token_id=pad,
    )
    try:
        with run.precision():
            return run.policy.generate(input_ids=asked, attention_mask=is_asked)
    finally:
        run.policy.generation_config = own


def _scored(run: _Run, rows: Sequence[Mapping[str, Any]], answers: Tensor, mask: Tensor) -> list[float]:
    scores = list[float]()
    for row, answer, held in zip(rows, answers, mask, strict=True):
        text = run.tokenizer.decode(answer[held].tolist(), skip_special_tokens=True)
        given = run.reward(text, **{name: value for name, value in row.items() if name != "prompt"})
        try:
            scores.append(float(given))
        except (TypeError, ValueError):
            scores.append(math.nan)
        if not math.isfinite(scores[-1]):
            raise ConfigurationError(
                f"step {run.step}: the reward of the answer {text!r} to {row['prompt']!r} is {given!r};"
                " a finite number belongs there"
            )
    return scores


# An update. --------------------------------------------------------------------------------------------------------- #


def _learn(run: _Run, rollout: _Rollout) -> dict[str, float]:
    """Move policy and values by what the answers of a step teach, and tell of it as TRL's old PPO did."""
    options, mask, beta = run.options, rollout.mask, run.kl_weight.coefficient
    kl = kl_of(rollout.logp, rollout.reference_logp, str(options.kl_estimator)).masked_fill(~mask, 0.0)
    rewards = token_rewards(rollout.scores, kl, mask, beta)
    if options.whiten_rewards:
        rewards = whiten(rewards, mask, shift_mean=False)
    advantages, returns = gae(rewards, rollout.values, mask, options.gamma, options.lam)
    told = _told(run, rollout, kl.sum(dim=1), explained_variance(rollout.values, returns, mask))
    run.kl_weight.update(told["objective/kl"], run.size)

    # Over the batch, not over each minibatch: the sign of an advantage must not hang on its neighbours.
    advantages = whiten(advantages, mask)
    updates, device = list[dict[str, float]](), mask.device
    for _ in range(options.ppo_epochs):
        order = torch.randperm(run.size).to(device)
        for minibatch in order.chunk(options.minibatches):
            updates.append(_update(run, rollout, advantages, returns, minibatch))
    return {**told, **{name: math.fsum(one[name] for one in updates) / len(updates) for name in updates[0]}}


def _told(run: _Run, rollout: _Rollout, kl: Tensor, explained: float | None) -> dict[str, float]:
    """What is to be seen of a rollout before the policy moves; KL and entropy are sums over an answer."""
    penalty = -run.kl_weight.coefficient * float(kl.mean())
    answers = run.step * run.size
    told = {
        "objective/kl": float(kl.mean()),
        "objective/kl_coef": run.kl_weight.coefficient,
        "objective/entropy": float(-rollout.logp.masked_fill(~rollout.mask, 0.0).sum(dim=1).mean()),
        "objective/non_score_reward": penalty,
        "objective/rlhf_reward": float(rollout.scores.mean()) + penalty,
        "objective/scores": float(rollout.scores.mean()),
        "policy/entropy_avg": float(mean_of(rollout.entropy, rollout.mask)),
        "val/num_eos_tokens": float(rollout.ended),
        "mean_length": float(rollout.mask.sum(dim=1).float().mean()),
        "episode": float(answers),
        "epoch": answers / len(run.prompts),
    }
    return told if explained is None else {**told, "explained_variance": explained}


def _update(run: _Run, rollout: _Rollout, advantages: Tensor, returns: Tensor, minibatch: Tensor) -> dict[str, float]:
    """One step of the optimizer, on as many answers at once as fit."""
    options, told = run.options, dict[str, float]()
    whole = rollout.mask[minibatch].sum()
    for part in minibatch.split(options.batch_size):
        mask, tokens, attention = rollout.mask[part], rollout.tokens[part], rollout.attention[part]
        seen = _look(run, run.policy, tokens, attention, mask.shape[1], run.head)
        moved = policy_loss(seen.logp, rollout.logp[part], advantages[part], mask, options.clip)
        valued = value_loss(seen.values, rollout.values[part], returns[part], mask, options.value_clip)
        # Each token counts alike, however the minibatch is cut into parts.
        share = mask.sum() / whole
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
    told["val/ratio_var"] = max(0.0, told["val/ratio_var"] - told["val/ratio"] ** 2)
    weights = [weight for group in run.optimizer.param_groups for weight in group["params"]]
    told["grad_norm"] = float(torch.nn.utils.clip_grad_norm_(weights, options.max_grad_norm))
    run.optimizer.step()
    run.optimizer.zero_grad()
    return told


# Checkpoints: after one is loaded, a run goes on as if it had never been interrupted. ------------------------------- #


def _save(run: _Run) -> Path:
    """Into `checkpoint-N`: the model as any tool reads it, and beside it what PPO itself goes on from."""
    folder = Path(str(run.options.output_dir)) / f"checkpoint-{run.step}"
    half = folder.with_name(f"{folder.name}.part")  # Renamed when it is whole: a checkpoint is never half written.
    shutil.rmtree(half, ignore_errors=True)
    run.policy.save_pretrained(half)
    run.tokenizer.save_pretrained(half)
    torch.save(run.optimizer.state_dict(), half / "optimizer.pt")
    state = {
        "step": run.step,
        "cut": run.cut,
        "learning_rate": run.options.learning_rate,
        "kl_coefficient": run.kl_weight.coefficient,
        "head": run.head.state_dict(),
        "random": random.getstate(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    torch.save(state, half / "ppo.pt")
    shutil.rmtree(folder, ignore_errors=True)
    return half.rename(folder)


def _load(run: _Run, folder: Path) -> None:
    if not (folder / "ppo.pt").is_file():
        raise ConfigurationError(f"{folder}: is no checkpoint of a PPO run (ppo.pt is not there)")
    if hasattr(run.policy, "disable_adapter"):
        run.policy.load_adapter(str(folder), run.policy.active_adapter, is_trainable=True)
    else:
        saved = type(run.policy).from_pretrained(folder, dtype=run.policy.dtype)
        run.policy.load_state_dict(saved.state_dict())
    device = run.policy.device
    run.optimizer.load_state_dict(torch.load(folder / "optimizer.pt", map_location=device, weights_only=True))
    state = torch.load(folder / "ppo.pt", map_location="cpu", weights_only=True)
    run.head.load_state_dict(state["head"])
    run.step, run.kl_weight.coefficient = state["step"], state["kl_coefficient"]
    # A learning rate that differs from the one before was said anew, and replaces whatever rescues made of it.
    run.cut = state["cut"] if state["learning_rate"] == run.options.learning_rate else 1.0
    random.setstate(state["random"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all(state["cuda"])


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
    reward: Callable[..., Any],
    tracker: Tracker,
    on_checkpoint: Callable[[int, Path], None] | None = None,
    resume: str | Path | None = None,
) -> Reached:
    """Train a policy on the rewards of its own answers, and log every step to the tracker.

    Each of the `prompts` holds a "prompt"; what else it holds is given to `reward(completion, **columns)` by name.
    `reference` may be None where the policy has a LoRA adapter: it is the policy without it then.
    """
    known = _settled(options)
    _refuse(known, policy, reference, tokenizer, prompts)
    if biased := sampling_warning(options):
        warnings.warn(biased, stacklevel=2)
    if reference is not None:
        reference.eval()
    torch.manual_seed(known.seed)
    run = _Run(
        options=known, policy=policy, reference=reference, tokenizer=tokenizer, prompts=prompts, reward=reward
    )  # fmt: skip

    def save() -> None:
        path = _save(run)
        tracker.saved(run.step, path)
        if on_checkpoint is not None:
            on_checkpoint(run.step, path)

    if resume or known.resume_from:
        _load(run, Path(str(resume or known.resume_from)))
    elif known.guard == "rescue":
        save()  # So that there is always something to go back to.
    rewards, kl, was_stopped = list[float](), math.nan, False
    while run.step < run.steps and not was_stopped:
        with stops_after_the_step() as asked_to_stop:
            row = _step(run)
        rewards, kl = [*rewards[:1], row["objective/scores"]], row["objective/kl"]
        tracker.log(run.step, row)
        decision = tracker.take_decision()
        if decision is not None and decision.deed is Deed.RESCUE and decision.path and not decision.is_dry:
            _go_back(run, Path(decision.path), decision.rate)
            tracker.went_back(run.step)
            continue
        if asked_to_stop:
            save()
            raise Interrupted(str(Path(str(known.output_dir)) / f"checkpoint-{run.step}"), "ppo")
        was_stopped = tracker.should_stop
        if not was_stopped and not math.isfinite(row["grad_norm"]):
            raise BarographError(
                f"step {run.step}: the gradient is no number any more, and the policy cannot be sampled from;"
                " go on from an earlier checkpoint at a lower learning rate"
            )
        if was_stopped or run.step == run.steps or (known.save_steps and run.step % known.save_steps == 0):
            save()
    first, last = (rewards[0], rewards[-1]) if rewards else (math.nan, math.nan)
    return Reached(run.step, first, last, kl, was_stopped)


def _step(run: _Run) -> dict[str, float]:
    began = time.perf_counter()
    run.step += 1
    rate = run.set_rates()
    row = _learn(run, _roll_out(run))
    return {**row, "lr": rate, "eps": run.size / (time.perf_counter() - began)}


def _go_back(run: _Run, checkpoint: Path, rate: float) -> None:
    """Load an earlier checkpoint, take later ones out of the way of resumes, and go on at a part of the run's rate."""
    _load(run, checkpoint)
    run.cut = rate  # Of the rate before any cut: not to be multiplied with the cut that the checkpoint holds.
    folders = Path(str(run.options.output_dir)).glob("checkpoint-*")
    numbered = [(folder.name.removeprefix("checkpoint-"), str(folder)) for folder in folders]
    set_aside([folder for number, folder in numbered if number.isdigit() and int(number) > run.step], drop=False)


def _refuse(options: Any, policy: Any, reference: Any, tokenizer: Any, prompts: Sequence[Mapping[str, Any]]) -> None:
    """Say what cannot work before anything is computed."""
    problem = ""
    if not len(prompts):
        problem = "there are no prompts: PPO needs at least one to answer"
    elif missing := [number for number, row in enumerate(prompts) if "prompt" not in row]:
        problem = f"row {missing[0]} has no column 'prompt': it holds {', '.join(map(repr, prompts[missing[0]]))}"
    elif reference is policy:
        problem = "the reference is the policy itself, so the KL would always be 0: load the model a second time"
    elif reference is None and not hasattr(policy, "disable_adapter"):
        problem = "there is no reference, and the policy has no adapter whose absence would make one"
    elif not _ends(policy, tokenizer):
        problem = "the tokenizer has no end token (eos_token), so that no answer could end"
    elif options.precision == "fp16":
        problem = "precision = 'fp16': PPO computes in bf16 or fp32 here"
    elif not options.output_dir:
        problem = "output_dir is not said: checkpoints go there"
    elif options.max_length <= options.response_length:
        problem = f"max_length {options.max_length} leaves no room for a prompt before {options.response_length} tokens"
    else:
        above_zero = (
            "batch_size", "accumulate", "minibatches", "ppo_epochs", "response_length", "temperature", "top_p",
            "horizon",
        )  # fmt: skip
        for name in above_zero:
            if not getattr(options, name) > 0:
                problem = f"{name} = {getattr(options, name)!r}: a number above 0 belongs there"
    if problem:
        raise ConfigurationError(problem)


def _ends(policy: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: chat models have several, and their tokenizer names but one."""
    own = getattr(policy.generation_config, "eos_token_id", None)
    named = own if isinstance(own, list) else [own]
    return sorted({int(token) for token in [tokenizer.eos_token_id, *named] if token is not None})


def _pad(tokenizer: Any) -> int:
    """What fills up; masked wherever it stands, so that the end token does as well."""
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)


def _settled(options: PPOOptions) -> Any:
    """Every setting at its value, each looked at once more: in Python nobody has done so yet.

    Of the type Any, since a field's own type cannot say that none is None any more.
    """
    return PPOOptions.made(settled(options).said())


# What the command calls. -------------------------------------------------------------------------------------------- #


def run(asked: PPOOptions) -> Finished:
    """Train, and measure what it brought."""
    options = prepare(asked, "ppo", mark="ppo.pt")
    score = scored_by(options.reward, is_drawn=not options.data)
    examples, words = split_of(options, PROMPTS), tokenizer_of(options)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    policy, reference = causal(options).to(device), None
    lora = adapter(options, "CAUSAL_LM")
    if lora is None:
        reference = causal(options).to(device)
    else:
        from peft import get_peft_model

        policy = get_peft_model(policy, lora)
    before = of_the_tiny_world(policy, options)
    remember(options)
    tracker = start(str(options.output_dir), "ppo", {**options.said(), **of_model(policy)}, guard=str(options.guard))
    try:
        reached = train(
            options, policy=policy, reference=reference, tokenizer=words, prompts=examples.train.to_list(),
            reward=lambda answer, **columns: score(answer, columns), tracker=tracker,
        )  # fmt: skip
    except BaseException as error:
        tracker.finish("interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "crashed")
        raise
    diagnosis = tracker.finish("stopped" if reached.was_stopped else "finished")
    policy.save_pretrained(Path(str(options.output_dir)) / FINAL)
    words.save_pretrained(Path(str(options.output_dir)) / FINAL)
    after = of_the_tiny_world(policy, options)
    return Finished(
        "ppo", str(options.output_dir), reached.steps, diagnosis.verdict.value if diagnosis else "unjudged",
        {**before, "mean reward": reached.first_reward},
        {**after, "mean reward": reached.last_reward, "KL": reached.last_kl},
    )  # fmt: skip
