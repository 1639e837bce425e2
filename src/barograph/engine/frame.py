"""The frame that a run is judged in: its length, its warm-up, and the facts that rules may ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median

from barograph.core.methods import Method
from barograph.core.objectives import starting_loss
from barograph.core.run import Run
from barograph.core.settings import numbers_of
from barograph.engine.beta import beta_in
from barograph.signals.timeline import Timeline

__all__ = ["frame_of", "frame_of_run"]

#: What the libraries take when nothing is said (TRL: DPO, KTO, ORPO, CPO alike).
USUAL_BETA = 0.1
#: Starting losses that a log of unknown method may betray itself by, and how near its first loss must be.
ANCHORS = (math.log(2), 0.5)
NEAR = 0.01


def frame_of(method: Method, config: Mapping[str, object], first_loss: float | None = None) -> Timeline:
    """The frame as the configuration gives it; the run's length stays open if the configuration does not tell."""
    switches = {name: float(value) for name, value in config.items() if isinstance(value, bool)}
    numbers = {**switches, **numbers_of(config)}
    horizon = numbers.get("max_steps")
    horizon = horizon if horizon and horizon > 0 else None
    warmup = numbers.get("warmup_steps")
    if not warmup and horizon and numbers.get("warmup_ratio"):
        warmup = numbers["warmup_ratio"] * horizon
    facts = {**numbers, "beta": numbers.get("beta") or USUAL_BETA}
    if numbers.get("beta"):
        facts["beta_of_this_run"] = numbers["beta"]  # for rules about beta itself: they do not judge what is usual
    facts["class_weight"] = numbers.get("desirable_weight", 1.0) / (numbers.get("undesirable_weight") or 1.0)
    start = starting_loss(method, config)
    if start is None and method is Method.UNKNOWN and first_loss is not None:
        start = next((anchor for anchor in ANCHORS if abs(first_loss - anchor) < NEAR), None)
    if start is not None:
        facts["start_loss"] = start
    facts["steps_are_logged"] = 0.0 if config.get("steps_are_counted") else 1.0
    # Settings that a run has only where they are set.
    facts["top_k_or_none"] = max(numbers.get("top_k", 0.0), 0.0)
    facts["top_p_or_one"] = numbers.get("top_p", 1.0)
    facts["min_length_or_none"] = max(numbers.get("min_length", 0.0), numbers.get("min_new_tokens", 0.0), 0.0)
    facts["reference_follows"] = 1.0 if str(config.get("sync_ref_model")).lower() in {"true", "1"} else 0.0
    facts["ratio_of_answers"] = 1.0 if _compares_whole_answers(config) else 0.0
    # For rules that compare with the start where there is one, and are judged where there is none as well.
    facts["start_loss_or_zero"] = start or 0.0
    return Timeline(horizon=horizon, warmup=warmup or None, facts=facts)


def _compares_whole_answers(config: Mapping[str, object]) -> bool:
    """Whether the ratio is taken of whole answers (GSPO), whose clipping range is far narrower than that of tokens."""
    named = (config.get(key) for key in ("importance_sampling_level", "policy_loss.loss_mode", "loss_mode"))
    return any(str(name).startswith(("sequence", "gspo")) for name in named)


def frame_of_run(run: Run) -> Timeline:
    """The frame of a log that lies before us: where nothing else tells, it is as long as its last step."""
    losses = run.columns.get("loss")
    first_losses = [value for value in losses.values[:5] if math.isfinite(value)] if losses else []
    frame = frame_of(run.method, run.config, median(first_losses) if first_losses else None)
    horizon = float(run.last_step)
    if frame.horizon is not None:
        horizon = max(horizon, frame.horizon)
    facts = dict(frame.facts)
    if "beta_of_this_run" not in facts and (beta := beta_in(run)) is not None:
        facts["beta"] = facts["beta_of_this_run"] = beta
    return Timeline(horizon=horizon or None, warmup=frame.warmup, facts=facts)
