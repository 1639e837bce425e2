"""What the guard decides, without any trainer: findings and checkpoints go in, decisions come out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.decision import Decision, Deed
from barograph.core.finding import Action, Finding, Severity
from barograph.guard.policy import Guard

BOTH = frozenset({Action.STOP, Action.REVERT, Action.CUT_LR})
ACTING: Mapping[str, frozenset[Action]] = {
    "NUM01": BOTH,
    "PREF03": BOTH,
    "LOSS02": BOTH,
    "GRAD04": frozenset({Action.STOP}),
}
FOLLOWS = {"PREF03": ("NUM01",), "LOSS02": ("NUM01",), "GRAD04": ("NUM01",)}


def finding(
    code: str = "PREF03", step: int = 50, onset: int | None = None, severity: Severity = Severity.CRITICAL
) -> Finding:
    evidence = {"onset": float(step if onset is None else onset)}
    return Finding(code, f"name-of-{code.lower()}", severity, step, step, "loss", "it says so", evidence)


def guard(allowed: Deed = Deed.RESCUE, checkpoints: tuple[int, ...] = (10, 20, 30, 40), **more: object) -> Guard:
    made = Guard(allowed, ACTING, follows=FOLLOWS, **more)  # type: ignore[arg-type]
    for step in checkpoints:
        made.saved(step, f"out/checkpoint-{step}")
    return made


def decided(made: Guard, *findings: Finding, step: int = 50) -> Decision:
    decision = made.found(findings, step)
    assert decision is not None
    return decision


# What it may do


def test_advice_names_the_checkpoint_the_command_and_the_rate() -> None:
    adviser = guard(Deed.ADVISE)
    adviser.know({"learning_rate": 1e-5})
    decision = decided(adviser, finding(onset=33))
    assert (decision.deed, decision.checkpoint, decision.path) == (Deed.ADVISE, 30, "out/checkpoint-30")
    assert decision.says == (
        "PREF03 name-of-pref03 since step 33: go back to step 30 with learning_rate=5e-06: "
        'barograph.trainers.resume(trainer, "out/checkpoint-30", rate=0.5)'
    )


def test_advice_without_a_checkpoint_or_a_rate() -> None:
    decision = decided(guard(Deed.ADVISE, ()), finding(onset=3))
    assert decision.says.endswith("no checkpoint is from before it: stop, and start again with half the learning rate")
    assert decision.checkpoint is None


def test_stop_ends_the_run_once() -> None:
    stopper = guard(Deed.STOP)
    assert decided(stopper, finding()).deed is Deed.STOP
    assert stopper.found([finding("NUM01", 60)], 60) is None


def test_a_rescue_goes_back_to_before_the_trouble_began_and_not_to_the_newest() -> None:
    decision = decided(guard(), finding(step=50, onset=25))
    assert (decision.deed, decision.checkpoint, decision.rate) == (Deed.RESCUE, 20, 0.5)


def test_a_checkpoint_of_the_very_step_is_within_the_trouble() -> None:
    assert decided(guard(), finding(onset=40)).checkpoint == 30
    assert decided(guard(), finding(onset=41)).checkpoint == 40


def test_a_row_stands_for_the_steps_since_the_row_before() -> None:
    sparse = guard()
    sparse.know({"logging_steps": 5})
    assert decided(sparse, finding(onset=44)).checkpoint == 30


def test_a_share_as_logging_steps_says_nothing() -> None:
    sparse = guard()
    sparse.know({"logging_steps": 0.1, "learning_rate": "cosine"})
    assert (sparse.logged_every, sparse.learning_rate) == (1, None)


def test_a_checkpoint_within_other_critical_trouble_is_not_healthy() -> None:
    careful = guard()
    # A rule that may not act is no reason to act, but its finding is no state to go back to.
    assert careful.found([finding("LEN01", 28, onset=15)], 28) is None
    assert decided(careful, finding(onset=45)).checkpoint == 10


def warning(onset: int, metric: str = "loss", action: Action | None = Action.CUT_LR) -> Finding:
    return replace(finding("LIK01", 30, onset, Severity.WARNING), metric=metric, action=action)


def test_a_checkpoint_after_a_warning_about_the_same_metric_is_not_healthy() -> None:
    careful = guard()
    assert careful.found([warning(onset=16)], 30) is None
    assert decided(careful, finding(onset=45)).checkpoint == 10


@pytest.mark.parametrize(
    "milder",
    [
        warning(onset=16, metric="kl"),
        warning(onset=16, action=None),
        warning(onset=16, action=Action.STOP),
        warning(onset=5),
    ],
    ids=["of another metric", "that no rate mends", "that a stop ends", "older than all checkpoints"],
)
def test_a_warning_takes_no_checkpoint_from_a_rescue(milder: Finding) -> None:
    careful = guard()
    careful.found([milder], 30)
    assert decided(careful, finding(onset=45)).checkpoint == 40


def test_a_warning_of_an_abandoned_stretch_is_forgotten() -> None:
    careful = guard()
    careful.found([warning(onset=16)], 30)
    careful.went_back(20)
    careful.saved(30, "out/again-30")
    assert decided(careful, finding(onset=45)).checkpoint == 30


def test_what_only_stopping_mends_is_stopped() -> None:
    decision = decided(guard(), finding("GRAD04"))
    assert (decision.deed, decision.rate) == (Deed.STOP, 1.0)
    advice = decided(guard(Deed.ADVISE), finding("GRAD04"))
    assert advice.says.endswith("stop the run; a smaller learning rate does not mend it")


def test_without_a_good_checkpoint_it_stops() -> None:
    decision = decided(guard(checkpoints=(10,)), finding(step=6, onset=2), step=6)
    assert decision.deed is Deed.STOP
    assert "there is no checkpoint from before it" in decision.says


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.WARNING])
def test_nothing_milder_than_critical_is_acted_on(severity: Severity) -> None:
    assert guard().found([finding(severity=severity)], 50) is None


def test_a_warning_counts_when_it_grows_critical() -> None:
    patient = guard()
    assert patient.found([finding(severity=Severity.WARNING)], 50) is None
    assert decided(patient, finding(), step=55).step == 55


def test_ignored_codes_are_not_acted_on_nor_held_against_a_checkpoint() -> None:
    deaf = guard(ignored=("PREF03",))
    assert deaf.found([finding(step=20, onset=5)], 20) is None
    assert decided(deaf, finding("NUM01")).checkpoint == 40


# Several rescues


def test_the_rate_is_cut_again_and_then_it_stops() -> None:
    persistent = guard(most_rescues=2)
    rates = []
    for _ in range(2):
        decision = decided(persistent, finding(onset=25))
        rates.append((decision.deed, decision.rate, decision.checkpoint))
        persistent.went_back(20)
    last = decided(persistent, finding(onset=25))
    assert rates == [(Deed.RESCUE, 0.5, 20), (Deed.RESCUE, 0.125, 20)]
    assert last.deed is Deed.STOP
    assert "2 rescues, at 0.5 and 0.125 of the learning rate, did not help" in last.says


def test_where_rescues_lead_nowhere_three_of_them_reach_from_a_hundred_times_the_rate_below_it() -> None:
    stuck = guard(most_rescues=9)
    rates = []
    for _ in range(5):
        rates.append(decided(stuck, finding(onset=25)).rate)
        stuck.went_back(20)
    assert rates == [1 / 2, 1 / 8, 1 / 128, 1 / 2048, 1 / 32768]  # No single cut is deeper than to a sixteenth.
    assert 100 * rates[2] < 1


def test_a_rescue_that_led_further_is_followed_by_a_half_again() -> None:
    moving = guard(most_rescues=9)
    rates = []
    for onset in (25, 25, 45, 65, 45):
        moving.saved(onset // 20 * 20, f"out/checkpoint-{onset // 20 * 20}")
        decision = decided(moving, finding(onset=onset))
        rates.append((decision.checkpoint, decision.rate))
        moving.went_back(decision.checkpoint or 0)
    assert rates == [(20, 1 / 2), (20, 1 / 8), (40, 1 / 16), (60, 1 / 32), (40, 1 / 128)]


def test_another_factor() -> None:
    bold = guard(rate=0.1)
    assert decided(bold, finding()).rate == 0.1
    bold.went_back(40)
    assert decided(bold, finding()).rate == pytest.approx(0.1 / 16)


def test_while_it_goes_back_nothing_more_is_decided() -> None:
    leaving = guard()
    decided(leaving, finding(onset=25))
    assert leaving.found([finding("NUM01", 51)], 51) is None


def test_what_was_found_in_the_abandoned_stretch_is_forgotten() -> None:
    fresh = guard()
    fresh.found([finding("LEN01", 28, onset=15)], 28)
    decided(fresh, finding(onset=30))
    fresh.went_back(10)
    assert [known.step for known in fresh.checkpoints] == [10]
    fresh.saved(20, "out/checkpoint-20")
    assert decided(fresh, finding(step=25, onset=24), step=25).checkpoint == 20


def test_a_run_resumed_by_hand_hears_the_advice_again() -> None:
    adviser = guard(Deed.ADVISE)
    first = decided(adviser, finding(onset=25))
    assert adviser.found([finding(onset=25)], 50) is None
    adviser.went_back(20)
    assert decided(adviser, finding(onset=25)) == first


def test_a_resume_behind_the_trouble_does_not_repeat_it() -> None:
    adviser = guard(Deed.ADVISE)
    decided(adviser, finding(onset=25))
    adviser.went_back(60)
    assert adviser.found([finding(onset=25)], 50) is None


# Which finding leads


def test_the_first_cause_leads() -> None:
    decision = decided(guard(), finding("LOSS02", 50, onset=20), finding("NUM01", 50, onset=45))
    assert decision.codes == ("NUM01", "LOSS02")
    assert decision.says.endswith("NUM01 name-of-num01 since step 45")
    # Of the two, the earlier trouble says how far to go back.
    assert decision.checkpoint == 10


def test_of_two_causes_the_earlier_leads() -> None:
    assert decided(guard(), finding("LOSS02", onset=30), finding("PREF03", onset=20)).codes == ("PREF03", "LOSS02")


def test_rules_that_name_each_other_lose_nothing() -> None:
    circle = Guard(Deed.STOP, ACTING, follows={"PREF03": ("LOSS02",), "LOSS02": ("PREF03",)})
    assert set(decided(circle, finding("PREF03"), finding("LOSS02")).codes) == {"PREF03", "LOSS02"}


def test_a_consequence_is_not_advised_on_after_its_cause() -> None:
    adviser = guard(Deed.ADVISE)
    decided(adviser, finding("NUM01", 50))
    assert adviser.found([finding("PREF03", 55)], 55) is None


# Checkpoints that go, and dry runs


def test_a_deleted_checkpoint_is_not_gone_back_to() -> None:
    told = guard()
    told.removed("out/checkpoint-40")
    assert decided(told, finding()).checkpoint == 30
    looked = guard()
    looked.is_there = lambda path: path == "out/checkpoint-10"
    assert decided(looked, finding()).checkpoint == 10


def test_a_checkpoint_saved_again_counts_once() -> None:
    again = guard()
    again.saved(40, "elsewhere/checkpoint-40")
    assert [known.path for known in again.checkpoints if known.step == 40] == ["elsewhere/checkpoint-40"]


def test_a_dry_run_says_what_it_would_have_done() -> None:
    dry = guard(is_dry=True, most_rescues=1)
    decision = decided(dry, finding(onset=25))
    assert (decision.deed, decision.is_dry, dry.rescues) == (Deed.RESCUE, True, 0)
    assert decision.says.startswith("(dry run) would have gone back to step 20, at half the learning rate")
    assert dry.found([finding(onset=25)], 50) is None
    assert decided(dry, finding("LOSS02", 60), step=60).is_dry


def test_advice_is_the_same_in_a_dry_run() -> None:
    assert decided(guard(Deed.ADVISE, is_dry=True), finding()) == decided(guard(Deed.ADVISE), finding())


def test_a_decision_survives_the_log() -> None:
    for made in (guard(), guard(Deed.ADVISE, ()), guard(is_dry=True)):
        decision = decided(made, finding("NUM01"), finding("PREF03"))
        assert Decision.from_dict(json.loads(json.dumps(decision.to_dict()))) == decision


# Whatever happens


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, int, str, int, Severity]]:
    """Steps of a run: rows, checkpoints and findings, some of rules that may not act."""
    events = []
    for _ in range(draw(st.integers(1, 40))):
        code = draw(st.sampled_from([*ACTING, "LEN01", "KL01"]))
        kind = draw(st.sampled_from(["saved", "found", "found", "removed"]))
        events.append((kind, draw(st.integers(1, 5)), code, draw(st.integers(0, 12)), draw(st.sampled_from(Severity))))
    return events


@given(story=stories(), most=st.integers(0, 3), allowed=st.sampled_from(Deed), dry=st.booleans())
def test_no_story_makes_it_overstep(
    story: list[tuple[str, int, str, int, Severity]], most: int, allowed: Deed, dry: bool
) -> None:
    acted = Guard(allowed, ACTING, follows=FOLLOWS, most_rescues=most, is_dry=dry)
    step, rescues = 1, 0
    rate, halvings, back_at = 1.0, 1, -1
    seen: dict[tuple[str, int, int], int] = {}
    attempt = 0
    troubled: list[tuple[int, int]] = []  # of this attempt: where told, where begun
    on_disk: set[int] = set()
    for kind, ahead, code, back, severity in story:
        step += ahead
        if kind == "saved":
            acted.saved(step, str(step))
            on_disk.add(step)
        elif kind == "removed" and on_disk:
            gone = min(on_disk)
            on_disk.discard(gone)
            acted.removed(str(gone))
        elif kind == "found":
            onset = max(1, step - back)
            if severity is Severity.CRITICAL:
                troubled.append((step, onset))
            decision = acted.found([finding(code, step, onset, severity)], step)
            if decision is None:
                continue
            assert severity is Severity.CRITICAL
            assert set(decision.codes) <= set(ACTING)
            key = (code, step, attempt)
            seen[key] = seen.get(key, 0) + 1
            assert seen[key] == 1
            assert list(Deed).index(decision.deed) <= list(Deed).index(allowed)
            if decision.checkpoint is not None:
                assert decision.checkpoint in on_disk
                assert all(decision.checkpoint < begun for _, begun in troubled)
            if decision.is_dry:
                assert dry
            elif decision.deed is Deed.RESCUE:
                rescues += 1
                assert decision.checkpoint is not None
                halvings = min(4, 2 * halvings) if decision.checkpoint <= back_at else 1
                rate, back_at = rate / 2**halvings, decision.checkpoint
                assert decision.rate == rate
                attempt += 1
                step = decision.checkpoint
                acted.went_back(step)
                on_disk = {saved for saved in on_disk if saved <= step}
                troubled = [trouble for trouble in troubled if trouble[0] <= step]
            elif decision.deed is Deed.STOP:
                break
    assert rescues <= most
