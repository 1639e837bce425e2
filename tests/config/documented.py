"""Settings that TRL documents: the commands of its scripts, its guides, and papers as its paper index has them.

Left out are three of the papers, whose models are no language models or small ones with rates of their own: IPO at
1e-2, robust DPO at 1e-3, SLiC at 1e-4.
"""

from __future__ import annotations

from typing import Any

__all__ = ["DOCUMENTED"]

_SCRIPT = {"num_train_epochs": 1, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 8}
_QWEN = {"model_name_or_path": "Qwen/Qwen2-0.5B-Instruct"}
_LORA = {"use_peft": True, "lora_r": 32, "lora_alpha": 16}
_STEPS = {"max_steps": 1000, "eval_strategy": "steps", "eval_steps": 50}

DOCUMENTED: dict[str, tuple[str, dict[str, Any]]] = {
    "dpo script": ("dpo", {**_SCRIPT, **_QWEN, **_STEPS, "learning_rate": 5e-7, "use_peft": False}),
    "dpo script, adapter": ("dpo", {**_SCRIPT, **_QWEN, **_STEPS, **_LORA, "learning_rate": 5e-6}),
    "kto script": ("kto", {
        "per_device_train_batch_size": 16, "num_train_epochs": 1, "learning_rate": 5e-7, "lr_scheduler_type": "cosine",
        "gradient_accumulation_steps": 1, "eval_steps": 500, "warmup_steps": 0.1, "use_peft": False,
        "model_name_or_path": "trl-lib/qwen1.5-1.8b-sft",
    }),
    "kto script, adapter in four bits": ("kto", {
        "per_device_train_batch_size": 8, "num_train_epochs": 1, "learning_rate": 5e-7, "lr_scheduler_type": "cosine",
        "gradient_accumulation_steps": 1, "eval_steps": 500, "warmup_steps": 0.1, "use_peft": True,
        "load_in_4bit": True, "lora_r": 16, "lora_alpha": 16, "model_name_or_path": "trl-lib/qwen1.5-1.8b-sft",
    }),
    "sft script": ("sft", {**_SCRIPT, **_QWEN, "learning_rate": 2e-5, "packing": True, "use_peft": False}),
    "sft script, adapter": ("sft", {**_SCRIPT, **_QWEN, **_LORA, "learning_rate": 2e-4, "packing": True}),
    "reward, as it comes": ("reward", {**_QWEN, "learning_rate": 1e-4, "use_peft": False}),
    "dpo, as it comes": ("dpo", {
        **_QWEN, "learning_rate": 1e-6, "beta": 0.1, "per_device_train_batch_size": 8, "num_train_epochs": 3.0,
        "save_steps": 500, "save_strategy": "steps", "eval_strategy": "no", "logging_steps": 10, "warmup_steps": 0,
        "loss_type": ["sigmoid"], "label_smoothing": 0.0, "disable_dropout": True, "max_length": 1024,
        "lr_scheduler_type": "linear", "max_steps": -1, "use_peft": False,
    }),
    "grpo, as it comes": ("grpo", {
        **_QWEN, "learning_rate": 1e-6, "beta": 0.0, "per_device_train_batch_size": 8, "num_generations": 8,
        "temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "max_completion_length": 512,
        "num_iterations": 1, "epsilon": 0.2, "entropy_coef": 0.0, "disable_dropout": False, "use_peft": False,
    }),
    "rloo, as it comes": ("rloo", {**_QWEN, "learning_rate": 1e-6, "beta": 0.05, "num_generations": 2}),
    "online dpo, as it comes": ("online-dpo", {
        **_QWEN, "learning_rate": 5e-7, "temperature": 0.9, "max_new_tokens": 64,
    }),
    "lora without regret, grpo": ("grpo", {"learning_rate": 1e-5, "use_peft": True, "lora_r": 1, "num_generations": 8}),
    "GSPO": ("grpo", {
        "importance_sampling_level": "sequence", "loss_type": "grpo", "beta": 0.0, "epsilon": 3e-4,
        "epsilon_high": 4e-4, "gradient_accumulation_steps": 1, "steps_per_generation": 4,
    }),
    "DAPO": ("grpo", {
        "mask_truncated_completions": True, "loss_type": "dapo", "epsilon_high": 0.28, "epsilon": 0.2, "beta": 0.0,
        "per_device_train_batch_size": 512, "num_generations": 16, "max_completion_length": 20480,
    }),
    "Dr. GRPO": ("grpo", {
        "loss_type": "dr_grpo", "per_device_train_batch_size": 1, "num_generations": 8, "beta": 0.0,
        "max_completion_length": 3000,
    }),
    "Lite PPO": ("grpo", {
        "scale_rewards": "batch", "loss_type": "dapo", "beta": 0.0, "top_p": 0.99, "top_k": 100, "temperature": 0.99,
        "num_generations": 8, "num_iterations": 1, "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 32, "steps_per_generation": 8,
    }),
    "ScaleRL": ("grpo", {"loss_type": "cispo", "epsilon_high": 5.0, "num_generations": 16, "scale_rewards": "batch"}),
    "DeepSeek-R1": ("grpo", {"beta": 0.001, "use_bias_correction_kl": True}),
    "DPO": ("dpo", {"loss_type": "sigmoid", "per_device_train_batch_size": 64, "learning_rate": 1e-6, "beta": 0.1}),
    "NCA": ("dpo", {"loss_type": "nca_pair", "per_device_train_batch_size": 32, "learning_rate": 5e-6, "beta": 0.01}),
    "BCO": ("dpo", {
        "loss_type": "bco_pair", "per_device_train_batch_size": 128, "learning_rate": 5e-7, "beta": 0.01,
        "max_prompt_length": 1536, "max_completion_length": 512,
    }),
    "SPPO": ("dpo", {"loss_type": "sppo_hard", "per_device_train_batch_size": 64, "learning_rate": 5e-7}),
    "SPPO, beta of its paper": ("dpo", {"loss_type": "sppo_hard", "learning_rate": 5e-7, "beta": 0.001}),
    "DiscoPOP": ("dpo", {
        "loss_type": "discopop", "per_device_train_batch_size": 64, "learning_rate": 5e-7, "beta": 0.05,
        "discopop_tau": 0.05,
    }),
    "APO": ("dpo", {
        "loss_type": "apo_zero", "per_device_train_batch_size": 64, "learning_rate": 2e-7, "beta": 0.1,
        "max_prompt_length": 512, "max_completion_length": 512,
    }),
    "DFT": ("sft", {
        "loss_type": "dft", "learning_rate": 5e-5, "max_length": 2048, "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 32,
    }),
    "RLOO": ("rloo", {
        "per_device_train_batch_size": 512, "steps_per_generation": 2, "beta": 0.03, "num_generations": 2,
        "learning_rate": 1e-6,
    }),
    "AlphaPO": ("cpo", {
        "loss_type": "alphapo", "alpha": 0.25, "beta": 2.5, "simpo_gamma": 0.1, "learning_rate": 7e-7,
    }),
    "centred reward model": ("reward", {"center_rewards_coefficient": 0.01}),
    "cpo script": ("cpo", {**_SCRIPT, "learning_rate": 8e-6, "use_peft": False}),
    "cpo script, adapter": ("cpo", {**_SCRIPT, **_LORA, "learning_rate": 8e-5}),
    "orpo script": ("orpo", {**_SCRIPT, "learning_rate": 8e-6, "beta": 0.1, "use_peft": False}),
    "ppo script of TRL 0.12": ("ppo", {
        "num_ppo_epochs": 1, "num_mini_batches": 1, "learning_rate": 3e-6, "per_device_train_batch_size": 64,
        "gradient_accumulation_steps": 1, "total_episodes": 10000, "missing_eos_penalty": 1.0, "response_length": 53,
        "model_name_or_path": "EleutherAI/pythia-1b-deduped", "sft_model_path": "EleutherAI/pythia-1b-deduped",
    }),
}  # fmt: skip
