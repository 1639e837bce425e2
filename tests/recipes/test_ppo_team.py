"""PPO over two processes: against the same without a team, and against what the whole would be.

This file is also the script that torchrun starts (see `main`): each of the two processes leaves what it has seen in a
file of its own, and the tests compare.
"""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from barograph.core.decision import Decision, Deed
from barograph.core.errors import BarographError
from barograph.recipes import ppo, tasks
from barograph.recipes.course import Interrupted
from barograph.recipes.options import PPOOptions
from barograph.recipes.ppo import checks, loop, objective, state
from barograph.recipes.ppo import rollout as rollouts
from barograph.recipes.ppo.team import AllEnd, Team
from barograph.recipes.score import of_each
from barograph.recipes.weights import TINY_FOLDER

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("default"),
    pytest.mark.skipif(not torch.distributed.is_available(), reason="needs processes that talk to each other"),
]

#: In a run of two processes, each of them answers half of it.
PROMPTS = tasks.prompts(1, 64)


def launched(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [*torchrun, *command], capture_output=True, text=True, check=False, cwd=folder, env=alone, timeout=240
    )


# What each process does. -------------------------------------------------------------------------------------------- #


class Record:
    """As much of a tracker as a loop sees. Only that of the first process may decide."""

    def __init__(self, decisions: dict[int, Decision] | None = None, stop_at: int = 0) -> None:
        self.rows: list[dict[str, float]] = []
        self._decisions, self._stop_at = dict(decisions or {}), stop_at

    def log(self, step: int, row: dict[str, float]) -> None:
        self.rows.append({"step": step, **{name: value for name, value in row.items() if name != "eps"}})

    def samples(self, step: int, rows: list[dict[str, Any]]) -> None:
        """Nobody asks."""

    def saved(self, step: int, path: Path) -> None:
        """Nobody asks."""

    def went_back(self, step: int) -> None:
        """Nobody asks."""

    def take_decision(self) -> Decision | None:
        return self._decisions.pop(self.rows[-1]["step"], None)

    @property
    def should_stop(self) -> bool:
        return self.rows[-1]["step"] == self._stop_at


def model() -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(TINY_FOLDER, dtype=torch.float32)


def tokenizer() -> Any:
    return transformers.AutoTokenizer.from_pretrained(TINY_FOLDER)


def sum_of(policy: Any) -> str:
    """A fingerprint of all weights to the last bit."""
    return hashlib.sha256(b"".join(weight.detach().numpy().tobytes() for weight in policy.parameters())).hexdigest()


def trained(folder: Path, record: Record, score: Callable[..., Any] = tasks.reward, **more: Any) -> str:
    """A small run; gives the fingerprint of its weights."""
    resume, policy = more.pop("resume", None), model()
    small = {"max_steps": 6, "batch_size": 8, "minibatches": 2, "ppo_epochs": 2, "accumulate": 1, "save_steps": 3}
    usual = {"guard": "advise", "kl_target": 1.0, "horizon": 200, "learning_rate": 1e-3}
    options = PPOOptions(output_dir=str(folder), **{**small, **usual, **more})
    ppo.train(
        options, policy=policy, reference=model(), tokenizer=tokenizer(), prompts=PROMPTS, score=of_each(score),
        tracker=record, resume=resume,
    )  # fmt: skip
    return sum_of(policy)


def numbers() -> tuple[Any, Any]:
    """Four rows of different lengths, of which the second process holds three."""
    torch.manual_seed(3)
    return torch.randn(4, 5) * 3 + 1, torch.arange(5)[None, :] < torch.tensor([5, 1, 2, 4])[:, None]


def whitened(values: Any, mask: Any, mean: Any) -> dict[str, Any]:
    return {
        "shifted": objective.whiten(values, mask, mean=mean).tolist(),
        "scaled": objective.whiten(values, mask, shift_mean=False, mean=mean).tolist(),
        "explained": objective.explained_variance(values * 0.5, values, mask, mean),
    }


def learner(team: Team, accumulate: int) -> tuple[state.Run, Any]:
    """A run, and a rollout of eight answers of different lengths by a policy that is no longer quite the same."""
    options = checks.whole(
        PPOOptions(batch_size=4, accumulate=accumulate, minibatches=1, ppo_epochs=3, kl_target=1.0, learning_rate=1e-3)
    )
    run = state.Run(
        options=options, policy=model(), reference=model(), tokenizer=tokenizer(), prompts=PROMPTS,
        score=of_each(tasks.reward), team=team, step=1,
    )  # fmt: skip
    run.set_rates()
    torch.manual_seed(4)
    torch.nn.init.normal_(run.head.weight)
    tokens, length = torch.randint(3, 36, (8, 12)), 6
    mask = torch.arange(length)[None, :] < torch.tensor([6, 1, 2, 6, 3, 1, 1, 5])[:, None]
    attention = torch.cat([torch.ones(8, 6, dtype=torch.long), mask.long()], dim=1)
    with torch.no_grad():
        seen = state.look(run, run.policy, tokens, attention, length, run.head)
    noise = [torch.randn(8, length) * 0.2 for _ in range(3)]
    scores, ended = torch.randn(8), [True, False, True, True, False, False, True, False]
    rollout = rollouts.Rollout(
        tokens, attention, mask, scores, seen.logp + noise[0], seen.logp + noise[1], seen.values + noise[2],
        seen.entropy, sum(ended),
    )  # fmt: skip
    if team.size > 1:
        mine = slice(4 * team.rank, 4 * team.rank + 4)
        rollout = rollouts.Rollout(*(part[mine] for part in rollout[:-1]), sum(ended[mine]))
    return run, rollout


def learned(team: Team, accumulate: int) -> dict[str, Any]:
    """What comes of an update, with one minibatch, so that its order does not matter."""
    run, rollout = learner(team, accumulate)
    told = loop._learn(run, rollout)
    weights = [weight.tolist() for weight in [*run.policy.model.layers[0].parameters(), *run.head.parameters()]]
    return {"told": told, "weights": weights, "coefficient": run.kl_weight.coefficient}


def answers_to_one_prompt(team: Team) -> dict[str, Any]:
    """The tokens of a rollout where every prompt is the same, and which prompts it would be otherwise."""
    heard: list[str] = []
    options = checks.whole(PPOOptions(batch_size=8, minibatches=2))

    def rolled_out(prompts: list[dict[str, Any]], step: int) -> Any:
        run = state.Run(
            options=options, policy=model(), reference=model(), tokenizer=tokenizer(), prompts=prompts,
            score=lambda answers, rows: [heard.append(row["prompt"]) or 0.0 for row in rows], team=team, step=step,
        )  # fmt: skip
        return rollouts.roll_out(run)

    transformers.set_seed(team.seed(1, step=0))
    tokens = rolled_out([PROMPTS[0]], 1).tokens.tolist()
    heard.clear()
    rolled_out(PROMPTS, 2)
    return {"tokens": tokens, "prompts": heard}


def guarded(team: Team, folder: Path) -> dict[str, Any]:
    """A rescue in step 4 and an end in step 5, which only the first process knows of."""
    rescue = Decision(Deed.RESCUE, 4, ("NUM01",), "went back", 3, str(folder / "checkpoint-3"), rate=0.5)
    record = Record({4: rescue}, stop_at=5) if team.is_first else Record()
    weights = trained(folder, record, guard="rescue", schedule="constant")
    return {"steps": [row["step"] for row in record.rows], "lr": [row["lr"] for row in record.rows], "sum": weights}


def ended_by(folder: Path, score: Callable[[str], float]) -> str:
    """How a run ends whose second process meets something."""
    try:
        trained(folder, Record(), score)
    except BarographError as error:
        return f"{type(error).__name__}: {error}"
    return "not at all"


def main(folder: Path) -> None:
    """All that a process of two does, in one go, since it takes seconds to start one."""
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    team, whole, again = Team.joined(), Record(), Record()
    values, mask = numbers()
    mine = slice(0, 1) if team.is_first else slice(1, 4)
    left = {"rank": team.rank, "size": team.size}
    left |= {"whitened": whitened(values[mine], mask[mine], team.mean_of), "learned": learned(team, accumulate=1)}
    left |= {"rolled_out": answers_to_one_prompt(team)}
    left |= {"whole_sum": trained(folder / "whole", whole), "whole": whole.rows}
    left |= {
        "again_sum": trained(folder / "again", again, resume=folder / "whole/checkpoint-3"),
        "again": again.rows,
        "guarded": guarded(team, folder / "guarded"),
    }
    heard: list[str] = []

    def interrupts(answer: str) -> float:
        heard.append(answer)
        if not team.is_first and len(heard) == 20:  # of 16 in each step
            os.kill(os.getpid(), signal.SIGINT)
        return 0.0

    def fails(answer: str) -> float:
        return 0.0 if team.is_first else math.nan

    left |= {"interrupted": ended_by(folder / "cut", interrupts), "failed": ended_by(folder / "bad", fails)}
    (folder / f"{team.rank}.json").write_text(json.dumps(left))
    team.gather(None)  # None is gone while another one still writes.


# What the tests make of it. ----------------------------------------------------------------------------------------- #


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    """As in each of the two processes; several threads on small matrices wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of the two processes, and what each has left there."""
    folder = tmp_path_factory.mktemp("two")
    done = launched(__file__, str(folder), folder=folder)
    assert done.returncode == 0, done.stderr[-3_000:]
    return folder, [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def near(value: Any, rel: float = 1e-4, absolute: float = 1e-6) -> Any:
    """The same, for nested lists too."""
    if isinstance(value, list):
        return [near(one, rel, absolute) for one in value]
    return pytest.approx(value, rel=rel, abs=absolute)


@pytest.mark.slow
class TestTwoProcesses:
    def test_they_know_each_other(self, two: Any) -> None:
        assert [(left["rank"], left["size"]) for left in two[1]] == [(0, 2), (1, 2)]

    def test_whitening_is_that_of_the_whole(self, two: Any) -> None:
        values, mask = numbers()
        flat = values[mask].tolist()
        middle = math.fsum(flat) / len(flat)
        spread = math.sqrt(math.fsum((one - middle) ** 2 for one in flat) / len(flat) + 1e-8)
        rows = [
            [one for one, is_held in zip(*pair, strict=True) if is_held]
            for pair in zip(values.tolist(), mask.tolist(), strict=True)
        ]
        for name, shift in (("shifted", 0.0), ("scaled", middle)):
            got = [row for left in two[1] for row in left["whitened"][name]]
            expected = [[(one - middle) / spread + shift for one in row] + [0.0] * (5 - len(row)) for row in rows]
            assert got == near(expected, absolute=1e-5)
        # Values of half the returns leave half of the deviation, which is a quarter of the variance.
        assert [left["whitened"]["explained"] for left in two[1]] == near([0.75, 0.75])

    def test_an_update_is_that_of_the_whole(self, two: Any) -> None:
        whole, parts = learned(Team(), accumulate=2), [left["learned"] for left in two[1]]
        assert parts[0] == parts[1]
        assert parts[0]["weights"] == near(whole["weights"], absolute=2e-6)
        assert parts[0]["coefficient"] == near(whole["coefficient"])
        # All but how many prompts a step has answered, of which nothing is different either.
        assert parts[0]["told"] == {name: near(value) for name, value in whole["told"].items()}
        moved, start = whole["weights"][0], next(iter(model().model.layers[0].parameters())).tolist()
        assert moved != near(start, absolute=1e-4), "nothing was learned that could be compared"

    def test_each_answers_prompts_of_its_own_with_dice_of_its_own(self, two: Any) -> None:
        one, other = (left["rolled_out"] for left in two[1])
        asked = [row["prompt"] for row in rollouts.batch(PROMPTS, 32, 32, seed=1)]
        assert one["prompts"] + other["prompts"] == asked
        assert one["tokens"] != other["tokens"]
        assert one["tokens"][0][:8] == other["tokens"][0][:8], "the prompt itself"

    def test_they_hold_the_same_weights_and_see_the_same(self, two: Any) -> None:
        one, other = two[1]
        assert one["whole_sum"] == other["whole_sum"]
        assert one["whole"] == other["whole"]
        assert [row["step"] for row in one["whole"]] == [1, 2, 3, 4, 5, 6]
        # Two processes, two minibatches of eight answers each.
        assert [row["episode"] for row in one["whole"]] == [32, 64, 96, 128, 160, 192]
        assert one["whole"][-1]["epoch"] == 192 / len(PROMPTS)
        kl, weights = ([row[name] for row in one["whole"]] for name in ("objective/kl", "objective/kl_coef"))
        expected = [0.05]
        for value in kl[:-1]:
            expected.append(expected[-1] * (1 + max(-0.2, min(0.2, value / 1.0 - 1)) * 32 / 200))
        assert weights == near(expected)

    def test_resumed_is_uninterrupted(self, two: Any) -> None:
        for left in two[1]:
            assert left["again"] == left["whole"][3:]
            assert left["again_sum"] == left["whole_sum"]

    def test_one_process_goes_on_from_a_checkpoint_of_two(self, two: Any, tmp_path: Path) -> None:
        records, start = [Record(), Record()], two[0] / "whole/checkpoint-3"
        sums = [trained(tmp_path / str(number), one, resume=start) for number, one in enumerate(records)]
        assert sums[0] == sums[1]
        assert records[0].rows == records[1].rows
        assert [row["step"] for row in records[0].rows] == [4, 5, 6]

    def test_the_guard_of_the_first_moves_both(self, two: Any) -> None:
        for left in two[1]:
            assert left["guarded"]["steps"] == [1, 2, 3, 4, 4, 5]
            assert left["guarded"]["lr"] == near([1e-3] * 4 + [5e-4] * 2)
        assert two[1][0]["guarded"]["sum"] == two[1][1]["guarded"]["sum"]

    def test_an_interrupt_of_one_ends_both_after_the_step(self, two: Any) -> None:
        folder, left = two
        assert left[0]["interrupted"] == left[1]["interrupted"] == (
            f"Interrupted: {Interrupted(str(folder / 'cut/checkpoint-2'), 'ppo')}"
        )  # fmt: skip
        assert (folder / "cut/checkpoint-2/ppo.pt").is_file()

    def test_an_error_of_one_ends_both(self, two: Any) -> None:
        one, other = (left["failed"] for left in two[1])
        assert one == other
        assert one.startswith("AllEnd: process 1: the reward of the answer")
        assert "nan" in one


@pytest.mark.slow
def test_the_command_over_two_processes(tmp_path: Path) -> None:
    told = ["--max-steps", "10", "--batch-size", "16", "--output-dir", "two"]
    done = launched("-m", "barograph", "train", "ppo", *told, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3_000:]
    assert done.stdout.count("ppo, 10 steps:") == 1
    rows = [json.loads(row) for row in (tmp_path / "two/logs/training_metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 11))
    assert rows[-1]["episode"] == 10 * 2 * 16 * 4  # processes, answers at once, minibatches
    scores = [row["objective/scores"] for row in rows]
    assert sum(scores[-4:]) / 4 > sum(scores[:4]) / 4 + 0.05
    assert max(scores[-4:]) > scores[0] + 0.1
    assert (tmp_path / "two/final_model/model.safetensors").is_file()
    assert json.loads((tmp_path / "two/run.json").read_text())["config"]["world_size"] == 2


class TestAlone:
    def test_every_sum_is_the_number_itself(self) -> None:
        team, values = Team(), torch.tensor([[1.0, 2.0, math.nan]])
        assert team.sum(values) is values
        assert team.mean_of(values, torch.tensor([[True, True, False]])) == 1.5
        assert team.sum_of({"a": 1.5}) == {"a": 1.5}
        assert team.gather("a") == ["a"]

    def test_an_error_stays_what_it_is(self) -> None:
        with pytest.raises(ZeroDivisionError), Team().together():
            _ = 1 / 0

    def test_seeds_differ_between_processes_and_steps(self) -> None:
        seeds = {
            Team(rank, 64).seed(seed, step) for seed in range(5) for rank in range(64) for step in range(0, 500, 7)
        }
        assert len(seeds) == 5 * 64 * len(range(0, 500, 7))
        assert Team().seed(7, 0) == 7

    def test_the_others_go_quietly(self) -> None:
        Team().leave_telling_to_the_first()
        assert issubclass(AllEnd, BarographError)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
