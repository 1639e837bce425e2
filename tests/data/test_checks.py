"""Every check: a planted fault is found at its rows, and the same data without it is left alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import data_cases as cases
from data_cases import CASES, Case

from barograph.core.errors import ConfigurationError
from barograph.core.finding import Severity
from barograph.data.catalogue import CHECKS, by_code, select
from barograph.data.check import Check
from barograph.data.checks.personal import found_in, masked
from barograph.data.example import Kind
from barograph.data.finding import DataFinding, DataReport

Found = Callable[..., list[DataFinding]]
#: What has tests of its own: DATA01 in test_reading, the others below.
ELSEWHERE = {"DATA01", "DATA22", "DATA38"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_planted_fault_is_found(case: Case, found: Found) -> None:
    told = found(case.code, case.faulty, case.held_out, **case.options)
    assert len(told) == 1
    finding = told[0]
    assert finding.severity is case.severity
    assert case.says in finding.says
    if case.rows is not None:
        assert tuple(finding.rows) == case.rows
        assert finding.split == ("eval" if case.held_out else "train")
        assert [one.row for one in finding.shown] == list(case.rows[:3])
        assert all(one.quote for one in finding.shown)
    if by_code()[case.code].cleans:
        assert sorted(finding.drops) == sorted(case.rows if case.drops is None else case.drops)
    else:
        assert not finding.drops


@pytest.mark.parametrize("case", CASES, ids=str)
def test_its_clean_twin_is_left_alone(case: Case, found: Found) -> None:
    assert found(case.code, case.clean, case.clean_held_out, **case.options) == []


@pytest.mark.parametrize(
    "rows", [cases.P, cases.L, cases.S, cases.T, cases.LONG_PAIRS], ids=["pairs", "labels", "steps", "talks", "long"]
)
def test_clean_data_gives_no_warning(rows: list[dict[str, Any]], judged: Callable[..., DataReport]) -> None:
    report = judged(rows)
    assert [one.says for one in report.findings if one.severity > Severity.INFO] == []
    assert report.verdict == "healthy"


def test_every_check_has_a_case() -> None:
    assert {case.code for case in CASES} | ELSEWHERE == {check.code for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_check_declares_itself(check: type[Check]) -> None:
    parts = check.sections()
    assert parts["Sees"]
    assert parts["Why"]
    assert parts["False alarm"]
    assert check.kinds <= set(Kind)
    assert all(one.about for one in check.limits().values())


def test_codes_are_numbered_through_and_names_differ() -> None:
    assert [check.code for check in CHECKS] == [f"DATA{number:02}" for number in range(1, len(CHECKS) + 1)]
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_a_check_that_lacks_its_words_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not declare its says, do"):
        type("Half", (Check,), {"code": "DATA99", "name": "half", "__doc__": "Half."})


def test_checks_are_chosen_by_code_and_name() -> None:
    assert [check.code for check in select(["DATA04", "empty-side"])] == ["DATA03", "DATA04"]
    assert len(select((), ["DATA04"])) == len(CHECKS) - 1
    with pytest.raises(ConfigurationError, match="no check is called 'emty-side'; did you mean 'empty-side'"):
        select(["emty-side"])


def test_a_number_can_be_set(found: Found) -> None:
    rows = cases.changed(cases.P, (3,), lambda row: {"chosen": ""})
    assert found("DATA03", rows)[0].severity is Severity.WARNING
    assert found("DATA03", rows, limits={"DATA03": {"warns_from": 0.5}})[0].severity is Severity.INFO


def test_the_weight_for_kto_is_said(found: Found) -> None:
    """50 good and 150 bad: the good ones need 3 to 4 times the weight; 150 and 50: the bad ones 2.25 to 3 times."""
    few = found("DATA28", cases._imbalanced(50, 150))[0]
    assert few.advice == ("Set desirable_weight between 3.00 and 4.00, and leave the other weight at 1",)
    many = found("DATA28", cases._imbalanced(150, 50))[0]
    assert many.advice == ("Set undesirable_weight between 2.25 and 3.00, and leave the other weight at 1",)


def test_longer_wins_is_counted(found: Found, judged: Callable[..., DataReport]) -> None:
    """Three of four are won by the longer one."""
    rows = [{"prompt": str(n), "chosen": "a" * (5 if n % 4 else 3), "rejected": "bbbb"} for n in range(1, 401)]
    told = found("DATA15", rows)[0]
    assert told.evidence["accuracy"] == 0.75
    assert judged(rows).figures["longer_wins"] == 0.75


def test_labelled_answers_are_compared_by_rank(judged: Callable[..., DataReport]) -> None:
    """Good ones of 2 and 4 letters, bad ones of 1 and 3: of four comparisons three are won by the longer one."""
    rows = [
        {"prompt": f"p{n}", "completion": "x" * size, "label": size % 2 == 0} for n, size in enumerate((2, 4, 1, 3))
    ]
    assert judged(rows).figures["longer_wins"] == 0.75


def test_words_that_tell_nothing_reach_half(judged: Callable[..., DataReport]) -> None:
    report = judged(cases.pairs(1_000))
    assert 0.45 < report.figures["words_tell"] < 0.55


def test_what_is_too_little_to_suspect_a_label_is_said(judged: Callable[..., DataReport]) -> None:
    reasons = {one.code: one.reason for one in judged(cases.P).not_judged}
    assert "too little to suspect a label by" in reasons["DATA33"]
    assert "0 verdicts were given twice" in reasons["DATA32"]
    assert reasons["DATA11"] == "nothing is held out; name it with --eval"


def test_second_verdicts_that_all_disagree_are_no_measure(judged: Callable[..., DataReport]) -> None:
    """Where repeats that agree were taken out before, only contradictions are left: they are no share of anything."""
    report = judged(cases._judged_twice(40))
    assert "DATA32" not in [one.code for one in report.findings]
    assert "40 of 40 second verdicts are the opposite" in {one.code: one.reason for one in report.not_judged}["DATA32"]
    assert "label_noise" not in report.figures


def test_the_most_suspicious_label_comes_first(found: Found) -> None:
    assert set(found("DATA33", cases._telling((30, 60)))[0].rows) == {30, 60}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mail jane@example.org now", "e-mail"),
        ("card 4111 1111 1111 1111", "card"),
        ("card 4111 1111 1111 1111 of 12 and 7", "card"),
        ("card 3782-822463-10005", "card"),
        ("account GB82 WEST 1234 5698 7654 32", "IBAN"),
        ("call +49 170 1234567", "phone"),
        ("call (415) 555-0132", "phone"),
        ("host 93.184.216.34", "IP address"),
        (f"key AKIA{'ABCD' * 4}", "key"),
        (f"token ghp_{'a1B2' * 9}", "key"),
    ],
)
def test_what_looks_personal_is_recognised(text: str, kind: str) -> None:
    assert [found for found, _ in found_in(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112", "41 11 11 11 11 11 11 11", "4111 1111 1111 1111 4111 1111 1111 1111",
        "the sum is 1234567890123456", "GB83 WEST 1234 5698 7654 32",
        "pi is 3.14159265358979", "10.0.0.1 and 127.0.0.1", "1,000,000 - 250,000 = 750,000",
        "in 2019-2020", "a@b", "12 x 12 x 12 = 1728",
    ],
)  # fmt: skip
def test_what_does_not_is_left_alone(text: str) -> None:
    assert list(found_in(text)) == []


def test_nothing_personal_is_printed(found: Found) -> None:
    secret = "jane.doe@example.org"
    told = found("DATA36", cases.changed(cases.P, (3,), lambda row: {"chosen": f"Write to {secret}."}))[0]
    assert told.shown[0].quote == "chosen: e-mail ja***"
    assert secret not in str(told.to_dict())
    assert masked(secret) == "ja***"


class Words:
    """The little of a tokenizer that is asked: a token for each blank, an end mark, a template."""

    eos_token, bos_token, bos_token_id, chat_template = "</s>", "<s>", 1, "yes"

    def __init__(self, *, adds: bool = True, ends: bool = True) -> None:
        self.adds, self.ends = adds, ends

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        tokens = [5] * len(text.split())
        return {"input_ids": [1, *tokens] if self.adds and add_special_tokens else tokens}

    def apply_chat_template(self, talk: list[dict[str, str]], *, tokenize: bool) -> str:
        return "".join(f"[{turn['role']}] {turn['content']}" for turn in talk) + ("</s>" if self.ends else "")


def test_a_template_without_an_end_is_seen(found: Found) -> None:
    assert found("DATA22", cases.T, tokenizer=Words()) == []
    told = found("DATA22", cases.T, tokenizer=Words(ends=False))
    assert [one.says for one in told] == [
        "the tokenizer does not fit the data: the chat template puts no end mark (</s>) behind an answer"
    ]


def test_a_tokenizer_without_an_end_is_seen(found: Found) -> None:
    words = Words()
    words.eos_token = None  # type: ignore[assignment]
    assert found("DATA22", cases.P, tokenizer=words)[0].says.endswith(": the tokenizer has no end mark")


def test_a_start_mark_matters_where_another_is_added(found: Found) -> None:
    rows = cases.changed(cases.P, (2,), lambda row: {"prompt": f"<s>{row['prompt']}"})
    assert len(found("DATA20", rows, tokenizer=Words())) == 1
    assert found("DATA20", rows, tokenizer=Words(adds=False)) == []


def test_tokens_are_counted_where_there_is_a_tokenizer(found: Found) -> None:
    """600 words of two letters are 600 tokens by this tokenizer, and some 450 by the estimate."""
    rows = cases.changed(cases.P, (2,), lambda row: {"chosen": "ab " * 600, "rejected": "cd"})
    assert found("DATA23", rows, max_length=500) == []
    told = found("DATA23", rows, max_length=500, tokenizer=Words())[0]
    assert list(told.rows) == [2]
    assert "estimate" not in told.says


def test_a_prompt_that_fills_the_room_is_counted_apart(found: Found) -> None:
    rows = cases.changed(cases.P, (2, 3, 4), lambda row: {"chosen": cases.LONG})
    rows = cases.changed(rows, (4,), lambda row: {"prompt": cases.LONG})
    assert "3 of 200 examples take more" in (said := found("DATA23", rows, max_length=512)[0].says)
    assert said.endswith("; in 1 of them the prompt alone does")


def test_marks_of_the_tokenizer_itself_are_seen(found: Found) -> None:
    """One that looks like no mark at all."""
    words = Words()
    words.all_special_tokens = ["</s>", "=END="]  # type: ignore[attr-defined]
    rows = cases.changed(cases.P, (5,), lambda row: {"chosen": f"{row['chosen']} =END="})
    assert found("DATA19", rows) == []
    told = found("DATA19", rows, tokenizer=words)[0]
    assert list(told.rows) == [5]
    assert "=END=" in told.shown[0].quote


@pytest.mark.parametrize(
    "scores", [{"score_chosen": "4", "score_rejected": 3}, {"score_chosen": None, "score_rejected": 3}, {}]
)
def test_what_has_no_scores_is_not_judged_by_them(scores: dict[str, Any], judged: Callable[..., DataReport]) -> None:
    report = judged([{**row, **scores} for row in cases.P])
    assert {one.code: one.reason for one in report.not_judged}["DATA37"] == "the answers have no scores"


class Joining(Words):
    """A tokenizer of words, each with the blank before it: a blank at the end of a prompt joins what follows."""

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, Any]:
        import re

        return {"input_ids": re.findall(r" ?[^ ]+| +", text)}

    def apply_chat_template(
        self, talk: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool = False
    ) -> str:
        """One that has the model think where nothing is said yet, as some do."""
        told = "".join(f"[{turn['role']}] {turn['content']}" for turn in talk)
        return f"{told}[assistant] <think>" if add_generation_prompt else told


def test_a_seam_that_moves_is_seen(found: Found) -> None:
    rows = [{**row, "chosen": f" {row['chosen']}", "rejected": f" {row['rejected']}"} for row in cases.P]
    assert found("DATA38", rows, tokenizer=Joining()) == []
    moved = cases.changed(rows, (2, 3), lambda row: {"prompt": f"{row['prompt']} ", "chosen": row["chosen"][1:]})
    told = found("DATA38", moved, tokenizer=Joining())
    assert [list(one.rows) for one in told] == [[2, 3]]
    assert told[0].shown[0].quote.startswith("prompt ends: '")


def test_a_template_that_writes_the_prompt_otherwise_is_seen(found: Found) -> None:
    told = found("DATA38", cases.T, tokenizer=Joining())
    assert told[0].count == len(cases.T)
    assert told[0].severity is Severity.WARNING
