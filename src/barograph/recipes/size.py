"""What a training of this size comes to: updates, memory, time, what to aim for, and what to change if it is missed.

Memory is that of `recipes.memory`. Time is arithmetic: the operations that the tokens take, over those that a card does
when trainers keep it busy as they usually do, which is given as a range. It is an estimate of the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from barograph.config.check import shown
from barograph.config.look import Look
from barograph.config.plan import Plan
from barograph.core.bands import Band, Stage, bands_for
from barograph.core.methods import CLASSIFIER, GENERATING, IMPLICIT_REWARD, ONLINE, PREFERENCE, REWARD_MODEL, Method
from barograph.recipes.cards import CARDS
from barograph.recipes.memory import GIGA, Needs, Shape, needs_of
from barograph.recipes.shapes import TINY_FOLDER, context_in, shape_from, shape_named

__all__ = ["Advice", "Size", "Target", "Time", "fitted_to", "size_of"]

#: Operations a second on numbers of 16 bits that cards of a size do at best, the slowest and the fastest of them, and
#: bytes a second that they read: RTX 3090 to 4090, A100 to H100, H200, by the data sheets of their maker.
PEAKS = {
    "24gb": (71e12, 165e12, 0.94e12),
    "2x24gb": (71e12, 165e12, 0.94e12),
    "80gb": (312e12, 989e12, 2.0e12),
    "h200": (989e12, 989e12, 4.8e12),
    "cpu": (0.2e12, 2e12, 0.05e12),
}
#: The share of that which trainers come to, from short batches to long ones.
BUSY = (0.1, 0.45)
#: Operations for each weight and token: forward, back through the layers, and for the gradient of the weights.
FORWARD = BACK = OWN = 2
#: Tokens of a prompt, where nobody says how many it may have.
PROMPT = 512
#: Seconds that a layer takes for a token at least, where answers are drawn by transformers.
LAYER = 0.7e-3
#: As `memory` and the recipes call the methods.
CALLED = {
    Method.KTO: "kto", Method.BCO: "kto", Method.DPO: "dpo", Method.CPO: "dpo", Method.ORPO: "dpo",
    Method.REWARD: "reward", Method.PRM: "prm", Method.CLASSIFIER: "prm", Method.PPO: "ppo", Method.GRPO: "grpo",
    Method.RLOO: "grpo", Method.ONLINE_DPO: "grpo", Method.SFT: "kto",
}  # fmt: skip
#: What is aimed for, the most trustworthy series first; a target is what its band for the end of a run says.
AIMS = (
    "eval.cls_accuracy", "eval.cls_f1", "eval.rm_accuracy", "eval.reward_accuracy", "reward_margin", "reward_accuracy",
    "kto_z0", "kl_ref_sequence", "kl_ref", "truncated_frac", "zero_std_frac", "entropy",
)  # fmt: skip
#: By how much the loss on held-out data may exceed that on training data, as the step classifiers' guide has it.
GAP = 0.05


class Time(NamedTuple):
    """Hours on one kind of card, at the fastest and at the slowest."""

    card: str
    fastest: float
    slowest: float


class Target(NamedTuple):
    """What a series should have come to in the end."""

    metric: str
    low: float
    high: float
    source: str


class Advice(NamedTuple):
    """What to change if a target is missed."""

    missed: str
    do: str


@dataclass(frozen=True, slots=True)
class Size:
    """The whole answer."""

    examples: int | None
    updates: int | None
    batch: float | None
    passes: float | None
    #: Tokens in all, and whether they come of the data or of the length that an example may have.
    tokens: float | None
    is_from_data: bool
    needs: Needs | None
    times: tuple[Time, ...]
    targets: tuple[Target, ...]
    advice: tuple[Advice, ...]

    def to_dict(self) -> dict[str, object]:
        """As `barograph config --json` has it."""
        return {
            "examples": self.examples,
            "updates": self.updates,
            "batch": self.batch,
            "passes": self.passes,
            "tokens": self.tokens,
            "memory_bytes": self.needs.total if self.needs else None,
            "hours": {one.card: [one.fastest, one.slowest] for one in self.times},
            "targets": [one._asdict() for one in self.targets],
            "if_missed": [one._asdict() for one in self.advice],
        }


def size_of(plan: Plan, look: Look | None = None, card: str | None = None) -> Size:
    """What can be said of the size of a training."""
    shape, examples = _shape(plan), plan.number("train_examples")
    tokens = _tokens(plan, look)
    return Size(
        examples=int(examples) if examples else None,
        updates=plan.updates,
        batch=plan.batch,
        passes=plan.passes,
        tokens=tokens,
        is_from_data=look is not None and plan.method not in GENERATING,
        needs=_needs(plan, shape) if shape else None,
        times=tuple(_times(plan, shape, tokens, card)) if shape and tokens else (),
        targets=tuple(_targets(plan.method)),
        advice=tuple(_advice(plan)),
    )


def fitted_to(plan: Plan, card: str | None) -> Plan:
    """The plan with what its training takes and what a card holds, and with what its model can take."""
    folder = _folder(plan)
    shape = _shape(plan)
    needs = _needs(plan, shape) if shape else None
    known = CARDS.get(card or "")
    return plan.knowing(
        parameters=plan.number("parameters") or (shape.weights if shape else None),
        context=context_in(folder) if folder else None,
        memory_needed=needs.total if needs else None,
        memory_there=known.gigabytes * GIGA if known and known.gigabytes else None,
    )


# The model


def _folder(plan: Plan) -> Path | None:
    model = plan.text("model")
    if model == "tiny":
        return TINY_FOLDER
    return Path(model).expanduser() if model and Path(model).expanduser().is_dir() else None


def _shape(plan: Plan) -> Shape | None:
    """As its configuration says, if that lies here; else as models of its size are built."""
    folder = _folder(plan)
    if folder is not None and (found := shape_from(folder)) is not None:
        return found
    return shape_named(plan.parameters) if plan.parameters else None


def _needs(plan: Plan, shape: Shape) -> Needs | None:
    """Memory on each device, where the settings say enough for it."""
    batch, length = plan.number("per_device_batch"), _length(plan)
    if not batch or not length or plan.method not in CALLED:
        return None
    method = CALLED[plan.method]
    options = SimpleNamespace(
        precision="bf16" if _is_half(plan) else "fp32",
        lora=bool(plan.is_adapter),
        lora_rank=plan.number("lora_rank") or 16,
        quantize=plan.text("quantized") or "no",
        batch_size=batch,
        accumulate=plan.number("accumulation") or 1,
        max_length=length,
        recompute=plan.is_on("recompute") is not False,
        response_length=plan.number("answer_limit") or length,
        minibatches=plan.number("minibatches") or 1,
    )
    holds = not plan.is_adapter and (
        plan.weighs_kl if plan.method in ONLINE else plan.method in IMPLICIT_REWARD and not plan.is_on("asks_before")
    )
    processes = max(1, int(plan.devices))
    return needs_of(method, shape, options, on_a_card=not plan.is_tiny, holds_reference=holds, processes=processes)


def _is_half(plan: Plan) -> bool:
    """Whether numbers of 16 bits are computed with: usual unless something else is said."""
    if plan.text("precision"):
        return plan.text("precision").lower() in {"bf16", "fp16", "auto"}
    return not (plan.is_on("bf16") is False and plan.is_on("fp16") is not True)


def _length(plan: Plan) -> float | None:
    """Tokens that an example may have."""
    answer = plan.number("answer_limit") if plan.method in GENERATING else None
    return plan.number("max_length") or ((plan.number("prompt_limit") or PROMPT) + answer if answer else None)


# Time


def _tokens(plan: Plan, look: Look | None) -> float | None:
    """Tokens that are trained on in the whole run."""
    examples, passes = plan.number("train_examples"), plan.passes
    length, updates, batch = _length(plan), plan.updates, plan.batch
    if look is not None and plan.method not in GENERATING and examples and passes:
        return look.tokens_within(length) * passes * examples / look.examples_for(plan.method)
    sides = 2 if plan.method in PREFERENCE | REWARD_MODEL and plan.method not in {Method.KTO, Method.BCO} else 1
    if not (updates and batch and length):
        return None
    passes_over_answers = (plan.number("num_iterations") or 1) if plan.method is Method.PPO else 1
    return updates * batch * sides * length * passes_over_answers


def _times(plan: Plan, shape: Shape, tokens: float, card: str | None) -> Iterator[Time]:
    if plan.is_tiny:
        return
    each = FORWARD + BACK + (OWN if not plan.is_adapter else 0)
    if plan.is_on("recompute") is not False:
        each += FORWARD
    if plan.method in IMPLICIT_REWARD | ONLINE and (plan.method not in ONLINE or plan.weighs_kl):
        each += FORWARD  # What the reference makes of it.
    operations = each * shape.weights * tokens
    for name in [card] if card in PEAKS else ["24gb", "80gb", "h200"]:
        slow, fast, reads = PEAKS[name]
        count = max(plan.devices, CARDS[name].count)
        drawn = _drawing(plan, shape, reads) / 3600 if plan.method in GENERATING else 0.0
        least, most = operations / (fast * BUSY[1] * count) / 3600, operations / (slow * BUSY[0] * count) / 3600
        yield Time(name, least + drawn / 2, most + 2 * drawn)


def _drawing(plan: Plan, shape: Shape, reads: float) -> float:
    """Seconds in which answers are drawn: token by token, all answers of a step beside each other."""
    length = plan.number("answer_limit")
    if not length or not plan.updates:
        return 0.0
    return plan.updates * length * max(2 * shape.weights / reads, LAYER * shape.layers)


# Targets


def _targets(method: Method) -> Iterator[Target]:
    """What the bands say of the end of a run."""
    for metric in AIMS:
        bands = [band for band in bands_for(metric, method) if _is_for(band, metric)]
        late = [band for band in bands if band.stage is Stage.LATE] or [b for b in bands if b.stage is Stage.ANY]
        if late:
            yield Target(metric, late[0].low, late[0].high, f"{late[0].source} ({late[0].tag})")
    if method in CLASSIFIER:
        yield Target("eval.loss - loss", -GAP, GAP, "reward-model guide, target (D)")


def _is_for(band: Band, metric: str) -> bool:
    """A series of held-out data has its own band, or none of ours."""
    return band.metric == metric


def _advice(plan: Plan) -> Iterator[Advice]:
    """What to change, in the numbers of this plan."""
    examples = plan.number("train_examples")
    more = f"go on to {2 * examples:,.0f} examples, twice as many" if examples else "take twice as many examples"
    decay, setting = plan.number("weight_decay") or 0.0, plan.called("weight_decay")
    firmer = f"set {setting} to {shown(max(0.02, 2 * decay))}"
    epochs = plan.called("epochs")
    if plan.method in CLASSIFIER:
        yield Advice("held-out accuracy is below 0.80", f"{more}; below 0.70 look at the labels first")
        yield Advice("held-out loss is more than 0.05 above that of training", f"{firmer}, or train fewer {epochs}")
        yield Advice("both losses stay high", "take a larger model, or more examples")
        yield Advice("precision is high and recall low, or the other way round", "weigh or balance the classes")
    elif plan.method in REWARD_MODEL:
        yield Advice("held-out accuracy is below 0.60", f"look at the labels by eye, then {more}")
        yield Advice("training accuracy is more than 0.10 above held-out accuracy", f"train one epoch, and {firmer}")
        yield Advice("both accuracies stay near 0.5", _raised(plan))
    elif plan.method in ONLINE:
        yield Advice("the KL leaves its range", _weighed(plan))
        yield Advice("more than 5 % of the answers are cut off", _longer(plan))
        yield Advice("the score stands still", _raised(plan))
        yield Advice("most groups have one score for all answers", "take easier or harder prompts, or larger groups")
    elif plan.method in PREFERENCE:
        yield Advice("the margin stays near zero", _raised(plan))
        yield Advice("accuracy rises in training and not on held-out pairs", f"train fewer {epochs}, or {more}")
        yield Advice("both log-probabilities fall far", _weighed(plan) + ", or add the likelihood of the chosen answer")


def _raised(plan: Plan) -> str:
    rate, setting = plan.number("learning_rate"), plan.called("learning_rate")
    usual = plan.rates
    if not rate or usual is None:
        return f"raise {setting} two to five times"
    high = (usual.adapters if plan.is_adapter else usual.full).high
    return (
        f"raise {setting} to {shown(min(2 * rate, high))}" if rate < high else "train longer: the rate is high already"
    )


def _weighed(plan: Plan) -> str:
    beta, setting = plan.number("beta"), plan.called("beta")
    return f"raise {setting} to {shown(2 * beta)}" if beta else f"set {setting} above 0"


def _longer(plan: Plan) -> str:
    limit, setting = plan.number("answer_limit"), plan.called("answer_limit")
    return f"raise {setting} to {2 * limit:,.0f}" if limit else f"raise {setting}"
