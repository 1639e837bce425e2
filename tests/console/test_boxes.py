"""Boxed warnings, compared with the one of the guide on KTO."""

from __future__ import annotations

from barograph.console.boxes import decision_box, finding_box
from barograph.console.terminal import Terminal
from barograph.core.decision import Decision, Deed
from barograph.core.finding import Finding, Severity

BORDER_OF_THE_GUIDE = "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"
SAYS = "very negative margin: -0.432 (chosen model may be worse than reference)"
ADVICE = "reducing learning rate or reverting to last checkpoint"


def found(severity: Severity = Severity.CRITICAL, **more: object) -> Finding:
    facts = {"says": SAYS, "advice": (ADVICE,), **more}
    return Finding("PREF03", "margin-inverted", severity, 20, 25, "reward_margin", **facts)  # type: ignore[arg-type]


def test_the_box_of_the_guide() -> None:
    lines = list(finding_box(found(), Terminal(width=80)))
    assert lines[:3] == [
        BORDER_OF_THE_GUIDE,
        "  ⚠ Very negative margin: -0.432 (chosen model may be worse than reference)",
        "  Consider: reducing learning rate or reverting to last checkpoint",
    ]
    assert lines[-1] == BORDER_OF_THE_GUIDE
    assert lines[3].strip() == "PREF03 margin-inverted, critical, step 25"


def test_ascii_where_the_terminal_needs_it() -> None:
    assert "".join(finding_box(found(), Terminal(unicode=False))).isascii()


def test_a_long_text_is_broken_between_words() -> None:
    lines = list(finding_box(found(says=SAYS * 3, advice=[ADVICE * 4, ADVICE]), Terminal(width=40)))
    assert max(map(len, lines)) <= 40
    assert sum("Consider:" in line for line in lines) == 1


def test_a_remark_and_a_consequence_take_no_box() -> None:
    (remark,) = finding_box(found(Severity.INFO, says="short"), Terminal(width=80))
    assert remark == "  step 25  PREF03 margin-inverted: short"
    (line,) = finding_box(found(follows="RATE01", says="short"), Terminal(width=100))
    assert line.endswith("(a consequence of RATE01)")


def test_a_decision_says_what_when_and_from_where() -> None:
    decision = Decision(Deed.RESCUE, 120, ("PREF03",), "gone back to step 100", 100, "runs/a/checkpoint-100", 0.5)
    assert list(decision_box(decision, Terminal(width=80)))[1:-1] == [
        "  GUARD, step 120: gone back to step 100",
        "  Checkpoint: runs/a/checkpoint-100",
    ]
