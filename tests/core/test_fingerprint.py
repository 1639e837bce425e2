"""Every framework's keys give away the method; the name of the log is asked only when they do not."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from barograph.core.fingerprint import recognise_method
from barograph.core.methods import Method

RUNS = Path(__file__).parents[2].parent / "shared" / "runs"

HF = "loss grad_norm learning_rate epoch step"
PAIRS = "rewards/chosen rewards/rejected rewards/accuracies rewards/margins logps/chosen logps/rejected"
EVAL = "eval_loss eval_runtime eval_samples_per_second"

CASES = [
    # TRL, preference
    ("trl-kto", Method.KTO, f"{HF} kl entropy num_tokens rewards/chosen rewards/rejected rewards/margins logps/chosen"),
    ("trl-kto-0.8", Method.KTO, "loss train/rewards/chosen train/rewards/rejected train/kl train/logps/chosen"),
    ("trl-kto-one-class", Method.KTO, f"{HF} kl rewards/rejected logps/rejected"),
    ("trl-dpo", Method.DPO, f"{HF} entropy num_tokens mean_token_accuracy {PAIRS} logits/chosen"),
    ("trl-dpo-tensorboard", Method.DPO, " ".join(f"train/{key}" for key in PAIRS.split()) + " train/loss"),
    ("trl-dpo-evaluation-only", Method.DPO, "eval_loss eval_rewards/chosen eval_rewards/accuracies"),
    ("trl-orpo", Method.ORPO, f"{HF} {PAIRS} nll_loss log_odds_ratio log_odds_chosen"),
    ("trl-bco", Method.BCO, f"{HF} delta rewards/chosen rewards/rejected rewards/margins"),
    ("trl-online-dpo", Method.ONLINE_DPO, f"{HF} objective/kl objective/scores val/contain_eos_token {PAIRS} beta"),
    (
        "trl-nashmd",
        Method.ONLINE_DPO,
        f"{HF} loss/kl loss/score rewards/chosen rewards/probabilities rewards/accuracies",
    ),
    ("trl-xpo", Method.ONLINE_DPO, f"{HF} loss/dpo loss/xpo objective/kl {PAIRS}"),
    # TRL, online
    (
        "trl-ppo",
        Method.PPO,
        "eps objective/kl objective/scores policy/clipfrac_avg loss/policy_avg loss/value_avg val/ratio lr",
    ),
    (
        "trl-rloo-0.21",
        Method.RLOO,
        "eps objective/kl objective/scores policy/clipfrac_avg loss/policy_avg val/ratio lr",
    ),
    ("trl-ppo-0.11", Method.PPO, "env/reward_mean objective/kl objective/kl_coef ppo/loss/value ppo/policy/clipfrac"),
    ("trl-grpo", Method.GRPO, f"{HF} reward reward_std frac_reward_zero_std completions/mean_length rewards/f/mean kl"),
    ("trl-grpo-0.15", Method.GRPO, f"{HF} reward reward_std completion_length kl rewards/f clip_ratio"),
    ("trl-grpo-no-kl", Method.GRPO, f"{HF} reward reward_std completions/mean_length policy_loss"),
    ("trl-async-grpo", Method.GRPO, f"{HF} ratio kl reward reward_std completions/mean_length sample/staleness_mean"),
    # Consoles, which call their metrics otherwise than the loggers
    ("nemo-rl-console", Method.GRPO, "Loss Generation_KL_Error Avg_Reward validation/Accuracy"),
    ("nemo-rl-console-ppo", Method.PPO, "Policy_Loss Critic_Loss Generation_KL_Error Avg_Reward"),
    ("nemo-rl-console-dpo", Method.DPO, "loss sft_loss accuracy rewards_chosen_mean rewards_rejected_mean"),
    ("prime-rl-console", Method.GRPO, "Loss Entropy Mismatch_KL Grad._Norm LR"),
    ("prime-rl-orchestrator", Method.GRPO, "Reward Trainable_% Truncation_%"),
    ("openrlhf-rm-evaluated", Method.REWARD, "loss acc chosen_reward reject_reward eval/reward_mean eval/reward_std"),
    # TRL, the rest
    ("trl-reward", Method.REWARD, f"{HF} num_tokens min_reward mean_reward max_reward accuracy margin"),
    ("trl-sft", Method.SFT, f"{HF} entropy num_tokens mean_token_accuracy"),
    ("classifier", Method.CLASSIFIER, f"{HF} {EVAL} eval_accuracy eval_f1 eval_precision eval_recall"),
    ("classifier-accuracy-only", Method.CLASSIFIER, f"{HF} {EVAL} eval_accuracy"),
    ("classifier-precision-only", Method.CLASSIFIER, f"{HF} {EVAL} eval_precision"),
    # Notebooks and tables
    (
        "notebook-dpo",
        Method.DPO,
        "Step|Training Loss|Rewards/Margins|Rewards/Chosen|Rewards/Rejected|Rewards/Accuracies",
    ),
    ("notebook-kto", Method.KTO, "Step|Training Loss|rewards / chosen|rewards / rejected|kl"),
    ("notebook-grpo", Method.GRPO, "Step|Training Loss|reward|reward_std|completions / mean_length|rewards / f / mean"),
    # Other frameworks
    ("verl-ppo", Method.PPO, "critic/score/mean critic/rewards/mean critic/vf_loss actor/pg_loss actor/ppo_kl"),
    ("verl-grpo", Method.GRPO, "critic/score/mean critic/rewards/mean critic/advantages/mean actor/pg_loss"),
    (
        "openrlhf-ppo",
        Method.PPO,
        "policy_loss actor_lr reward return kl ppo_kl ppo_clip_ratio response_length critic_loss values",
    ),
    ("openrlhf-reinforce", Method.GRPO, "policy_loss actor_lr reward return kl ppo_kl ppo_clip_ratio group_reward_std"),
    ("openrlhf-bar", Method.PPO, "act_loss act_lr reward gen_len critic_loss"),
    ("openrlhf-reward", Method.REWARD, "loss acc chosen_reward reject_reward lr grad_norm"),
    ("openrlhf-reward-evaluation", Method.REWARD, "eval_loss acc_mean reward_mean reward_std"),
    ("llama-factory-dpo", Method.DPO, "current_steps total_steps loss accuracy lr epoch percentage"),
    ("llama-factory-ppo", Method.PPO, "current_steps total_steps loss reward lr epoch percentage"),
    ("llama-factory-orpo", Method.ORPO, f"{HF} {PAIRS} sft_loss odds_ratio_loss"),
    (
        "torchtune-dpo",
        Method.DPO,
        "loss lr rewards/chosen rewards/rejected rewards/accuracies rewards/margins log_probs/chosen",
    ),
    ("torchtune-ppo", Method.PPO, "scores num_stop_tokens rlhf_reward kl loss policy_loss value_loss approx_policy_kl"),
    ("torchtune-grpo", Method.GRPO, "rewards successes loss policy_loss kl_loss clipfrac ratios approx_policy_kl"),
    ("nemo-dpo", Method.DPO, "loss sft_loss preference_loss accuracy rewards_chosen_mean rewards_rejected_mean"),
    ("nemo-reward", Method.REWARD, "loss accuracy rewards_chosen_mean rewards_rejected_mean"),
    ("nemo-grpo", Method.GRPO, "train/loss train/reward train/probs_ratio train/token_mult_prob_error"),
    ("nemo-ppo", Method.PPO, "train/reward train/probs_ratio critic/loss critic/explained_var"),
    ("skyrl-ppo", Method.PPO, "policy/final_loss policy/policy_kl critic/critic_loss reward/avg_raw_reward"),
    ("skyrl-grpo", Method.GRPO, "policy/final_loss policy/policy_kl reward/avg_raw_reward"),
    ("slime-grpo", Method.GRPO, "train/loss train/pg_loss train/ppo_kl rollout/raw_reward"),
    ("slime-ppo", Method.PPO, "train/loss train/pg_loss train/critic-value_loss rollout/raw_reward"),
    ("prime-rl", Method.GRPO, "step time loss/mean entropy/all/mean mismatch_kl/all/mean"),
    ("tinker-rl", Method.GRPO, "optim/kl_sample_train_v1 optim/entropy env/all/reward/total progress/batch"),
    ("tinker-dpo", Method.DPO, "dpo_loss accuracy margin chosen_reward rejected_reward learning_rate progress"),
    ("tinker-sft", Method.SFT, "train_mean_nll learning_rate progress"),
    (
        "areal-grpo",
        Method.GRPO,
        "ppo_actor/task_reward/avg ppo_actor/update/actor_loss/avg ppo_actor/update/entropy/avg",
    ),
    ("areal-ppo", Method.PPO, "ppo_actor/task_reward/avg ppo_critic/update/critic_loss/avg"),
    ("areal-dpo", Method.DPO, "dpo/loss/avg dpo/chosen_reward/avg dpo/reward_margin/avg"),
    ("areal-reward", Method.REWARD, "rw/correct_ratio/avg rw/pos_score/avg rw/neg_score/avg rw/loss/avg"),
    # Hand-written loops
    (
        "loop-ppo-csv",
        Method.PPO,
        "epoch loss reward kl_divergence entropy learning_rate epoch_time samples_per_second bleu",
    ),
    (
        "loop-grpo-csv",
        Method.GRPO,
        "step total_steps loss reward_avg tokens_per_sec avg_response_len adv_avg entropy_avg",
    ),
    ("loop-grpo-console", Method.GRPO, "Reward|Fmt|Correct|KL_ref|Adv Std|Actor Loss|Avg Len|LR"),
    ("loop-ppo-console", Method.PPO, "Reward|KL_ref|Actor Loss|Critic Loss|Avg Len|LR"),
    ("loop-dpo-console", Method.DPO, "loss dpo_loss aux_loss learning_rate epoch_time"),
]


@pytest.mark.parametrize(("method", "keys"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_keys_give_the_method_away(method: Method, keys: str) -> None:
    found, sentence = recognise_method(keys.split("|") if "|" in keys else keys.split(), {})
    assert found is method, sentence
    assert sentence
    assert "guessed" not in sentence


@pytest.mark.parametrize(
    ("first", "method"),
    [
        # A mean log-probability times beta 2 (SimPO), a sum times beta 0.1 (CPO): the same factor on both sides.
        ({"rewards/chosen": -2.4, "rewards/rejected": -2.6, "logps/chosen": -1.2, "logps/rejected": -1.3}, Method.CPO),
        (
            {"rewards/chosen": -11.0, "rewards/rejected": -9.0, "logps/chosen": -110.0, "logps/rejected": -90.0},
            Method.CPO,
        ),
        ({"rewards/chosen": -2.4, "rewards/rejected": -2.6}, Method.CPO),
        # The policy is the reference, so that the rewards start at zero whatever the log-probabilities are.
        ({"rewards/chosen": 0.0, "rewards/rejected": 0.0, "logps/chosen": -110.0, "logps/rejected": -90.0}, Method.DPO),
        ({"rewards/chosen": -0.02, "rewards/rejected": -0.03}, Method.DPO),
        # A log that starts late: far from zero, but with a different factor on either side.
        (
            {"rewards/chosen": -3.0, "rewards/rejected": -9.0, "logps/chosen": -110.0, "logps/rejected": -90.0},
            Method.DPO,
        ),
        ({"rewards/chosen": 8.8, "rewards/rejected": 5.0, "logps/chosen": -73.0, "logps/rejected": -98.0}, Method.DPO),
    ],
)
def test_methods_without_a_reference_differ_in_their_first_row(first: dict[str, float], method: Method) -> None:
    keys = f"{HF} {PAIRS} nll_loss".split()
    assert recognise_method(keys, first)[0] is method
    as_evaluation = {f"eval_{key}": value for key, value in first.items()}
    assert recognise_method([f"eval_{key}" for key in keys], as_evaluation)[0] is method


def test_training_rows_count_before_evaluations() -> None:
    first = {"rewards/chosen": 0.0, "rewards/rejected": 0.0, "eval_rewards/chosen": -2.4, "eval_rewards/rejected": -2.6}
    assert recognise_method([*first, "rewards/accuracies", "nll_loss"], first)[0] is Method.DPO


def test_a_negative_kl_tells_rloo_from_grpo() -> None:
    keys = f"{HF} reward reward_std completions/mean_length kl".split()
    assert recognise_method(keys, {"kl": -0.003})[0] is Method.RLOO
    assert recognise_method(keys, {"kl": 0.003})[0] is Method.GRPO
    assert recognise_method(keys, {"kl": -1e-9})[0] is Method.GRPO
    assert recognise_method(keys, {"kl": math.nan})[0] is Method.GRPO
    assert recognise_method(keys, {"kl": -0.003}, "my-grpo/log.csv")[0] is Method.GRPO


def test_openrlhf_logs_dpo_and_reward_models_alike_but_for_the_start() -> None:
    keys = ["loss", "acc", "chosen_reward", "reject_reward", "lr"]
    assert recognise_method(keys, {"chosen_reward": 0.0, "reject_reward": 0.0})[0] is Method.DPO
    assert recognise_method(keys, {"chosen_reward": 0.13, "reject_reward": 0.2})[0] is Method.REWARD


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("runs/dpo-small/log.csv", Method.DPO),
        ("runs/kto_output_rtx3090/logs/training_metrics.jsonl", Method.KTO),
        ("out/online-dpo/log.jsonl", Method.ONLINE_DPO),
        ("out/simpo.log", Method.CPO),
        ("experiments/rm-sffd/reward.txt", Method.REWARD),
        ("experiments/reward_grpo.log", Method.GRPO),
        ("ppo/reward_model/log.txt", Method.REWARD),  # the nearest name counts
        (r"C:\runs\GRPO.1\log.txt", Method.GRPO),
        ("runs/prm.log", Method.PRM),
    ],
)
def test_the_name_decides_when_the_keys_do_not(path: str, method: Method) -> None:
    found, sentence = recognise_method(["Step", "Training Loss"], {"Training Loss": 0.69}, path)
    assert found is method
    assert "guessed from the name" in sentence


@pytest.mark.parametrize("path", ["", "runs/pref-pmpo-dsl501/x.jsonl", "adpo/kton.log", "rewards/form.txt"])
def test_parts_of_words_are_no_hint(path: str) -> None:
    assert recognise_method(["Step", "Training Loss"], {}, path) == (Method.UNKNOWN, "")


def test_keys_count_before_the_name() -> None:
    keys = f"{HF} kl rewards/chosen rewards/rejected".split()
    assert recognise_method(keys, {}, "dpo/log.csv")[0] is Method.KTO


@pytest.mark.parametrize(
    ("keys", "path", "method"),
    [
        (f"{HF} reward reward_std completions/mean_length", "rloo/log.csv", Method.RLOO),
        ("critic/score/mean actor/pg_loss", "verl-rloo/log.txt", Method.RLOO),
        (f"{HF} {EVAL} eval_accuracy", "reward-7b/trainer_state.json", Method.REWARD),
        (f"{HF} {EVAL} eval_accuracy", "prm/trainer_state.json", Method.PRM),
        ("current_steps accuracy loss", "orpo/trainer_log.jsonl", Method.ORPO),
        ("step loss rewards/chosen rewards/rejected rewards/margins", "my-dpo.jsonl", Method.DPO),
        ("step loss rewards/chosen rewards/rejected rewards/margins", "", Method.KTO),
    ],
)
def test_the_name_chooses_among_methods_that_fit(keys: str, path: str, method: Method) -> None:
    assert recognise_method(keys.split(), {}, path)[0] is method


def test_nothing_is_unknown() -> None:
    assert recognise_method([], {}) == (Method.UNKNOWN, "")


# The logs of real runs, read here in the simplest way that gives the keys.

_INDEX = {"DPO": Method.DPO, "KTO": Method.KTO, "RM": Method.REWARD, "CLS": Method.CLASSIFIER, "PPO": Method.PPO,
          "GRPO": Method.GRPO, "PMPO": Method.UNKNOWN}  # fmt: skip


def _rows(file: Path) -> Iterator[dict[str, object]]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        content = json.loads(text)
        yield from content["log_history"] if isinstance(content, dict) else content
    elif file.suffix == ".jsonl":
        yield from map(json.loads, text.splitlines())
    elif file.suffix == ".csv":
        yield from csv.DictReader(text.splitlines())
    else:
        pair = re.compile(r"'?([A-Za-z][\w /.()\[\]']*?)'?\s*[:=]\s*'?(?:np\.float64\()?([-+\d.eE]+)")
        yield from (dict(pair.findall(line)) for line in text.splitlines())


def _real_runs() -> list[tuple[str, str, Path]]:
    index = RUNS / "INDEX.tsv"
    if not index.exists():
        return []
    rows = csv.DictReader(index.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return [(row["id"], row["algorithm"], RUNS / row["id"] / row["file"]) for row in rows]


@pytest.mark.skipif(not RUNS.is_dir(), reason="the logs of real runs are not beside this checkout (../shared/runs)")
@pytest.mark.parametrize(
    ("run", "algorithm", "file"), _real_runs(), ids=lambda value: value if "-" in str(value) else ""
)
def test_real_runs(run: str, algorithm: str, file: Path) -> None:
    first: dict[str, float] = {}
    if "tfevents" in file.name:  # binary, but the tags are plain text in it
        first = {tag.decode(): 0.0 for tag in re.findall(rb"(?:train|eval)/[\w/]+", file.read_bytes())}
    for row in () if first else _rows(file):
        for key, value in row.items():
            try:
                number = float(value)  # type: ignore[arg-type]
            except (TypeError, ValueError):
                continue
            if math.isfinite(number):
                first.setdefault(key, number)
    assert first, "no keys were read"
    found, sentence = recognise_method(list(first), first, f"{run}/{file.name}")
    assert found is _INDEX[algorithm], sentence
