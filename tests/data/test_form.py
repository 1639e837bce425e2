"""Which kind of data it is, which column holds what, and what a row then says."""

from __future__ import annotations

import os.path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import ConfigurationError
from barograph.data.check import CLIP, clipped
from barograph.data.example import Example, Kind
from barograph.data.form import Misfit, form_of
from barograph.data.formats.base import UnreadableData
from barograph.data.implicit import parted, shared_length
from barograph.data.languages import language_of


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def model(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def example(row: dict[str, Any], kind: Kind | None = None) -> Example:
    return form_of([row], "x.jsonl", kind).example(1, row)


@pytest.mark.parametrize(
    ("row", "kind", "prompt", "answers"),
    [
        ({"prompt": "p", "chosen": "c", "rejected": "r"}, "paired", "p", ("c", "r")),
        ({"question": "p", "response_j": "c", "response_k": "r"}, "paired", "p", ("c", "r")),
        ({"Query": "p", "win": "c", "lose": "r"}, "paired", "p", ("c", "r")),
        ({"instruction": "p", "input": "more", "chosen": "c", "rejected": "r"}, "paired", "p\nmore", ("c", "r")),
        ({"prompt": [user("p")], "chosen": [model("c")], "rejected": [model("r")]}, "paired", "p", ("c", "r")),
        ({"chosen": [user("p"), model("c")], "rejected": [user("p"), model("r")]}, "paired", "p", ("c", "r")),
        ({"prompt": "p", "chosen": [user("p"), model("c")], "rejected": [user("p"), model("r")]}, "paired", "p",
         ("c", "r")),
        ({"chosen": "\n\nHuman: p\n\nAssistant: c", "rejected": "\n\nHuman: p\n\nAssistant: r"}, "paired",
         "\n\nHuman: p\n\nAssistant:", (" c", " r")),
        ({"conversations": 1, "chosen": {"role": "assistant", "content": "c"}, "rejected": model("r"), "prompt": "p"},
         "paired", "p", ("c", "r")),
        ({"chosen": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "c"}],
          "rejected": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "r"}]}, "paired", "p", ("c", "r")),
        ({"prompt": "p", "completion": "c", "label": True}, "unpaired", "p", ("c",)),
        ({"question": "p", "answer": "c", "is_correct": 1}, "unpaired", "p", ("c",)),
        ({"messages": [user("p"), model("c")], "kto_tag": "true"}, "unpaired", "p", ("c",)),
        ({"prompt": "p", "completions": ["a", "b"], "labels": [True, False]}, "steps", "p", ("a", "b")),
        ({"prompt": "p", "a": 1}, "prompts", "p", ()),
    ],
)  # fmt: skip
def test_what_a_row_says(row: dict[str, Any], kind: str, prompt: str, answers: tuple[str, ...]) -> None:
    made = example(row)
    assert (made.kind, made.prompt, made.answers()) == (kind, prompt, answers)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (True, True),
        (1, True),
        ("desirable", True),
        (1.0, True),
        (False, False),
        (0, False),
        (-1, False),
        ("bad", False),
    ],
)
def test_labels_in_many_words(value: object, label: bool) -> None:
    assert example({"prompt": "p", "completion": "c", "label": value}).label is label


def test_a_kind_can_be_asked_for() -> None:
    row = {"prompt": "p", "chosen": "c", "rejected": "r", "completion": "x", "label": True}
    assert example(row).kind is Kind.PAIRED
    assert example(row, Kind.UNPAIRED).completion == "x"
    assert example(row, Kind.REWARD).answers() == ("c", "r")


def test_a_kind_that_it_is_not_is_one_sentence() -> None:
    with pytest.raises(ConfigurationError) as caught:
        form_of([{"prompt": "p", "completion": "c", "lable": True}], "x.jsonl", Kind.UNPAIRED)
    assert str(caught.value) == (
        "x.jsonl: has no column 'label', which a data set of kind 'unpaired' needs; it has prompt, completion, lable; "
        "did you mean 'lable'?"
    )


def test_nothing_at_all() -> None:
    with pytest.raises(UnreadableData, match=r"x\.jsonl: holds no examples"):
        form_of([], "x.jsonl")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"prompt": "p", "chosen": 3, "rejected": "r"}, "'chosen' is a number, where a text belongs"),
        ({"prompt": "p", "chosen": "c", "rejected": None}, "'rejected' is missing"),
        ({"prompt": "p", "chosen": [model("c")], "rejected": "r"}, "one answer is a conversation, the other a text"),
        ({"prompt": "p", "chosen": [3, 4], "rejected": "r"}, "'chosen' is a list of a number, where messages belong"),
        (
            {"prompt": "p", "chosen": [{"role": "user"}], "rejected": [{"content": "r"}]},
            "'rejected' has a message without",
        ),
    ],
)
def test_a_row_of_another_form_says_why(row: dict[str, Any], why: str) -> None:
    form = form_of([{"prompt": "p", "chosen": "c", "rejected": "r"}], "x.jsonl")
    with pytest.raises(Misfit) as caught:
        form.example(1, row)
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"prompt": "p", "completions": ["a", "b"], "labels": [True]}, "it has 2 steps and 1 labels"),
        ({"prompt": "p", "completions": ["a", 2], "labels": [True, False]}, "a step is a number, where a text belongs"),
        ({"prompt": "p", "completions": "a", "labels": [True]}, "'completions' is a text, where a list belongs"),
        ({"prompt": "p", "completions": ["a"], "labels": ["perhaps"]}, "'labels' is 'perhaps', where true or false"),
    ],
)
def test_steps_of_another_form_say_why(row: dict[str, Any], why: str) -> None:
    form = form_of([{"prompt": "p", "completions": ["a"], "labels": [True]}], "x.jsonl")
    with pytest.raises(Misfit, match=why):
        form.example(1, row)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_what_two_texts_share(begin: str, one: str, other: str) -> None:
    first, second = begin + one, begin + other
    assert shared_length(first, second) == len(os.path.commonprefix([first, second]))  # noqa: RUF071
    prompt, chosen, rejected = parted(first, second)
    assert (prompt + chosen, prompt + rejected) == (first, second)


@given(st.text(max_size=2_000))
def test_what_is_shown_is_short_and_on_one_line(text: str) -> None:
    assert len(clipped(text)) <= CLIP
    assert len(clipped(text).splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The quick brown fox is not on the table, but it was there for you.", "English"),
        ("Der Hund ist nicht auf dem Tisch, aber er war für dich da und das ist gut.", "German"),
        ("Le chien n'est pas sur la table, mais il est dans une maison avec nous.", "French"),
        ("El perro no está en la mesa, pero los gatos están con su madre y se ven.", "Spanish"),
        ("今日は天気がとてもいいですね。", "Japanese"),
        ("今天天气很好,我们去公园吧。", "Chinese"),
        ("Сегодня хорошая погода, и мы идём в парк.", "Cyrillic"),
        ("2 * 2 = 4, 4 * 4 = 16, x = 3", None),
        ("def f(x): return x + 1", None),
        ("Her English book weighs 3 pounds. Her history book weighs 3 x 2 = 6 pounds", None),
    ],
)
def test_languages(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_answers_without_a_column_of_prompts_have_none_that_is_empty() -> None:
    made = example({"completion": "c", "label": True})
    assert (made.prompt, made.is_implicit) == ("", True)
