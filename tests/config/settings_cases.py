"""For each check settings with a planted fault, and the same settings without it, in the words of a framework.

What must be found, and how grave it is, stands in the sources that the check names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from barograph.core.finding import Severity
from barograph.core.methods import Method

Settings = dict[str, Any]
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

#: Settings of TRL that nothing is wrong with: one epoch of 6,400 pairs in 100 updates of 64.
DPO: Settings = {
    "trainer": "DPOTrainer", "model_name_or_path": "Qwen/Qwen2.5-7B", "use_peft": False, "learning_rate": 1e-6,
    "beta": 0.1, "loss_type": "sigmoid", "per_device_train_batch_size": 8, "gradient_accumulation_steps": 8,
    "world_size": 1, "num_train_epochs": 1, "train_examples": 6_400, "eval_examples": 200, "warmup_ratio": 0.1,
    "lr_scheduler_type": "linear", "bf16": True, "max_length": 1024, "eval_strategy": "steps", "eval_steps": 10,
    "save_strategy": "steps", "save_steps": 10, "logging_steps": 1,
}  # fmt: skip
KTO: Settings = {**DPO, "trainer": "KTOTrainer", "learning_rate": 5e-7, "desirable_weight": 1.0}
REWARD: Settings = {**DPO, "trainer": "RewardTrainer", "learning_rate": 1e-5}
PPO: Settings = {
    **DPO, "trainer": "PPOTrainer", "learning_rate": 1e-6, "critic_learning_rate": 1e-5, "vf_coef": 0.1,
    "kl_coef": 0.05, "beta": None, "num_ppo_epochs": 4, "response_length": 256, "temperature": 1.0, "top_k": 0,
    "top_p": 1.0,
}  # fmt: skip
GRPO: Settings = {
    **DPO, "trainer": "GRPOTrainer", "learning_rate": 1e-6, "beta": 0.04, "num_generations": 8, "temperature": 1.0,
    "top_k": 0, "top_p": 1.0, "max_completion_length": 512, "per_device_eval_batch_size": 8, "entropy_coef": 0.0,
    "num_iterations": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One fault, planted by changing some settings."""

    code: str
    base: Settings
    change: Settings
    says: str
    severity: Severity = WARNING
    #: What else is known, of data or devices, with the fault and without it.
    facts: Settings = field(default_factory=dict)
    clean_facts: Settings = field(default_factory=dict)
    method: Method | None = None
    #: Words of the advice.
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.code}-{'-'.join(self.change) or 'data'}"


CASES = (
    Case("CFG01", DPO, {"warmup_ratoi": 0.1, "warmup_ratio": None}, "warmup_ratoi is no setting"),
    Case("CFG01", DPO, {"learing_rate": 1e-6, "learning_rate": None}, "learning_rate is one"),
    Case("CFG02", DPO, {"beta": -0.1}, "beta is -0.1", CRITICAL),
    Case("CFG02", DPO, {"learning_rate": "1e-6 # low"}, "a number above 0", CRITICAL),
    Case("CFG02", DPO, {"warmup_ratio": 10}, "from 0 to 1", CRITICAL),
    # 5e-5 is ten times 5e-6, the most for a whole model; a thousand times the paper's rate is past mending.
    Case("CFG03", DPO, {"learning_rate": 5e-5}, "10 times the most that is usual for dpo", advice="5e-6 or less"),
    Case("CFG03", DPO, {"learning_rate": 1e-3}, "200 times", CRITICAL),
    Case("CFG03", DPO, {"learning_rate": 2e-4, "use_peft": True}, "4 times the most that is usual for dpo with"),
    Case("CFG03", DPO, {"learning_rate": 5e-5, "use_peft": None}, "if the whole model is trained", INFO),
    Case("CFG03", REWARD, {"learning_rate": 1e-4}, "5 times", INFO),  # what TRL comes with
    Case("CFG03", DPO, {"learning_rate": 0.05, "parameters": 84_544, "trainable_parameters": 84_544}, "10 times"),
    # A fifth of 5e-7 is 1e-7.
    Case("CFG04", DPO, {"learning_rate": 5e-8}, "10 times less than the least"),
    Case("CFG04", KTO, {"learning_rate": 5e-7, "use_peft": True}, "10 times less", INFO),  # as the KTO guide has it
    Case("CFG05", PPO, {"critic_learning_rate": 0}, "the critic learns nothing"),
    Case("CFG05", PPO, {"vf_coef": 0}, "vf_coef is 0"),
    Case("CFG05", PPO, {"critic_learning_rate": 0.1}, "100,000 times", CRITICAL),
    Case("CFG06", DPO, {"lr_scheduler_type": "constant"}, "is left out", advice="constant_with_warmup"),
    Case("CFG06", DPO, {"warmup_ratio": None, "warmup_steps": 150}, "150% of the run: the rate that was asked for"),
    Case("CFG06", DPO, {"warmup_ratio": 0.3}, "0.3 of the run", INFO),
    Case("CFG06", DPO, {"warmup_ratio": 0}, "there is no warm-up", INFO),
    Case("CFG07", DPO, {"num_train_epochs": 8}, "seen 8 times"),
    Case("CFG07", DPO, {"max_steps": 700}, "seen 7 times"),  # 700 updates of 64 are seven times 6,400
    Case("CFG07", REWARD, {"num_train_epochs": 2}, "one epoch is usual for reward", INFO),
    Case("CFG08", DPO, {"max_steps": 12, "eval_steps": 2, "save_steps": 2}, "the run has 12 updates", INFO),
    Case("CFG09", DPO, {"beta": 0.001}, "0.01 to 0.5 is usual"),
    Case("CFG09", DPO, {"beta": 3}, "the policy may hardly move"),
    Case("CFG09", DPO, {"beta": 1.0}, "beta is 1", INFO),
    Case("CFG09", PPO, {"kl_coef": 0.0}, "nothing holds the policy", INFO),
    Case("CFG10", DPO, {"loss_type": "exo_pair"}, "no finite value", CRITICAL),
    Case("CFG10", DPO, {"label_smoothing": 0.5}, "half of the labels", CRITICAL),
    Case(
        "CFG10", {**DPO, "trainer": "CPOTrainer", "beta": 2.0, "cpo_alpha": 0.0, "loss_type": "simpo"},
        {"cpo_alpha": 1.0}, "adds a likelihood term", INFO,
    ),
    # 900 good and 100 bad examples: the weight of the bad ones must be 900 / 100 / (4/3) to 900 / 100.
    Case("CFG11", KTO, {}, "a ratio of 9.00", facts={"good": 900, "bad": 100}, clean_facts={"good": 500, "bad": 450},
         advice="undesirable_weight between 6.75 and 9.00"),
    # Set right, the same data are right: 3 times 250 against 750.
    Case("CFG11", {**KTO, "desirable_weight": 3.0}, {"desirable_weight": 1.0}, "a ratio of 0.33",
         facts={"good": 250, "bad": 750}, clean_facts={"good": 250, "bad": 750},
         advice="desirable_weight between 3.00 and 4.00"),
    Case("CFG11", KTO, {"desirable_weight": 0}, "nothing is learned from good answers", CRITICAL),
    Case("CFG12", KTO, {"per_device_train_batch_size": 2}, "4 or more on each device"),
    Case("CFG12", KTO, {"per_device_train_batch_size": 1}, "4 or more on each device", CRITICAL),
    Case("CFG13", DPO, {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 1}, "an update has 2", INFO),
    Case("CFG14", GRPO, {"num_generations": 1}, "teaches nothing", CRITICAL),
    Case("CFG14", GRPO, {"num_generations": 2}, "the mean is noise", INFO),
    # 8 times 8 answers come together, which is no multiple of 7; of 6 held-out ones no multiple of 8.
    Case("CFG15", GRPO, {"num_generations": 7, "per_device_eval_batch_size": 7}, "no multiple of num_generations 7",
         CRITICAL, advice="63 come together"),
    Case("CFG15", GRPO, {"per_device_eval_batch_size": 6}, "6 answers are evaluated in one go", CRITICAL),
    Case("CFG16", PPO, {"top_k": 50}, "top_k 50", advice="top_k 0"),
    Case("CFG16", GRPO, {"top_p": 0.9}, "top_p 0.9"),
    Case("CFG16", GRPO, {"top_p": 0.9, "beta": 0.0}, "ratios are a little off", INFO),
    Case("CFG16", PPO, {"generation_kwargs.min_p": 0.1}, "min_p 0.1"),
    Case("CFG16", GRPO, {"repetition_penalty": 1.2}, "repetition_penalty 1.2"),
    Case("CFG17", PPO, {"generation_kwargs.min_length": 32}, "until then the end cannot be drawn"),
    Case("CFG17", PPO, {"ignore_eos": True}, "go on behind their end"),
    Case("CFG18", PPO, {"padding_side": "right"}, "behind padding"),
    Case("CFG19", GRPO, {"temperature": 0}, "none is better", CRITICAL),
    Case("CFG19", GRPO, {"temperature": 0.2}, "nearly the same", INFO),
    Case("CFG20", GRPO, {"entropy_coef": -5}, "paid for being certain"),
    Case("CFG20", GRPO, {"entropy_coef": 1}, "paid for noise"),
    Case("CFG21", PPO, {"num_ppo_epochs": 20}, "trained on 20 times"),
    Case("CFG22", DPO, {"ref_model_name_or_path": "Qwen/Qwen2.5-7B-Instruct"}, "Qwen/Qwen2.5-7B-Instruct"),
    Case("CFG22", DPO, {"reference_differs": True}, "the weights of the reference are others"),
    Case("CFG23", DPO, {"disable_dropout": False}, "through dropout", INFO),
    Case("CFG24", DPO, {"fp16": True}, "both on", CRITICAL),
    Case("CFG24", DPO, {"bf16": False, "fp16": True, "dtype": "bfloat16"}, "range is far smaller"),
    Case("CFG24", DPO, {"bf16": False, "fp16": True, "dtype": "float16"}, "cannot be unscaled", CRITICAL),
    Case("CFG24", DPO, {"dtype": "bfloat16"}, "1/256", INFO),
    Case("CFG25", DPO, {"load_in_4bit": True}, "no adapter", CRITICAL),
    Case("CFG25", DPO, {"parameters": 7e9, "trainable_parameters": 0}, "no weight is trained", CRITICAL),
    Case("CFG25", {**DPO, "use_peft": True, "learning_rate": 1e-5, "lora_r": 8}, {"lora_r": 0}, "rank", CRITICAL),
    Case("CFG26", DPO, {}, "about 30 GB on each device, and there are 24 GB", CRITICAL,
         facts={"memory_needed": 30e9, "memory_there": 24e9},
         clean_facts={"memory_needed": 20e9, "memory_there": 24e9}),
    Case("CFG27", DPO, {"max_prompt_length": 1024}, "no room for an answer", CRITICAL),
    Case("CFG27", GRPO, {"max_length": 512}, "no room for a prompt"),
    Case("CFG27", DPO, {"max_length": 4096}, "the model takes 2,048", CRITICAL, facts={"context": 2048},
         clean_facts={"context": 2048}),
    Case("CFG28", DPO, {}, "5% of the examples are longer", facts={"cut": 0.05, "most_fit": 1500},
         clean_facts={"cut": 0.0, "most_fit": 900}, advice="1,536"),  # 1,500 up to a multiple of 64
    Case("CFG28", DPO, {}, "40%", CRITICAL, facts={"cut": 0.4, "most_fit": 1500},
         clean_facts={"cut": 0, "most_fit": 9}),
    Case("CFG29", DPO, {}, "the longest example has 100 tokens", INFO, facts={"longest": 100},
         clean_facts={"longest": 900}),
    Case("CFG30", GRPO, {"max_completion_length": 16}, "longer answers are cut off", INFO),
    Case("CFG31", DPO, {"eval_steps": 500}, "the run has 100 steps: it is never evaluated", advice="eval_steps at 10"),
    Case("CFG31", DPO, {"eval_strategy": "epoch", "max_steps": 60}, "after 60% of one"),
    Case("CFG31", DPO, {"eval_strategy": "no"}, "200 examples are held out", INFO),
    Case("CFG32", DPO, {"save_strategy": "no"}, "of 100 steps: if it goes wrong", INFO),
    Case("CFG32", {**DPO, "max_steps": 5_000, "train_examples": 320_000}, {"save_strategy": "no"}, "of 5,000 steps"),
    Case("CFG32", DPO, {"save_steps": 50}, "50% of the run", INFO),
    Case("CFG32", DPO, {"save_total_limit": 1}, "from after it began", INFO),
    Case("CFG33", DPO, {"load_best_model_at_end": True, "save_steps": 25}, "no multiple", CRITICAL, advice="20"),
    Case("CFG33", DPO, {"load_best_model_at_end": True, "eval_strategy": "no"}, "never evaluated", CRITICAL),
    Case("CFG33", DPO, {"load_best_model_at_end": True, "save_strategy": "epoch"}, "save_strategy epoch", CRITICAL),
    Case("CFG34", DPO, {"logging_steps": 50}, "the log will have 2 rows", INFO),
)  # fmt: skip
