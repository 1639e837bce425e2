"""Inside the sources too an import goes one way: storage, then what all formats share, then formats, then catalogue."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = re.compile(r"^\s*from barograph\.sources\.([\w.]+) import", re.MULTILINE)
#: What storage may use: decoding, the shape of a document, sentences.
BELOW_STORAGE = {"base", "wording"}
#: What formats may use besides storage and each other.
BELOW_FORMATS = {"base", "facts", "late", "numbers", "points", "steps", "table", "wording"}


def imports_in(folder: Path) -> list[tuple[str, str]]:
    return [
        (path.name, module)
        for path in sorted(folder.rglob("*.py"))
        for module in IMPORT.findall(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [("storage", {"storage", *BELOW_STORAGE}), ("formats", {"storage", "formats", *BELOW_FORMATS})],
)
def test_a_folder_imports_only_what_lies_below(project: Path, folder: str, allowed: set[str]) -> None:
    found = imports_in(project / "src" / "barograph" / "sources" / folder)
    assert found
    assert [(file, module) for file, module in found if module.partition(".")[0] not in allowed] == []


def test_only_the_catalogue_knows_the_formats(project: Path) -> None:
    top = project / "src" / "barograph" / "sources"
    found = [(file, module) for file, module in imports_in(top) if (top / file).is_file()]
    knowing = {
        file for file, module in found if module.startswith("formats.") and not (top / "formats" / file).exists()
    }
    assert knowing == {"catalogue.py"}


def test_what_few_logs_need_is_not_loaded_for_all() -> None:
    heavy = {"hashlib", "html", "orjson", "pyarrow", "sqlite3", "tempfile", "zstandard"}
    code = f"import sys, barograph.sources.runs; print(*{heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
