"""The package as a whole: one version, its papers, and no module that cannot be imported."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import barograph

#: What extras bring: a module may fail to import for want of one of these, and of nothing else.
OPTIONAL = {
    "accelerate", "datasets", "lightning", "matplotlib", "peft", "rapidfuzz", "sacrebleu", "starlette", "torch",
    "transformers", "tree_sitter", "tree_sitter_c", "tree_sitter_cpp", "tree_sitter_go", "tree_sitter_java",
    "tree_sitter_javascript", "tree_sitter_python", "trl", "uvicorn",
}  # fmt: skip

# Imports every module named in argv as if it were the first one of the package, so that a circle shows from each side.
IMPORT_EACH = """
import importlib, json, sys, traceback
failed = {}
for name in sys.argv[1:]:
    for loaded in [one for one in sys.modules if one.split(".")[0] == "barograph"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = [getattr(error, "name", None), traceback.format_exc(limit=-3)]
print(json.dumps(failed))
"""


def test_every_module_can_be_imported_first(project: Path) -> None:
    source = project / "src"
    names = [
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(source.rglob("*.py"))
    ]
    command = [sys.executable, "-W", "error", "-c", IMPORT_EACH, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    failed = json.loads(done.stdout)
    wrong = {name: trace for name, (missing, trace) in failed.items() if str(missing).split(".")[0] not in OPTIONAL}
    assert not wrong, "\n".join(f"{name}: {trace}" for name, trace in wrong.items())
    assert done.stderr == ""


def test_optional_libraries_are_those_of_the_extras(project: Path) -> None:
    extras = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {
        re.split(r"[\[<>=~! ]", requirement)[0].replace("-", "_")
        for extra, requirements in extras.items()
        # Not those that are always there, since `make setup` installs them, nor those that only tests need.
        if extra not in {"dev", "dev-browser", "dev-train", "parquet", "remote", "zst"}
        for requirement in requirements
    }
    assert named == OPTIONAL


def test_the_version_is_stated_once(project: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc|\.dev)\d+)?", barograph.__version__)
    assert importlib.metadata.version("barograph") == barograph.__version__
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in settings["project"]
    stated = re.compile(r"^(?:__version__|version|VERSION)\b[^=\n]*= *[\"']", re.MULTILINE)
    files = [path for path in (project / "src").rglob("*.py") if stated.search(path.read_text(encoding="utf-8"))]
    assert files == [project / "src" / "barograph" / "__init__.py"]


def test_the_changelog_knows_this_version(project: Path) -> None:
    text = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
    assert barograph.__version__ in text


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "CHANGELOG.md"])
def test_its_papers_are_there(project: Path, name: str) -> None:
    assert (project / name).read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-train.lock"])
def test_a_lock_names_no_place_but_the_public_index(project: Path, name: str) -> None:
    lock = (project / name).read_text(encoding="utf-8")
    pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert pinned
    for line in pinned:  # `name==1.2.3 ; marker \`: no option, no address, no path
        assert re.match(r"[a-z0-9.-]+==[\w.]+ ", line), line
    assert "://" not in lock


def test_type_checkers_are_told() -> None:
    assert (Path(barograph.__file__).parent / "py.typed").is_file()
