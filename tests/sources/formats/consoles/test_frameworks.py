"""What the consoles of all frameworks have in common, and that none is taken for another."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from logged import SAMPLES

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import Document, GrowingSource
from barograph.sources.catalogue import recognise, sources
from barograph.sources.formats.consoles.areal import AREAL
from barograph.sources.formats.consoles.nemo_rl import NEMO_RL
from barograph.sources.formats.consoles.openrlhf import OPENRLHF
from barograph.sources.formats.consoles.prime_rl import PRIME_RL
from barograph.sources.formats.consoles.skyrl import SKYRL
from barograph.sources.formats.consoles.slime import SLIME
from barograph.sources.formats.consoles.tinker import TINKER
from barograph.sources.formats.consoles.torchtune import TORCHTUNE
from barograph.sources.formats.llama_factory import LLAMA_FACTORY
from barograph.sources.formats.prime_rl import PRIME_RL_METRICS
from barograph.sources.formats.tinker import TINKER_METRICS
from barograph.sources.runs import How, read_each, read_run

#: Whose each sample is.
OWNERS = {
    "areal/console.log": "areal",
    "llama_factory/console.log": "hugging_face",
    "llama_factory/trainer_log.jsonl": "llama_factory",
    "llama_factory/trainer_state.json": "trainer_state",
    "ms_swift/console.log": "hugging_face",
    "ms_swift/logging.jsonl": "jsonl",
    "nemo_rl/console.log": "nemo_rl",
    "openrlhf/console_dpo.log": "openrlhf",
    "openrlhf/console_ppo.log": "openrlhf",
    "openrlhf/console_rm.log": "openrlhf",
    "openrlhf/console_sft.log": "openrlhf",
    "prime_rl/metrics.jsonl": "prime_rl",
    "prime_rl/trainer.log": "prime_rl_console",
    "skyrl/console.log": "skyrl",
    "skyrl/console_nocolor.log": "skyrl",
    "skyrl/console_ray.log": "skyrl",
    "slime/console.log": "slime",
    "tinker/dpo/console.log": "tinker_console",
    "tinker/dpo/logs.log": "tinker_console",
    "tinker/dpo/metrics.jsonl": "tinker",
    "tinker/rl/console.log": "tinker_console",
    "tinker/rl/logs.log": "tinker_console",
    "tinker/rl/metrics.jsonl": "tinker",
    "torchtune/console.log": "torchtune",
    "torchtune/logs/log_1754129472.txt": "torchtune",
    "torchtune/logs_ppo/log_1754130000.txt": "torchtune",
    "verl/console.log": "verl",
    "verl/console_noprefix.log": "verl",
}
CONSOLES = (AREAL, NEMO_RL, OPENRLHF, PRIME_RL, SKYRL, SLIME, TINKER, TORCHTUNE)
OURS = (*CONSOLES, LLAMA_FACTORY, PRIME_RL_METRICS, TINKER_METRICS)
#: A log of each console, and how many steps a second run that is appended to it makes.
APPENDED = [name for name, owner in OWNERS.items() if owner in {source.name for source in CONSOLES}]
#: A line of another program, of another colour, and of another process.
BETWEEN = (
    "Loading checkpoint shards: 100%|##########| 2/2 [00:01<00:00,  1.9it/s]\n"
    "\x1b[33mWARNING 01-02 03:04:05 [worker.py:12] cache is full: evicting {'a': 1} | b:2\x1b[0m\n"
    "(raylet) Spilled 10 MiB, 3 objects, write throughput 20 MiB/s.\n"
)


def contents(run: Run) -> dict[str, list[tuple[int, str]]]:
    return {
        key: [(run.steps[at], repr(value)) for at, value in zip(column.at, column.values, strict=True)]
        for key, column in run.columns.items()
    }


@pytest.mark.parametrize(("name", "owner"), OWNERS.items())
def test_each_sample_is_claimed_by_its_own_source(name: str, owner: str) -> None:
    assert recognise(Document(str(SAMPLES / name))).name == owner


@pytest.mark.parametrize("name", OWNERS)
def test_no_other_framework_takes_it_for_its_own(name: str) -> None:
    head = Document(str(SAMPLES / name)).head()
    claiming = {source.name for source in OURS if source.recognises(str(SAMPLES / name), head)}
    assert claiming <= {OWNERS[name]}


def test_no_sample_of_other_programs_is_taken() -> None:
    others = [
        path
        for path in sorted(SAMPLES.rglob("*"))
        if path.is_file() and path.relative_to(SAMPLES).as_posix() not in OWNERS and path.suffix != ".json"
    ]
    assert len(others) > 5
    for path in others:
        head = Document(str(path)).head()
        assert not [source.name for source in OURS if source.recognises(str(path), head)], path


@pytest.mark.parametrize("text", [
    "Step 5 of the recipe: stir\nStep 6: serve\n",
    "- Step 5:\n{'a': 1}\nhello\n",
    "step 5: {'a': 1}\n",
    "Global step 5: done\n",
    "  • Loss: 0.5\n  • Accuracy: 0.9\n",
    "│ loss │ 0.5 │\n",
    "Train step 3/20 done.\n",
    "INFO Step 5 | all is well\n",
    "Step 5 | Loss: 0.5 | lr: 1e-5\n",
])  # fmt: skip
def test_what_only_looks_alike_is_refused(text: str) -> None:
    assert not [source.name for source in CONSOLES if source.recognises("train.log", text.encode())]


@pytest.mark.parametrize("name", APPENDED)
def test_however_it_is_cut(name: str) -> None:
    """A log that grows is read as it would be when it is whole, wherever it was cut on the way."""
    data = (SAMPLES / name).read_bytes()
    source = recognise(Document(str(SAMPLES / name)))
    assert isinstance(source, GrowingSource)
    (whole,) = source.read(Document(name, data))
    dice = random.Random(name)
    for most in (7, 300, 20_000):
        reading, at = source.reading(name), 0
        drained = []
        while at < len(data):
            size = dice.randint(1, most)
            reading.take(data[at : at + size])
            at += size
            if dice.random() < 0.1:
                drained.append(reading.drain())
        reading.finish()
        table = drained[0] if drained else reading.drain()
        for part in [*drained[1:], reading.drain()] if drained else []:
            table = table.followed_by(part)
        assert table.rows == whole.table.rows
        assert {key: (list(at), list(map(repr, values))) for key, (at, values) in table.columns.items()} == {
            key: (list(at), list(map(repr, values))) for key, (at, values) in whole.table.columns.items()
        }
        assert (reading.notes(), reading.config) == (whole.notes, whole.config)


@pytest.mark.parametrize("name", APPENDED)
def test_lines_of_other_programs_change_nothing(name: str, tmp_path: Path) -> None:
    log = tmp_path / Path(name).name
    lines = (SAMPLES / name).read_bytes().decode().split("\n")
    busy = BETWEEN + "\n".join(
        line + ("\n" + BETWEEN.rstrip() if number % 7 == 3 and not line.rstrip().endswith(("│", "╡")) else "")
        for number, line in enumerate(lines)
    )
    log.write_bytes(busy.encode())
    quiet = read_run(SAMPLES / name)
    run = read_run(log, quiet.method)
    assert run.source == quiet.source
    assert contents(run) == contents(quiet)


@pytest.mark.parametrize("name", [name for name in APPENDED if name != "areal/console.log"])
def test_a_second_run_in_the_same_file(name: str, tmp_path: Path) -> None:
    log = tmp_path / Path(name).name
    data = (SAMPLES / name).read_bytes().rstrip(b"\n") + b"\n"
    log.write_bytes(data + data)
    alone = read_run(SAMPLES / name)
    runs = list(read_each(log, How(alone.method)))
    assert [run.attempt for run in runs if isinstance(run, Run)] == [1, 2]
    for run in runs:
        assert isinstance(run, Run)
        assert contents(run) == contents(alone)


@pytest.mark.parametrize("name", APPENDED)
def test_a_log_that_is_cut_is_half_a_log(name: str) -> None:
    """Whatever the last bytes are: no traceback, and only steps that were logged."""
    data = (SAMPLES / name).read_bytes()
    source = recognise(Document(str(SAMPLES / name)))
    (whole,) = source.read(Document(name, data))
    logged = set(whole.table.columns["step"].values)
    for size in range(1, len(data), len(data) // 60):
        try:
            (part,) = source.read(Document(name, data[:size]))
        except UnreadableRun:
            continue
        if "step" in part.table.columns:
            assert set(part.table.columns["step"].values) <= logged


def test_every_framework_is_asked() -> None:
    assert set(OURS) <= set(sources())
