"""An example of a training is found again in the file that it came from, whatever a trainer has made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from barograph.data.reading import open_data
from barograph.data.recognised import rows_saying, said_in

PAIR = {"prompt": "What is 2 + 3?", "chosen": " It is 5.", "rejected": " It is 6."}


def talk(*turns: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(turns)]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(PAIR | {"id": 7}, id="as it was"),
        pytest.param(
            {"question": PAIR["prompt"], "preferred": PAIR["chosen"], "dispreferred": PAIR["rejected"]},
            id="columns of other names",
        ),
        pytest.param(
            {side: "\n\nHuman: " + PAIR["prompt"] + "\n\nAssistant:" + PAIR[side] for side in ("chosen", "rejected")},
            id="prompt within the answers",
        ),
        pytest.param(
            {side: talk(PAIR["prompt"], PAIR[side]) for side in ("chosen", "rejected")}, id="conversations"
        ),
    ],
)  # fmt: skip
def test_a_pair_in_all_its_forms(row: Mapping[str, Any], written: Callable[..., Path]) -> None:
    other = {name: _other(value) for name, value in row.items()}
    data = open_data(str(written("pairs.jsonl", [other, row]))).train
    prompt = PAIR["prompt"]
    if "question" not in row and "prompt" not in row and isinstance(row["chosen"], str):
        prompt = f"\n\nHuman: {prompt}\n\nAssistant:"
    trained_on = {"prompt": prompt, "chosen": prompt + PAIR["chosen"] + "<eos>", "rejected": PAIR["rejected"]}
    found = rows_saying(data, [(40, said_in(trained_on, "<eos>").fingerprint())])
    number, said = found[40]
    assert number == 2
    assert dict(said.answers) == {"chosen": "It is 5.", "rejected": "It is 6."}


def _other(value: Any) -> Any:
    if isinstance(value, list):
        return [turn | {"content": turn["content"].replace("3", "4")} for turn in value]
    return value.replace("3", "4") if isinstance(value, str) else value


def found_at(rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any], written: Callable[..., Path]) -> Any:
    data = open_data(str(written("data.jsonl", rows))).train
    return rows_saying(data, [(1, said_in(wanted).fingerprint())]).get(1)


def test_an_answer_that_was_made_of_a_pair(written: Callable[..., Path]) -> None:
    number, said = found_at([PAIR], {"prompt": PAIR["prompt"], "completion": "It is 6.", "label": False}, written)
    assert number == 1
    assert said.quoted() == {"prompt": "What is 2 + 3?", "completion": "It is 6.", "label": "bad"}
    assert found_at([PAIR], {"prompt": PAIR["prompt"], "completion": "It is 6.", "label": True}, written) is None


def test_steps_of_which_only_tokens_were_left(written: Callable[..., Path]) -> None:
    row = {"prompt": "2 + 3 + 4?", "completions": [" 2 + 3 = 5.", " 5 + 4 = 8."], "labels": [True, False]}
    number, said = found_at([row], {"completion": "2 + 3 + 4? 2 + 3 = 5. 5 + 4 = 8.", "labels": [1, 0]}, written)
    assert number == 1
    assert said.quoted()["labels"] == "good | bad"
    other = {"completion": "2 + 3 + 4? 2 + 3 = 5. 5 + 4 = 8.", "labels": [1, 1]}
    assert found_at([row], other, written) is None


def test_a_turned_pair_is_another_one(written: Callable[..., Path]) -> None:
    turned = PAIR | {"chosen": PAIR["rejected"], "rejected": PAIR["chosen"]}
    assert found_at([PAIR], turned, written) is None


def test_what_stands_there_twice_is_taken_in_turn(written: Callable[..., Path]) -> None:
    data = open_data(str(written("pairs.jsonl", [PAIR, PAIR | {"id": 2}]))).train
    print_of = said_in(PAIR).fingerprint()
    found = rows_saying(data, [(5, print_of), (3, print_of)])
    assert {place: number for place, (number, _) in found.items()} == {5: 1, 3: 2}


def test_sides_that_begin_alike_are_quoted_from_where_they_part() -> None:
    same = "The first thing to do is to write down all that is known. " * 5
    quoted = said_in({"prompt": "How?", "chosen": same + "Then add.", "rejected": same + "Then guess."}).quoted()
    assert quoted["chosen"].startswith("… ")
    assert quoted["chosen"].endswith("Then add.")
    assert quoted["rejected"].endswith("Then guess.")
