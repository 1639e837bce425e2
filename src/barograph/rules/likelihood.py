"""What the margin hides: where the chosen and the rejected answers go, each by itself."""

from __future__ import annotations

from barograph.core.methods import IMPLICIT_REWARD, PAIRED, Method
from barograph.rules.advice import advise, check_data, cut_lr, earlier_checkpoint, raise_beta, raise_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import chosen, chosen_nats, margin, rejected, rejected_nats
from barograph.signals.words import absolute, after, after_warmup, ema, first, highest, metric, noise, sustained

chosen_slow = ema(chosen_nats, share=0.05)
rejected_slow = ema(rejected_nats, share=0.05)
anchor_chosen = advise("Add a term for the likelihood of the chosen answers (rpo_alpha, an SFT weight)")

longer_pairs = advise("Raise max_length, or cut from the beginning of the prompt")


class BothFalling(Rule):
    """The chosen answers become less likely together with the rejected ones, while the margin grows.

    Why: the loss asks for a difference only. When the answers of a pair resemble each other, pushing one down drags
    the other along, and likelihood moves to texts that nobody chose.
    False alarm: a mild fall is normal, above all after supervised training on the chosen answers; severity follows the
    size in nats, not the sign.
    Sources: likelihood displacement, arXiv 2410.08847; DPOP, 2402.13228; 2404.19733 (P); "expected" by the authors of
    DPO, issues 8 and 32 (I); KTO guide: chosen below -1 (D); nats (G).
    """

    code, name, severity = "LIK01", "chosen-and-rejected-falling", INFO
    methods = IMPLICIT_REWARD
    about = ("reward_chosen", "logp_chosen")
    nats = param(20, "nats per sequence that the chosen answer may lose", by_method={Method.KTO: 10})
    far = param(100, "nats per sequence that make it critical")
    units = param(1e9, "reward units that the chosen answer may lose, whatever beta is", guide=1)
    falling = (
        (chosen_slow < 0) & (rejected_slow < 0) & (chosen_slow < highest(chosen_slow) - 2 * noise(chosen_nats, 20))
    )
    when = after_warmup() & sustained(falling & (chosen_slow < -1), 3, share=0.1)
    escalates = {WARNING: (chosen_slow < -nats) | (ema(chosen, share=0.05) < -units), CRITICAL: chosen_slow < -far}
    shows = {"chosen": ema(chosen, 5), "rejected": ema(rejected, 5), "lost": chosen_slow, "margin": ema(margin, 5)}
    says = (
        "chosen answers lose likelihood too: reward {chosen:.2f} ({lost:.0f} nats), rejected {rejected:.2f}, "
        "while the margin is {margin:.2f}"
    )
    do = (
        anchor_chosen,
        cut_lr(),
        raise_beta,
        advise("Filter pairs whose answers are nearly the same"),
        earlier_checkpoint,
    )
    follows = ("NUM01", "PREF03")


class BothRising(Rule):
    """The rejected answers become more likely together with the chosen ones.

    Why: the run learns the style that both share, as in supervised fine-tuning, rather than the preference.
    False alarm: harmless while the margin grows with it and the size is small.
    Sources: DPO guide: read together with loss and margin (D); nats (G).
    """

    code, name, severity = "LIK02", "chosen-and-rejected-rising", INFO
    methods = IMPLICIT_REWARD
    about = "reward_rejected"
    nats = param(2, "nats per sequence gained by the rejected answer that are worth a remark")
    much = param(20, "nats per sequence that make it a warning")
    when = after_warmup() & sustained(
        (chosen_slow > 0) & (rejected_slow > nats) & (rejected_slow > first(rejected_nats, 3) + nats), 3, share=0.1
    )
    escalates = {WARNING: rejected_slow > much}
    shows = {"chosen": ema(chosen, 5), "rejected": ema(rejected, 5)}
    says = "the reward of rejected answers rises too: {rejected:.2f}, chosen {chosen:.2f}"
    do = (check_data, advise("Compare with the loss: if it falls slowly, the shared style is being learned"), cut_lr())


class ChosenNotRising(Rule):
    """The margin comes from the rejected answers alone.

    Why: pushing down is easier than pulling up; in KTO the desirable side may weigh too little.
    False alarm: common and often harmless in DPO; a remark.
    Sources: DPO guide: chosen falls or stays flat (D); healthy-range survey K8 (G).
    """

    code, name, severity = "LIK03", "only-rejected-moves", INFO
    methods = IMPLICIT_REWARD
    about = "reward_chosen"
    flat = param(0.1, "part of the margin that the chosen answers contribute at least")
    when = after(share=0.4, steps=80) & sustained(
        (chosen_slow < flat * (chosen_slow - rejected_slow)) & (rejected_slow < -2) & (chosen_slow > -1), 3, share=0.1
    )
    shows = {"chosen": ema(chosen, 5), "rejected": ema(rejected, 5)}
    says = "only the rejected answers move: chosen {chosen:.3f}, rejected {rejected:.3f}"
    do = (anchor_chosen, advise("In KTO raise desirable_weight"))
    follows = ("LIK01",)


class RewardsDoNotMove(Rule):
    """Both rewards stay near zero.

    Why: the policy hardly leaves the reference: the rate is too low or beta too large.
    False alarm: early in the run; it is judged after a third.
    Sources: KTO guide: near zero and not moving (D); nats (G).
    """

    code, name, severity = "LIK04", "rewards-do-not-move", WARNING
    methods = IMPLICIT_REWARD
    about = ("reward_chosen", "reward_rejected")
    nats = param(0.3, "nats per sequence that count as not moving")
    when = after(share=0.33, steps=50) & sustained(
        (abs(chosen_slow) < nats) & (abs(rejected_slow) < nats), 3, share=0.1
    )
    shows = {"chosen": ema(chosen, 5), "rejected": ema(rejected, 5)}
    says = "neither reward moves: chosen {chosen:.4f}, rejected {rejected:.4f}"
    do = (raise_lr, advise("Lower beta"), check_data)
    follows = ("PREF01", "PREF04", "RATE03", "LOSS01", "GRAD04", "RATE01")
    forgiven_after = 0.2


class MovesWithoutSeparating(Rule):
    """Both answers move far from the reference, together, and hardly apart.

    Why: steps so large that the whole distribution shifts; what chosen and rejected answers share moves most.
    False alarm: none is known at this size: ten nats are a factor of twenty thousand.
    Sources: measured on runs at 33 and 100 times a sane rate (G).
    """

    code, name, severity = "LIK05", "moves-without-separating", WARNING
    methods = IMPLICIT_REWARD
    about = ("reward_chosen", "reward_rejected")
    nats = param(10, "nats per sequence that both have moved")
    far = param(30, "nats per sequence that make it critical")
    times = param(5, "times their distance from each other")
    together = absolute(ema(chosen_nats, 5) + ema(rejected_nats, 5)) / 2
    apart = absolute(ema(chosen_nats, 5) - ema(rejected_nats, 5))
    when = sustained((together > nats) & (together > times * apart), 3, steps=5)
    escalates = {CRITICAL: together > far}
    shows = {"chosen": ema(chosen, 5), "rejected": ema(rejected, 5), "moved": together}
    says = "both rewards moved {moved:.0f} nats together (chosen {chosen:.2f}, rejected {rejected:.2f}), hardly apart"
    do = (stop(), revert(), cut_lr())
    may_act = True
    follows = ("NUM01", "PREF02", "PREF03")


class ChosenIsRejected(Rule):
    """Chosen and rejected answers are as likely as each other, to the last digit: the model sees one text twice.

    Why: the length limit or the template cuts off all in which they differ, or one column is read for both.
    False alarm: none is known: two texts that differ never are as likely as each other row after row.
    Sources: measured on runs whose length limit cuts off what differs (G); DPO guide: a margin of exactly zero (D).
    """

    code, name, severity = "LIK06", "chosen-is-rejected", CRITICAL
    methods = PAIRED
    about = ("logp_rejected", "logp_chosen")
    patience = param(5, "rows in a row")
    apart = param(1e-6, "difference that is none, as a share of the log-probability")
    likely, unlikely = metric("logp_chosen"), metric("logp_rejected")
    when = sustained(absolute(likely - unlikely) <= apart * absolute(likely), patience)
    shows = {"logp": likely}
    says = "chosen and rejected answers have the same log-probability ({logp:.5g}) for {rows}: one text to the model"
    do = (advise("Read ten pairs as the model sees them, after template and truncation"), longer_pairs, stop())
    follows = ("NUM01",)


RULES = (BothFalling, BothRising, ChosenNotRising, RewardsDoNotMove, MovesWithoutSeparating, ChosenIsRejected)
