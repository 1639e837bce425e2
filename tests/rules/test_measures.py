"""Prescriptions with their numbers worked out by hand, and what is said where nothing is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from barograph.core.cause import Change
from barograph.core.finding import Finding, Severity
from barograph.core.methods import Method
from barograph.core.run import run_from_rows
from barograph.rules import measures
from barograph.rules.case import Case
from barograph.rules.measures import Measure, prescribe

WORDS = ("Look at it yourself",)


def found(code: str = "PREF03", onset: int = 60, severity: Severity = Severity.CRITICAL) -> Finding:
    return Finding(code, code.lower(), severity, onset + 10, 100, "loss", "", evidence={"onset": float(onset)})


def case(
    method: Method = Method.KTO,
    config: Mapping[str, object] | None = None,
    findings: Iterable[Finding] = (found(),),
    rates: Mapping[int, float] | None = None,
    **series: Mapping[int, float],
) -> Case:
    """A run of a hundred steps, a row in ten."""
    columns = {"lr": rates or {}, **{key.replace("__", "."): values for key, values in series.items()}}
    rows = [
        (step, {"loss": 0.5, **{key: values[step] for key, values in columns.items() if step in values}})
        for step in range(10, 101, 10)
    ]
    return Case(run_from_rows(rows, method=method, config=config), list(findings))


def told(which: Case, *parts: Measure) -> str:
    prescription = prescribe(which, parts, WORDS)
    assert prescription is not None
    return prescription.says


# Going back


def test_the_last_checkpoint_before_the_trouble_at_half_the_rate() -> None:
    run = case(config={"learning_rate": 5e-7, "save_steps": 25, "save_strategy": "steps"})
    prescription = prescribe(run, (measures.go_back, measures.lower_rate), WORDS)
    assert prescription is not None
    assert prescription.says == "Resume from checkpoint-50 with learning_rate 2.5e-7 (half of 5e-7)"
    assert prescription.resume_from == 50
    assert list(prescription.changes) == [Change("learning_rate", 5e-7, 2.5e-7)]
    assert prescription.to_dict() == {
        "says": prescription.says, "resume_from": 50, "changes": {"learning_rate": {"now": 5e-7, "to": 2.5e-7}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("config", "says"),
    [
        # What was seen beside the log is worth more than what settings say.
        ({"checkpoints": [30, 80], "save_steps": 25}, "Resume from checkpoint-30"),
        # What was saved before the first step is the beginning.
        ({"checkpoints": [0, 80]}, "Start again"),
        ({"checkpoints": [60]}, "Start again (no checkpoint is older than step 60)"),
        # The checkpoint of step 60 is of after the row that shows the trouble.
        ({"save_steps": 60, "save_strategy": "steps"}, "Start again (no checkpoint is older than step 60)"),
        # 25, 50, 75 and 100 were saved, of which the last two are kept: both are of after the trouble.
        ({"save_steps": 25, "save_total_limit": 2, "save_strategy": "steps"},
         "Start again (no checkpoint is older than step 60)"),
        ({"save_steps": 25}, "Resume from checkpoint-50 (if it was kept)"),
        ({"save_steps": 500, "save_strategy": "no"}, "Start again (no checkpoint was saved)"),
        ({"save_steps": 0}, "Start again (no checkpoint was saved)"),
        ({"save_steps": 25, "save_strategy": "epoch"}, "Go back to before step 60"),
        # Rows were counted in place of steps: no number of a checkpoint belongs to them.
        ({"save_steps": 25, "steps_are_counted": True}, "Go back to before step 60"),
        ({}, "Go back to before step 60"),
    ],
)  # fmt: skip
def test_no_checkpoint_is_invented(config: dict[str, object], says: str) -> None:
    assert told(case(config=config), measures.go_back) == says


def test_what_goes_wrong_from_the_start_is_begun_again() -> None:
    assert told(case(findings=[found(onset=20)]), measures.go_back) == "Start again"


def test_a_remark_does_not_say_when_the_trouble_began() -> None:
    findings = [found(onset=60), found("RATE04", onset=1, severity=Severity.INFO)]
    assert told(case(findings=findings), measures.go_back) == "Go back to before step 60"


def test_the_best_evaluation_and_the_checkpoint_that_is_nearest_to_it() -> None:
    evaluations = {20: 0.6, 40: 0.5, 60: 0.55, 80: 0.7}
    assert told(case(eval__loss=evaluations), measures.go_back_to_best) == "Go back to step 40 (the best evaluation)"
    saved = case(config={"checkpoints": [30, 60]}, eval__loss=evaluations)
    assert (
        told(saved, measures.go_back_to_best) == "Go back to checkpoint-30 (the last before the best evaluation, of 40)"
    )
    saved = case(config={"checkpoints": [20, 40]}, eval__loss=evaluations)
    assert told(saved, measures.go_back_to_best) == "Go back to checkpoint-40 (the best evaluation)"
    unsaved = case(config={"save_strategy": "no"}, eval__loss=evaluations)
    assert told(unsaved, measures.go_back_to_best) == "Start again and stop at step 40 (the best evaluation)"
    # Where the last is the best there is nothing to go back to.
    assert told(case(eval__loss={20: 0.6, 40: 0.5}), measures.go_back_to_best) == WORDS[0]


# The learning rate


@pytest.mark.parametrize(
    ("method", "config", "says"),
    [
        # KTO, whole model: 5e-7 to 5e-6 is usual. 1.5e-5 is three times that, 5e-5 ten times.
        (Method.KTO, {"learning_rate": 1.5e-5, "lora": False}, "Set learning_rate 7.5e-6 (half of 1.5e-5)"),
        (Method.KTO, {"learning_rate": 5e-5, "lora": False},
         "Set learning_rate 5e-6 (now 5e-5; 5e-6 is the most that is usual for kto)"),
        # With adapters 5e-5 is within what is usual; and where nobody says, it may be.
        (Method.KTO, {"learning_rate": 5e-5, "lora_r": 16}, "Set learning_rate 2.5e-5 (half of 5e-5)"),
        (Method.KTO, {"learning_rate": 5e-5}, "Set learning_rate 2.5e-5 (half of 5e-5)"),
        (Method.DPO, {"lr": "1e-3"},
         "Set lr 5e-5 (now 0.001; 5e-5 is the most that is usual for dpo, adapters included)"),
        # For a toy no rate is usual.
        (Method.KTO, {"learning_rate": 0.1, "parameters": 84_544}, "Set learning_rate 0.05 (half of 0.1)"),
        (Method.KTO, {}, "Set half the learning rate"),
    ],
)  # fmt: skip
def test_a_rate_is_halved_or_brought_back_to_what_is_usual(
    method: Method, config: dict[str, object], says: str
) -> None:
    assert told(case(method, config), measures.lower_rate) == says


def test_where_no_configuration_tells_the_log_does() -> None:
    decaying = {10: 1e-6, 20: 4e-6, 30: 4e-6, 60: 2e-6, 100: 1e-7}
    assert told(case(rates=decaying), measures.lower_rate) == "Set learning_rate 2e-6 (half of 4e-6)"


def test_trouble_in_the_warm_up_tells_how_much_was_too_much() -> None:
    rising = {10: 1e-6, 20: 2e-6, 30: 3e-6, 40: 4e-6, 50: 5e-6, 60: 5e-6}
    early = case(config={"learning_rate": 5e-6}, findings=[found(onset=30)], rates=rising)
    # 3e-6 is logged at step 30.
    assert (
        told(early, measures.lower_rate)
        == "Set learning_rate 1.5e-6 (now 5e-6; the trouble begins at 3e-6, in the warm-up)"
    )


def test_a_rate_that_jumps_goes_back_to_what_it_was() -> None:
    jumping = {step: 1e-6 if step < 50 else 1e-4 for step in range(10, 101, 10)}
    run = case(config={"learning_rate": 1e-6, "checkpoints": [40, 50]}, rates=jumping)
    assert (
        told(run, measures.go_back, measures.lower_rate)
        == "Resume from checkpoint-40 with learning_rate 1e-6 (as before step 50, where it rises to 0.0001)"
    )


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"learning_rate": 1e-6, "lora": False}, "Start again with learning_rate 3e-6 (3 times 1e-6)"),
        # Never beyond what is usual, and at least what is.
        ({"learning_rate": 2e-6, "lora": False},
         "Start again with learning_rate 5e-6 (now 2e-6; 5e-6 is the most that is usual for kto)"),
        ({"learning_rate": 1e-9, "lora": False},
         "Start again with learning_rate 5e-7 (now 1e-9; 5e-7 is the least that is usual for kto)"),
        ({"learning_rate": 1e-6, "lora": True},
         "Start again with learning_rate 5e-6 (now 1e-6; 5e-6 is the least that is usual for kto with adapters)"),
        ({"learning_rate": 5e-6, "lora": False},
         "Look at examples and labels first: learning_rate is 5e-6, at the upper end of what is usual"),
        ({}, "Start again at 2 to 5 times the learning rate"),
    ],
)  # fmt: skip
def test_a_rate_is_raised_within_what_is_usual(config: dict[str, object], says: str) -> None:
    assert told(case(config=config), measures.raise_rate) == says


def test_the_critic_slows_down_and_more_so_where_its_loss_runs_away() -> None:
    config = {"critic_learning_rate": 1e-4}
    assert told(case(Method.PPO, config), measures.lower_critic_rate) == "Set critic_learning_rate 5e-5 (now 0.0001)"
    runaway = case(Method.PPO, config, [found("VAL01")])
    assert told(runaway, measures.lower_critic_rate) == "Set critic_learning_rate 1e-5 (now 0.0001)"
    idle = case(Method.PPO, {"value_learning_rate": 0.0})
    assert told(idle, measures.lower_critic_rate) == "Train the critic: value_learning_rate is 0"
    assert told(case(Method.PPO), measures.lower_critic_rate) == WORDS[0]


# The objective


def test_beta_comes_back_to_where_it_usually_is() -> None:
    assert (
        told(case(config={"pref_beta": 50}), measures.mend_beta)
        == "Start again with pref_beta 0.1 (now 50; 0.01 to 0.5 is usual)"
    )
    assert told(case(config={"beta": 0.3}), measures.mend_beta) == WORDS[0]
    assert told(case(), measures.mend_beta) == WORDS[0]


@pytest.mark.parametrize(
    ("method", "beta", "to"),
    [(Method.DPO, 0.01, 0.1), (Method.DPO, 0.2, 0.4), (Method.DPO, 0.4, 0.5), (Method.DPO, 0.5, None),
     (Method.GRPO, 0.0, 0.04), (Method.GRPO, 0.04, 0.08)],
)  # fmt: skip
def test_beta_is_doubled_up_to_what_is_usual(method: Method, beta: float, to: float | None) -> None:
    part = measures.raise_beta(case(method, {"beta": beta}))
    assert (part.changes if part else None) == ((Change("beta", beta, to),) if to is not None else None)


def test_the_clipping_range_is_opened_upwards() -> None:
    assert told(case(Method.GRPO, {"epsilon": 0.2}), measures.widen_clip) == "Set epsilon_high 0.28 (now 0.2)"
    assert measures.widen_clip(case(Method.GRPO, {"epsilon": 0.2, "epsilon_high": 0.28})) is None


# Examples and answers


def test_four_examples_per_device_with_as_many_per_update_as_before() -> None:
    config = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 8}
    assert (
        told(case(config=config), measures.fill_batch)
        == "Set per_device_train_batch_size 4 (now 2), gradient_accumulation_steps 4 (now 8)"
    )
    config = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2}
    assert told(case(config=config), measures.fill_batch) == "Set per_device_train_batch_size 4 (now 1)"
    assert measures.fill_batch(case(config={"per_device_train_batch_size": 4})) is None


@pytest.mark.parametrize(
    ("chosen", "rejected", "name", "weight"),
    [
        (95.0, 5.0, "undesirable_weight", 19.0),
        (5.0, 95.0, "desirable_weight", 19.0),
        (70.0, 30.0, "undesirable_weight", 2.3),  # 2.33: rounded so that 70 / (2.3 x 30) = 1.014
        (30.0, 70.0, "desirable_weight", 2.4),  # 2.33: rounded so that 2.4 x 30 / 70 = 1.029
    ],
)
def test_weights_of_kto_lie_between_1_and_4_thirds(chosen: float, rejected: float, name: str, weight: float) -> None:
    # In each of ten rows a tenth of them.
    each = range(10, 101, 10)
    run = case(count_chosen=dict.fromkeys(each, chosen / 10), count_rejected=dict.fromkeys(each, rejected / 10))
    part = measures.balance_classes(run)
    assert part is not None
    weights = {change.setting: change.to for change in part.changes}
    assert weights[name] == weight
    ratio = weights["desirable_weight"] * chosen / (weights["undesirable_weight"] * rejected)
    assert 1 <= ratio <= 4 / 3
    assert f"{chosen:.0f} desirable and {rejected:.0f} undesirable answers" in part.says


@pytest.mark.parametrize(
    ("limit", "cut", "to"),
    [
        # ln 0.05 / ln 0.2 = 1.861: 953 of 512, in whole 64s 960.
        (512, 0.2, 960),
        # ln 0.05 / ln 0.1 = 1.301, and at least one and a half times: 768.
        (512, 0.1, 768),
        # At most four times at once, also where every answer is cut off.
        (512, 0.9, 2048),
        (512, 1.0, 2048),
        (4, 1.0, 16),
    ],
)
def test_a_limit_is_raised_as_far_as_the_share_of_cut_answers_asks(limit: int, cut: float, to: float) -> None:
    each = range(10, 101, 10)
    run = case(Method.GRPO, {"max_completion_length": limit}, truncated_frac=dict.fromkeys(each, cut))
    assert told(run, measures.lengthen_answers) == (
        f"Set max_completion_length {to} (now {limit}; {cut:.0%} are cut off)"
    )
    # PPO logs the share that ended.
    run = case(Method.PPO, {"response_length": limit}, eos_frac=dict.fromkeys(each, 1 - cut))
    assert told(run, measures.lengthen_answers).startswith(f"Set response_length {to} (now {limit}; ")


def test_the_longest_answer_tells_the_limit() -> None:
    each = range(10, 101, 10)
    run = case(Method.GRPO, truncated_frac=dict.fromkeys(each, 0.2), len_max=dict.fromkeys(each, 512.0))
    part = measures.lengthen_answers(run)
    assert part is not None
    assert part.says == "max_completion_length 960 (the longest answer now has 512; 20% are cut off)"
    assert part.changes == (Change("max_completion_length", None, 960.0),)
    assert measures.lengthen_answers(case(Method.GRPO, truncated_frac=dict.fromkeys(each, 0.2))) is None


def test_one_epoch_by_the_configuration_or_by_the_log() -> None:
    assert told(case(config={"num_train_epochs": 3}), measures.one_epoch) == "Set num_train_epochs 1 (now 3)"
    assert told(case(epoch={100: 8.0}), measures.one_epoch) == "Train for one epoch (now 8)"
    # By the number of steps it was more than the epochs that were asked for.
    longer = case(config={"num_train_epochs": 1, "max_steps": 150}, epoch={100: 2.2})
    assert told(longer, measures.one_epoch) == "Train for one epoch (now 2.2)"
    assert measures.one_epoch(case(config={"num_train_epochs": 1})) is None
    assert measures.one_epoch(case()) is None


def test_sampling_and_precision() -> None:
    narrowed = case(Method.PPO, {"top_k": 2, "top_p": 1.0, "temperature": 0.7})
    assert told(narrowed, measures.sample_purely) == "Set top_k 0 (now 2) and temperature 1 (now 0.7)"
    assert measures.sample_purely(case(Method.PPO, {"top_k": -1, "top_p": 1.0})) is None
    assert told(case(config={"fp16": True}), measures.use_bf16) == "Set bf16 in place of fp16"
    assert measures.use_bf16(case(config={"fp16": False})) is None


# Sentences


def test_deeds_and_settings_make_one_sentence() -> None:
    run = case(Method.GRPO, {"beta": 0.0})
    parts = (measures.go_back, measures.do("reward what the evaluation measures"), measures.raise_beta)
    assert told(run, *parts) == "Go back to before step 60 with beta 0.04 (now 0); reward what the evaluation measures"
    assert prescribe(run, (), ()) is None
