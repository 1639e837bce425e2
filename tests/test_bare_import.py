"""Nothing heavy is loaded before it is needed. Each test asks a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"matplotlib", "numpy", "orjson", "pandas", "pyarrow", "rich", "torch", "transformers"}

SHOW_HELP = """
import sys
sys.argv = ["barograph", "--help"]
from barograph.cli.main import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
"""


def loaded_by(code: str) -> set[str]:
    """The top-level modules that running `code` adds to those of a bare interpreter."""
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import barograph", id="import barograph"),
        pytest.param(SHOW_HELP, id="barograph --help"),
        # What a live run needs: rows come one by one, as plain numbers.
        pytest.param("import barograph.rules", id="import barograph.rules"),
        pytest.param("import barograph.engine", id="import barograph.engine"),
        pytest.param("import barograph.monitor.live", id="import barograph.monitor.live"),
        pytest.param("import barograph; barograph.start, barograph.init", id="the tracker"),
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    loaded = loaded_by(code)
    assert "barograph" in loaded
    assert loaded.isdisjoint(HEAVY), f"loads {', '.join(sorted(loaded & HEAVY))}"


def test_a_heavy_import_is_seen() -> None:
    assert "numpy" in loaded_by("import numpy.linalg")
