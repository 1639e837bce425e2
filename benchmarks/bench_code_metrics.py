"""How quick are CodeBLEU and RUBY? Each in a process of its own, over functions of the standard library.

    python benchmarks/bench_code_metrics.py                  # 10,000 pairs; about two minutes
    python benchmarks/bench_code_metrics.py --quick          # a tenth of the pairs
    python benchmarks/bench_code_metrics.py --codebleu PATH  # beside the codebleu library, in the Python at PATH

The library wants grammars of its own: pip install codebleu==0.7.0 tree-sitter-python==0.21.0 in a place by itself.
Predictions are the references with a line less, with names mixed up, with every name renamed, or another function.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

#: At the end of each process: CPU milliseconds a pair without imports, peak memory by the system's account, the value.
TELL = """
spent = (time.process_time() - begun) / len(pairs) * 1e3
peak = next((line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), 0)
print(json.dumps([spent, int(peak) / 1024, value, notes]))
"""
OURS = """
import json, sys, time
from barograph.text.{module} import {made}
from barograph.text.score import Pair
pairs = [Pair(said, (wanted,)) for said, wanted in json.load(open(sys.argv[1]))]
metric = {made}({settings})
metric.score(*pairs[0])
begun = time.process_time()
scores = metric.scores(pairs)
whole = metric.corpus_of(scores)
value, notes = whole.value, list(whole.notes)[:1]
"""
LIBRARY = """
import json, logging, sys, time
logging.disable(logging.CRITICAL)
from codebleu import calc_codebleu
pairs = json.load(open(sys.argv[1]))
calc_codebleu([pairs[0][1]], [pairs[0][0]], "python")
begun = time.process_time()
value = calc_codebleu([[wanted] for _, wanted in pairs], [said for said, _ in pairs], "python")["codebleu"]
notes = []
"""


def functions() -> Iterator[str]:
    """Functions of 15 to 25 lines, as people write them."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text("utf-8", "replace")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and not node.col_offset and 15 <= node.end_lineno - node.lineno < 25:
                yield "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])


def answer_to(wanted: str, others: list[str], rng: random.Random) -> str:
    kind, names = rng.random(), sorted(set(re.findall(r"\b[a-z]\w+\b", wanted)))
    if kind < 0.25:
        lines = wanted.split("\n")
        del lines[rng.randrange(1, len(lines))]
        return "\n".join(lines)
    if kind < 0.5:
        one, other = rng.sample(names, 2)
        return re.sub(rf"\b{one}\b", other, wanted)
    if kind < 0.75:
        return re.sub(r"\b_?[a-z]\w*_\w+\b", lambda found: f"{found[0]}_2", wanted)
    return rng.choice(others)


def measure(title: str, python: str, code: str, pairs: Path) -> None:
    """One row of the table, by one process."""
    done = subprocess.run([python, "-c", code + TELL, str(pairs)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{title} failed: {done.stderr}")
    each, peak, value, notes = json.loads(done.stdout)
    print(f"  {title:38}{each:10.2f}{peak:8.0f}{value:9.4f}  {'; '.join(notes)}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    arguments.add_argument("--codebleu", metavar="PATH", help="a Python that has the codebleu library")
    given = arguments.parse_args()
    rng = random.Random(0)
    known = list(functions())
    wanted = rng.choices(known, k=1_000 if given.quick else 10_000)
    pairs = [(answer_to(one, known, rng), one) for one in wanted]
    with tempfile.TemporaryDirectory() as folder:
        all_pairs, some_pairs = Path(folder, "all.json"), Path(folder, "some.json")
        all_pairs.write_text(json.dumps(pairs))
        some_pairs.write_text(json.dumps(pairs[: len(pairs) // 10]))
        print(f"{len(pairs):,} pairs out of {len(known)} functions\n  {'':38}{'ms/pair':>10}{'MB':>8}{'value':>9}")
        for title, module, made, settings in (
            ("CodeBLEU", "codebleu", "CodeBleu", ""),
            ("CodeBLEU, tokens of the language", "codebleu", "CodeBleu", "lexed=True"),
            ("RUBY, trees", "ruby", "Ruby", ""),
        ):
            code = OURS.format(module=module, made=made, settings=settings)
            measure(title, sys.executable, code, all_pairs)
        print(f"\n{len(pairs) // 10:,} of these pairs")
        for title, module, made, settings in (
            ("CodeBLEU", "codebleu", "CodeBleu", ""),
            ("RUBY, graphs where possible", "ruby", "Ruby", "graphs=True"),
        ):
            code = OURS.format(module=module, made=made, settings=settings)
            measure(title, sys.executable, code, some_pairs)
        if given.codebleu:
            measure("codebleu, the library", given.codebleu, LIBRARY, some_pairs)


if __name__ == "__main__":
    main()
