"""The block of a notebook: what it says, that nothing of a log becomes markup, and that its style stays its own."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from barograph.charts.block import Moment, block, in_words
from barograph.charts.drawing import charts_of
from barograph.core.cause import Cause
from barograph.core.decision import Decision, Deed
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict
from barograph.core.methods import Method
from barograph.core.run import run_from_rows

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'"


def found(code: str, severity: Severity = Severity.CRITICAL, **more: object) -> Finding:
    given = {
        "name": "margin-inverted", "severity": severity, "step": 40, "last_step": 60, "metric": "loss",
        "says": "the margin is negative",
    }  # fmt: skip
    return Finding(code, **(given | more))  # type: ignore[arg-type]


def diagnosis(*findings: Finding, verdict: Verdict = Verdict.UNHEALTHY, **more: object) -> Diagnosis:
    given = {"path": "", "source": "live", "method": "dpo", "rows": 60, "first_step": 1, "last_step": 60}
    return Diagnosis(**(given | more), verdict=verdict, findings=findings)  # type: ignore[arg-type]


SICK = Moment(
    diagnosis(found("PREF03"), causes=[Cause("labels swapped", 1.0, ["PREF03"], ["Look at the data"])]),
    folder="runs/dpo",
    progress=["dpo", "step 60 of 100"],
    share=0.6,
    decisions=[Decision(Deed.STOP, 41, ("PREF03",), "stopped: PREF03")],
    remarks=["first", "second", "third"],
)


class Texts(HTMLParser):
    """What is read, without the style; and every tag."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.said = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags[-1] != "style" or "barograph" not in data:
            self.said += f"{data}\n"


def test_it_says_what_matters() -> None:
    said = Texts(block(SICK)).said.replace("\n", "")
    for words in (
        "Unhealthydpo · step 60 of 100", "Likeliest cause: labels swapped (PREF03)", "Look at the data",
        "critical: PREF03 margin-inverted, since step 40: the margin is negative.", "Guard, step 41: stopped: PREF03",
        "1 earlier remark", "third", "Kept in runs/dpo",
    ):  # fmt: skip
        assert words in said
    assert 'aria-valuenow="60.0"' in block(SICK)
    assert "barograph.check" not in said
    assert "barograph.check('runs/dpo')" in Texts(block(replace(SICK, is_over=True))).said


def test_whoever_sees_no_html_reads_the_same() -> None:
    assert in_words(SICK).splitlines() == [
        "barograph: Unhealthy (dpo, step 60 of 100)",
        "  PREF03 margin-inverted, since step 40: the margin is negative",
        "  likeliest cause: labels swapped",
        "  guard, step 41: stopped: PREF03",
    ]


def test_before_there_is_anything_to_see() -> None:
    said = Texts(block(Moment(folder="runs/dpo", progress=["waiting for the first row"]))).said
    assert "Too early to say" in said
    assert "waiting for the first row" in said


def test_of_many_findings_the_first_are_told_and_the_others_named() -> None:
    many = [found(f"LOSS0{number}") for number in range(1, 7)] + [found("NUM01", Severity.INFO)]
    said = Texts(block(replace(SICK, diagnosis=diagnosis(*many)))).said
    assert said.count("the margin is negative") == 3
    assert "And 3 more: LOSS04 margin-inverted" in said
    assert "NUM01" not in said


def test_lines_of_one_chart_are_told_apart_by_what_differs() -> None:
    values = {"reward_chosen": 0.5, "reward_rejected": -0.5, "eval.reward_chosen": 0.25}
    run = run_from_rows([(step, values) for step in range(1, 9)], method=Method.DPO)
    charts = charts_of(run, diagnosis(), only=["rewards"])
    said = Texts(block(Moment(diagnosis(), charts))).said
    for words in ("0.5 chosen\n", "-0.5 rejected\n", "0.25 chosen (eval)\n"):
        assert words in said


def test_nothing_of_a_log_becomes_markup() -> None:
    run = run_from_rows([(step, {HOSTILE: float(step), f"eval.{HOSTILE}": 1.0}) for step in range(1, 9)])
    hostile = found(HOSTILE, name=HOSTILE, says=HOSTILE, metric=HOSTILE)
    judged = diagnosis(hostile, causes=[Cause(HOSTILE, 1.0, [HOSTILE], [HOSTILE])], method=HOSTILE)
    moment = Moment(
        judged, charts_of(run, judged), HOSTILE, [HOSTILE], 0.5, [Decision(Deed.STOP, 1, (), HOSTILE)], [HOSTILE] * 4
    )
    parsed = Texts(block(moment))
    assert {"script", "img", "iframe"}.isdisjoint(parsed.tags)
    assert parsed.tags.count("style") == 1
    assert not [name for name in parsed.attributes if name.startswith("on")]
    assert parsed.said.count("<script>alert(1)</script>") > 8


def rules_of(style: str) -> list[str]:
    """The selectors of every rule, those within questions about the screen too."""
    flat = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    return [one.strip() for one in re.findall(r"([^{}]+)\{", flat) if not one.strip().startswith("@")]


def test_no_rule_reaches_outside() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", block(SICK), flags=re.DOTALL)
    selectors = [one for rule in rules_of(style) for one in rule.split(", ")]
    assert len(selectors) > 60
    assert [one for one in selectors if not re.search(r"(^| )\.barograph\b", one)] == []
    assert style.count("{") == style.count("}")
