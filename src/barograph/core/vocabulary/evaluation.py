"""What the generated text is worth, measured from outside."""

from __future__ import annotations

from barograph.core.methods import ONLINE
from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["EVALUATION_METRICS"]

EVALUATION_METRICS: tuple[Metric, ...] = (
    Metric(
        name="task_accuracy",
        title="Task accuracy",
        group="evaluation",
        meaning="Share of evaluation problems that are solved, in the unit of the log.",
        better=Better.UP,
        aliases=(
            # Some logs give percent here. The value stays as it is, since only the log's author knows.
            Alias("accuracy", "hand-written loops", ONLINE),
            Alias("acc", "hand-written loops", ONLINE),
            Alias("pass_at_1", "hand-written loops"),
            Alias("pass@1", "hand-written loops"),
            Alias("all/pass_at_1", "SkyRL evaluation"),
        ),
        reading=(
            "The test that the reward does not see: a rising reward with a flat or falling accuracy is reward "
            "hacking. A share in some logs and percent in others, so look at its trend."
        ),
    ),
    Metric(
        name="bertscore",
        title="BERTScore",
        group="evaluation",
        meaning="Similarity of meaning between generated and reference text.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("bertscore_f1", "hand-written loops"),
            Alias("bert_score", "hand-written loops"),
        ),
        reading=(
            "Even unrelated texts score well above zero unless it is rescaled, so compare with the start of the run."
        ),
    ),
    Metric(
        name="codebleu",
        title="CodeBLEU",
        group="evaluation",
        meaning="Overlap of generated and reference code in tokens, syntax and data flow.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(Alias("code_bleu", "hand-written loops"),),
        reading=(
            "Rewards code that looks like the reference, not code that works: use it beside tests, never instead of "
            "them."
        ),
    ),
    Metric(
        name="bleu",
        title="BLEU",
        group="evaluation",
        meaning="Overlap of short word sequences between generated and reference text.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("bleu_score", "hand-written loops"),
            Alias("bleu4", "hand-written loops"),
        ),
        reading=(
            "Some tools give 0 to 100. Falls when answers become longer than the references, even if they are better."
        ),
    ),
    Metric(
        name="rouge",
        title="ROUGE-L",
        group="evaluation",
        meaning="Longest common subsequence of generated and reference text.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("rougel", "hand-written loops"),
            Alias("rouge_l", "hand-written loops"),
            Alias("rouge-l", "hand-written loops"),
        ),
        reading=(
            "Favours length when recall is used. A slow fall during preference tuning is common and seldom matters."
        ),
    ),
    Metric(
        name="ruby",
        title="RUBY",
        group="evaluation",
        meaning="Similarity of generated and reference code by graph, tree or text, whichever can be had.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(Alias("ruby_score", "hand-written loops"),),
        reading="Jumps when code begins to parse, because then a stricter comparison is used.",
    ),
)
