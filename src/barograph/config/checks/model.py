"""The model: its reference, its precision, its adapter, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from barograph.config.check import CRITICAL, INFO, NotJudgeable, SaysItself, SettingCheck, limit
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import IMPLICIT_REWARD, ONLINE

__all__ = ["CHECKS"]

HALVES = {"float16": "fp16", "fp16": "fp16", "half": "fp16", "bfloat16": "bf16", "bf16": "bf16"}
START = "Take the model that training starts from as the reference"
GIGA = 1e9


class ReferenceElsewhere(SaysItself):
    """A reference that is not the model which training starts from.

    Why: rewards and KL are measured from the reference. If that is another model, they are not zero at the first step,
    the loss does not begin where it should, and the policy is drawn towards a place where it has never been.
    False alarm: a reference from an earlier round, on purpose.
    Sources: the objectives of DPO, KTO and PPO [P, M].
    """

    code, name = "CFG22", "reference-elsewhere"
    methods = IMPLICIT_REWARD | ONLINE
    about = "reference"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if plan.is_on("reference_differs"):
            what = "the weights of the reference are others than those that training starts from"
            yield self.say(plan, what, START, about="reference_differs")
            return
        model, reference = plan.text("model"), plan.text("reference")
        if not model or not reference:
            raise NotJudgeable("model or reference are not named")
        if PurePosixPath(model) != PurePosixPath(reference):
            what = f"{plan.called('reference')} is {reference[:80]}, and training starts from {model[:80]}"
            yield self.say(plan, what, START)


class DropoutOn(SettingCheck):
    """Dropout that is left on where the policy is measured against a reference.

    Why: with dropout the policy is not itself: rewards differ from zero at the first step, and margins are noisy.
    False alarm: models without dropout, as most of today's.
    Sources: TRL turns it off in DPO and KTO unless told otherwise [S].
    """

    code, name, severity = "CFG23", "dropout-on", INFO
    methods = IMPLICIT_REWARD
    about = "disable_dropout"
    says = "{setting} is {value}: the policy is measured through dropout, the reference is not"
    do = ("Set {setting} to true",)

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if plan.is_on("disable_dropout") is False:
            yield self.found(plan)


class PrecisionAtOdds(SaysItself):
    """Precisions that do not go together, or do not go far.

    Why: fp16 and bf16 at once is refused. Gradients of weights that lie in fp16 cannot be unscaled, and weights in bf16
    that are computed with in fp16 overflow: their range is far larger. Numbers of fp16 end at 65,504. Weights that lie
    in bf16 and are trained whole keep eight bits: a step of less than one part in 256 of a weight is lost.
    False alarm: optimizers that keep weights of their own in full precision, as DeepSpeed's; stochastic rounding.
    Sources: transformers and PyTorch raise [S]; the two formats [M].
    """

    code, name = "CFG24", "precision-at-odds"
    about = "fp16"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        half, brain = (plan.is_on(kind) is True or plan.text("precision").lower() == kind for kind in ("fp16", "bf16"))
        weights = HALVES.get(plan.text("weights_dtype").lower().removeprefix("torch."))
        dtype = plan.called("weights_dtype")
        if half and brain:
            yield self.say(plan, "fp16 and bf16 are both on", "Set fp16 to false where the device has bf16", CRITICAL)
        elif half and weights == "bf16":
            what = f"{dtype} is bf16 and the training computes in fp16, whose range is far smaller"
            yield self.say(plan, what, "Compute in bf16 too")
        elif half and weights == "fp16" and not plan.is_adapter:
            what = f"{dtype} is fp16, and gradients of weights in fp16 cannot be unscaled"
            yield self.say(plan, what, f"Set {dtype} to float32, or compute in bf16", CRITICAL)
        elif half and not plan.is_tiny:
            what = "it trains in fp16, whose numbers end at 65,504"
            yield self.say(plan, what, "Use bf16 where the device has it", INFO)
        elif weights and plan.is_adapter is False and not plan.is_tiny:
            what = f"{dtype} is {weights} and all weights are trained: steps of less than 1/256 of a weight are lost"
            yield self.say(plan, what, f"Set {dtype} to float32 and compute in bf16", INFO, "weights_dtype")


class NothingTrains(SaysItself):
    """A model of which nothing is trained, or weights in few bits that are to be trained whole.

    Why: weights in four or eight bits have no gradients; without an adapter the trainer refuses, or trains what is
    left. An adapter of rank 0, or whose output is multiplied by 0, changes nothing.
    False alarm: none known.
    Sources: peft, bitsandbytes [S, M].
    """

    code, name, severity = "CFG25", "nothing-trains", CRITICAL
    about = "lora"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if plan.number("trainable_parameters") == 0:
            remedy = "Attach the adapter, or unfreeze weights"
            yield self.say(plan, "no weight is trained", remedy, about="trainable_parameters")
        if plan.text("quantized") and plan.is_adapter is not True:
            what = f"weights are held in {plan.text('quantized')}, and there is no adapter to be trained"
            yield self.say(plan, what, f"Train an adapter: {plan.called('lora')}", about="quantized")
        if plan.is_on("lora") and plan.number("lora_rank") == 0:
            remedy = f"Set {plan.called('lora_rank')} to 16"
            yield self.say(plan, "the rank of the adapter is 0", remedy, about="lora_rank")
        if plan.number("lora_alpha") == 0 and plan.is_adapter:
            setting = plan.called("lora_alpha")
            what = f"{setting} is 0: the adapter changes nothing"
            yield self.say(plan, what, f"Set {setting} to its rank or twice that", about="lora_alpha")


class DoesNotFit(SettingCheck):
    """A training that takes more memory than there is.

    Why: it ends at the first step, or at the first batch of long examples, which may be hours away.
    False alarm: it is an estimate at the longest examples, without offloading or weights spread over devices.
    Sources: arithmetic, measured beside real trainings by `benchmarks/bench_memory.py` [M, G].
    """

    code, name, severity = "CFG26", "does-not-fit", CRITICAL
    about = "per_device_batch"
    says = "the training takes about {needed} GB on each device, and there are {there} GB"
    do = ("Train an adapter, hold its weights in four bits, or shorten what is in one batch: {setting}, {length}",)
    room = limit(1.0, "share of the memory that may be taken")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if not plan.has("memory_there"):
            raise NotJudgeable("the device is not named")
        needed, there = plan.need("memory_needed"), plan.need("memory_there")
        if needed > self.room * there:
            length = plan.called("max_length")
            yield self.found(plan, told={"length": length}, needed=round(needed / GIGA, 1), there=round(there / GIGA))


CHECKS: tuple[type[SettingCheck], ...] = (ReferenceElsewhere, DropoutOn, PrecisionAtOdds, NothingTrains, DoesNotFit)
