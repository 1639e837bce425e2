"""Numbers that are no numbers."""

from __future__ import annotations

from barograph.core.methods import CLASSIFIER, Method
from barograph.core.names import EVAL
from barograph.rules.advice import advise, check_data, cut_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import loss
from barograph.signals.words import fraction, median, nonfinite, sustained

precision = advise("Train in bf16 or fp32: fp16 overflows on long sums of log-probabilities")
show_nan = advise("Set logging_nan_inf_filter=False, so that the trainer stops hiding it")


class LossNotFinite(Rule):
    """The loss is NaN or infinite.

    Why: an overflow in fp16, a learning rate that has blown up the weights, a batch whose labels are all masked, or a
    division by the size of an empty class. From here on every updated weight is NaN as well.
    False alarm: none is known; a loss that is not a number cannot be trained on.
    Sources: KTO guide (D); TRL issues 1371, 2435, 878 (I).
    """

    code, name, severity = "NUM01", "loss-not-finite", CRITICAL
    about = ("loss", "policy_loss", "value_loss")
    when = nonfinite("loss") | nonfinite("policy_loss") | nonfinite("value_loss")
    says = "{metric} is not a number from step {step} on ({rows})"
    do = (stop("the training has collapsed"), revert(), cut_lr(), precision, check_data)
    may_act = True
    follows = ("KTO08",)


class GradientNotFinite(Rule):
    """The gradient norm is NaN or infinite.

    Why: an overflow in the backward pass. One such row may be a step that the fp16 scaler skipped; two in a row mean
    that the weights themselves are spoilt.
    False alarm: single infinite norms in fp16 training with a loss scaler; those stay a warning.
    Sources: KTO guide (D); TRL issue 2435 (I).
    """

    code, name, severity = "NUM02", "gradient-not-finite", WARNING
    about = ("grad_norm", "critic_grad_norm")
    patience = param(2, "rows in a row that make it critical")
    when = nonfinite("grad_norm") | nonfinite("critic_grad_norm")
    escalates = {CRITICAL: sustained(when, patience)}
    says = "{metric} is not a number in {rows} from step {step} on"
    do = (stop(), revert(), precision, cut_lr())
    may_act = True
    follows = ("NUM01",)


class MaskedNaN(Rule):
    """The loss is printed as exactly zero while the gradient or the rewards are NaN.

    Why: the transformers trainer replaces a NaN loss by a running mean, which is 0 when the first step of a window is
    hit. The printed loss looks perfect; nothing is being trained any more.
    False alarm: online methods log a loss of exactly 0 in good health, but never with a NaN gradient.
    Sources: transformers `logging_nan_inf_filter` (S); LLaVA-NeXT issue 359 (I).
    """

    code, name, severity = "NUM03", "nan-masked-as-zero", CRITICAL
    about = "loss"
    when = (abs(loss) <= 0) & (nonfinite("grad_norm") | nonfinite("reward_chosen") | nonfinite("logp_chosen"))
    says = (
        "the loss reads exactly 0 while gradient or rewards are NaN, from step {step} on: a hidden NaN, no perfect fit"
    )
    do = (stop(), revert(), precision, show_nan, cut_lr())
    may_act = True


class SignalNotFinite(Rule):
    """Rewards, log-probabilities, the KL or the score are NaN or infinite.

    Why: if both classes are hit, log-probabilities overflow or an answer is empty after masking. If one class only is
    hit, it was absent from the batch and its mean divides by zero.
    False alarm: `logits/*` alone may be NaN from padding columns without touching the loss: see `logits-not-finite`.
    Sources: TRL issues 1447, 1380, 2435 (I); a mean over nothing (M).
    """

    code, name, severity = "NUM04", "signal-not-finite", WARNING
    about = ("reward_chosen", "reward_rejected", "reward_margin", "logp_chosen", "logp_rejected", "kto_z0", "kl_ref",
             "kl_ref_sequence", "score_mean", "entropy", "eval.loss")  # fmt: skip
    when = (
        nonfinite("reward_chosen")
        | nonfinite("reward_rejected")
        | nonfinite("logp_chosen")
        | nonfinite("logp_rejected")
        | nonfinite("kto_z0")
        | nonfinite("kl_ref")
        | nonfinite("kl_ref_sequence")
        | nonfinite("score_mean")
        | nonfinite("entropy")
        | nonfinite("loss", EVAL)
    )
    says = "{metric} is not a number in {rows} from step {step} on"
    do = (
        advise("If one class only is hit, use larger or balanced batches, so that none lacks it"),
        precision,
        advise("Look for answers that are empty after masking or truncation"),
    )
    follows = ("KTO08", "NUM01", "NUM02", "NUM03")


class LogitsNotFinite(Rule):
    """The mean of the logits is NaN while loss and rewards are numbers.

    Why: the mean is taken over positions or columns that stand for padding and hold minus infinity; the loss does not
    read them.
    False alarm: it nearly always is one: a remark, so that nobody stops a run for it.
    Sources: TRL issue 2435 (I).
    """

    code, name, severity = "NUM05", "logits-not-finite", INFO
    about = ("logit_chosen", "logit_rejected")
    broken = nonfinite("loss") | nonfinite("reward_chosen") | nonfinite("logp_chosen") | nonfinite("grad_norm")
    when = (nonfinite("logit_chosen") | nonfinite("logit_rejected")) & ~broken
    says = "{metric} is not a number while loss and rewards are: only what is logged is spoilt, not the training"
    do = (advise("Leave it, as long as the loss is a number"), precision)
    follows = ("NUM01", "NUM02", "NUM03", "NUM04")


class LossExactlyZero(Rule):
    """Single rows have a loss of exactly zero between ordinary ones.

    Why: no label of these batches counts: all are masked, or a separator was not found, or what counts was truncated.
    False alarm: a text that is known by heart, in a log that is rounded; its neighbours are near zero as well then.
    Sources: mean over no label at all, in the trainers of transformers (S); share (G).
    """

    code, name, severity = "NUM06", "loss-exactly-zero", INFO
    methods = CLASSIFIER | {Method.SFT, Method.ORPO}
    about = "loss"
    usual = param(0.05, "loss of its neighbours, at least")
    many = param(0.1, "share of the last 20 rows that makes it a warning")
    # The median of the rows around it is far from zero: this is no good fit.
    empty = (abs(loss) <= 0) & (median(loss, 10) > usual)
    when = empty
    escalates = {WARNING: fraction(empty, 20) >= many}
    says = "the loss is exactly 0 at step {step}, between ordinary ones: no label of that batch counts"
    do = (check_data, advise("Count the labels that are not masked; check step_separator and max_length"))
    follows = ("NUM01", "NUM03")


RULES = (LossNotFinite, GradientNotFinite, MaskedNaN, SignalNotFinite, LogitsNotFinite, LossExactlyZero)
