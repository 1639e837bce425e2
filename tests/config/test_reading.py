"""Settings of each framework are read under one name, and what cannot be read is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from barograph.config.dialects.base import MEANINGS
from barograph.config.dialects.catalogue import DIALECTS
from barograph.config.plan import Plan
from barograph.config.reading import plan_of, read_settings_file
from barograph.core.errors import ConfigurationError
from barograph.core.methods import Method

VERL = """\
algorithm:
  adv_estimator: gae
  use_kl_in_reward: true
  kl_ctrl: {kl_coef: 0.002}
data: {train_batch_size: 1024, max_prompt_length: 512, max_response_length: 1024}
actor_rollout_ref:
  model: {path: Qwen/Qwen2.5-7B}
  actor: {optim: {lr: 1e-6, lr_warmup_steps: -1, lr_warmup_steps_ratio: 0.05}, ppo_mini_batch_size: 256}
  rollout: {n: 1, top_k: -1, top_p: 0.9}
critic: {optim: {lr: 1.0e-5}}
trainer: {nnodes: 2, n_gpus_per_node: 8, save_freq: -1, test_freq: 5, total_epochs: 3}
"""
OPENRLHF = """\
set -x
# python --not_this 1
ray job submit -- python3 -m openrlhf.cli.train_ppo_ray \\
   --actor_num_nodes 2 --actor_num_gpus_per_node 4 \\
   --pretrain meta-llama/Meta-Llama-3-8B --train_batch_size 128 --micro_train_batch_size 4 \\
   --advantage_estimator rloo --n_samples_per_prompt 8 --actor_learning_rate 5e-7 --init_kl_coef=1e-3 \\
   --save_steps -1 --bf16 --generate_max_len 1024
"""
LLAMA_FACTORY = """\
stage: dpo
finetuning_type: lora
lora_rank: 8
pref_beta: 0.2
pref_loss: orpo
cutoff_len: 2048
learning_rate: 5.0e-6
per_device_train_batch_size: 1
quantization_bit: 4
"""


def plan(folder: Path, name: str, text: str, method: Method | None = None) -> Plan:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return plan_of(read_settings_file(path), method)


def test_every_name_of_ours_has_a_meaning() -> None:
    for dialect in DIALECTS:
        assert set(dialect.names) <= set(MEANINGS), dialect.name


def test_verl(tmp_path: Path) -> None:
    found = plan(tmp_path, "ppo_trainer.yaml", VERL)
    assert (found.dialect.name, found.method) == ("verl", Method.PPO)
    # YAML takes 1e-6 for a text; the KL counts in the reward; -1 stands for all tokens, and for never.
    assert [found.number(name) for name in ("learning_rate", "beta", "top_k", "devices")] == [1e-6, 0.002, 0, 16]
    assert (found.text("save_strategy"), found.text("eval_strategy")) == ("no", "steps")
    assert (found.is_adapter, found.called("learning_rate")) == (False, "actor_rollout_ref.actor.optim.lr")
    # Three passes over 7,473 prompts in steps of 1,024: 8 in each, the last of them not full.
    known = found.knowing(train_examples=7_473)
    assert (known.updates, known.warmup) == (24, pytest.approx(1.2))


def test_a_script_of_openrlhf(tmp_path: Path) -> None:
    found = plan(tmp_path, "train.sh", OPENRLHF)
    assert (found.dialect.name, found.method) == ("OpenRLHF", Method.RLOO)
    assert [found.number(name) for name in ("learning_rate", "beta", "devices", "batch")][:3] == [5e-7, 1e-3, 8]
    assert (found.batch, found.text("save_strategy"), found.is_on("bf16")) == (128, "no", True)


def test_llama_factory(tmp_path: Path) -> None:
    found = plan(tmp_path, "train.yaml", LLAMA_FACTORY)
    assert (found.dialect.name, found.method, found.is_adapter) == ("LLaMA-Factory", Method.ORPO, True)
    assert (found.number("beta"), found.number("max_length"), found.text("quantized")) == (0.2, 2048, "4bit")


def test_arguments_of_a_trainer_within_tables(tmp_path: Path) -> None:
    text = (
        '[training]\nlearning_rate = 1e-6\ndesirable_weight = 1.0\n[model]\nmodel_name_or_path = "Qwen/Qwen2.5-0.5B"\n'
    )
    found = plan(tmp_path, "settings.toml", text)
    assert (found.method, found.number("learning_rate"), found.parameters) == (Method.KTO, 1e-6, 5e8)


def test_settings_as_a_tracker_keeps_them(tmp_path: Path) -> None:
    text = "_wandb: {value: {v: 1}}\nlearning_rate: {desc: null, value: 2.0e-06}\nnum_generations: {value: 8}\n"
    found = plan(tmp_path, "config.yaml", text)
    assert (found.method, found.number("learning_rate")) == (Method.GRPO, 2e-6)


def test_the_record_of_a_run(tmp_path: Path) -> None:
    config = {"learning_rate": 5e-7, "parameters": 100, "trainable_parameters": 10, "max_steps": 50}
    plan(tmp_path, "run/run.json", json.dumps({"schema": 1, "method": "kto", "config": config}))
    found = plan_of(read_settings_file(tmp_path / "run"))
    assert (found.method, found.updates, found.is_adapter) == (Method.KTO, 50, True)


def test_the_state_of_a_trainer(tmp_path: Path) -> None:
    state = {"max_steps": 60, "train_batch_size": 8, "num_input_tokens_seen": 0, "save_steps": 20, "best_metric": None}
    rows = [{"step": 1, "learning_rate": 1e-7}, {"step": 2, "learning_rate": 5e-7}, {"step": 60, "eval_loss": 0.5}]
    found = plan(tmp_path, "dpo/trainer_state.json", json.dumps({**state, "log_history": rows}))
    assert [found.number(name) for name in ("learning_rate", "per_device_batch", "save_steps")] == [5e-7, 8, 20]
    assert (found.method, found.updates, found.strangers) == (Method.DPO, 60, ())


def test_a_method_that_is_said_goes_first_and_a_name_last(tmp_path: Path) -> None:
    assert plan(tmp_path, "dpo/train.json", '{"learning_rate": 1e-6}').method is Method.DPO
    assert plan(tmp_path, "dpo/train.json", '{"learning_rate": 1e-6}', Method.ORPO).method is Method.ORPO
    assert plan(tmp_path, "dpo/other.json", '{"num_generations": 8}').method is Method.GRPO
    assert plan(tmp_path, "x/train.json", '{"learning_rate": 1e-6}').method is Method.UNKNOWN


@pytest.mark.parametrize(
    ("settings", "near"),
    [
        ({"per_device_train_bach_size": 4}, "per_device_train_batch_size"),
        ({"gradient-acumulation-steps": 4}, "gradient_accumulation_steps"),
        ({"my_dataset_path": "x"}, None),
        ({"warmup_steps": 3, "warmup_step": 3}, None),  # the known one is there as well
        ({"evaluation_strategy": "steps"}, None),  # as older versions have it
    ],
)
def test_a_slip_is_told_and_a_setting_of_ones_own_is_not(
    settings: dict[str, object], near: str | None, tmp_path: Path
) -> None:
    found = plan(tmp_path, "dpo.json", json.dumps({"beta": 0.1, **settings}))
    assert [one.near for one in found.strangers] == ([near] if near else [])


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.toml", "a = \n", "is not valid TOML"),
        ("a.yaml", "a: [1\nb: 2", "is not valid YAML, line 2"),
        ("a.json", "{'a': 1}", "is not valid JSON"),
        ("a.json", "[1, 2]", "holds a list where names with values belong"),
        ("a.yaml", "", "holds nothing where names with values belong"),
        ("a.sh", "echo done\n", "no command in it has flags such as --learning-rate 5e-7"),
        ("a.json", "[" * 100_000, "its tables lie too deep"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as error:
        plan(tmp_path, name, text)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_a_missing_file_names_one_that_is_near(tmp_path: Path) -> None:
    (tmp_path / "kto.toml").write_text("beta = 0.1")
    with pytest.raises(ConfigurationError, match=r"No such file.*did you mean 'kto.toml'"):
        read_settings_file(tmp_path / "kot.toml")


def test_no_text_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(ConfigurationError, match="is no text in UTF-8"):
        read_settings_file(tmp_path / "a.toml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=r"holds none of run\.json"):
        read_settings_file(tmp_path / "empty")


def test_a_file_without_any_setting_is_told_so(tmp_path: Path) -> None:
    """A row of a log is no plan that there is nothing against; one name that is known, or nearly so, makes it one."""
    path = tmp_path / "row.json"
    path.write_text('{"step": 1, "loss": 0.7, "accuracy": 0.5, "margin": 0.1}')
    with pytest.raises(ConfigurationError) as error:
        plan_of(read_settings_file(path))
    assert str(error.value) == f"{path}: no setting of a training is in it, only such names as step, loss, accuracy"
    for text in ('{"beta": 0.1, "loss": 0.7}', '{"learning_rat": 0.1}'):
        path.write_text(text)
        plan_of(read_settings_file(path))
