from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from barograph.text.reading import UnreadableTexts, pairs_of, read_texts, rivals_of
from barograph.text.score import Pair

ROW = {"prompt": "p", "completion": "a", "answer": "b"}


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("row", "pair"),
    [
        ({"prediction": "a", "reference": "b"}, Pair("a", ("b",))),
        ({"Prediction": "a", "Reference": "b"}, Pair("a", ("b",))),
        ({"generated_text": "a", "target": "b", "input": "i"}, Pair("a", ("b",))),
        ({"completion": "a", "canonical_solution": "b"}, Pair("a", ("b",))),
        ({"output": "a", "references": ["b", "c"]}, Pair("a", ("b", "c"))),
        ({"output": ["a"], "answer": 42}, Pair("a", ("42",))),
        ({"output": "", "answer": ""}, Pair("", ("",))),
        # Of two names that both fit, the plainer one counts.
        ({"prediction": "a", "output": "x", "reference": "b", "answer": "y"}, Pair("a", ("b",))),
        # Conversations, as trainers write them.
        (
            {"completion": [{"role": "assistant", "content": "a"}], "chosen": [{"role": "assistant", "content": "b"}]},
            Pair("a", ("b",)),
        ),
        ({"output": "half \ud83d of one", "answer": "b"}, Pair("half \ufffd of one", ("b",))),
    ],
)
def test_one_file_with_both(tmp_path: Path, row: object, pair: Pair) -> None:
    for name in ("both.jsonl", "both.json", "both.log"):
        texts = read_texts(written(tmp_path, name, lines(row, row)), alone="predictions")
        assert pairs_of(texts) == [pair, pair]


@pytest.mark.parametrize(
    "content",
    [
        '[{"prediction": "a", "reference": "b"},\n {"prediction": "c", "reference": "d"}]',
        '{\n  "predictions": ["a", "c"],\n  "references": ["b", "d"]\n}',
        '{"predictions": ["a", "c"], "references": [["b"], ["d"]]}',
        '\ufeff{"prediction": "a", "reference": "b"}\r\n\r\n{"prediction": "c", "reference": "d"}\r\n',
    ],
)
def test_ways_to_write_json(tmp_path: Path, content: str) -> None:
    expected = [Pair("a", ("b",)), Pair("c", ("d",))]
    assert pairs_of(read_texts(written(tmp_path, "both.json", content), alone="predictions")) == expected


def test_tables(tmp_path: Path) -> None:
    comma = written(tmp_path, "t.csv", 'id,Prediction,reference\n1,"a, b\nc",d\n\n2,e,f\n')
    texts = read_texts(comma, alone="predictions")
    assert pairs_of(texts) == [Pair("a, b\nc", ("d",)), Pair("e", ("f",))]
    assert texts.lines == (2, 5)
    tab = written(tmp_path, "t.tsv", "prediction\treference\na\tb\n")
    assert pairs_of(read_texts(tab, alone="predictions")) == [Pair("a", ("b",))]


def test_plain_lines_of_which_empty_ones_count(tmp_path: Path) -> None:
    said = read_texts(written(tmp_path, "said.txt", "a\n\nc\n"), alone="predictions")
    right = read_texts(written(tmp_path, "right", "x\r\ny\r\nz"), alone="references")
    assert pairs_of(said, [right]) == [Pair("a", ("x",)), Pair("", ("y",)), Pair("c", ("z",))]


def test_a_plain_line_may_begin_like_json(tmp_path: Path) -> None:
    assert read_texts(written(tmp_path, "said.txt", '{"a": 1}\n[x]\n'), alone="predictions").predictions == (
        '{"a": 1}', "[x]"
    )  # fmt: skip
    assert read_texts(written(tmp_path, "said", "{braces}\n"), alone="predictions").predictions == ("{braces}",)


def test_lines_of_json_texts(tmp_path: Path) -> None:
    assert read_texts(written(tmp_path, "said.jsonl", '"a\\nb"\n"c"\n'), alone="predictions").predictions == (
        "a\nb",
        "c",
    )


def test_several_files_of_references(tmp_path: Path) -> None:
    said = read_texts(
        written(tmp_path, "said.jsonl", lines({"output": "a", "answer": "not this"})), alone="predictions"
    )
    first = read_texts(written(tmp_path, "one.txt", "b\n"), alone="references")
    second = read_texts(written(tmp_path, "two.jsonl", lines({"text": "c"})), alone="references")
    assert pairs_of(said, [first, second]) == [Pair("a", ("b", "c"))]


def test_fields_that_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "both.jsonl", lines({"mine": "a", "prediction": "x", "yours": "b"}))
    texts = read_texts(path, prediction_field="mine", reference_field="yours", alone="predictions")
    assert pairs_of(texts) == [Pair("a", ("b",))]
    with pytest.raises(UnreadableTexts, match="has no field 'mines'; did you mean 'mine'"):
        read_texts(path, prediction_field="mines", alone="predictions")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines(ROW).encode())))
    assert pairs_of(read_texts("-", alone="predictions")) == [Pair("a", ("b",))]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("f.jsonl", "", "f.jsonl: is empty"),
        ("f.txt", "", "f.txt: is empty"),
        ("f.csv", "prediction,reference\n", "f.csv: is empty"),
        ("f.csv", "", "f.csv: is empty"),
        ("f.jsonl", lines(ROW) + "{oops\n", "f.jsonl: line 2 is no JSON: Expecting property name"),
        ("f.jsonl", lines(ROW) + '{"completion": "a', "f.jsonl: line 2 is no JSON: Unterminated string"),
        ("f.jsonl", lines(ROW) + "[" * 100_000, "f.jsonl: line 2 is no JSON: nested too deeply"),
        ("f.jsonl", lines(ROW, {"completion": "a"}), "f.jsonl: line 2 has no 'answer', which other lines have"),
        ("f.jsonl", lines(ROW, {**ROW, "completion": None}), "line 2 has no 'completion', which other lines have"),
        ("f.jsonl", lines({**ROW, "completion": {"a": 1}}), "line 1 has an object in 'completion' where a text is"),
        ("f.jsonl", lines({**ROW, "completion": ["a", "b"]}), "line 1 has a list of 2 in 'completion' where a text"),
        ("f.jsonl", lines({**ROW, "completion": True}), "line 1 has true or false in 'completion' where a text is"),
        ("f.jsonl", lines({**ROW, "answer": []}), "line 1 has an empty list of references in 'answer'"),
        ("f.jsonl", lines(ROW, "text"), "line 2 is a text where others are objects with fields"),
        ("f.jsonl", lines({"a": 1, "b": 2}), "has the fields a, b, and none that is called prediction, predictions,"),
        ("f.csv", "a,b\n1,2\n", "name the right one with --prediction-field"),
        ("f.csv", 'prediction,reference\n"a\nb",c\nd,e,f\n', "line 4 has 3 columns where the header has 2; put texts"),
        ("f.jsonl", lines({"completion": "a"}), "holds predictions alone; name the file of their references with"),
        ("f.jsonl", lines({"answer": "a"}), "holds no predictions, which are called prediction,"),
        ("f.txt", b"a\nb\n\xe9t\xe9\n", r"line 3 is not UTF-8 \(byte 0xe9\); save the file as UTF-8"),
        ("f.txt", b"\xef\xbb\xbfa\n\xff\n", r"line 2 is not UTF-8 \(byte 0xff\)"),
        ("f.txt", "a\nb\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, name: str, content: str | bytes, problem: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(UnreadableTexts, match=problem) as caught:
        pairs_of(read_texts(path, alone="predictions"))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTexts, match=r"nowhere.txt: No such file"):
        read_texts(tmp_path / "nowhere.txt")
    with pytest.raises(UnreadableTexts, match="Is a directory"):
        read_texts(tmp_path)


def test_two_files_of_different_length(tmp_path: Path) -> None:
    said = read_texts(written(tmp_path, "said.txt", "a\nb\n"), alone="predictions")
    right = read_texts(written(tmp_path, "right.txt", "a\n"), alone="references")
    with pytest.raises(UnreadableTexts, match=r"said.txt holds 2 predictions and .*right.txt 1 references; each"):
        pairs_of(said, [right])


def test_two_files_in_another_order(tmp_path: Path) -> None:
    said = written(tmp_path, "said.jsonl", lines({"task_id": "x/1", "output": "a"}, {"task_id": "x/2", "output": "b"}))
    right = written(tmp_path, "right.jsonl", lines({"task_id": "x/1", "text": "a"}, {"task_id": "x/3", "text": "b"}))
    with pytest.raises(UnreadableTexts, match=r"line 2 is 'x/2', and 'x/3' in .*right.jsonl; put both files into the"):
        pairs_of(read_texts(said, alone="predictions"), [read_texts(right, alone="references")])


def test_references_that_hold_none(tmp_path: Path) -> None:
    said = read_texts(written(tmp_path, "said.txt", "a\n"), alone="predictions")
    right = read_texts(written(tmp_path, "right.jsonl", lines({"output": "a"})), alone="references")
    with pytest.raises(UnreadableTexts, match=r"right.jsonl: holds no references, which are called reference,"):
        pairs_of(said, [right])


def test_a_rival_is_held_against_the_same_references(tmp_path: Path) -> None:
    said = read_texts(written(tmp_path, "a.jsonl", lines(ROW)), alone="predictions")
    rival = read_texts(written(tmp_path, "b.jsonl", lines({"completion": "c"})), alone="predictions")
    assert rivals_of(rival, said) == [Pair("c", ("b",))]
    other = read_texts(written(tmp_path, "c.jsonl", lines({"completion": "c", "answer": "z"})), alone="predictions")
    with pytest.raises(UnreadableTexts, match="line 1 has another reference than the same row of"):
        rivals_of(other, said)
    short = read_texts(written(tmp_path, "d.txt", "c\nd\n"), alone="predictions")
    with pytest.raises(UnreadableTexts, match=r"d.txt holds 2 predictions and .*a.jsonl 1 references"):
        rivals_of(short, said)
