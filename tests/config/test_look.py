"""What is taken from the data: numbers, lengths, classes; counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from barograph.config.judge import judge_settings
from barograph.config.look import Look, fits, knowing, look_at
from barograph.config.plan import Plan
from barograph.config.reading import SettingsFile, plan_of
from barograph.core.methods import Method
from barograph.data.example import Kind
from barograph.data.formats.base import UnreadableData
from barograph.data.reading import open_data


def looked_at(folder: Path, rows: list[dict[str, Any]], **how: Any) -> Look:
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return look_at(open_data(str(path)).train, **how)


def plan(method: Method, **settings: Any) -> Plan:
    return plan_of(SettingsFile("settings", settings, method))


#: 8 bytes of prompt; the longer side has 32, 72, 72 and 392 bytes with it: 8, 18, 18 and 98 tokens of four bytes.
PAIRS = [
    {"prompt": "p" * 8, "chosen": "c" * 24, "rejected": "r" * 8},
    {"prompt": "p" * 8, "chosen": "c" * 24, "rejected": "r" * 64},
    {"prompt": "p" * 8, "chosen": "c" * 64, "rejected": "r" * 24},
    {"prompt": "p" * 8, "chosen": "c" * 384, "rejected": "r" * 8},
]


def test_pairs(tmp_path: Path) -> None:
    look = looked_at(tmp_path, PAIRS)
    assert (look.kind, look.rows, look.good, look.bad) == (Kind.PAIRED, 4, 4, 4)
    assert (look.longest, look.most_fit) == (98, 98)
    assert [look.cut_at(tokens) for tokens in (8, 18, 97, 98)] == [0.75, 0.25, 0.25, 0.0]
    # Both sides of all: 48 + 104 + 104 + 408 bytes.
    assert look.tokens_within(None) == (32 + 16 + 32 + 72 + 72 + 32 + 392 + 16) / 4
    assert look.tokens_within(9) < look.tokens_within(50) < look.tokens_within(1_000) == look.tokens_within(None)


def test_letters_of_other_scripts_take_more(tmp_path: Path) -> None:
    look = looked_at(tmp_path, [{"prompt": "", "chosen": "ж" * 40, "rejected": "x"}])
    assert look.longest == 20  # two bytes each


def test_labelled_answers_and_a_row_that_is_none(tmp_path: Path) -> None:
    rows = [{"prompt": "p", "completion": "abc", "label": place % 4 == 0} for place in range(8)]
    look = looked_at(tmp_path, [*rows, {"prompt": "p", "completion": None, "label": True}])
    assert (look.kind, look.rows, look.good, look.bad) == (Kind.UNPAIRED, 8, 2, 6)


def test_steps(tmp_path: Path) -> None:
    rows = [{"prompt": "p" * 10, "completions": ["s" * 20, "t" * 9], "labels": [True, False]}]
    assert looked_at(tmp_path, rows).longest == 10  # ten, twenty, a break, nine


def test_tokens_are_measured_by_a_tokenizer(tmp_path: Path) -> None:
    class Words:
        def __call__(self, text: str, **how: object) -> dict[str, list[str]]:
            return {"input_ids": text.split()}

    rows = [{"prompt": "ab ", "chosen": "cd ef gh", "rejected": "cd"} for _ in range(3)]
    look = looked_at(tmp_path, rows, tokenizer=Words())
    assert (look.is_counted, look.longest) == (True, 4)


def test_what_a_method_makes_of_them(tmp_path: Path) -> None:
    look = looked_at(tmp_path, PAIRS)
    assert knowing(plan(Method.DPO, max_length=20), look).number("train_examples") == 4
    assert knowing(plan(Method.DPO, max_length=20), look, held_out=0.25).number("train_examples") == 3
    of_kto = knowing(plan(Method.KTO), look)
    assert [of_kto.number(name) for name in ("train_examples", "good", "bad")] == [8, 4, 4]


def test_settings_are_laid_against_them(tmp_path: Path) -> None:
    report = judge_settings(knowing(plan(Method.DPO, max_length=20), looked_at(tmp_path, PAIRS)))
    told = {one.code: one.says for one in report.findings}
    assert told["CFG28"].startswith("25% of the examples are longer than max_length 20; 128 tokens hold 98 % of them")
    assert told["CFG28"].endswith("by an estimate from their bytes")
    report = judge_settings(knowing(plan(Method.DPO, max_length=1024), looked_at(tmp_path, PAIRS)))
    assert {one.code for one in report.findings} == {"CFG29"}  # 98 tokens of 1,024


def test_data_that_hold_nothing_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("{broken\n")
    with pytest.raises(UnreadableData, match="holds no examples"):
        look_at(open_data(str(path)).train)


@pytest.mark.parametrize(
    ("kind", "method", "expected"),
    [
        (Kind.PAIRED, Method.DPO, True), (Kind.UNPAIRED, Method.DPO, False), (Kind.UNPAIRED, Method.KTO, True),
        (Kind.PROMPTS, Method.GRPO, True), (Kind.PROMPTS, Method.PRM, False), (Kind.STEPS, Method.PRM, True),
    ],
)  # fmt: skip
def test_kinds_and_methods(kind: Kind, method: Method, expected: bool) -> None:
    assert fits(kind, method) is expected
