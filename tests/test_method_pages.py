"""The pages on methods: complete, founded, and with pictures that show what the words say."""

from __future__ import annotations

import gzip
import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from barograph.core.methods import Method
from barograph.rules.catalogue import RULES

PROJECT = Path(__file__).parent.parent
FOLDER = PROJECT / "docs" / "methods"
#: By hand, so that no method is lost on the way.
PAGES = {
    "dpo": (Method.DPO, Method.ORPO, Method.CPO, Method.ONLINE_DPO),
    "kto": (Method.KTO, Method.BCO),
    "reward": (Method.REWARD,),
    "prm": (Method.PRM, Method.CLASSIFIER),
    "ppo": (Method.PPO,),
    "grpo": (Method.GRPO, Method.RLOO),
}
PICTURES = sorted((FOLDER / "pictures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
TAG = re.compile(r"\([PDSIMG](?:, [^()]*)?\)")


def text_of(page: str) -> str:
    return (FOLDER / f"{page}.md").read_text("utf-8")


def part(page: str, title: str) -> str:
    """What stands under a heading."""
    return text_of(page).partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str, columns: int) -> Iterator[list[str]]:
    """The rows of tables with so many columns, without their heads."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == columns and not set(line) <= {"|", "-", " "} and cells[0] not in {"rule", "metric"}:
            yield cells


def row_of(page: str, code: str) -> list[str]:
    return next(cells for cells in rows(part(page, "Every rule"), 4) if cells[0].startswith(f"[{code}]"))


def test_every_method_has_a_page_but_the_two_that_have_no_rules_of_their_own() -> None:
    told = {method for methods in PAGES.values() for method in methods}
    assert set(Method) - told == {Method.SFT, Method.UNKNOWN}
    assert {path.stem for path in FOLDER.glob("*.md")} == {"README", *PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_every_rule_that_judges_a_method_is_on_its_page_once(page: str) -> None:
    codes = [re.match(r"\[(\w+)\]", cells[0])[1] for cells in rows(part(page, "Every rule"), 4)]
    judging = {rule.code for rule in RULES if rule.methods & set(PAGES[page])}
    assert set(codes) == judging
    assert len(codes) == len(judging)


@pytest.mark.parametrize("page", PAGES)
def test_every_threshold_and_range_has_a_source_with_a_tag(page: str) -> None:
    found = [*rows(part(page, "Every rule"), 4), *rows(part(page, "What healthy looks like"), 5)]
    assert len(found) > 25
    for cells in found:
        assert TAG.search(cells[3]), cells[0]


def test_numbers_are_those_of_the_pages_own_method() -> None:
    # The guides see trouble above a margin of 5 in KTO and of 10 in DPO, both at beta 0.1.
    assert row_of("kto", "PREF06")[2].startswith("**50** nats")
    assert row_of("dpo", "PREF06")[2].startswith("**100** nats")
    assert "bco 100" in row_of("kto", "PREF06")[2]
    # What is off for a method is not a number of 1e12.
    for page in PAGES:
        assert "e+" not in part(page, "Every rule"), page


def test_rules_say_for_which_of_the_kin_they_hold() -> None:
    assert "not orpo, cpo" in row_of("dpo", "PREF03")[0]  # An implicit reward needs a reference.
    assert "not" not in row_of("dpo", "ACC02")[0].partition("(")[2]
    only_online = part("dpo", "Every rule").partition("For online-dpo alone:")[2].partition("For every method:")[0]
    assert "[KL01]" in only_online


def test_losses_before_the_first_step_are_those_worked_out_by_hand() -> None:
    healthy = part("dpo", "What healthy looks like")
    for words in ("any label smoothing | 0.6931 |", "IPO, beta 0.1 | 25 |", "hinge | 1 |", "equally likely | 0.9741 |"):
        assert words in healthy
    assert "KTO, weights 1 and 1 | 0.5 |" in part("kto", "What healthy looks like")


def test_ranges_that_do_not_agree_stand_beside_each_other() -> None:
    cells = next(cells for cells in rows(part("kto", "What healthy looks like"), 5) if cells[0].startswith("[`loss`]"))
    assert cells[1] == "0.6 to 0.7 (D); 0.45 to 0.55 (M)"


def test_metrics_are_named_as_frameworks_print_them() -> None:
    assert "`rewards/margins` TRL" in text_of("dpo")
    assert "`kl` (in kto) TRL" in text_of("kto")
    assert "`policy/clipfrac_avg` TRL" in text_of("ppo")  # and not that of GRPO
    assert "`actor/ppo_kl` verl" in text_of("grpo")


@pytest.mark.parametrize("page", PAGES)
def test_what_goes_wrong_is_told_from_cause_to_remedy(page: str) -> None:
    found = list(rows(part(page, "What goes wrong"), 5))[1:]
    assert len(found) >= 3
    for cause, planted, alarm, told, remedy in found:
        assert "causes.md#" in cause
        assert planted
        assert re.match(r"step \d+: \[\w+\]|none", alarm)
        assert told
        assert remedy


def test_no_run_is_shown_that_rules_may_not_be_tuned_on() -> None:
    sys.path.append(str(PROJECT / "tools"))
    from recorded_runs import SCENARIOS, blind_spots, faults_of

    assert [one.name for one in SCENARIOS if one.is_held_out and one.name in {path.stem for path in PICTURES}] == []
    for page in PAGES:
        shown = list(faults_of(page))
        assert shown
        assert not any(scenario.is_held_out for scenario in shown), page
        kinds = [scenario.fault.kind for scenario in shown]
        assert len(kinds) == len(set(kinds))
    assert {fault.kind for fault in blind_spots("dpo")} == {"labels-noisy", "labels-swapped"}


def test_rewards_under_different_betas_are_drawn_in_nats() -> None:
    log = PROJECT / "benchmarks" / "diagnosis" / "logs" / "dpo" / "dpo-plain--pairs-alike-seed1.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(log.read_bytes()).splitlines()]
    last = [row["rewards/margins"] for row in rows if "rewards/margins" in row][-1]
    drawn = (FOLDER / "pictures" / "dpo-plain--pairs-alike.svg").read_text("utf-8")
    assert ">Reward margin, in nats<" in drawn
    assert f"The faulty run rose from 0 at step 1 to {last / 0.05:.3g} at step 120" in drawn  # its beta is 0.05


@pytest.mark.parametrize("page", PAGES)
def test_each_picture_of_a_fault_marks_the_alarm_that_the_words_tell(page: str) -> None:
    for section in part(page, "What goes wrong").split("\n### ")[1:]:
        if not (picture := re.search(r"\]\((pictures/[\w-]+\.svg)\)", section)):
            continue
        step, code = re.search(r"- Step (\d+): \[(\w+)\]", section).groups()
        drawn = (FOLDER / picture[1]).read_text("utf-8")
        assert f">{code}<" in drawn, picture[1]
        assert f"{code}: step {step}." in drawn, picture[1]


def test_every_picture_is_on_a_page() -> None:
    shown = {name for page in PAGES for name in re.findall(r"\]\(pictures/([\w-]+\.svg)\)", text_of(page))}
    assert shown == {path.name for path in PICTURES}
    assert len(shown) > 20


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures_can_be_read_by_everybody(path: Path) -> None:
    assert path.stat().st_size < 40_000
    drawing = ET.parse(path).getroot()
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("role") == "img"
    assert drawing.findtext(f"{SVG}title")
    described = drawing.findtext(f"{SVG}desc")
    assert " step " in described
    style = drawing.findtext(f"{SVG}style")
    assert "prefers-color-scheme: dark" in style
    assert "var(" not in style  # Not every viewer knows variables.
    names = {element.tag.removeprefix(SVG) for element in drawing.iter()}
    assert not names & {"script", "foreignObject", "image", "a"}
    lines = [element.get("points") for element in drawing.iter(f"{SVG}polyline")]
    assert len(lines) >= 4
    assert all(re.fullmatch(r"[\d., -]+", points) for points in lines)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_every_class_that_is_drawn_has_a_look_in_light_and_dark(path: Path) -> None:
    drawing = ET.parse(path).getroot()
    light, dark = drawing.findtext(f"{SVG}style").split("@media")
    for element in drawing.iter():
        if element.tag.removeprefix(SVG) in {"polyline", "text", "rect"}:
            looks = element.get("class").split()
            for sheet in (light, dark):
                assert any(re.search(rf"\.{look}\b", sheet) for look in looks), looks
