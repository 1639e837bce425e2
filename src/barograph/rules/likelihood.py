"""What the margin hides: where the chosen and the rejected answers go, each by itself."""

from __future__ import annotations

from barograph.core.methods import IMPLICIT_REWARD, PAIRED, PREFERENCE, Method
from barograph.rules.advice import advise, check_data, cut_lr, earlier_checkpoint, raise_beta, raise_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import chosen, chosen_nats, margin, rejected, rejected_nats
from barograph.signals.words import absolute, after, after_warmup, ema, first, highest, metric, noise, sustained

chosen_slow = ema(chosen_nats, share=0.05)
rejected_slow = ema(rejected_nats, share=0.05)
likely = metric("logp_chosen")
logit, logit_rejected = metric("logit_chosen"), metric("logit_rejected")
REFERENCE_FREE = frozenset({Method.ORPO, Method.CPO})

anchor_chosen = advise("Add a term for the likelihood of the chosen answers (rpo_alpha, an SFT weight)")
longer_pairs = advise("Raise max_length, or cut from the beginning of the prompt")


class BothFalling(Rule):
    """The chosen answers become less likely together with the rejected ones, while the margin grows.

    Why: the loss asks for a difference only. When the answers of a pair resemble each other, pushing one down drags
    the other along, and likelihood moves to texts that nobody chose.
    False alarm: a mild fall is normal, above all after supervised training on the chosen answers; severity follows the
    size in nats, not the sign.
    Sources: likelihood displacement, arXiv 2410.08847; DPOP, 2402.13228; 2404.19733 (P); "expected" by the authors of
    DPO, issues 8 and 32 (I); KTO guide: chosen below -1 (D, the `guide` profile);
    nats, of which healthy KTO runs of ours lose up to 16 (G).
    """

    code, name, severity = "LIK01", "chosen-and-rejected-falling", INFO
    methods = IMPLICIT_REWARD
    about = ("reward_chosen", "logp_chosen")
    nats = param(20, "nats per sequence that the chosen answer may lose")
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
    follows = ("KTO03", "NUM01", "PREF03", "MOVE01")


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
    Sources: DPO guide: chosen falls or stays flat (D); practice (G).
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
        (abs(chosen_slow) < nats)
        & (abs(rejected_slow) < nats)
        # A mean of nought may hide that every single pair moves.
        & (noise(chosen_nats, 20) < nats),
        3,
        share=0.1,
    )
    shows = {"chosen": ema(chosen, 5), "rejected": ema(rejected, 5)}
    says = "neither reward moves: chosen {chosen:.4f}, rejected {rejected:.4f}"
    do = (raise_lr, advise("Lower beta"), check_data)
    follows = ("PREF01", "PREF04", "RATE03", "LOSS01", "GRAD04", "RATE01")
    forgiven_after = 0.2


class MovesWithoutSeparating(Rule):
    """Both answers move far from the reference, together, and hardly apart.

    Why: steps so large that the whole distribution shifts; what chosen and rejected answers share moves most.
    False alarm: none is known at this size: ten nats are a factor of twenty thousand. KTO pushes all answers
    down while its estimate of the KL is zero, so that more is waited for.
    Sources: measured on runs at 33 and 100 times a sane rate (G).
    """

    code, name, severity = "LIK05", "moves-without-separating", WARNING
    methods = IMPLICIT_REWARD
    about = ("reward_chosen", "reward_rejected")
    nats = param(10, "nats per sequence that both have moved", by_method={Method.KTO: 20})
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
    follows = ("KTO03", "NUM01", "PREF02", "PREF03", "MOVE01")


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
    unlikely = metric("logp_rejected")
    when = sustained((absolute(likely - unlikely) <= apart * absolute(likely)) & (absolute(likely) > 0), patience)
    shows = {"logp": likely}
    says = "chosen and rejected answers have the same log-probability ({logp:.5g}) for {rows}: one text to the model"
    do = (advise("Read ten pairs as the model sees them, after template and truncation"), longer_pairs, stop())
    follows = ("NUM01",)


class NoLabels(Rule):
    """The log-probability of both answers is exactly zero: it sums over no token at all.

    Why: every label is masked: the template does not find where the answer begins, or the limit cuts the answer off.
    False alarm: none is known: an answer of one token has a log-probability below zero.
    Sources: a sum over nothing (M); ETO issue 14 (I).
    """

    code, name, severity = "LIK12", "answers-without-labels", CRITICAL
    methods = PREFERENCE
    about = ("logp_chosen", "logp_rejected")
    patience = param(5, "rows in a row")
    when = sustained((absolute(likely) <= 0) & (absolute(metric("logp_rejected")) <= 0), patience)
    says = "the log-probability of both answers is exactly 0 for {rows}: no token of them counts"
    do = (
        stop("there is nothing to learn from"),
        advise("Print one tokenised example: which labels are not masked?"),
        longer_pairs,
    )
    follows = ("NUM01",)


class ChosenLikelihoodLost(Rule):
    """Without a reference, the chosen answers become less likely than they were at the beginning.

    Why: the preference term wins against the likelihood term; likelihood moves to texts that nobody chose.
    False alarm: longer answers are less likely as a whole; a mean over rows is compared with its error.
    Sources: likelihood displacement, arXiv 2410.08847 (P); a tenth and a quarter (G).
    """

    code, name, severity = "LIK07", "chosen-likelihood-lost", INFO
    methods = REFERENCE_FREE
    about = "logp_chosen"
    share = param(0.10, "share of its beginning that may be lost")
    much = param(0.25, "share that makes it a warning")
    lost = first(likely, 10) - ema(likely, 10)
    when = after_warmup() & sustained(
        (lost > share * absolute(first(likely, 10))) & (lost > 3 * 0.45 * noise(likely, 30)), 5, share=0.1
    )
    escalates = {WARNING: lost > much * absolute(first(likely, 10))}
    shows = {"logp": ema(likely, 10), "start": first(likely, 10)}
    says = "chosen answers have lost likelihood: {logp:.4g} now, {start:.4g} at the beginning"
    do = (advise("Give the likelihood term more weight: a smaller beta, a larger cpo_alpha"), cut_lr(), revert())
    follows = ("NUM01",)


class TokenAccuracyFalls(Rule):
    """The model predicts the tokens of good answers worse than at the beginning.

    Why: preference tuning at too high a rate, or with too small a beta, damages what the model knows of language.
    False alarm: data of another kind later in the run; a mean is compared with its error.
    Sources: TRL issue 5608: from 0.49 to 0.38 (I); 78 of 100 (G).
    """

    code, name, severity = "LIK08", "token-accuracy-falls", WARNING
    methods = PREFERENCE | {Method.SFT}
    about = "token_accuracy"
    kept = param(0.78, "share of its beginning that must be left")
    known = metric("token_accuracy")
    when = after_warmup() & sustained(
        (ema(known, 10) < kept * first(known, 10)) & (first(known, 10) - ema(known, 10) > 3 * 0.45 * noise(known, 30)),
        5,
        share=0.05,
    )
    shows = {"accuracy": ema(known, 10), "start": first(known, 10)}
    says = "the model predicts {accuracy:.0%} of the tokens rightly, and {start:.0%} at the beginning"
    do = (revert(), cut_lr(), raise_beta, anchor_chosen)
    follows = ("NUM01", "LOSS02", "LIK01", "LIK05", "PREF06")


class LikelihoodTermRises(Rule):
    """The likelihood term of the loss rises.

    Why: the preference term is bought with the likelihood of the chosen answers.
    False alarm: data of another kind later in the run; a mean is compared with its error.
    Sources: the term is there to keep the likelihood, arXiv 2404.19733, 2403.07691 (P); 5 and 15 % (G).
    """

    code, name, severity = "LIK09", "likelihood-term-rises", INFO
    methods = PAIRED
    about = "nll_loss"
    rise = param(0.05, "share of its beginning")
    much = param(0.15, "share that makes it a warning")
    term = metric("nll_loss")
    gained = ema(term, 10) - first(term, 10)
    when = after_warmup() & sustained(
        (gained > rise * first(term, 10)) & (gained > 3 * 0.45 * noise(term, 30)), 5, share=0.1
    )
    escalates = {WARNING: gained > much * first(term, 10)}
    shows = {"now": ema(term, 10), "start": first(term, 10)}
    says = "the likelihood term has risen from {start:.3f} to {now:.3f}: preferences are bought with likelihood"
    do = (advise("Give the likelihood term more weight, or beta less"), cut_lr())
    follows = ("NUM01", "LOSS02", "LIK07")


class LogitsDrift(Rule):
    """The mean logit has moved to several times its beginning.

    Why: weights grow without bound: the rate is too high, or nothing holds the scale of the output.
    False alarm: a constant added to all logits changes nothing; read it with the likelihoods.
    Sources: practice (G).
    """

    code, name, severity = "LIK10", "logits-drift", INFO
    methods = PREFERENCE
    about = ("logit_chosen", "logit_rejected")
    times = param(3, "times the size of its beginning by which it must have moved")
    least = param(2, "units by which it must have moved")
    begin, begin_rejected = first(logit, 5), first(logit_rejected, 5)
    moved = absolute(ema(logit, 10) - begin)
    moved_rejected = absolute(ema(logit_rejected, 10) - begin_rejected)
    far = (moved > times * absolute(begin)) & (moved > least) & (moved > 3 * noise(logit, 30))
    far_rejected = (
        (moved_rejected > times * absolute(begin_rejected))
        & (moved_rejected > least)
        & (moved_rejected > 3 * noise(logit_rejected, 30))
    )
    when = after_warmup() & sustained(far | far_rejected, 5, share=0.05)
    says = "the mean logit ({metric}) has moved far from its beginning, to {value:.2f}"
    do = (cut_lr(), advise("Look at the weight decay, and whether likelihoods fall as well"))
    follows = ("NUM01", "LIK01", "LIK05", "PREF06")


class EntropyShifts(Rule):
    """The model's entropy on good answers has halved, or grown by half.

    Why: preference tuning sharpens the model, or makes it noise, beyond what the preferences ask for.
    False alarm: supervised training on answers of one style sharpens as well; a remark.
    Sources: practice (G).
    """

    code, name, severity = "LIK11", "entropy-shifts", INFO
    methods = PREFERENCE - {Method.ONLINE_DPO}
    about = "entropy"
    more = param(1.5, "times its beginning")
    less = param(0.5, "share of its beginning")
    least = param(0.05, "nats per token by which it must have moved")
    now, begin = ema(metric("entropy"), 10), first(metric("entropy"), 10)
    beyond_noise = (absolute(now - begin) > least) & (absolute(now - begin) > 3 * 0.45 * noise(metric("entropy"), 30))
    when = after_warmup() & sustained(((now > more * begin) | (now < less * begin)) & beyond_noise, 5, share=0.1)
    shows = {"entropy": now, "start": begin}
    says = "the entropy has gone from {start:.3f} to {entropy:.3f} nats per token"
    do = (cut_lr(), raise_beta, earlier_checkpoint)
    follows = ("NUM01", "LIK01", "LIK05", "LIK08", "LOSS02", "PREF06")


RULES = (
    BothFalling,
    BothRising,
    ChosenNotRising,
    RewardsDoNotMove,
    MovesWithoutSeparating,
    ChosenIsRejected,
    NoLabels,
    ChosenLikelihoodLost,
    TokenAccuracyFalls,
    LikelihoodTermRises,
    LogitsDrift,
    EntropyShifts,
)
