"""AReaL: what its StatsLogger printed, beside what it was given."""

from __future__ import annotations

from logged import SAMPLES, expected_of, must_agree, series_of

from barograph.sources.base import Document
from barograph.sources.formats.consoles.areal import AREAL
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "areal"
TABLE = """\
╒══════╤════════════╤═════╤════════════╕
│ loss │ 5.0000e-01 │ lr  │ 1.0000e-06 │
├──────┼────────────┼─────┼────────────┤
│ acc  │        nan │     │            │
╘══════╧════════════╧═════╧════════════╛
"""


def test_every_value_at_its_step() -> None:
    run = read_run(FOLDER / "console.log")
    read, logged = series_of(run), expected_of(FOLDER / "expected.json")
    for key in set(logged) & set(read):
        must_agree(read[key], logged[key], precision=1e-4)
    assert set(logged) - set(read) <= set(run.unknown_keys)
    assert len(set(logged) & set(read)) >= 18
    assert (run.source, run.method.value, list(run.steps)) == ("areal", "grpo", [1, 2, 8, 10])
    assert run.config["max_steps"] == 20


def test_what_it_means() -> None:
    raws = {name: column.raw for name, column in read_run(FOLDER / "console.log").columns.items()}
    assert (
        raws.items()
        >= {
            "score_mean": "ppo_actor/task_reward/avg",
            "approx_kl": "ppo_actor/update/approx_kl/avg",
            "clip_frac": "ppo_actor/update/clip_ratio/avg",
            "ratio_mean": "ppo_actor/update/importance_weight/avg",
            "truncated_frac": "ppo_actor/no_eos_ratios/avg",
            "len_mean": "ppo_actor/seq_len/avg",
            "non_score_reward": "ppo_actor/kl_rewards/avg",
            "entropy": "ppo_actor/update/entropy/avg",
            "grad_norm": "ppo_actor/update/grad_norm",
            "lr": "ppo_actor/update/lr",
            "eval.score_mean": "eval-rollout/reward",
        }.items()
    )


def test_tables_without_a_step_are_somebody_elses() -> None:
    assert AREAL.read(Document("-", TABLE.encode()))[0].table.rows == 0
    assert not AREAL.recognises("train.log", TABLE.encode())


def test_empty_places_and_prefixes_of_workers() -> None:
    told = "(AReaL) 20261121-07:14:19.221 StatsLogger INFO: Epoch 1/2 Step 3/10 Train step 13/20 done.\n"
    text = told + "".join(f"trainer/0  {line}\n" for line in TABLE.splitlines())
    (raw,) = AREAL.read(Document("-", text.encode()))
    values = {key: list(column.values) for key, column in raw.table.columns.items()}
    assert values.pop("acc")[0] != 0
    assert values == {"step": [13.0], "loss": [0.5], "lr": [1e-6]}
