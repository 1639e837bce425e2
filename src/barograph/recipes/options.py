"""What a recipe can be told: one field, with its sentence and its usual value, for the command line, for files and for
Python alike. Nothing but the standard library is needed to read it, so `--help` is there at once.

A field that is not said is `None` until `settled` gives it its usual value: that of the tiny model for the tiny model,
and else that of a real one.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar, cast, get_args, get_type_hints

from barograph.core.errors import ConfigurationError, MissingExtra, suggest
from barograph.recipes.cards import CARDS, THIS

__all__ = [
    "METHODS",
    "TINY",
    "AgainstReference",
    "Choice",
    "Chosen",
    "DPOOptions",
    "GRPOOptions",
    "KTOOptions",
    "Options",
    "PPOOptions",
    "PRMOptions",
    "RewardOptions",
    "Value",
    "choice",
    "choices_of",
    "from_file",
    "settled",
    "type_of",
]

Value: TypeAlias = "str | int | float | bool"
Chosen = TypeVar("Chosen", bound="Options")
#: The model that ships with the package.
TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be known of a field besides its name and type."""

    says: str
    #: The usual value for a real model, and for the tiny one.
    usual: Value | None
    tiny: Value | None
    #: The words that may be given, where not every one may.
    among: tuple[str, ...] = ()
    #: The smallest and the largest number that may be given.
    least: float = 0.0
    most: float = math.inf


def choice(
    says: str, usual: Value | None, *, tiny: Value | None = None, among: tuple[str, ...] = (), least: float = 0.0,
    most: float = math.inf,
) -> Any:  # fmt: skip
    """A field of `Options`; the tiny model's usual value is that of any other unless it is given."""
    known = Choice(says, usual, usual if tiny is None else tiny, among, least, most)
    return field(default=None, metadata={"choice": known})


@dataclass(kw_only=True)
class Options:
    """What all recipes can be told."""

    model: str | None = choice("hub id, local folder, or `tiny`, the model that ships with barograph", TINY)
    model_size: str | None = choice(
        "a usual model of this size, instead of naming one", None, among=("tiny", "0.5b", "1.5b", "3b", "7b", "14b")
    )
    data: str | None = choice("file, folder or hub id; sums to be learned in a minute if left out", None)
    eval_data: str | None = choice("held-out data; a share of `data` if left out", None)
    eval_share: float | None = choice("the share of `data` that is held out", 0.1, most=1)
    output_dir: str | None = choice("where checkpoints and the record go; `runs/METHOD` if left out", None)
    resume_from: str | None = choice("a checkpoint to go on from; a learning rate that is said counts from there", None)
    learning_rate: float | None = choice("the highest learning rate", 1e-6, tiny=1e-3)
    schedule: str | None = choice(
        "how the rate goes on after the warm-up", "linear",
        among=("linear", "cosine", "constant", "constant_with_warmup"),
    )  # fmt: skip
    warmup: float | None = choice("the share of the run in which the rate rises", 0.1)
    epochs: float | None = choice("passes over the data, where `max_steps` is not said", 1.0)
    max_steps: int | None = choice("steps; 0 for as many as the epochs take", 0, tiny=150)
    batch_size: int | None = choice("examples on each device in one go", 4, tiny=16, least=1)
    accumulate: int | None = choice("batches that make up one step", 4, tiny=1, least=1)
    max_length: int | None = choice("tokens of a prompt with its answer", 1024, tiny=64, least=1)
    drop_long: bool | None = choice("leave out examples that are longer than that, instead of stopping at them", False)
    eval_steps: int | None = choice("steps between two evaluations", 100, tiny=50, least=1)
    save_steps: int | None = choice("steps between two checkpoints", 100, tiny=50)
    keep_checkpoints: int | None = choice("how many of the newest checkpoints are kept; 0 for all", 5, tiny=0)
    logging_steps: int | None = choice("steps between two rows of the record", 1, least=1)
    lora: bool | None = choice("train an adapter instead of all weights", False)
    lora_rank: int | None = choice("the adapter's rank", 16, least=1)
    quantize: str | None = choice(
        "hold the weights that are not trained in fewer bits", "no", among=("no", "8bit", "4bit")
    )
    precision: str | None = choice(
        "in what to compute; bf16 where the device can", "auto", tiny="fp32", among=("auto", "bf16", "fp16", "fp32")
    )
    recompute: bool | None = choice(
        "compute activations a second time instead of keeping them: less memory, a third slower", True, tiny=False
    )
    profile: str | None = choice(
        "choose what is not said here (adapter, bits, batch, precision, length) so that the training fits this card",
        None, among=(THIS, *CARDS),
    )  # fmt: skip
    guard: str | None = choice(
        "what to do about a sick run", "advise", tiny="rescue", among=("advise", "stop", "rescue")
    )
    report_to: str | None = choice("further trackers, as the trainer knows them, by commas", "none")
    seed: int | None = choice("the seed of data order and of new weights", 1)

    @classmethod
    def made(cls, *sources: Mapping[str, object]) -> Self:
        """From mappings of names and values, of which later ones go first. An unknown name is an error."""
        known, whole = choices_of(cls), dict[str, Any]()
        for source in sources:
            for name, value in source.items():
                plain = str(name).replace("-", "_")
                if plain not in known:
                    raise ConfigurationError(f"unknown setting {str(name)!r}{suggest(plain, list(known))}")
                if value is not None:
                    whole[plain] = _taken(plain, value, type_of(cls, plain), known[plain])
        return cls(**whole)

    def said(self) -> dict[str, Value]:
        """The fields that have been given."""
        return {name: value for name in choices_of(type(self)) if (value := getattr(self, name)) is not None}


@dataclass(kw_only=True)
class AgainstReference(Options):
    """What can be told where a model is measured against where it began."""

    keep_reference: bool | None = choice(
        "hold the reference in memory; else it is asked once, before the training, and what it says is kept for later "
        "runs, as is usual unless the run is too short to see all examples",
        None,
    )


@dataclass(kw_only=True)
class KTOOptions(AgainstReference):
    """What `barograph train kto` can be told."""

    learning_rate: float | None = choice("the highest learning rate", 5e-7, tiny=5e-4)
    schedule: str | None = choice(
        "how the rate goes on after the warm-up", "constant_with_warmup",
        among=("linear", "cosine", "constant", "constant_with_warmup"),
    )  # fmt: skip
    max_steps: int | None = choice("steps; 0 for as many as the epochs take", 0, tiny=250)
    beta: float | None = choice("how dearly moving away from the start is paid", 0.1)
    desirable_weight: float | None = choice("what a good answer weighs; by their numbers if left out", None)
    undesirable_weight: float | None = choice("what a bad answer weighs; by their numbers if left out", None)


#: TRL's losses for pairs.
LOSSES = (
    "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired",
    "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm",
)  # fmt: skip


@dataclass(kw_only=True)
class DPOOptions(AgainstReference):
    """What `barograph train dpo` can be told."""

    beta: float | None = choice("how dearly moving away from the start is paid: 0.01 is free, 0.5 is strict", 0.1)
    loss_type: str | None = choice("the loss, as TRL names it", "sigmoid", among=LOSSES)
    label_smoothing: float | None = choice("the share of labels that is taken to be wrong", 0.0, most=0.5)
    sft_weight: float | None = choice("how much the likelihood of the chosen answer counts by itself", 0.0, tiny=0.5)


@dataclass(kw_only=True)
class RewardOptions(Options):
    """What `barograph train reward` can be told."""

    learning_rate: float | None = choice("the highest learning rate", 1e-5, tiny=5e-4)
    kind: str | None = choice("what it is learned from", "pairs", among=("pairs", "labels"))
    max_steps: int | None = choice("steps; 0 for as many as the epochs take", 0, tiny=400)
    shown: int | None = choice("predictions that are shown at each evaluation of a classifier", 20)


@dataclass(kw_only=True)
class PRMOptions(Options):
    """What `barograph train prm` can be told."""

    learning_rate: float | None = choice("the highest learning rate", 1e-5, tiny=2e-3)
    max_steps: int | None = choice("steps; 0 for as many as the epochs take", 0, tiny=400)
    batch_size: int | None = choice("examples on each device in one go", 4, tiny=32, least=1)
    shown: int | None = choice("predictions that are shown at each evaluation", 20)


@dataclass(kw_only=True)
class GRPOOptions(Options):
    """What `barograph train grpo` can be told."""

    learning_rate: float | None = choice("the highest learning rate", 1e-6, tiny=1e-3)
    batch_size: int | None = choice("answers on each device in one go", 8, tiny=64, least=1)
    max_steps: int | None = choice("steps; 0 for as many as the epochs take", 0, tiny=100)
    beta: float | None = choice("the weight of the KL to the start; 0 keeps no reference, and no KL is logged", 0.04)
    generations: int | None = choice("answers to each prompt", 8, least=2)
    answer_length: int | None = choice("tokens of an answer at most", 256, tiny=8, least=1)
    temperature: float | None = choice("how boldly answers are drawn", 1.0)
    reward: str | None = choice("the function that scores, as FILE.py:NAME or MODULE:NAME", None)
    reward_model: str | None = choice("a reward model that scores, as a folder or hub id, instead of a function", None)


@dataclass(kw_only=True)
class PPOOptions(Options):
    """What `barograph train ppo` can be told. A step answers `batch_size` x `accumulate` x `minibatches` prompts."""

    learning_rate: float | None = choice("the highest learning rate of the policy", 1e-6, tiny=1e-4)
    value_learning_rate: float | None = choice("the same for the head that gives the values", 1e-4, tiny=3e-3)
    max_steps: int | None = choice("steps; 0 for as many as the epochs take", 0, tiny=60)
    batch_size: int | None = choice("answers on each device in one go", 4, tiny=32, least=1)
    save_steps: int | None = choice("steps between two checkpoints", 100, tiny=20)
    beta: float | None = choice("weight of the KL to the reference in the reward, the first one if it adapts", 0.05)
    kl_target: float | None = choice("the KL that the weight is steered towards; 0 for a weight that stays", 0.0)
    horizon: int | None = choice(
        "answers in which a KL far off its target changes the weight by a fifth", 10_000, least=1
    )
    kl_estimator: str | None = choice("how the KL is estimated from the samples", "k1", among=("k1", "k3"))
    clip: float | None = choice("how far the ratio of new to old probability may count", 0.2)
    value_clip: float | None = choice("how far a value may move in one step", 0.2)
    value_weight: float | None = choice("weight of the value loss", 0.1, tiny=0.5)
    gamma: float | None = choice("discount from token to token", 1.0)
    lam: float | None = choice("lambda of the generalised advantage estimate", 0.95)
    ppo_epochs: int | None = choice("passes over the answers of a step", 4, least=1)
    minibatches: int | None = choice("updates in each pass", 4, least=1)
    max_grad_norm: float | None = choice("length to which a longer gradient is cut", 1.0)
    response_length: int | None = choice("tokens of an answer at most", 128, tiny=8, least=1)
    temperature: float | None = choice("temperature of sampling; log-probabilities are taken at it too", 1.0)
    top_k: int | None = choice("sample from so many of the likeliest tokens; 0 for all", 0)
    top_p: float | None = choice("sample from the likeliest tokens with this much of the probability", 1.0)
    missing_eos_penalty: float | None = choice("what an answer loses that does not end by itself", 1.0)
    whiten_rewards: bool | None = choice("scale the rewards of each step to a variance of one", False)
    reward: str | None = choice("the function that scores, as FILE.py:NAME or MODULE:NAME", None)
    reward_model: str | None = choice("a reward model that scores, as a folder or hub id, instead of a function", None)


#: What each command is told.
METHODS: dict[str, type[Options]] = {
    "kto": KTOOptions,
    "dpo": DPOOptions,
    "reward": RewardOptions,
    "prm": PRMOptions,
    "ppo": PPOOptions,
    "grpo": GRPOOptions,
}


def choices_of(kind: type[Options]) -> dict[str, Choice]:
    """Its fields in order."""
    return {one.name: one.metadata["choice"] for one in dataclasses.fields(kind)}


def settled(options: Chosen) -> Chosen:
    """The same with every field that was not said at its usual value."""
    is_tiny = (options.model or TINY) == TINY and (options.model_size or TINY) == TINY
    usual = {name: one.tiny if is_tiny else one.usual for name, one in choices_of(type(options)).items()}
    missing: dict[str, Any] = {name: value for name, value in usual.items() if getattr(options, name) is None}
    return dataclasses.replace(options, **missing)


def from_file(path: str | Path) -> dict[str, object]:
    """Settings from a TOML or YAML file: names and values, or tables of them, which are put together."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is no text in UTF-8") from None
    try:
        found = tomllib.loads(text) if path.suffix == ".toml" else _yaml(text, path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML ({error})") from None
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{path}: holds {type(found).__name__} where names with values belong")
    return dict(_flat(found))


def _flat(found: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def _yaml(text: str, path: Path) -> object:
    try:
        import yaml
    except ImportError:
        raise MissingExtra(f"reading {path.name}", "yaml", "train") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        raise ConfigurationError(f"{path}: is not valid YAML{line}") from None


def type_of(kind: type[Options], name: str) -> type:
    """The type of a field's values."""
    return _types_of(cast("Hashable", kind))[name]  # A class is, whatever its instances are.


@cache
def _types_of(kind: Hashable) -> dict[str, type]:
    """Those of all fields, at once: looking into annotations is slow."""
    return {
        name: next(one for one in get_args(hint) if one is not type(None))
        for name, hint in get_type_hints(kind).items()
        if get_args(hint)
    }


def _taken(name: str, value: object, kind: type, known: Choice) -> Value:
    """A value as the field has it."""
    made = _converted(value, kind)
    if made is None:
        raise ConfigurationError(f"{name} = {value!r}: {WORDS[kind]} belongs there")
    if known.among and made not in known.among:
        near = suggest(str(made), list(known.among))
        raise ConfigurationError(f"{name} = {made!r}: it is one of {', '.join(known.among)}{near}")
    if isinstance(made, int | float) and not known.least <= made <= known.most:
        range_ = f"from {known.least:g} on" if known.most == math.inf else f"from {known.least:g} to {known.most:g}"
        raise ConfigurationError(f"{name} = {made!r}: a number {range_} belongs there")
    return made


def _converted(value: object, kind: type) -> Value | None:
    """The value in the field's type, or None where it is none. YAML reads `5e-7` as text, so text is read once more."""
    if kind is bool:
        return value if isinstance(value, bool) else TRUTH.get(str(value).lower())
    if isinstance(value, bool | list | dict):
        return None
    try:
        made: Value = kind(value)
    except (TypeError, ValueError):
        return None
    return made if kind is not int or float(str(value)) == made else None


TRUTH = {"true": True, "yes": True, "false": False, "no": False}
WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
