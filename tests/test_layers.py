"""An import goes along the data's way, never back.

    log file -> sources -> core -> engine (rules, signals) -> findings -> sinks, console, charts, web
                                                                  `-> guard -> trainers

Read from the source with `ast`, so an import inside a function, under TYPE_CHECKING or by `import_module("...")`
counts like any other.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "barograph"

#: Each part of the package, and the parts it may import. A part is a folder or a module directly under barograph/.
MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "signals": {"core"},
    "rules": {"core", "signals"},
    "engine": {"core", "signals", "rules"},
    "sources": {"core"},
    "sinks": {"core"},
    "guard": {"core"},
    "console": {"core"},
    "charts": {"core"},
    "text": {"core"},
    "data": {"core", "text"},
    # The settings of a training, judged before its first step, against what is usual and against its data.
    "config": {"core", "rules", "data"},
    "monitor": {"core", "signals", "rules", "engine", "sources", "sinks", "guard", "console"},
    "web": {"core", "engine", "sources", "console", "charts", "monitor", "pages"},
    # `data` knows how what is seen of single examples is kept, and which of them stand out.
    "trainers": {"core", "sinks", "guard", "console", "charts", "monitor", "text", "data", "config"},
    "recipes": {"core", "sinks", "guard", "console", "monitor", "text", "data", "config", "trainers"},
    # What a run has shown of its examples is a part of its report.
    "pages": {"core", "engine", "sources", "charts", "monitor", "data"},
    "notebook": {"core", "engine", "charts", "monitor", "pages"},
    # The front door: what `import barograph` offers, each name fetched when it is asked for.
    "__init__": {"core", "monitor", "notebook", "pages", "trainers"},
}
EVERYTHING = set(MAY_IMPORT)
MAY_IMPORT["cli"] = EVERYTHING
MAY_IMPORT["__main__"] = {"cli"}

#: Names of the front door that any part may read.
OPEN_NAMES = {"__version__"}

#: Each part and the libraries it may import when it is imported itself. None: whatever it likes.
AT_IMPORT: dict[str, set[str] | None] = {
    "cli": {"click"},
    "charts": {"numpy"},  # Drawn when somebody asks for it, never beside a training.
    "web": {"starlette", "uvicorn"},
    "trainers": None,
    "recipes": None,
    "text": None,
    "data": None,
}
#: Each part and the libraries it may import inside a function, besides those above.
WHEN_CALLED: dict[str, set[str]] = {
    "sources": {"fsspec", "orjson", "pyarrow", "zstandard"},
    "sinks": {"orjson", "pyarrow"},
    "charts": {"matplotlib"},
    "config": {"yaml"},
    "cli": {"uvicorn"},
}
#: The modules that scan whole columns. Others import them inside a function (tests/test_bare_import.py sees to it).
NUMPY_MODULES = ("signals.scan", "engine.scan")
#: Functions that import the module whose name they are given.
LOADERS = {"import_module", "__import__"}


class Import(NamedTuple):
    """One thing imported at one place."""

    line: int
    module: str
    inside_function: bool


def imports_of(source: str, module: str, *, is_package: bool = False) -> Iterator[Import]:
    """Every import in the text of `module`, with relative ones made absolute."""

    def visit(node: ast.AST, inside: bool) -> Iterator[Import]:
        match node:
            case ast.Import():
                for name in node.names:
                    yield Import(node.lineno, name.name, inside)
            case ast.ImportFrom():
                base = node.module or ""
                if node.level:
                    home = module.split(".")
                    home = home[: len(home) - node.level + is_package]
                    base = ".".join([*home, base] if base else home)
                # `from barograph import core` imports barograph.core; of a library only its name matters.
                for name in node.names:
                    yield Import(node.lineno, f"{base}.{name.name}", inside)
            case ast.Call(args=[ast.Constant(value=str() as name), *_]) if called(node.func) in LOADERS:
                yield Import(node.lineno, name, inside)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                inside = True
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(ast.parse(source), inside=False)


def called(function: ast.expr) -> str:
    """The last name of what is called: `import_module` for `importlib.import_module`."""
    return getattr(function, "attr", getattr(function, "id", ""))


def problem_with(found: Import, module: str) -> str | None:
    """Why `module` (without `barograph.` in front) may not import what was found, or None."""
    part = module.partition(".")[0]
    top, _, rest = found.module.partition(".")
    if top in sys.stdlib_module_names:
        return None
    if top == PACKAGE:
        target = rest.partition(".")[0]
        if target in OPEN_NAMES or target == part:
            return None
        if target not in MAY_IMPORT:
            target = "__init__"
        if target not in MAY_IMPORT[part]:
            return f"imports {found.module}, but {part} may import only {listed(MAY_IMPORT[part])}"
        return None
    at_import = AT_IMPORT.get(part, set())
    if at_import is None or top in at_import or (top == "numpy" and module.startswith(NUMPY_MODULES)):
        return None
    when_called = WHEN_CALLED.get(part, set())
    if top not in when_called:
        return f"imports {top}, but {part} may import only {listed(at_import | when_called)} from outside"
    if not found.inside_function:
        return f"imports {top} at its top, but {part} may import it only inside a function"
    return None


def listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def problems_in(folder: Path) -> list[str]:
    """What is wrong in a package folder, one line for each import or part."""
    problems = []
    for path in sorted(folder.rglob("*.py")):
        where = path.relative_to(folder)
        names = where.with_suffix("").parts
        if names[0] not in MAY_IMPORT:
            problems.append(f"{where}: {names[0]} is not in the table of tests/test_layers.py")
            continue
        module = ".".join(names)
        absolute = ".".join([PACKAGE, *names]).removesuffix(".__init__")
        for found in imports_of(path.read_text(encoding="utf-8"), absolute, is_package=path.stem == "__init__"):
            problem = problem_with(found, module)
            if problem:
                problems.append(f"{where}:{found.line}: {problem}")
    return list(dict.fromkeys(problems))


def test_imports_keep_their_direction(project: Path) -> None:
    problems = problems_in(project / "src" / PACKAGE)
    assert not problems, "\n".join(problems)


def test_the_table_has_no_circle() -> None:
    order = list(TopologicalSorter(MAY_IMPORT).static_order())
    assert order.index("core") < order.index("engine") < order.index("monitor") < order.index("cli")


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("core/run.py", "import barograph.engine", "core/run.py:1: imports barograph.engine, but core may"),
        ("core/run.py", "from barograph import engine", "but core may import only nothing"),
        ("core/run.py", "from ..rules import base", "imports barograph.rules.base, but core may"),
        ("core/__init__.py", "from ..rules import base", "imports barograph.rules.base, but core may"),
        ("rules/base.py", "def f():\n    from barograph.engine.live import Live", "rules/base.py:2: imports"),
        ("rules/base.py", "if TYPE_CHECKING:\n    from barograph.engine import x", "rules/base.py:2: imports"),
        ("guard/policy.py", "import importlib\nimportlib.import_module('barograph.engine')", "guard/policy.py:2:"),
        ("guard/policy.py", "__import__('torch')", "imports torch, but guard may import only nothing"),
        ("sinks/csv.py", "import barograph", "imports barograph, but sinks may import only core"),
        ("sinks/csv.py", "from barograph import check", "imports barograph.check, but sinks may import only core"),
        ("signals/step.py", "import numpy as np", "imports numpy, but signals may import only nothing from outside"),
        ("signals/step.py", "def f():\n    import numpy", "imports numpy, but signals"),
        ("sources/table.py", "import orjson", "imports orjson at its top, but sources may import it only inside"),
        ("sources/table.py", "def f():\n    import pandas.core", "imports pandas, but sources may"),
        ("monitor.py", "from barograph.web import app", "imports barograph.web.app, but monitor may"),
        ("novelty/thing.py", "", "novelty is not in the table"),
        ("novelty.py", "", "novelty is not in the table"),
    ],
)
def test_a_planted_violation_is_seen(tmp_path: Path, file: str, source: str, expected: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(source, encoding="utf-8")
    problems = problems_in(tmp_path)
    assert len(problems) == 1
    assert expected in problems[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/run.py", "from __future__ import annotations\nimport json, os.path\nfrom barograph.core import names"),
        ("core/run.py", "from . import names\nfrom .names import TRAIN"),
        ("core/__init__.py", "from . import names\nfrom .names import TRAIN"),
        ("signals/scan.py", "import numpy as np\nfrom numpy.typing import NDArray"),
        ("rules/base.py", "from barograph import core, signals\nfrom ..signals.text import parse"),
        ("sources/table.py", "def f():\n    import orjson"),
        ("sinks/csv.py", "from barograph import __version__"),
        ("cli/main.py", "import click\nfrom barograph.web import app"),
        ("__init__.py", "def f():\n    from barograph import monitor"),
        ("trainers/hf.py", "import transformers"),
    ],
)
def test_a_lawful_import_is_left_alone(tmp_path: Path, file: str, source: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(source, encoding="utf-8")
    assert problems_in(tmp_path) == []
