"""What other packages add: the example of the documentation installed, and packages that are broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LOG = "".join(f"STEP {step} loss=0.5 kl_ref=0.{step}\n" for step in range(1, 9))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def barograph(*arguments: object, packages: Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The command with some packages installed, and every warning an error."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(packages),
        "BAROGRAPH_CACHE": "off",
        "PYTHONWARNINGS": "error",
        **more,
    }
    command = [sys.executable, "-m", "barograph", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment, cwd=cwd)


@pytest.fixture(scope="module")
def example(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package of docs/plugins.md is installed."""
    folder = tmp_path_factory.mktemp("example")
    parts = dict(FENCE.findall((project / "docs/plugins.md").read_text("utf-8")))
    (folder / "package").mkdir()
    (folder / "package/pyproject.toml").write_text(parts["ini"])
    (folder / "package/ourlogs.py").write_text(parts["python"])
    how = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    where = ["--target", str(folder / "installed"), str(folder / "package")]
    command = [sys.executable, "-m", "pip", "install", *how, *where]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return folder / "installed"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "run.ourlog").write_text(LOG)
    return tmp_path / "run.ourlog"


def test_the_example_reads_a_file_and_its_rule_fires(example: Path, log: Path, tmp_path: Path) -> None:
    done = barograph("check", log, "--method", "grpo", "--json", packages=example, cwd=tmp_path)
    (run,) = json.loads(done.stdout)["runs"]
    assert run["source"] == "ourlogs"
    assert "OURS01" in {finding["code"] for finding in run["findings"]}
    assert done.returncode == 3
    assert done.stderr == ""
    found_in_folder = barograph("check", tmp_path, "--select", "OURS", "--quiet", packages=example, cwd=tmp_path)
    assert "kl-above-ours" in found_in_folder.stdout


def test_the_rule_of_the_example_is_one_of_all(example: Path, log: Path, tmp_path: Path) -> None:
    def said(*arguments: object) -> str:
        done = barograph(*arguments, packages=example, cwd=tmp_path)
        assert done.stderr == ""
        return done.stdout

    assert said("rules", "OURS").splitlines()[1].split()[:2] == ["OURS01", "kl-above-ours"]
    assert "OURS01" in said("rules", "--json")
    assert "our learning rate is too high" in said("explain", "kl-above-ours").lower()
    assert "OURS01" in said("explain", "kl_ref")
    assert "OURS01" not in said("check", log, "--ignore", "OURS")
    assert "OURS01" not in said("check", log, "--set", "OURS01.limit=5")
    (tmp_path / "barograph.toml").write_text("[rules.OURS01]\nlimit = 5\n")
    assert "OURS01" not in said("check", log)
    (tmp_path / "barograph.toml").write_text('[[rule]]\ncode = "OURS01"\nwhen = "loss > 1"\n')
    done = barograph("check", log, packages=example, cwd=tmp_path)
    assert "the code OURS01 is taken by kl-above-ours" in done.stderr


def test_without_plugins(example: Path, log: Path, tmp_path: Path) -> None:
    done = barograph("check", log, packages=example, cwd=tmp_path, BAROGRAPH_PLUGINS="off")
    assert "OURS01" not in done.stdout
    assert '"ourlogs"' not in done.stdout
    done = barograph("rules", "OURS", packages=example, cwd=tmp_path, BAROGRAPH_PLUGINS="off")
    assert "no rule is called" in done.stderr


def test_the_pages_do_not_tell_of_plugins(project: Path, example: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(example)}
    command = [sys.executable, "tools/generate.py", "--check"]
    without = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=60)
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False, timeout=60, env=environment
    )
    assert (done.returncode, done.stdout, done.stderr) == (without.returncode, without.stdout, without.stderr)
    assert "OURS" not in done.stdout


# Broken packages

RULE = '''
from barograph.rules.base import Rule
from barograph.signals.words import metric
class {name}(Rule):
    """Sees.

    Why: so.
    """
    code, name = "{code}", "{word}"
    about = "loss"
    when = {when}
    says = "it is"
    do = ()
'''


def install(folder: Path, module: str, text: str, group: str, what: str) -> None:
    """A package as an installer leaves it behind."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(text)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{module} = {module}:{what}\n")


def rule(code: str = "ODD01", word: str = "odd", when: str = 'metric("loss") > 0') -> str:
    return RULE.format(name="Odd", code=code, word=word, when=when)


SOURCE = """
from barograph.sources.base import Source
class Odd(Source):
    {fields}
    def recognises(self, path, head): {recognises}
    def read(self, document): {read}
ODD = Odd()
"""


def source(
    fields: str = 'name, describes = "odd", "Odd."', recognises: str = "return True", read: str = "1 / 0"
) -> str:
    return SOURCE.format(fields=fields, recognises=recognises, read=read)


@pytest.mark.parametrize(
    ("group", "text", "problem"),
    [
        ("rules", "raise ValueError('no\\nway')", "ValueError: no way"),
        ("rules", "import sys; sys.exit(7)", "SystemExit: 7"),
        ("rules", "import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        ("rules", "Even = 1", "has no attribute 'Odd'"),
        ("rules", "Odd = 7", "an object of int is no subclass of Rule"),
        ("rules", "class Odd: pass", "Odd is no subclass of Rule"),
        ("rules", "from barograph.rules.base import Rule as Odd", "Rule is no subclass of Rule"),
        ("rules", rule(code="PREF03"), "the code PREF03 is taken by margin-inverted"),
        ("rules", rule(word="margin-inverted"), "the name margin-inverted is taken by PREF03"),
        ("rules", rule(code="no code"), "the code 'no code' may hold capital letters and digits only"),
        ("rules", rule(when="True"), "the condition of ODD01 is bool, not a Condition"),
        (
            "rules",
            "from barograph.rules.base import Rule\nclass Odd(Rule):\n    code = 'X'",
            "does not declare its name",
        ),
        ("sources", "ODD = 7", "an object of int is no Source"),
        ("sources", source(fields="pass"), "it does not declare its name"),
        ("sources", source(fields='name, describes = "jsonl", "x."'), "the name jsonl is taken"),
        ("sources", source(recognises="return 1 / 0"), "ZeroDivisionError: division by zero"),
        (
            "sources",
            source(fields='name, describes, suffixes = "odd", "Odd.", ".jsonl"'),
            "its suffixes and landmarks must be tuples of text",
        ),
    ],
)
def test_a_broken_package_is_one_line_and_stands_in_nobodys_way(
    tmp_path: Path, group: str, text: str, problem: str
) -> None:
    install(tmp_path / "installed", "oddities", text, f"barograph.{group}", "Odd" if group == "rules" else "ODD")
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"step": {step}, "loss": 0.5}}\n' for step in range(1, 5)))
    done = barograph("check", log, packages=tmp_path / "installed", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("barograph: the plugin ")
    assert "is left out" in line
    assert problem in line


def test_a_source_that_fails_while_it_reads(tmp_path: Path) -> None:
    install(tmp_path / "installed", "oddities", source(), "barograph.sources", "ODD")
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 0.5}\n')
    done = barograph("check", tmp_path / "log.jsonl", packages=tmp_path / "installed", cwd=tmp_path)
    assert done.returncode == 1
    assert "could not be read by the plugin odd (ZeroDivisionError: division by zero)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("read", ["return None", "return [7]", "return [[]]"])
def test_a_source_that_gives_no_runs(tmp_path: Path, read: str) -> None:
    install(tmp_path / "installed", "oddities", source(read=read), "barograph.sources", "ODD")
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 0.5}\n')
    done = barograph("check", tmp_path / "log.jsonl", packages=tmp_path / "installed", cwd=tmp_path)
    assert done.returncode == 1
    assert "could not be read by the plugin odd (TypeError: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("method", ["in_folder(self, folder)", "facts_beside(self, path)"])
def test_a_source_that_fails_beside_its_log(tmp_path: Path, method: str) -> None:
    fails = f'name, describes = "odd", "Odd."\n    def {method}: return 1 / 0'
    read = "from barograph.sources.formats.jsonl import JSONL; return JSONL.read(document)"
    install(tmp_path / "installed", "oddities", source(fields=fails, read=read), "barograph.sources", "ODD")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.jsonl").write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.5}\n')
    done = barograph("check", tmp_path / "run", packages=tmp_path / "installed", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert "is left out: ZeroDivisionError: division by zero" in line


def test_a_source_that_was_checked_against_nothing(tmp_path: Path) -> None:
    install(tmp_path / "installed", "oddities", source(), "barograph.sources", "ODD")
    done = barograph("explain", "odd", packages=tmp_path / "installed", cwd=tmp_path)
    assert "Odd." in done.stdout
    assert "Checked" not in done.stdout


def test_a_warning_of_somebody_else_looks_as_ever(tmp_path: Path) -> None:
    text = "import warnings; warnings.warn('old', UserWarning)\n" + rule()
    install(tmp_path / "installed", "oddities", text, "barograph.rules", "Odd")
    done = barograph("rules", "ODD", packages=tmp_path / "installed", cwd=tmp_path, PYTHONWARNINGS="default")
    assert "UserWarning: old" in done.stderr
    assert "ODD01" in done.stdout


def test_packages_in_the_working_folder_are_not_loaded(tmp_path: Path) -> None:
    """A folder of runs may hold anything; to stand in it must not run it."""
    install(tmp_path, "oddities", "open('ran', 'w').close()\n" + rule(), "barograph.rules", "Odd")
    done = barograph("rules", "ODD", packages=tmp_path / "nothing", cwd=tmp_path)
    assert "no rule is called" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_help_looks_for_no_plugins(tmp_path: Path) -> None:
    install(tmp_path / "installed", "oddities", "open('ran', 'w').close()\n" + rule(), "barograph.rules", "Odd")
    for command in (["--help"], ["check", "--help"], ["--version"]):
        assert barograph(*command, packages=tmp_path / "installed", cwd=tmp_path).returncode == 0
        assert not (tmp_path / "ran").exists()


def test_to_find_that_there_are_none_costs_little(tmp_path: Path) -> None:
    """Among 300 packages, as an environment for training has them."""
    for number in range(300):
        info = tmp_path / f"package{number}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text("[console_scripts]\nx = y:z\n")
    script = (
        "import sys, time\nfrom barograph.core import plugins\nbegin = time.perf_counter()\n"
        "assert plugins.additions(plugins.SOURCES, object) == ()\n"
        "print(time.perf_counter() - begin, 'importlib.metadata' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    answers = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        ).stdout
        for _ in range(3)
    ]
    assert min(float(answer.split()[0]) for answer in answers) < 0.05
    assert all(answer.split()[1] == "False" for answer in answers)
