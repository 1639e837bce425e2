"""`barograph config` as a person or a script uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from barograph.cli.main import cli

SOUND = """\
model_size = "0.5b"
data = "pairs.jsonl"
beta = 0.1
sft_weight = 0.0
max_length = 512
"""
#: Ten times the rate that is usual at most; a batch that KTO cannot use; a slip.
FAULTY = 'model_size = "7b"\nlearning_rate = 5e-5\nbatch_size = 1\nwarmpu = 0.2\n'


def run(*arguments: object, width: int = 80, **environment: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": str(width), **environment}).invoke(
        cli, ["config", *map(str, arguments)], standalone_mode=False
    )


def code_of(result: Result) -> int:
    return result.return_value if isinstance(result.return_value, int) else result.exit_code


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "dpo.toml"
    path.write_text(SOUND)
    return path


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "kto.toml"
    path.write_text(FAULTY)
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """40 pairs, of which every tenth is longer than 512 tokens by the estimate."""
    path = tmp_path / "pairs.jsonl"
    rows = [
        {"prompt": f"Number {n}?", "chosen": "yes " * (1_000 if n % 10 == 0 else 5), "rejected": "no"}
        for n in range(40)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_sound_settings(sound: Path) -> None:
    result = run(sound)
    assert code_of(result) == 0
    assert result.stdout.startswith(f"HEALTHY: nothing against beginning  {sound}\n")
    assert "dpo, read as settings of a recipe of barograph" in result.stdout


@pytest.mark.parametrize("width", [60, 80, 120])
def test_faulty_settings(faulty: Path, width: int) -> None:
    result = run(faulty, width=width)
    assert code_of(result) == 3
    said = " ".join(result.stdout.split())
    assert "UNHEALTHY: mend this before you begin" in said
    assert "CFG12 kto-batch critical batch_size is 1: KTO needs 4 or more on each device" in said
    assert "CFG03 rate-high warning learning_rate is 5e-5, 10 times the most that is usual for kto" in said
    assert "warmpu is no setting of a recipe of barograph; warmup is one" in said
    assert said.index("CFG12") < said.index("CFG03")  # the gravest first
    assert all(len(line) <= width for line in result.stdout.splitlines()[1:])


def test_without_the_signs_of_a_newer_terminal(faulty: Path) -> None:
    result = run(faulty, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert "CFG03" in result.stdout


def test_as_one_object(faulty: Path) -> None:
    result = run(faulty, "--json", "--card", "24gb")
    answer = json.loads(result.stdout)
    assert (answer["schema"], answer["config"]["method"], answer["config"]["verdict"]) == (1, "kto", "unhealthy")
    first = answer["config"]["findings"][0]
    assert {"code", "name", "severity", "metric", "says", "evidence", "advice"} <= set(first)
    assert {one["code"] for one in answer["config"]["findings"]} >= {"CFG01", "CFG03", "CFG12", "CFG26"}
    assert answer["size"]["memory_bytes"] > 24e9
    assert code_of(result) == 3


def test_beside_its_data(sound: Path, pairs: Path) -> None:
    result = run(sound, "--data", pairs)
    said = " ".join(result.stdout.split())
    assert "CFG28 examples-cut warning 10% of the examples are longer than max_length 512" in said
    # Nine tenths of 40 are trained on, 16 in an update.
    assert "updates 3 (36 examples, 16 in each, seen once)" in said
    assert "To aim for" in said
    assert "If the margin stays near zero: raise learning_rate to 2e-6." in said


def test_data_of_another_kind_are_told(faulty: Path, tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "Why?"}\n' * 3)
    assert "holds prompts examples, on which kto is not trained" in " ".join(run(faulty, "--data", path).stdout.split())


def test_a_method_that_nobody_says(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"learning_rate": 1e-4}')
    assert "--method says it" in " ".join(run(path).stdout.split())
    assert "CFG03" in run(path, "--method", "grpo").stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--fail-on", "never"], 0), (["--fail-on", "critical"], 3), (["--select", "CFG01", "--fail-on", "critical"], 0),
     (["--ignore", "CFG01,CFG03,kto-batch"], 0), (["--set", "CFG12.least=1", "--ignore", "CFG01,CFG03"], 0)],
)  # fmt: skip
def test_what_counts_is_chosen(faulty: Path, arguments: list[str], code: int) -> None:
    assert code_of(run(faulty, *arguments)) == code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.toml"], "missing.toml: cannot be read (No such file or directory)"),
        (["{faulty}", "--set", "CFG03"], "--set 'CFG03': write it as CFG03.warns_from=5"),
        (
            ["{faulty}", "--set", "CFG03.warn_from=5"],
            "--set: CFG03 has no number 'warn_from'; did you mean 'warns_from'?",
        ),
        (["{faulty}", "--select", "CFG99"], "no check is called 'CFG99'"),
        (["{faulty}", "--data", "missing.jsonl"], "missing.jsonl: there is no such file or folder"),
        (["{faulty}", "--tokenizer", "missing", "--data", "{faulty}"], "--tokenizer missing: there is no such file"),
    ],
)
def test_a_mistake_is_one_sentence(faulty: Path, arguments: list[str], sentence: str) -> None:
    result = run(*(word.format(faulty=faulty) for word in arguments))
    assert str(result.exception).startswith(sentence)
    assert "\n" not in str(result.exception)


def test_why_and_what_could_not_be_judged(faulty: Path) -> None:
    said = " ".join(run(faulty, "--verbose").stdout.split())
    assert "Why: the KL is estimated from answers" in said
    assert "CFG32 not judged: it is not known how many steps the run has" in said


@pytest.mark.parametrize("name", ["CFG03", "rate-high", "cfg03"])
def test_a_check_explains_itself(name: str) -> None:
    result = CliRunner(env={"NO_COLOR": "1"}).invoke(cli, ["explain", name, "--json"], standalone_mode=False)
    explained = json.loads(result.stdout)["explained"][0]
    assert (explained["code"], explained["setting"]) == ("CFG03", "learning_rate")
    assert "kto" in explained["methods"]


def test_all_checks_at_a_glance() -> None:
    result = CliRunner(env={"NO_COLOR": "1"}).invoke(cli, ["explain", "CFG"], standalone_mode=False)
    assert "What is looked for in the settings of a training" in result.stdout
    assert result.stdout.count("CFG") > 34


def test_no_library_of_training_is_loaded(sound: Path) -> None:
    import subprocess
    import sys

    script = (
        f"import sys; sys.argv = ['barograph', 'config', {str(sound)!r}]\nfrom barograph.cli.main import main\ntry:\n"
    )
    script += (
        "    main()\nfinally:\n    print([name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.rstrip().endswith("[]")
