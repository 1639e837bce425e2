"""Every key of the frameworks leads to the right metric, and the traps among them do not."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.methods import ALL, Method
from barograph.core.metric import Alias, Metric
from barograph.core.names import Resolved, catalogue, nearest, precedence, resolve, series_key, split_of
from barograph.core.vocabulary import METRICS, STEP_KEYS, TOTALS

KTO, BCO, DPO, ORPO, CPO = Method.KTO, Method.BCO, Method.DPO, Method.ORPO, Method.CPO
ONLINE_DPO, REWARD, CLASSIFIER, PRM = Method.ONLINE_DPO, Method.REWARD, Method.CLASSIFIER, Method.PRM
PPO, RLOO, GRPO, SFT, UNKNOWN = Method.PPO, Method.RLOO, Method.GRPO, Method.SFT, Method.UNKNOWN

# One line: raw key, method, canonical name, split.
PAIRS = [
    # Progress
    ("step", UNKNOWN, "step", "train"),
    ("Step", KTO, "step", "train"),
    ("_step", GRPO, "step", "train"),
    ("global_step", DPO, "step", "train"),
    ("current_steps", PPO, "step", "train"),
    ("training/global_step", PPO, "step", "train"),
    ("epoch", SFT, "epoch", "train"),
    ("episode", PPO, "episode", "train"),
    ("num_tokens", GRPO, "tokens_seen", "train"),
    ("eval_num_tokens", DPO, "tokens_seen", "eval"),
    ("perf/total_num_tokens", GRPO, "tokens_in_step", "train"),
    ("total_steps", DPO, "max_steps", "train"),
    ("step_time", GRPO, "step_time", "train"),
    ("timing_s/step", PPO, "step_time", "train"),
    ("epoch_time", PPO, "epoch_time", "train"),
    ("eps", PPO, "samples_per_second", "train"),
    ("samples_per_second", PPO, "samples_per_second", "train"),
    ("tokens_per_sec", GRPO, "tokens_per_second", "train"),
    # Common
    ("loss", DPO, "loss", "train"),
    ("eval_loss", DPO, "loss", "eval"),
    ("train/loss", GRPO, "loss", "train"),
    ("eval/loss", KTO, "loss", "eval"),
    ("val/loss", SFT, "loss", "eval"),
    ("Training Loss", KTO, "loss", "train"),
    ("Validation Loss", DPO, "loss", "eval"),
    ("train_loss", CLASSIFIER, "loss", "train"),
    ("dpo_loss", DPO, "loss", "train"),
    ("policy/final_loss", PPO, "loss", "train"),
    ("loss/mean", GRPO, "loss", "train"),
    ("eval gpt_loss", SFT, "loss", "eval"),
    ("train_mean_nll", SFT, "loss", "train"),
    ("learning_rate", KTO, "lr", "train"),
    ("lr", PPO, "lr", "train"),
    ("actor/lr", GRPO, "lr", "train"),
    ("train/lr-pg_0", GRPO, "lr", "train"),
    ("optim/lr", GRPO, "lr", "train"),
    ("LR", GRPO, "lr", "train"),
    ("grad_norm", DPO, "grad_norm", "train"),
    ("actor/grad_norm", GRPO, "grad_norm", "train"),
    ("policy/grad_norm", PPO, "grad_norm", "train"),
    ("entropy", GRPO, "entropy", "train"),
    ("policy/entropy_avg", PPO, "entropy", "train"),
    ("actor/entropy_loss", GRPO, "entropy", "train"),
    ("entropy_avg", GRPO, "entropy", "train"),
    ("approx_entropy", GRPO, "entropy", "train"),
    ("mean_token_accuracy", SFT, "token_accuracy", "train"),
    ("eval_mean_token_accuracy", DPO, "token_accuracy", "eval"),
    ("aux_loss", DPO, "aux_loss", "train"),
    ("eval_aux_loss", DPO, "aux_loss", "eval"),
    ("ppl", ORPO, "ppl", "train"),
    # Preference, paired and unpaired
    ("rewards/chosen", DPO, "reward_chosen", "train"),
    ("eval_rewards/chosen", KTO, "reward_chosen", "eval"),
    ("Rewards/Rejected", DPO, "reward_rejected", "train"),
    ("rewards / margins", KTO, "reward_margin", "train"),
    ("train/rewards/margins", KTO, "reward_margin", "train"),
    ("Rewards/Accuracies", DPO, "reward_accuracy", "train"),
    ("eval/rewards/accuracies", ORPO, "reward_accuracy", "eval"),
    ("chosen_reward", DPO, "reward_chosen", "train"),
    ("reject_reward", DPO, "reward_rejected", "train"),
    ("rewards_chosen_mean", DPO, "reward_chosen", "train"),
    ("dpo/reward_margin/avg", DPO, "reward_margin", "train"),
    ("logps/chosen", DPO, "logp_chosen", "train"),
    ("eval_logps/rejected", ORPO, "logp_rejected", "eval"),
    ("log_probs/chosen", DPO, "logp_chosen", "train"),
    ("logits/chosen", KTO, "logit_chosen", "train"),
    ("logits/rejected", DPO, "logit_rejected", "train"),
    ("nll_loss", CPO, "nll_loss", "train"),
    ("eval_nll_loss", ORPO, "nll_loss", "eval"),
    ("sft_loss", ORPO, "nll_loss", "train"),
    ("log_odds_chosen", ORPO, "log_odds", "train"),
    ("log_odds_ratio", ORPO, "odds_ratio_term", "train"),
    ("odds_ratio_loss", ORPO, "odds_ratio_term", "train"),
    ("delta", BCO, "bco_delta", "train"),
    ("objective/scores_margin", ONLINE_DPO, "score_margin", "train"),
    # Scores
    ("reward", GRPO, "score_mean", "train"),
    ("eval_reward", GRPO, "score_mean", "eval"),
    ("reward", PPO, "score_mean", "train"),
    ("objective/scores", PPO, "score_mean", "train"),
    ("ppo/mean_scores", PPO, "score_mean", "train"),
    ("env/reward_mean", PPO, "score_mean", "train"),
    ("reward_avg", GRPO, "score_mean", "train"),
    ("rollout/raw_reward", GRPO, "score_mean", "train"),
    ("env/all/reward/total", GRPO, "score_mean", "train"),
    ("rewards", GRPO, "score_mean", "train"),
    ("train/agg/effective/reward/mean", GRPO, "score_mean", "train"),
    ("eval/aime/reward/mean", GRPO, "score_mean", "eval/aime"),
    ("val-core/openai/gsm8k/reward/mean@8", GRPO, "score_mean", "eval/openai/gsm8k"),
    ("val-core/openai/gsm8k/acc/mean@1", GRPO, "task_accuracy", "eval/openai/gsm8k"),
    ("eval_aime_2024_pass1", GRPO, "task_accuracy", "eval/aime_2024"),
    ("eval/aime/avg@16", GRPO, "score_mean", "eval/aime"),
    ("eval_acc", GRPO, "task_accuracy", "eval"),
    ("reward_std", GRPO, "score_std", "train"),
    ("group_reward_std", PPO, "score_std", "train"),
    ("critic/score/max", GRPO, "score_max", "train"),
    ("objective/rlhf_reward", PPO, "reward_total", "train"),
    ("return", PPO, "reward_total", "train"),
    ("objective/non_score_reward", RLOO, "non_score_reward", "train"),
    ("critic/advantages/mean", GRPO, "adv_mean", "train"),
    ("adv_avg", GRPO, "adv_mean", "train"),
    ("Adv Std", GRPO, "adv_std", "train"),
    # Policy
    ("policy_loss", GRPO, "policy_loss", "train"),
    ("loss/policy_avg", PPO, "policy_loss", "train"),
    ("actor/pg_loss", GRPO, "policy_loss", "train"),
    ("Actor Loss", GRPO, "policy_loss", "train"),
    ("policy_ratio", GRPO, "ratio_mean", "train"),
    ("train/ois", GRPO, "ratio_mean", "train"),
    ("clip_ratio/region_mean", GRPO, "clip_frac", "train"),
    ("policy/clipfrac_avg", PPO, "clip_frac", "train"),
    ("actor/pg_clipfrac", GRPO, "clip_frac", "train"),
    ("clip_ratio/low_mean", GRPO, "clip_frac_low", "train"),
    ("clip_ratio/high_mean", GRPO, "clip_frac_high", "train"),
    ("objective/kl_coef", PPO, "kl_coef", "train"),
    # Generation
    ("completions/mean_length", GRPO, "len_mean", "train"),
    ("completions / mean_length", GRPO, "len_mean", "train"),
    ("completion_length", GRPO, "len_mean", "train"),
    ("response_length/mean", PPO, "len_mean", "train"),
    ("avg_response_len", GRPO, "len_mean", "train"),
    ("Avg Len", GRPO, "len_mean", "train"),
    ("completions/min_length", GRPO, "len_min", "train"),
    ("response_length/max", GRPO, "len_max", "train"),
    ("completions/mean_terminated_length", GRPO, "len_terminated_mean", "train"),
    ("completions/clipped_ratio", GRPO, "truncated_frac", "train"),
    ("response_length/clip_ratio", GRPO, "truncated_frac", "train"),
    ("train/agg/all/is_truncated/mean", GRPO, "truncated_frac", "train"),
    ("val/contain_eos_token", ONLINE_DPO, "eos_frac", "train"),
    ("val/num_eos_tokens", PPO, "eos_count", "train"),
    ("frac_reward_zero_std", GRPO, "zero_std_frac", "train"),
    ("response/aborted_ratio", GRPO, "aborted_frac", "train"),
    ("sample/staleness_max", GRPO, "staleness_max", "train"),
    # Critic
    ("loss/value_avg", PPO, "value_loss", "train"),
    ("critic/vf_loss", PPO, "value_loss", "train"),
    ("train/critic-value_loss", PPO, "value_loss", "train"),
    ("critic/vf_explained_var", PPO, "explained_var", "train"),
    ("ppo/val/var_explained", PPO, "explained_var", "train"),
    ("critic/returns/mean", PPO, "return_mean", "train"),
    ("critic/lr", PPO, "critic_lr", "train"),
    ("critic_grad_norm", PPO, "critic_grad_norm", "train"),
    # Engines
    ("sampling/sampling_logp_difference/mean", GRPO, "logp_diff_mean", "train"),
    ("sampling/importance_sampling_ratio/max", GRPO, "is_ratio_max", "train"),
    ("rollout_corr/rollout_is_eff_sample_size", GRPO, "ess", "train"),
    ("token_mult_prob_error", GRPO, "mult_prob_error", "train"),
    ("train/train_rollout_logprob_abs_diff", GRPO, "logp_diff_mean", "train"),
    # Reward models
    ("mean_reward", REWARD, "rm_mean", "train"),
    ("min_reward", REWARD, "rm_min", "train"),
    ("max_reward", REWARD, "rm_max", "train"),
    ("reward_std", REWARD, "rm_std", "train"),
    ("rw/correct_ratio/avg", REWARD, "rm_accuracy", "train"),
    ("train_accuracy", REWARD, "rm_accuracy", "train"),
    # Classifiers
    ("eval_f1", CLASSIFIER, "cls_f1", "eval"),
    ("eval_precision", CLASSIFIER, "cls_precision", "eval"),
    ("eval_recall", PRM, "cls_recall", "eval"),
    ("eval_specificity", CLASSIFIER, "cls_specificity", "eval"),
    ("eval_mean_confidence", CLASSIFIER, "cls_confidence", "eval"),
    # Text
    ("bertscore", PPO, "bertscore", "train"),
    ("codebleu", PPO, "codebleu", "train"),
    ("bleu", PPO, "bleu", "train"),
    ("rouge", PPO, "rouge", "train"),
    ("ruby", PPO, "ruby", "train"),
]

TRAPS = [
    # Evaluations that carry the name of a data set.
    ("eval_gsm8k_response_length_mean", PPO, "len_mean", "eval/gsm8k"),
    ("eval_gsm8k_truncated_rate", PPO, "truncated_frac", "eval/gsm8k"),
    ("eval/openai_gsm8k/avg_score", GRPO, "score_mean", "eval/openai_gsm8k"),
    ("eval/openai_gsm8k/pass_at_1", GRPO, "task_accuracy", "eval/openai_gsm8k"),
    ("eval/all/avg_score", GRPO, "score_mean", "eval"),
    ("eval/aime-truncated_ratio", GRPO, "truncated_frac", "eval/aime"),
    ("eval/aime/response_len/mean", GRPO, "len_mean", "eval/aime"),
    ("eval-rollout/reward", GRPO, "score_mean", "eval"),
    # torchtune's PPO sums it over the answer.
    ("kl_per_answer", PPO, "kl_ref_sequence", "train"),
    # `kl` is four different things.
    ("kl", KTO, "kto_z0", "train"),
    ("train/kl", KTO, "kto_z0", "train"),
    ("eval_kl", KTO, "kto_z0", "eval"),
    ("kl_divergence", KTO, "kto_z0", "train"),
    ("kl", GRPO, "kl_ref", "train"),
    ("kl", RLOO, "kl_ref", "train"),
    ("kl", PPO, "kl_ref", "train"),
    ("kl_divergence", PPO, "kl_ref", "train"),
    ("KL_ref", GRPO, "kl_ref", "train"),
    ("kl_loss", GRPO, "kl_ref", "train"),
    ("actor/kl_loss", GRPO, "kl_ref", "train"),
    ("kl_penalty", GRPO, "kl_ref", "train"),
    ("critic/kl", PPO, "kl_ref", "train"),
    ("objective/kl", PPO, "kl_ref_sequence", "train"),
    ("objective/kl", ONLINE_DPO, "kl_ref_sequence", "train"),
    ("loss/kl", ONLINE_DPO, "kl_ref_sequence", "train"),
    ("policy/approxkl_avg", PPO, "approx_kl", "train"),
    ("ppo/policy/policykl", PPO, "approx_kl", "train"),
    ("actor/ppo_kl", GRPO, "approx_kl", "train"),
    ("train/ppo_kl", GRPO, "approx_kl", "train"),
    ("approx_policy_kl", PPO, "approx_kl", "train"),
    ("vllm_kl", PPO, "kl_infer", "train"),
    ("rollout_corr/kl", GRPO, "kl_infer", "train"),
    ("gen_kl_error", GRPO, "kl_infer", "train"),
    ("mismatch_kl/all/mean", GRPO, "kl_infer", "train"),
    ("optim/kl_sample_train_v1", GRPO, "kl_infer", "train"),
    # `rewards/...` is the reward of an answer, a reward function, or the mean of all.
    ("rewards/chosen", UNKNOWN, "reward_chosen", "train"),
    ("rewards/chosen", GRPO, "reward_component/chosen", "train"),
    ("rewards/chosen", REWARD, "rm_chosen", "train"),
    ("rewards/check_answer", GRPO, "reward_component/check_answer", "train"),
    ("rewards/check_answer/mean", GRPO, "reward_component/check_answer", "train"),
    ("eval_rewards/check_answer/mean", GRPO, "reward_component/check_answer", "eval"),
    ("rewards / function_works / mean", GRPO, "reward_component/function_works", "train"),
    ("rewards/check_answer/std", GRPO, "reward_component_std/check_answer", "train"),
    ("train/agg/all/rewards/format/mean", GRPO, "reward_component/format", "train"),
    ("format_reward_avg", GRPO, "reward_component/format", "train"),
    ("rewards/format", UNKNOWN, "reward_component/format", "train"),
    ("rewards/mean", GRPO, "score_mean", "train"),
    # With and without the KL penalty.
    ("critic/score/mean", PPO, "score_mean", "train"),
    ("critic/rewards/mean", PPO, "reward_total", "train"),
    # One word, several metrics.
    ("accuracy", DPO, "reward_accuracy", "train"),
    ("accuracy", REWARD, "rm_accuracy", "train"),
    ("eval_accuracy", REWARD, "rm_accuracy", "eval"),
    ("eval_accuracy", CLASSIFIER, "cls_accuracy", "eval"),
    ("eval_accuracy", PRM, "cls_accuracy", "eval"),
    ("accuracy", GRPO, "task_accuracy", "train"),
    ("accuracy", SFT, "token_accuracy", "train"),
    ("acc_mean", DPO, "reward_accuracy", "train"),
    ("margin", DPO, "reward_margin", "train"),
    ("margin", REWARD, "rm_margin", "train"),
    ("mean_reward", GRPO, "score_mean", "train"),
    ("chosen_reward", REWARD, "rm_chosen", "train"),
    # The entropy of a token is not the log-probability of an answer.
    ("objective/entropy", PPO, "entropy_sequence", "train"),
    # `val` is short for value here, not for validation.
    ("val/ratio", PPO, "ratio_mean", "train"),
    ("val/clipfrac_avg", PPO, "value_clip_frac", "train"),
    ("train/val/ratio", PPO, "ratio_mean", "train"),
    # verl's `lower` is the dual clip, and `is_filter_ratio` no importance ratio.
    ("actor/pg_clipfrac_lower", GRPO, "dual_clip_frac", "train"),
    ("is_filter_ratio", PPO, "filtered_frac", "train"),
    ("training/rollout_probs_diff_mean", GRPO, "prob_diff_mean", "train"),
    # Evaluations of several data sets.
    ("eval_helpful_loss", DPO, "loss", "eval/helpful"),
    ("eval_gpt4.1_loss", DPO, "loss", "eval/gpt4_1"),
    ("validation-hh/rewards_chosen_mean", DPO, "reward_chosen", "eval/hh"),
    ("test_loss", DPO, "loss", "eval/test"),
]

UNMAPPED = [
    ("accuracy", UNKNOWN),  # open: pairs, answers or tokens
    ("margin", UNKNOWN),
    ("kl", UNKNOWN),
    ("kl", DPO),
    ("clip_ratio/unheard_of", GRPO),
    ("critic/rewards/max", GRPO),  # must not become a reward function called `max`
    ("rewards/probabilities", ONLINE_DPO),
    ("attention/late/mdi", GRPO),
    ("total_length", PPO),  # prompt and answer together
    ("train_runtime", DPO),
    ("eval_samples_per_second", DPO),
    ("train_samples_per_second", DPO),
    ("total_flos", DPO),
    ("train/train_loss", DPO),  # a total; `train_loss` alone is the loss
    ("eval/samples_per_second", DPO),
    ("eps", GRPO),
    ("val-core/gsm8k/acc/best@4", GRPO),
    ("val-core/short", GRPO),
    ("", DPO),
]


@pytest.mark.parametrize(("key", "method", "name", "split"), PAIRS + TRAPS)
def test_a_key_leads_to_its_metric(key: str, method: Method, name: str, split: str) -> None:
    found = resolve(key, method)
    assert found is not None, f"{key!r} is unknown"
    assert (found.name, found.split) == (name, split)


def test_the_table_is_as_large_as_it_claims() -> None:
    assert len(set(PAIRS + TRAPS)) == len(PAIRS) + len(TRAPS) >= 200


@pytest.mark.parametrize(("key", "method"), UNMAPPED)
def test_a_key_that_tells_nothing_leads_nowhere(key: str, method: Method) -> None:
    assert resolve(key, method) is None


@pytest.mark.parametrize(
    ("key", "method", "estimator"),
    [
        ("kl", GRPO, "k3"),
        ("kl", RLOO, "k1"),
        ("kl", KTO, "k1"),
        ("policy/approxkl_avg", PPO, "k2"),
        ("actor/ppo_kl", PPO, "k1"),
        ("rollout_corr/k3_kl", GRPO, "k3"),
        ("logps/chosen", DPO, "sum"),
        ("logps/chosen", KTO, "sum"),
        ("logps/chosen", ORPO, "mean"),
        ("logps/chosen", CPO, ""),  # a mean in SimPO, a sum in CPO
        ("objective/entropy", PPO, "sum"),
    ],
)
def test_the_estimator_is_known(key: str, method: Method, estimator: str) -> None:
    found = resolve(key, method)
    assert found is not None
    assert found.alias is not None
    assert found.alias.estimator == estimator


@pytest.mark.parametrize(
    ("key", "method", "logged", "canonical"),
    [
        ("reward", GRPO, 0.7, 0.7),
        ("odds_ratio_loss", ORPO, 0.6931, -0.6931),
        ("log_odds_ratio", ORPO, -0.6931, -0.6931),
        ("baseline_reward/pct_mixed", GRPO, 75.0, 0.25),
        ("env/all/by_group/frac_mixed", GRPO, 0.4, 0.6),
        ("Truncation %", GRPO, 5.0, 0.05),
        ("Trainable %", GRPO, 75.0, 0.25),
        ("Cancelled %", GRPO, 5.0, 0.05),
        ("effective_batch_size/all", GRPO, 0.75, 0.25),
        ("eval_acc", GRPO, 15.6, 15.6),  # percent or share: only the log's author knows
    ],
)
def test_a_logged_number_becomes_the_canonical_value(key: str, method: Method, logged: float, canonical: float) -> None:
    found = resolve(key, method)
    assert found is not None
    assert found.alias is not None
    assert found.alias.canonical(logged) == pytest.approx(canonical)


def test_the_better_witness_is_preferred() -> None:
    def rank(key: str) -> int:
        found = resolve(key, GRPO)
        assert found is not None
        return precedence(found)

    assert rank("len_mean") < rank("completions/mean_length") < rank("completion_length")
    assert rank("rollout_corr/k3_kl") < rank("rollout_corr/kl")
    assert rank("loss") < rank("dpo_loss")
    assert rank("rewards/anything") > rank("reward_avg")


def test_names_and_titles_are_unique() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert len({metric.title for metric in METRICS}) == len(METRICS)
    assert list(catalogue()) == [metric.name for metric in METRICS]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_explains_itself(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert metric.title[0].isupper()
    assert metric.group
    assert metric.meaning.endswith(".")
    assert 1 <= len(re.findall(r"[.!?](?:\s|$)", metric.reading)) <= 5
    assert set(metric.meaning + metric.reading) <= set(string.printable)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_alias_leads_back_to_its_metric(metric: Metric) -> None:
    for alias in metric.aliases:
        key = alias.key.replace("*/", "some/scope/")
        if key in TOTALS:
            continue
        for method in alias.methods or {UNKNOWN}:
            found = resolve(key, method)
            assert found is not None, (alias, method)
            assert found.name == metric.name, (alias, method)


def test_no_alias_is_ambiguous() -> None:
    """For any method, a key leads to at most one metric of those that claim it for the same reason."""
    special: dict[tuple[str, Method], set[str]] = {}
    general: dict[str, set[str]] = {}
    for metric in METRICS:
        for alias in (Alias(metric.name, "barograph"), *metric.aliases):
            key = alias.key.lower()
            if not alias.methods:
                general.setdefault(key, set()).add(metric.name)
            for method in alias.methods:
                special.setdefault((key, method), set()).add(metric.name)
    assert {key: names for key, names in general.items() if len(names) > 1} == {}
    assert {key: names for key, names in special.items() if len(names) > 1} == {}


def test_aliases_are_written_in_the_spelling_that_is_looked_up() -> None:
    for metric in METRICS:
        for alias in metric.aliases:
            assert alias.key == alias.key.lower().strip()
            assert " " not in alias.key
            assert not alias.key.startswith(("train/", "eval/", "eval_")), alias
            assert alias.methods <= ALL


def test_every_step_key_is_known_as_a_step_or_counts_samples() -> None:
    assert len(set(STEP_KEYS)) == len(STEP_KEYS)
    for key in STEP_KEYS:
        found = resolve(key)
        assert key == "global_step/max_steps" or (found is not None and found.name in {"step", "episode"}), key


def test_series_keys_go_there_and_back() -> None:
    for split in ("train", "eval", "eval/helpful", "eval/openai/gsm8k", "eval/test"):
        for name in ("loss", "reward_component/a.b"):
            assert split_of(series_key(name, split)) == (split, name)


@given(st.text(max_size=30), st.sampled_from(sorted(Method)))
def test_any_text_resolves_or_does_not_but_never_raises(key: str, method: Method) -> None:
    found = resolve(key, method)
    assert found is None or isinstance(found, Resolved)


@given(st.sampled_from([entry for entry in PAIRS + TRAPS if " " not in entry[0]]))
def test_spelling_does_not_matter(entry: tuple[str, Method, str, str]) -> None:
    key, method, name, split = entry
    spaced = f"  {key.upper().replace('/', ' / ')} "
    found = resolve(spaced, method)
    assert found is not None
    assert (found.name, found.split) == (name, split)


def test_a_misspelt_key_finds_its_neighbour() -> None:
    assert nearest("rewards/margin_s") == ["rewards/margins"]
