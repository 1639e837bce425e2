"""What speaks for a cause and against it, silence that tells, and two causes that are told apart."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from barograph.core.cause import Cause, GroundKind
from barograph.core.finding import Finding, NotJudged, Severity
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.rules import circumstances
from barograph.rules.case import Case
from barograph.rules.catalogue import by_code
from barograph.rules.causes import CAUSES, CauseRule
from barograph.rules.circumstances import Circumstance
from barograph.rules.grounds import argue

HIGH, LOW = "learning rate too high", "learning rate too low"


def found(code: str, severity: Severity = Severity.WARNING, follows: str | None = None, step: int = 50) -> Finding:
    return Finding(code, by_code()[code].name, severity, step, 100, "loss", "", follows=follows)


def run(method: Method = Method.KTO, **config: object) -> Run:
    rows = [(step, {"loss": 0.5, "epoch": step / 200}) for step in range(10, 101, 10)]
    return run_from_rows(rows, method=method, config=config)


def rule(name: str) -> CauseRule:
    return next(one for one in CAUSES if one.name == name)


def cause(name: str, *codes: str, score: float = 1.0) -> Cause:
    return Cause(name, score, codes, rule(name).advice)


def test_for_and_against_with_the_weights_of_the_table() -> None:
    findings = [found("LOSS02"), found("PREF03", Severity.CRITICAL)]
    (high,) = argue(
        [cause(HIGH, "LOSS02", "PREF03")], findings, run(learning_rate=5e-5, lora=False), {"LOSS02", "GRAD01"}
    )
    weights = rule(HIGH).speaks
    told = [(ground.kind, ground.code, ground.weight) for ground in high.speaks[:2]]
    assert told == [
        (GroundKind.FINDING, code, weights[code])
        for code in sorted(("LOSS02", "PREF03"), key=lambda code: -weights[code])
    ]
    # 5e-5 is ten times 5e-6, the most that KTO's documentation advises for a whole model.
    assert high.speaks[2].says == "the learning rate is 5e-5, 10 times the most: 5e-7 to 5e-6 is usual for kto"
    # GRAD01 was judged and stays silent; RWD03 and CLIP03, which are expected too, were not judged.
    assert [(ground.kind, ground.code, ground.says) for ground in high.against] == [
        (GroundKind.SILENCE, "GRAD01", "gradient-explosion")
    ]


def test_a_rate_that_is_usual_speaks_against_its_being_too_high() -> None:
    (high,) = argue([cause(HIGH, "LOSS02")], [found("LOSS02")], run(learning_rate=1e-6, lora=False), set())
    assert [ground.says for ground in high.against] == ["the learning rate is 1e-6: 5e-7 to 5e-6 is usual for kto"]


def test_findings_that_would_not_be_there_speak_against() -> None:
    (low,) = argue([cause(LOW, "LOSS01")], [found("LOSS01"), found("KL01")], run(Method.GRPO), {"LOSS01", "KL01"})
    assert [(ground.code, ground.weight) for ground in low.against] == [("KL01", rule(LOW).against["KL01"])]


def test_where_no_configuration_is_known_nothing_is_said_of_it() -> None:
    (high,) = argue([cause(HIGH, "LOSS02")], [found("LOSS02")], run(), set())
    assert [ground.code for ground in high.speaks] == ["LOSS02"]
    assert high.against == ()
    assert high.prescription is not None
    assert high.prescription.says == "Go back to before step 50 with half the learning rate"
    assert high.advice == (high.prescription.says,)
    assert high.prescription.changes == ()


def test_a_cause_explains_what_follows_from_its_findings() -> None:
    findings = [found("PREF03"), found("PREF05", follows="PREF03"), found("LIK01", follows="PREF05"), found("NUM01")]
    (swapped,) = argue([cause("chosen and rejected swapped", "PREF03")], findings, run(), set())
    assert swapped.explains == ("PREF03", "PREF05", "LIK01")


def test_words_alone_where_no_measure_knows_a_number() -> None:
    (swapped,) = argue([cause("chosen and rejected swapped", "PREF03")], [found("PREF03")], run(), set())
    assert swapped.prescription is not None
    assert swapped.prescription.to_dict() == {
        "says": rule("chosen and rejected swapped").advice[0], "changes": {}, "resume_from": None,
    }  # fmt: skip


def test_the_second_says_what_tells_it_from_the_first_if_it_is_close() -> None:
    findings = [found("RWD02")]
    causes = [cause(LOW, "RWD02", score=0.5), cause("prompts do not match the model", "RWD02", score=0.4)]
    missing = [NotJudged("GRP01", ("zero_std_frac",))]
    first, second = argue(causes, findings, run(Method.GRPO), {"RWD02"}, missing)
    assert (first.is_close, first.tells_apart) == (False, "")
    # Of the two checks the one that takes a look, not a run; and the metric that would speak for one of them alone.
    assert second.is_close
    assert second.tells_apart == (
        f"{rule('prompts do not match the model').settles}; "
        "with zero_std_frac in the log, GRP01 could speak for prompts do not match the model"
    )
    # 0.3 is less than seven tenths of 0.5.
    far = [causes[0], cause("prompts do not match the model", "RWD02", score=0.3)]
    assert not argue(far, findings, run(Method.GRPO), {"RWD02"}, missing)[1].is_close


@pytest.mark.parametrize("one", CAUSES, ids=lambda one: one.name)
def test_every_cause_can_be_settled_and_expects_rules_that_speak_for_it(one: CauseRule) -> None:
    assert set(one.expects) <= set(one.speaks)
    assert one.expects
    assert one.settles
    assert all(part.__doc__ for part in (*one.prescribes, *one.circumstances))


# Circumstances


def said(
    circumstance: Circumstance,
    method: Method = Method.KTO,
    config: Mapping[str, object] | None = None,
    **series: float,
) -> tuple[str, bool] | None:
    rows = [(step, {"loss": 0.5, **series}) for step in range(10, 101, 10)]
    told = circumstance(Case(run_from_rows(rows, method=method, config=config), [found("LOSS02")]))
    return (told.says, told.speaks) if told else None


def test_beta() -> None:
    assert said(circumstances.beta_is_small, config={"beta": 0.001}) == ("beta is 0.001: 0.01 to 0.5 is usual", True)
    assert said(circumstances.beta_is_small, config={"beta": 0.1}) == ("beta is 0.1: 0.01 to 0.5 is usual", False)
    assert said(circumstances.beta_is_large, config={"dpo_beta": 50}) == ("beta is 50: 0.01 to 0.5 is usual", True)
    assert said(circumstances.beta_is_large) is None


def test_a_rate_between_the_ranges_says_nothing_where_adapters_may_be_trained() -> None:
    assert said(circumstances.rate_is_high, config={"learning_rate": 2e-5}) is None
    assert said(circumstances.rate_is_low, config={"learning_rate": 1e-8}) == (
        "the learning rate is 1e-8, 50 times less than the least: 5e-7 to 5e-5 is usual for kto, adapters included",
        True,
    )
    # A rate that is too high says nothing for its being too low.
    assert said(circumstances.rate_is_low, config={"learning_rate": 1e-3}) is None


def test_examples_that_come_again() -> None:
    assert said(circumstances.examples_come_again, epoch=0.4) == (
        "not one epoch is over: no example has been seen twice", False,
    )  # fmt: skip
    assert said(circumstances.examples_come_again, epoch=3.0) == ("3 epochs over the same examples", True)


def test_what_is_trainable() -> None:
    trained = circumstances.something_is_trainable
    assert said(trained, config={"trainable_parameters": 0}) == ("no parameter is trainable", True)
    assert said(trained, config={"trainable_parameters": 7000, "parameters": 7000}) == (
        "7,000 parameters are trainable, by the configuration", False,
    )  # fmt: skip


def test_limits_batches_classes_precision_and_sampling() -> None:
    assert said(
        circumstances.limit_is_short, Method.GRPO, {"max_completion_length": 512}, truncated_frac=0.4, len_mean=450.0
    ) == ("40% of the answers are cut off at max_completion_length 512; their mean length is 450", True)
    assert said(
        circumstances.limit_is_short, Method.GRPO, {"max_completion_length": 512}, truncated_frac=0.01, len_mean=100.0
    ) == ("answers have 100 of 512 tokens", False)
    assert said(circumstances.batch_is_tiny, config={"per_device_train_batch_size": 2}) == (
        "per_device_train_batch_size is 2: 4 or more are needed", True,
    )  # fmt: skip
    # Ten rows of 3 and 1: 30 x 1 / 10 = 3, beyond 4/3; with weights of 1 and 3 it is 1.
    assert said(circumstances.classes_are_unbalanced, count_chosen=3.0, count_rejected=1.0) == (
        "30 desirable and 10 undesirable answers were seen", True,
    )  # fmt: skip
    weighed = said(
        circumstances.classes_are_unbalanced, config={"undesirable_weight": 3}, count_chosen=3.0, count_rejected=1.0
    )
    assert weighed is not None
    assert not weighed[1]
    assert said(circumstances.half_precision, config={"fp16": True}) == (
        "it trains in fp16, whose numbers end at 65504", True,
    )  # fmt: skip
    assert said(circumstances.half_precision, config={"bf16": True, "fp16": False}) == (
        "it trains in bf16, whose range is that of fp32", False,
    )  # fmt: skip
    assert said(circumstances.sampling_is_narrowed, Method.PPO, {"top_k": 2, "top_p": 1.0}) == (
        "answers are sampled with top_k 2", True,
    )  # fmt: skip
    assert said(circumstances.dropout_is_on, config={"disable_dropout": False}) == (
        "dropout is left on (disable_dropout false)", True,
    )  # fmt: skip
