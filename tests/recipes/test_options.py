"""Options: the same from flags, files and Python, and one clear sentence for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from barograph.cli.train import train
from barograph.core.errors import ConfigurationError
from barograph.recipes.options import METHODS, DPOOptions, KTOOptions, choices_of, from_file, settled


def test_what_is_not_said_is_as_usual_for_the_model() -> None:
    tiny, real = settled(DPOOptions()), settled(DPOOptions(model="some/model"))
    assert (tiny.model, tiny.guard, tiny.sft_weight) == ("tiny", "rescue", 0.5)
    assert (real.learning_rate, real.guard, real.sft_weight, real.beta) == (1e-6, "advise", 0.0, 0.1)
    assert settled(DPOOptions(model_size="7b")).guard == "advise"
    assert settled(DPOOptions(learning_rate=3e-7)).learning_rate == 3e-7


def test_later_sources_go_first_and_nothing_said_hides_nothing() -> None:
    made = KTOOptions.made({"beta": 0.2, "learning-rate": "5e-7"}, {"beta": 0.3, "seed": None})
    assert (made.beta, made.learning_rate, made.seed) == (0.3, 5e-7, None)
    assert made.said() == {"beta": 0.3, "learning_rate": 5e-7}


@pytest.mark.parametrize("kind", METHODS.values())
def test_every_option_has_a_sentence_and_a_usual_value_of_its_type(kind: type) -> None:
    whole = settled(kind())
    for name, one in choices_of(kind).items():
        assert len(one.says) > 8, name
        for value in (one.usual, one.tiny):
            assert value is None or kind.made({name: value}).said() == {name: value}
        assert getattr(whole, name) == one.tiny


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"lerning_rate": 1e-6}, "unknown setting 'lerning_rate'; did you mean 'learning_rate'?"),
        ({"beta": "high"}, "beta = 'high': a number belongs there"),
        ({"seed": 1.5}, "seed = 1.5: a whole number belongs there"),
        ({"lora": "perhaps"}, "lora = 'perhaps': true or false belongs there"),
        ({"batch_size": True}, "batch_size = True: a whole number belongs there"),
        ({"learning_rate": -1}, "learning_rate = -1.0: a number from 0 on belongs there"),
        ({"learning_rate": float("nan")}, "learning_rate = nan: a number from 0 on belongs there"),
        ({"guard": "resque"}, "guard = 'resque': it is one of advise, stop, rescue; did you mean 'rescue'?"),
        ({"data": ["a", "b"]}, "data = ['a', 'b']: a text belongs there"),
    ],
)
def test_what_cannot_be_is_said(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as said:
        DPOOptions.made(settings)
    assert str(said.value) == sentence


def test_files_of_both_kinds_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('learning_rate = 5e-7\n[model]\nmodel = "some/model"\nlora = true\n')
    (tmp_path / "b.yaml").write_text("learning_rate: 5e-7\nmodel_config:\n  model: some/model\n  lora: true\n")
    made = [DPOOptions.made(from_file(tmp_path / name)).said() for name in ("a.toml", "b.yaml")]
    assert made[0] == made[1] == {"learning_rate": 5e-7, "model": "some/model", "lora": True}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.toml", "beta = ", "is not valid TOML"),
        ("a.yaml", "beta: [1", "is not valid YAML, line"),
        ("a.yaml", "- 1\n- 2\n", "holds list where names with values belong"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=sentence) as said:
        from_file(tmp_path / name)
    assert str(tmp_path / name) in str(said.value)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        from_file(tmp_path / "missing.toml")


@pytest.mark.parametrize("method", METHODS)
def test_help_names_every_option_with_its_usual_value(method: str) -> None:
    done = CliRunner().invoke(train, [method, "--help"], terminal_width=200)
    assert done.exit_code == 0
    for name, one in choices_of(METHODS[method]).items():
        assert f"--{name.replace('_', '-')}" in done.output
        if one.usual is not None:
            assert f"[{one.usual}" in done.output.replace("\n", " ")


def test_underscores_will_do_and_an_unknown_option_is_a_mistake_of_usage() -> None:
    assert CliRunner().invoke(train, ["dpo", "--learning_rate", "high"]).exit_code == 2
    said = CliRunner().invoke(train, ["dpo", "--learning_rate", "high"]).output
    assert "not a valid float" in said
    assert CliRunner().invoke(train, ["dpo", "--lerning-rate", "1"]).exit_code == 2
