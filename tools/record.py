"""Train the two runs that `barograph demo` plays, and put their logs into the package.

python tools/record.py    # twenty seconds on one core; prints what `check` says of each

Another processor or another torch rounds otherwise, and a run near the edge of what can be learned drifts apart within
a few dozen steps: look at what is printed before it is kept. tests/cli/test_demo.py says what has to hold.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import barograph
from barograph.core.finding import Diagnosis
from barograph.monitor.live import LOG, RUN
from barograph.recipes.options import DPOOptions
from barograph.recipes.recorded import FOLDER, HEALTHY, SICK

#: A small beta and a high rate: far from the start within 150 steps. Only what the loss asks for differs.
SHARED = {"beta": 0.01, "learning_rate": 0.005, "schedule": "cosine", "batch_size": 32}
TOLD = {SICK: {**SHARED, "sft_weight": 0.0}, HEALTHY: {**SHARED, "sft_weight": 0.2}}
#: What tells of the machine, and what no rule asks for.
LEFT_OUT = {"num_tokens", "logits/chosen", "logits/rejected", "runtime", "samples_per_second", "steps_per_second"}


def record(name: str) -> bool:
    """Train one of them, write it down, and say what came of it. Whether the shortened log is judged like the whole."""
    from barograph.recipes import dpo

    told = TOLD[name]
    with tempfile.TemporaryDirectory() as spare:
        folder, silent = Path(spare) / name, io.StringIO()
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            # A guard that acts would cure what is to be shown.
            finished = dpo.run(DPOOptions.made(told, {"output_dir": str(folder), "guard": "advise"}))
        whole = barograph.check(folder)
        config = json.loads((folder / RUN).read_bytes())["config"]
        text = "".join(f"{_shortened(line)}\n" for line in (folder / LOG).read_text(encoding="utf-8").splitlines())
        (folder / LOG).write_text(text, encoding="utf-8")
        short = barograph.check(folder)
    facts = {"method": "dpo", "told": told, "config": _fit(config), "before": finished.before, "after": finished.after}
    (FOLDER / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (FOLDER / f"{name}.json").write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    print(f"{name}: {len(text):,} bytes, {short.rows} rows, {short.verdict}")
    for cause in short.causes[:1]:
        print(f"  likeliest cause: {cause.name} ({cause.score:.2f})")
    for one in short.findings:
        print(f"  {one.code} {one.name}, {one.severity}, steps {one.step}-{one.last_step}: {one.says}")
    for measured, value in finished.after.items():
        print(f"  {measured}: {value:.3f}")
    return _gist(whole) == _gist(short)


def _fit(config: dict[str, object]) -> dict[str, object]:
    """Without what names a place on the machine."""
    return {key: value for key, value in config.items() if not (isinstance(value, str) and os.sep in value)}


def _shortened(line: str) -> str:
    """The row without what is left out, with five digits of each number."""
    row = {
        key: float(f"{value:.5g}") if isinstance(value, float) else value
        for key, value in json.loads(line).items()
        if key.removeprefix("eval_") not in LEFT_OUT
    }
    return json.dumps(row, separators=(",", ":"), allow_nan=False)


def _gist(diagnosis: Diagnosis) -> list[tuple[object, ...]]:
    return [(one.code, one.severity, one.step, one.last_step) for one in diagnosis.findings]


def main() -> int:
    """Record both."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    changed = [name for name in TOLD if not record(name)]
    if changed:
        print(f"five digits are too few: the shortened log is judged otherwise: {', '.join(changed)}", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
