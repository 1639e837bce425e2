"""The metric vocabulary as data: what every quantity is called, where, and how to read it.

One module per group. Within a metric the aliases stand in order of preference: when a row carries several
of them (`completions/mean_length` beside `completion_length`), the earlier one is the better witness.
"""

from __future__ import annotations

from barograph.core.metric import Metric
from barograph.core.vocabulary.classifier import CLASSIFIER_METRICS
from barograph.core.vocabulary.common import COMMON_METRICS
from barograph.core.vocabulary.critic import CRITIC_METRICS
from barograph.core.vocabulary.engines import ENGINE_METRICS
from barograph.core.vocabulary.evaluation import EVALUATION_METRICS
from barograph.core.vocabulary.generation import GENERATION_METRICS
from barograph.core.vocabulary.online import ONLINE_METRICS
from barograph.core.vocabulary.policy import POLICY_METRICS
from barograph.core.vocabulary.preference import PREFERENCE_METRICS
from barograph.core.vocabulary.progress import PROGRESS_METRICS, STEP_KEYS, TOTALS
from barograph.core.vocabulary.reward_model import REWARD_MODEL_METRICS

__all__ = ["METRICS", "STEP_KEYS", "TOTALS"]

METRICS: tuple[Metric, ...] = (
    *PROGRESS_METRICS,
    *COMMON_METRICS,
    *PREFERENCE_METRICS,
    *ONLINE_METRICS,
    *POLICY_METRICS,
    *GENERATION_METRICS,
    *CRITIC_METRICS,
    *ENGINE_METRICS,
    *REWARD_MODEL_METRICS,
    *CLASSIFIER_METRICS,
    *EVALUATION_METRICS,
)
