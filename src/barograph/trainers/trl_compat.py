"""What differs between the trainers of transformers and TRL, and between their versions: known here, and nowhere else.

Written against transformers 5.23 and TRL 1.16. Names that came or went are asked for, never taken for granted.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from barograph.core.methods import Method

__all__ = [
    "can_be_stopped",
    "can_go_back",
    "config_of",
    "forget_attempt",
    "hush",
    "is_closing_row",
    "is_distributed",
    "is_sharded",
    "log_beside",
    "method_of",
    "of_model",
    "rewards_heard",
    "trainer_of_caller",
]

#: Trainers of TRL by the name of their class; a subclass counts as what it is derived from.
METHODS = {
    "OnlineDPOTrainer": Method.ONLINE_DPO,
    "XPOTrainer": Method.ONLINE_DPO,
    "NashMDTrainer": Method.ONLINE_DPO,
    "DPOTrainer": Method.DPO,
    "TPOTrainer": Method.DPO,
    "KTOTrainer": Method.KTO,
    "BCOTrainer": Method.BCO,
    "ORPOTrainer": Method.ORPO,
    "CPOTrainer": Method.CPO,
    "RewardTrainer": Method.REWARD,
    "PRMTrainer": Method.PRM,
    "PPOTrainer": Method.PPO,
    "PPOv2Trainer": Method.PPO,
    "RLOOTrainer": Method.RLOO,
    "GRPOTrainer": Method.GRPO,
    "SFTTrainer": Method.SFT,
}
#: What a model that the plain Trainer trains is for, by the end of its class's name.
TASKS = {
    "ForSequenceClassification": Method.CLASSIFIER,
    "ForTokenClassification": Method.PRM,
    "ForCausalLM": Method.SFT,
    "LMHeadModel": Method.SFT,
}
#: Keys of the row that closes `train()`: totals, no state of the run.
CLOSING = frozenset({"train_runtime", "train_loss", "total_flos"})
#: Settings of transformers' own arguments that say something about a run. A trainer's own settings are all kept.
GENERAL = (
    "learning_rate", "lr_scheduler_type", "warmup_ratio", "max_grad_norm", "weight_decay", "optim", "adam_beta1",
    "adam_beta2", "per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps",
    "num_train_epochs", "logging_steps", "eval_steps", "save_strategy", "save_steps", "save_total_limit", "bf16",
    "fp16", "tf32", "seed", "data_seed", "label_smoothing_factor", "neftune_noise_alpha", "world_size",
)  # fmt: skip
#: Callbacks of transformers that print every row as a dict; the first draws the bar, too.
PRINTERS = frozenset({"ProgressCallback", "PrinterCallback"})
LORA = {"r": "lora_r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout", "use_rslora": "lora_rslora"}
#: What the rewards of single examples are called where a loss is computed: by DPO, its kin and KTO, by RewardTrainer.
REWARDS = (("chosen_rewards", "rejected_rewards"), ("rewards_chosen", "rewards_rejected"))
LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")


def trainer_of_caller(frame: FrameType | None) -> Any | None:
    """The trainer that is calling a callback just now, found among the frames that led to it.

    A callback is told of arguments and state, never of the trainer itself, and a rescue needs the trainer.
    """
    for _ in range(30):
        if frame is None:
            return None
        owner = frame.f_locals.get("self")
        if hasattr(owner, "callback_handler") and callable(getattr(owner, "train", None)):
            return owner
        frame = frame.f_back
    return None


def is_sharded(trainer: Any) -> bool:
    """Whether no device holds the whole model, so that it can only answer where all work together."""
    plugin = getattr(trainer.accelerator.state, "deepspeed_plugin", None)
    return bool(getattr(trainer, "is_fsdp_enabled", False) or getattr(plugin, "zero_stage", 0) == 3)


def is_distributed(args: Any) -> bool:
    """Whether several processes train together, and can reach one another."""
    if args.world_size <= 1:
        return False
    import torch.distributed

    return bool(torch.distributed.is_available() and torch.distributed.is_initialized())


@contextmanager
def rewards_heard(trainer: Any) -> Iterator[list[tuple[Any, Any]]]:
    """The rewards of chosen and of rejected answers, one by one, that a loss computed in here works out.

    TRL's trainers keep them to themselves and log their means. But all of them, in every version, gather something from
    all processes for their log once the rewards are there, and whoever gathers has them among its variables.
    """
    heard: list[tuple[Any, Any]] = []
    accelerator = trainer.accelerator

    def listening(gather: Callable[..., Any]) -> Callable[..., Any]:
        def gathered(*arguments: Any, **named: Any) -> Any:
            if not heard:
                heard.extend(_rewards_of(sys._getframe(1)))  # noqa: SLF001 - they are told to nobody
            return gather(*arguments, **named)

        return gathered

    names = [name for name in ("gather", "gather_for_metrics") if name not in vars(accelerator)]
    for name in names:
        setattr(accelerator, name, listening(getattr(accelerator, name)))
    try:
        yield heard
    finally:
        for name in names:
            vars(accelerator).pop(name, None)


def _rewards_of(frame: FrameType) -> list[tuple[Any, Any]]:
    """The pair of rewards among the variables of a frame, if both are there by now."""
    for names in REWARDS:
        if names[0] in frame.f_code.co_varnames:
            known = frame.f_locals
            return [(known[names[0]], known[names[1]])] if all(name in known for name in names) else []
    return []


def log_beside(trainer: Any, numbers: Mapping[str, float]) -> None:
    """Log a row of one's own. The trainer's `log` would put what it has gathered for its next row into it."""
    state = trainer.state
    row = {**numbers, **({} if state.epoch is None else {"epoch": state.epoch})}
    state.log_history.append({**row, "step": state.global_step})
    is_due = trainer.control.should_log
    trainer.control = trainer.callback_handler.on_log(trainer.args, state, trainer.control, row)
    trainer.control.should_log = is_due  # Its own row is still to come.


def method_of(trainer: Any, model: Any = None) -> Method | None:
    """What a trainer trains; None leaves it to the keys that it logs."""
    for kind in type(trainer).__mro__:
        if kind.__name__ in METHODS:
            return METHODS[kind.__name__]
    bare = getattr(model, "base_model", None) if getattr(model, "peft_config", None) else None
    name = type(getattr(bare, "model", model)).__name__
    return next((method for end, method in TASKS.items() if name.endswith(end)), None)


def is_closing_row(logs: Mapping[str, object]) -> bool:
    """Whether a row is the totals at the end of `train()`."""
    return len(CLOSING & logs.keys()) >= 2


def can_be_stopped(trainer: Any) -> bool:
    """Whether `control.should_training_stop` is heeded: PPO's own loop, in TRL until 1.12, never looks at it."""
    for kind in type(trainer).__mro__:
        train = vars(kind).get("train")
        if train is None:
            continue
        if kind.__module__.startswith("transformers."):
            return True
        try:
            source = inspect.getsource(train)
        except (OSError, TypeError):
            return True
        return "should_training_stop" in source or "super().train" in source or "_inner_training_loop" in source
    return True


def can_go_back(trainer: Any) -> str:
    """Why this trainer cannot load a checkpoint a second time; empty if it can."""
    if getattr(trainer, "is_deepspeed_enabled", False):
        return "DeepSpeed cannot load a checkpoint into a running engine"
    if getattr(trainer, "is_fsdp_enabled", False):
        return "FSDP cannot load a checkpoint into a model that is sharded already"
    return "" if can_be_stopped(trainer) else f"{type(trainer).__name__} has a loop of its own"


def forget_attempt(trainer: Any) -> None:
    """Drop what TRL's trainers keep between steps, which would flow from an abandoned attempt into the next.

    In a fresh process it would be empty: half-averaged metrics, answers that wait for their turn, and the count of
    batches by which answers are generated anew.
    """
    for kept in (getattr(trainer, "_metrics", None), getattr(trainer, "_stored_metrics", None)):
        if isinstance(kept, dict):
            for metrics in kept.values():
                if hasattr(metrics, "clear"):
                    metrics.clear()
    if hasattr(trainer, "_buffered_inputs"):
        trainer._buffered_inputs = None  # noqa: SLF001 - there is no public way to say it
        trainer._step = 0  # noqa: SLF001


def hush(trainer: Any) -> Callable[[], None]:
    """Keep a trainer from printing the rows that a table shows, and give what undoes it. Its bar stays."""
    callbacks = getattr(getattr(trainer, "callback_handler", None), "callbacks", ())
    hushed = [callback for callback in callbacks if type(callback).__name__ in PRINTERS]
    for callback in hushed:
        callback.on_log = _say_nothing

    def undo() -> None:
        for callback in hushed:
            vars(callback).pop("on_log", None)

    return undo


def _say_nothing(*arguments: Any, **named: Any) -> None:
    """Stands for an event of which nothing is to be said."""


def config_of(
    args: Any, state: Any, trainer: Any = None, model: Any = None, train_data: Any = None
) -> dict[str, object]:
    """The settings of a run that rules and readers want, as plain values under the names the libraries use."""
    config: dict[str, object] = {}
    for name in (*_own_settings(args), *GENERAL):
        value = _plain(getattr(args, name, None))
        if value is not None:
            config[name] = value
    config["max_steps"] = state.max_steps
    if callable(getattr(args, "get_warmup_steps", None)):
        config["warmup_steps"] = args.get_warmup_steps(state.max_steps)
    config["trainer"] = type(trainer).__name__ if trainer is not None else "Trainer"
    config.update(of_model(model))
    for name, data in (
        ("train_examples", getattr(train_data, "dataset", None)),
        ("eval_examples", getattr(trainer, "eval_dataset", None)),
    ):
        if data is not None and hasattr(data, "__len__") and not isinstance(data, dict):
            config[name] = len(data)
    for library in LIBRARIES:
        if library in sys.modules:
            config[f"{library}_version"] = importlib.metadata.version(library)
    return config


def _own_settings(args: Any) -> list[str]:
    """The fields that a trainer's arguments add to transformers' own: beta, loss_type, num_generations ..."""
    known: set[str] = set()
    for kind in type(args).__mro__:
        if kind.__module__.startswith("transformers."):
            known |= set(getattr(kind, "__dataclass_fields__", ()))
    fields = getattr(args, "__dataclass_fields__", {})
    secret = ("token", "key", "url", "host", "path", "dir")
    return [name for name in fields if name not in known and not name.endswith(secret)]


def of_model(model: Any) -> dict[str, object]:
    """What a model is: its class, its sizes, its adapter."""
    facts: dict[str, object] = {}
    if model is None:
        return facts
    facts["model"] = type(model).__name__
    if hasattr(model, "parameters"):
        sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
        facts["parameters"] = sum(size for size, _ in sizes)
        facts["trainable_parameters"] = sum(size for size, is_trained in sizes if is_trained)
    if type(model).__name__.endswith("Classification"):
        facts["num_labels"] = getattr(getattr(model, "config", None), "num_labels", 2)
    for adapter in list((getattr(model, "peft_config", None) or {}).values())[:1]:
        for theirs, ours in LORA.items():
            value = _plain(getattr(adapter, theirs, None))
            if value is not None:
                facts[ours] = value
    return facts


def _plain(value: object) -> object:
    """A value that can be written down: a list of one thing is that thing, an enum its value."""
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value[:20]]
        return items[0] if len(items) == 1 else (items or None)
    value = getattr(value, "value", value)
    return value if isinstance(value, str | bool | int | float) else None
