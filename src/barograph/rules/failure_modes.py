"""What can go wrong in such a run, in plain words, and which rules look for it; or why none can.

The page `docs/coverage.md` is printed from here. A rule may look for more than one failure, and a failure may have
several rules: one for each series that tells of it.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FAILURE_MODES", "FailureMode", "by_nothing", "by_rules"]


class FailureMode(NamedTuple):
    """One way to fail."""

    words: str
    #: The rules that look for it.
    rules: tuple[str, ...] = ()
    #: Why no rule does, or what is left to look for by other means.
    why_not: str = ""


def by_rules(words: str, codes: str) -> FailureMode:
    """A failure that rules look for."""
    return FailureMode(words, tuple(codes.split()))


def by_nothing(words: str, why_not: str) -> FailureMode:
    """A failure that no log shows."""
    return FailureMode(words, (), why_not)


FAILURE_MODES: dict[str, tuple[FailureMode, ...]] = {
    "Every run": (
        by_rules("loss or gradient is NaN or infinite", "NUM01 NUM02"),
        by_rules("a NaN is hidden: the loss reads exactly 0, or a mean of earlier steps", "NUM03 NUM02"),
        by_rules("rewards, log-probabilities, KL, score or entropy are NaN", "NUM04"),
        by_rules("only the logged logits are NaN, and nothing is wrong", "NUM05"),
        by_rules("batches in which no label counts", "NUM06 NUM03"),
        by_rules("the gradient explodes, once or for good", "GRAD01 GRAD02 GRAD03 GRAD06 GRAD07"),
        by_rules("every gradient is clipped to a small part of itself", "GRAD08"),
        by_rules("the gradient vanishes", "GRAD04 GRAD05 GRAD09"),
        by_rules("nothing is trainable: adapter off, labels masked away", "PREF01 GRAD04 LOSS01"),
        by_rules("the learning rate is zero in mid-run, or jumps upwards", "RATE01 RATE05"),
        by_rules("the learning rate is outside the range of the method", "RATE03 RATE04"),
        by_rules("there is no warm-up", "RATE02"),
        by_rules("the loss rises, or spikes and stays up", "LOSS02 LOSS05 LOSS11"),
        by_rules("the loss does not fall", "LOSS01 LOSS06"),
        by_rules("the loss jumps up and down", "LOSS07 LOSS05"),
        by_rules("the loss is gone within the first steps", "LOSS03"),
        by_rules("training and evaluation drift apart", "FIT01 FIT02 FIT03 FIT04"),
        by_rules("the evaluation never moves, creeps, or never gets better than at the start", "MOVE02 MOVE08 MOVE03"),
        by_rules("too many passes over the data", "FIT07"),
        by_rules("single steps hang; steps take longer and longer; the throughput falls", "RUN01 RUN02 RUN03"),
        by_nothing(
            "the process hangs or is killed, and no row comes any more",
            "a rule judges rows that are there; `barograph watch` says how long ago the last one came",
        ),
        by_nothing(
            "the load on the experts of a mixture is uneven",
            "the scale of this loss differs from model to model, and no level is known",
        ),
    ),
    "Pairs: DPO, IPO, ORPO, CPO, SimPO": (
        by_rules("the policy is the reference, row after row", "PREF01 LIK04 LOSS01"),
        by_rules("no token of the answers counts: all labels are masked", "LIK12 PREF01"),
        by_rules("not learning: rate too low, answers too alike, beta too large", "PREF04 LIK04 LOSS01 ACC01 MOVE01"),
        by_rules("ranked rightly, with no confidence", "PREF07"),
        by_rules("rejected answers are preferred: columns swapped, template or truncation wrong", "PREF03 ACC02"),
        by_rules("labels turn round in mid-run", "MOVE04 MOVE07"),
        by_rules("evaluation at chance while the training set is learned", "MOVE06 FIT04"),
        by_rules("too easy: something trivial gives the answer away", "ACC03 LOSS03"),
        by_rules("pairs are memorised", "LOSS04 PREF06 FIT01"),
        by_rules("over-optimisation: the margin grows, the evaluation does not", "PREF06 FIT06 FIT08 FIT01"),
        by_rules("likelihood displacement: both answers become less likely", "LIK01 LIK07 LIK08 LIK09"),
        by_rules("only the rejected answers move; or both rise", "LIK03 LIK02"),
        by_rules("both move far together and hardly apart", "LIK05"),
        by_rules("the margin shrinks, or is unsteady", "PREF05 PREF08"),
        by_rules("the accuracy stays a little above chance", "ACC04 ACC01"),
        by_rules("beta too small: far from the reference early", "PREF09 PREF12 LIK01"),
        by_rules("beta too large: the policy is glued to its reference", "PREF10 LIK04 LOSS10"),
        by_rules("the reference is not the model that training starts from", "PREF02 LOSS08"),
        by_rules("chosen and rejected are one text after truncation", "LIK06"),
        by_rules("a few pairs are wrong by far while most are won", "LOSS10"),
        by_rules("loss and margin do not belong together", "LOSS09 LOSS08"),
        by_rules("without a reference: margin or log odds do not rise, likelihood is lost", "PREF11 LIK07 LIK09"),
        by_rules("the model of language suffers: token accuracy, entropy, logits", "LIK08 LIK11 LIK10"),
        by_rules("the accuracy is only ever 0 or 1", "ACC05"),
        by_nothing(
            "a synchronised reference makes the margin a saw",
            "it is meant to: where the settings say sync_ref_model, PREF05 is silent",
        ),
        by_nothing(
            "labels that are wrong all through",
            "the run learns the wrong thing well: no curve shows it; read ten pairs",
        ),
        by_nothing(
            "chosen answers are longer than rejected ones, and length is what is learned",
            "no trainer of pairs logs the lengths of its two answers: compare them in the data",
        ),
    ),
    "Single answers: KTO, BCO": (
        by_rules("not learning: the loss stays at what it starts from", "LOSS01 LIK04 PREF04"),
        by_rules("the KL estimate is stuck at zero, or tiny", "KTO02 KTO06"),
        by_rules("the KL estimate is too high", "KTO01"),
        by_rules("too few examples per device for the KL estimate", "KTO04"),
        by_rules("the classes do not balance, weights included", "KTO05"),
        by_rules("batches hold one class only", "KTO03 KTO08 NUM04"),
        by_rules("rejected answers are preferred", "PREF03"),
        by_rules("only the rejected answers move", "LIK03"),
        by_rules("saturated early: half of the loss gone, far from the reference", "KTO07 LOSS03 LOSS04"),
    ),
    "Reward models": (
        by_rules("no signal: the score is read at a padding token", "RM01 LOSS01 RM06"),
        by_rules("weak on unseen pairs, or suspiciously good", "RM02 RM03"),
        by_rules("overfitted", "FIT01 FIT02 FIT03 FIT04"),
        by_rules("surer than it is right", "RM05 RM08"),
        by_rules("the level or the range of rewards runs away", "RM04 RM09 RM10"),
        by_rules("the range of rewards shrinks, and pairs are ranked by chance", "RM11"),
        by_rules("all answers get the same reward", "RM06"),
        by_rules("rejected answers get the higher reward", "RM07"),
        by_nothing("longer answers get higher rewards", "no trainer logs how rewards and lengths go together"),
        by_nothing(
            "the calibration error itself",
            "it needs every single answer; RM08 and CLS09 look at bounds that means allow",
        ),
    ),
    "Step classifiers": (
        by_rules("always the same answer", "CLS01 CLS08"),
        by_rules("no better than knowing how frequent the classes are", "CLS10 CLS11"),
        by_rules("wrong steps are not recognised", "CLS02"),
        by_rules("too conservative, or too optimistic", "CLS03 CLS04"),
        by_rules("F1 stays low", "CLS07"),
        by_rules("accuracy stuck low, below what is useful, or underfitted", "CLS05 CLS06 CLS12 FIT05"),
        by_rules("overfitted, or surer than it is right", "FIT01 FIT02 FIT03 CLS09"),
        by_rules("the separator of steps is another one than in the data", "CLS10 CLS05 NUM06"),
    ),
    "Online: the score": (
        by_rules("the score does not change: the reward function is broken", "RWD01"),
        by_rules("one of several reward functions never matches, or is always earned", "RWD08"),
        by_rules("the score does not rise, or stands still after a while", "RWD02 RWD05 MOVE05 RWD07"),
        by_rules("the score had been reached and is lost", "RWD03"),
        by_rules("reward hacking: the score rises, the evaluation falls or gains nothing", "RWD04 RWD09"),
        by_rules("the score rises with length, with repetition, or as the entropy goes", "RWD06"),
        by_rules("groups without a spread teach nothing, from the start or in the end", "GRP01 GRP02 GRP08"),
        by_rules("prompts too hard, or all solved", "RWD10 GRP03 GRP04 GRP01"),
        by_rules("a group of one answer", "ROLL04"),
        by_rules("advantages are extreme, or off their centre", "GRP05 GRP06"),
        by_rules("online DPO: the two answers score alike", "GRP07"),
        by_nothing(
            "the distance at which a proxy stops being worth it",
            "it takes a fit against an outside measure; RWD04 asks the evaluation that is logged",
        ),
        by_nothing(
            "wrong answers are longer than right ones", "no trainer logs the two lengths apart; LEN03 sees the sum"
        ),
        by_nothing(
            "scores of text (BLEU, BERTScore) fall",
            "how far they may fall depends on the task: they are drawn and compared, not judged",
        ),
    ),
    "Online: the policy": (
        by_rules("the KL to the reference is too high", "KL01 KL02"),
        by_rules("the KL leaps for single rows", "KL05"),
        by_rules("the KL grows while the score does not; only the KL term is left", "KL04 RWD02"),
        by_rules("the KL is negative beyond noise", "KL03"),
        by_rules("the KL is not zero in the first row", "KL07"),
        by_rules("the weight of the KL term runs away, or is set far too large", "KL06 KL08"),
        by_rules("the entropy collapses, explodes, or is paid for too well", "ENT01 ENT02 ENT03"),
        by_rules("updates too large: clipped, ratio off, far from the policy that sampled", "CLIP01 CLIP02 CLIP03"),
        by_rules("nothing is ever clipped; or something is that should not be", "CLIP04 CLIP05"),
        by_rules(
            "the critic diverges, explains nothing, or little; its updates are clipped", "VAL01 VAL02 VAL05 VAL04 VAL03"
        ),
        by_nothing(
            "the loss of GRPO is 0, or rises from 0", "it is meant to: advantages are centred, what is left is the KL"
        ),
        by_nothing(
            "the entropy is high, or low, from the first row on",
            "it belongs to the model and its temperature: what matters is where it goes from there",
        ),
        by_nothing("there is no KL in the log", "nothing is amiss: with beta 0 it is not computed"),
    ),
    "Online: answers and engines": (
        by_rules("answers are cut off at the length limit", "LEN01 LEN02 LEN05"),
        by_rules("answers that used to end do not any more", "LEN06"),
        by_rules("answers grow without a better score, or shrink to nothing", "LEN03 LEN04"),
        by_rules("sampling is narrowed, or cold", "ROLL05 ROLL06 KL03"),
        by_rules("rollouts fail, are aborted, tools fail", "ROLL01 ROLL02 ROLL03"),
        by_rules("generating engine and trainer disagree", "ENG01 ENG02 ENG03 ENG07"),
        by_rules("their correction is out of hand: ratio off, few samples count, many left out", "ENG04 ENG05 ENG06"),
        by_rules("samples are too old", "ENG08"),
    ),
}
