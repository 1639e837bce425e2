"""The score that an online method is after."""

from __future__ import annotations

from barograph.core.methods import GENERATING
from barograph.core.names import EVAL
from barograph.rules.advice import advise, check_data, cut_lr, earlier_checkpoint, raise_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import each_component, entropy, kl_sequence, kl_token, length, score
from barograph.signals.words import (
    absolute,
    after,
    count,
    delta,
    ema,
    first,
    fraction,
    highest,
    lowest,
    maximum,
    median,
    metric,
    minimum,
    noise,
    settled,
    sustained,
    total,
)

test_reward = advise("Run the reward function by hand on ten answers: does it parse them, can it tell good from bad?")
eval_score = metric("score_mean", EVAL)
eval_accuracy = metric("task_accuracy", EVAL)
slow = ema(score, share=0.1)
best_so_far = highest(ema(score, 10))
#: It has risen and stands at its best, as far as its scatter lets one see: what does not change any more then has
#: nothing left to learn.
gained = ema(score, 10) - first(score, 3)
at_its_best = (
    (ema(score, 10) >= best_so_far - maximum(0.02 * abs(best_so_far), noise(score, 30)))
    | (gained >= 0.7 * (best_so_far - first(score, 3)))
) & (gained > 0.1 * abs(ema(score, 10)))
#: What the score has gained since it began, and the standard error of a mean over ten rows of it.
score_gain = slow - first(score, 10)
score_error = noise(score, 30) / 3.162


class ScoreConstant(Rule):
    """The score does not change at all from row to row.

    Why: the reward function is broken (a regular expression that never matches, an exception turned into 0), every
    answer is cut off, or the task is solved.
    False alarm: a task that is solved completely; the number says so.
    Sources: practice (G); TRL issue 5697 (I).
    """

    code, name, severity = "RWD01", "score-constant", CRITICAL
    methods = GENERATING
    about = "score_mean"
    patience = param(10, "rows in a row")
    later = param(40, "rows in a row where it often stays the same: rare successes leave long stretches without one")
    often = param(0.6, "share of the last 20 rows with the same score, none above it")
    stays = absolute(delta(score)) < 1e-9
    still = highest(score, patience) - lowest(score, patience) < 1e-9
    never = highest(score) - lowest(score) < 1e-9
    usually_moves = total(stays) < 0.5 * count(score)
    long = highest(score, later) - lowest(score, later) < 1e-9
    # A penalty for the odd answer that does not end is no life in a reward that is else the same for all.
    usual = median(score, 20)
    but_for_a_few = (
        (usual - lowest(score, 20) < 0.1 * abs(usual))
        & (fraction(absolute(score - usual) < 1e-9, 20) >= often)
        & (highest(score, 20) <= usual + 1e-9)
    )
    when = (
        ((count(score) >= patience) & still & (never | usually_moves))
        | ((count(score) >= later) & long)
        | ((count(score) >= 20) & but_for_a_few & (highest(score) <= usual + 1e-9))
    ) & ~at_its_best
    shows = {"score": score}
    says = "the score is exactly {score:.4g}, row after row: the reward does not depend on the answers"
    do = (test_reward, check_data, stop("there is nothing to learn from"))
    # A policy that has broken down gets the same score for everything, and so does one that never ends an answer.
    follows = ("RWD10", "LEN01", "LEN02", "LEN05", "CLIP03", "KL01", "ENT02", "VAL05")
    forgiven_after = 0.2


class ScoreFlat(Rule):
    """Most of the run is over and the score is where it began.

    Why: the reward is too sparse, the prompts are too hard or too easy, or the learning rate is too low.
    False alarm: some runs need hundreds of steps before anything moves; fifty rows are waited for.
    Sources: practice (G); one standard error and more (M).
    """

    code, name, severity = "RWD02", "score-flat", WARNING
    methods = GENERATING
    about = "score_mean"
    begins = param(0.6, "share of the run after which it is judged")
    rows = param(40, "rows that are needed to judge")
    errors = param(1.0, "times the scatter of a ten-row mean that would count as progress")
    # Ten rows at the beginning against the slow average now; the error of both is about scatter / root of ten.
    when = (
        after(share=begins, steps=300)
        & (count(score) >= rows)
        & sustained(slow - first(score, 10) < errors * noise(score, 30) / 3.162, 5, share=0.1)
    )
    shows = {"score": slow, "start": first(score, 10)}
    says = "the score is {score:.3g} at step {last_step} and was {start:.3g} at the start: it has not improved"
    do = (test_reward, raise_lr, advise("Match the prompts to the model: neither all solved nor all failed"))
    follows = ("RWD01", "LEN01", "LEN02", "GRP01", "GRP02", "RWD03", "ENT01", "GRAD04", "NUM02")


class ScoreDropped(Rule):
    """The score had been reached and is lost again.

    Why: too large steps, a collapse of the policy, or an engine that no longer matches the trainer.
    False alarm: curricula that make the prompts harder; noisy scores of few prompts.
    Sources: practice (G).
    """

    code, name, severity = "RWD03", "score-dropped", WARNING
    methods = GENERATING
    about = "score_mean"
    lost = param(0.5, "share of its gain that it must have lost")
    errors = param(2.0, "times the scatter from row to row")
    best = highest(settled(slow, 10))
    start = first(score, 10)
    #: Rare successes make a score that is high for a while by luck: it must have stood above its beginning row by row.
    was_reached = highest(fraction(score > start, 20)) >= 0.8
    fallen = (best - slow > lost * (best - minimum(start, lowest(settled(slow, 10))))) & (
        best - slow > errors * noise(score, 30) / 2
    )
    #: What it could do from the start is gone: this was there without being learned.
    unlearned = start - slow > 3 * noise(score, 30)
    when = after(share=0.2, steps=100) & (
        (was_reached & sustained(fallen & (best - start > noise(score, 30)), 5, share=0.05))
        | sustained(unlearned, 10, share=0.1)
    )
    escalates = {CRITICAL: slow < start - errors * noise(score, 30) / 2}
    shows = {"score": slow, "best": best, "start": start}
    says = "the score has fallen from {best:.3g} to {score:.3g} (it began at {start:.3g})"
    do = (revert(), cut_lr(), test_reward)
    may_act = True
    follows = ("NUM01", "NUM02", "ENT02", "KL02", "KL01", "LEN03", "LEN04", "LEN01", "LEN02", "RWD01", "VAL05")


class RewardHacking(Rule):
    """The training score rises while the evaluation falls.

    Why: the policy has found what the reward pays for, and it is not what was meant.
    False alarm: evaluations of few prompts scatter; three in a row are needed.
    Sources: arXiv 2210.10760 (P); practice (G).
    """

    code, name, severity = "RWD04", "score-up-evaluation-down", CRITICAL
    methods = GENERATING
    about = ("eval.task_accuracy", "eval.score_mean", "score_mean")
    keep = param(0.85, "share of its best that the evaluation must keep")
    smooth = ema(score, share=0.1)
    # It has risen, and has kept most of that.
    proxy = (smooth > first(score, 10) + maximum(noise(score, 30) / 3.162, 0.02 * abs(first(score, 10)))) & (
        highest(smooth) - smooth <= 0.3 * (highest(smooth) - first(score, 10))
    )
    accuracy_best = highest(ema(eval_accuracy, 3))
    score_best = highest(ema(eval_score, 3))
    gold_falls = (ema(eval_accuracy, 3) < (keep) * accuracy_best) | (
        ema(eval_score, 3) < score_best - maximum(0.15 * abs(score_best), noise(eval_score, 5))
    )
    when = (
        ((count(eval_accuracy) >= 3) | (count(eval_score) >= 3))
        & sustained(gold_falls, 3)
        & sustained(proxy, 3, share=0.05)
    )
    shows = {"score": slow, "start": first(score, 10)}
    says = "the training score rose to {score:.3g} while the evaluation fell to {value:.3g}"
    do = (stop("it learns to please the reward"), earlier_checkpoint, advise("Reward what the evaluation measures"))


class ScoreHardlyEver(Rule):
    """The score is at its lowest nearly always, and now and then above it.

    Why: the prompts are too hard for the model: most groups hold nothing to learn from.
    False alarm: a beginning that is slow; thirty rows are waited for, and what is reached more and more often is left
    alone.
    Sources: measured on rewards that one prompt in fifty can earn (G); dynamic sampling, DAPO, arXiv 2503.14476 (P).
    """

    code, name, severity = "RWD10", "score-hardly-ever", WARNING
    methods = GENERATING
    about = "score_mean"
    rows = param(30, "rows that are needed")
    often = param(0.35, "share of rows above the lowest score that would be life enough")
    floor = lowest(score)
    above = score > floor + 1e-9
    # From the start, and not since a break: what was earned row by row before is another matter.
    when = (
        (count(score) >= rows)
        & (first(score, 10) <= floor + 1e-9)
        & (total(above) >= 2)
        & (total(above) < often * count(score))
        & sustained(fraction(above, 20) < often, 10)
    )
    shows = {"above": total(above), "count": count(score), "floor": floor}
    says = "the score is above {floor:.3g} in {above:.0f} of {count:.0f} rows only: hardly a prompt is ever solved"
    do = (advise("Begin with prompts that the model solves now and then"), advise("Give partial credit"), test_reward)
    follows = ("LEN01", "LEN05", "LEN06")
    forgiven_after = 0.2


class NoNewBest(Rule):
    """In a log written once an epoch, the score has had no new best for several epochs.

    Why: the run has learnt what it can; going on mostly raises the KL.
    False alarm: a plateau is how a healthy run ends; it is a remark.
    Sources: RLHF metrics guide: five epochs without a gain (D).
    """

    code, name, severity = "RWD05", "score-plateau", INFO
    methods = GENERATING
    about = "score_mean"
    patience = param(5, "epochs")
    when = (count(metric("epoch_time")) >= 1) & sustained(score < highest(score), patience)
    shows = {"score": score, "best": highest(score)}
    says = "the score has had no new best since epoch {onset}: {score:.3g}, best {best:.3g}"
    do = (earlier_checkpoint, advise("Stop here unless the evaluation still improves"))
    follows = ("RWD01", "RWD02", "RWD03", "LEN01", "LEN02", "GRP01", "GRP02")


class EpochLossFlat(Rule):
    """In a log written once an epoch, the loss has not fallen over several epochs.

    Why: the learning rate may be wrong.
    False alarm: the loss of an online method is no measure of progress; look at the score first. It is a remark.
    Sources: RLHF metrics guide: a loss that does not fall points to the rate (D); RLHF guide: it may rise while the
    score climbs (D).
    """

    code, name, severity = "RWD07", "epoch-loss-flat", INFO
    methods = GENERATING
    about = "loss"
    patience = param(5, "epochs")
    kept = param(0.98, "share of the first epoch's loss that counts as not falling")
    epoch_loss = metric("loss")
    when = (count(metric("epoch_time")) >= 1) & sustained(
        (count(epoch_loss) > 1) & (epoch_loss > kept * first(epoch_loss, 1)), patience
    )
    shows = {"loss": epoch_loss, "start": first(epoch_loss, 1)}
    says = "the loss is {loss:.3g} and was {start:.3g} in the first epoch: it does not fall"
    do = (cut_lr(), advise("Look at the score first: if it rises, the loss may do as it likes"))
    follows = ("NUM01", "RWD03")


class ScoreUpBehaviourDegenerate(Rule):
    """The score rises together with much longer answers or a collapsing entropy.

    Why: length or repetition may be what the reward pays for.
    False alarm: longer answers are often how reasoning improves; read samples before acting.
    Sources: practice (G).
    """

    code, name, severity = "RWD06", "score-up-with-length", INFO
    methods = GENERATING
    about = ("len_mean", "score_mean")
    longer = param(1.5, "times their beginning that answers have grown")
    flatter = param(0.5, "share of its beginning that the entropy has fallen to")
    repeats = param(0.2, "share of answers that repeat themselves, beyond their beginning")
    repetition = metric("repetition_frac")
    risen = slow > first(score, 10) + 2 * noise(score, 30)
    changed = (
        (ema(length, 10) > longer * first(length, 10))
        | (ema(entropy, 10) < flatter * first(entropy, 10))
        | (ema(repetition, 10) > first(repetition, 10) + repeats)
    )
    when = after(share=0.2, steps=50) & sustained(risen & changed, 5, share=0.1)
    #: Far from where it began, and still earning: not broken down, but paid for something else.
    far = (ema(kl_sequence, 10) > 10) | (ema(kl_token, 10) > 0.5)
    escalates = {WARNING: (ema(length, 10) > longer * first(length, 10)) & far}
    shows = {"score": slow, "length": ema(length, 10)}
    says = (
        "the score rises to {score:.3g} as answers change in kind (length {length:.0f}): read some before trusting it"
    )
    do = (advise("Read twenty answers of the last steps"), advise("Evaluate on a measure the reward does not know"))


class ComponentStuck(Rule):
    """One of several reward functions gives the same value all along, while the others move.

    Why: it never matches (an answer format that the model does not write, a parser that fails), or it is earned always;
    either way it teaches nothing, and the others alone are learned.
    False alarm: a check of format that is passed by every answer; one for a strict format beside a lenient one.
    Sources: TRL issue 3903 (I); a fifth of the run (G).
    """

    code, name, severity = "RWD08", "reward-function-stuck", INFO
    methods = GENERATING
    about = "reward_component/*"
    rows = param(20, "rows in a row")
    still = highest(each_component, rows) - lowest(each_component, rows) < 1e-9
    others_move = highest(score, rows) - lowest(score, rows) > 1e-6
    never = highest(each_component) - lowest(each_component) < 1e-9
    when = (count(each_component) >= rows) & sustained(still & others_move, 5, share=0.2)
    # What has never moved, in a run that has got nowhere by the rest of its reward, is what it should have learned.
    escalates = {WARNING: never & after(share=0.6, steps=300) & (count(score) >= 40) & (score_gain < score_error)}
    shows = {"value": each_component, "score": slow}
    says = "the reward function {component} is exactly {value:.3g} since step {onset}, while the score moves"
    do = (test_reward, advise("Give partial credit for what is nearly right, or show the format in the prompt"))
    follows = ("RWD01", "LEN01", "LEN02")


class ScoreUpEvaluationFlat(Rule):
    """The training score has risen and the evaluation has gained nothing.

    Why: the prompts of the training are being memorised, or the reward pays for something else than the evaluation.
    False alarm: evaluations of few prompts scatter: what they gain is compared with their scatter; a remark,
    unless the score has risen far.
    Sources: arXiv 2210.10760 (P); three evaluations (G).
    """

    code, name, severity = "RWD09", "score-up-evaluation-flat", INFO
    methods = GENERATING
    about = ("eval.task_accuracy", "eval.score_mean")
    evaluations = param(4, "evaluations that are needed")
    risen = slow > first(score, 10) + 2 * noise(score, 30)
    flat_accuracy = (count(eval_accuracy) >= evaluations) & (
        ema(eval_accuracy, 3) - first(eval_accuracy, 1) < maximum(noise(eval_accuracy, 5), 0.01)
    )
    flat_score = (count(eval_score) >= evaluations) & (
        ema(eval_score, 3) - first(eval_score, 1) < maximum(noise(eval_score, 5), 0.1 * (slow - first(score, 10)))
    )
    when = after(share=0.4, steps=100) & sustained(risen & (flat_accuracy | flat_score), 5, share=0.1)
    #: An evaluation that scatters widely may hide what has been gained.
    told_flat = flat_accuracy & (noise(eval_accuracy, 5) < 0.05)
    far = (score_gain > 3 * noise(score, 30)) & (score_gain > 0.2 * abs(first(score, 10)))
    escalates = {WARNING: after(share=0.5, steps=200) & far & told_flat & (first(eval_accuracy, 1) < 0.95)}
    shows = {"score": slow, "start": first(score, 10)}
    says = "the training score rose from {start:.3g} to {score:.3g}, and the evaluation stays at {value:.3g}"
    do = (advise("Use more prompts, and evaluate on some that are not trained on"), test_reward)
    follows = ("RWD04",)


RULES = (
    ScoreConstant,
    ScoreFlat,
    ScoreDropped,
    RewardHacking,
    ScoreHardlyEver,
    NoNewBest,
    EpochLossFlat,
    ScoreUpBehaviourDegenerate,
    ComponentStuck,
    ScoreUpEvaluationFlat,
)
