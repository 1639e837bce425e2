"""The documentation says what the code says, and what it shows works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from barograph.cli.main import cli
from barograph.core.cause import Cause, Change, Ground, GroundKind, Prescription
from barograph.engine.settings import settings_from
from barograph.rules.catalogue import RULES

PROJECT = Path(__file__).parent.parent
PAGES = sorted((PROJECT / "docs").rglob("*.md")) + sorted(PROJECT.glob("README.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]*)?\)")


def fenced(language: str | None = None) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found in FENCE.finditer(page.read_text("utf-8")):
            if language is None or found[1] == language:
                yield page.relative_to(PROJECT).as_posix(), found[2]


def command_lines() -> list[tuple[str, str]]:
    """Every line that calls barograph, each once, with the first page that shows it."""
    lines: dict[str, str] = {}
    for page, text in fenced():
        for line in text.replace("\\\n", " ").splitlines():
            called = line.strip().removeprefix("$ ").rpartition("| ")[2]
            if called.startswith("barograph ") and "[OPTIONS]" not in called:
                # In help a sentence follows after two blanks or more.
                lines.setdefault(re.split(r"\s{2,}|\s#\s", called)[0], page)
    return [(page, line) for line, page in lines.items()]


def test_the_page_of_real_logs_is_up_to_date(project: Path, shared_runs: Path) -> None:
    command = [sys.executable, "tools/real_logs.py", str(shared_runs), "--check"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_generated_pages_are_up_to_date(project: Path) -> None:
    command = [sys.executable, "tools/generate.py", "--check"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run `make docs`"


def test_every_field_of_a_cause_is_documented(project: Path) -> None:
    page = (project / "docs" / "json.md").read_text("utf-8")
    prescription = Prescription("", (Change("beta", None, 0.1),))
    ground = Ground(GroundKind.SILENCE, "")
    fields = {**Cause("", 1.0, ()).to_dict(), **prescription.to_dict(), **ground.to_dict()}
    assert [name for name in fields if f"`{name}`" not in page] == []
    assert [kind for kind in GroundKind if f"`{kind}`" not in page] == []


def test_every_rule_has_a_page(project: Path) -> None:
    pages = {path.stem for path in (project / "docs" / "rules").glob("*.md")}
    assert pages == {rule.code for rule in RULES} | {"README"}


def test_there_are_commands_to_check() -> None:
    assert len(command_lines()) > 20


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_every_command_shown_is_one(page: str, line: str) -> None:
    _, *arguments = shlex.split(line.partition(" > ")[0])
    with cli.make_context("barograph", list(arguments)) as context:
        name, command, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        with command.make_context(name, list(rest), parent=context) as inner:
            assert isinstance(inner, click.Context)


@pytest.mark.parametrize(("page", "text"), list(fenced("toml")))
def test_every_setting_shown_is_one(page: str, text: str) -> None:
    table = tomllib.loads(text)
    settings_from(table.get("tool", {}).get("barograph", table), page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    for path, anchor in LINK.findall(text):
        if path.startswith(("http://", "https://", "mailto:")):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {path}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor[1:] in anchors, f"{page.name}: {path}{anchor}"


def test_pages_hold_no_paths_of_a_machine(project: Path) -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        assert str(project) not in text, page
        assert not re.search(r"/(?:home|root|Users|work|tmp)/", text), page


def test_a_stale_page_is_named(project: Path, tmp_path: Path) -> None:
    import shutil

    for part in ("benchmarks", "docs", "examples", "src", "tools"):
        shutil.copytree(project / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    # The page on one method stands for all six: their runs take a while to judge.
    texts = tmp_path / "tools" / "method_pages.toml"
    parts = texts.read_text("utf-8").split("[[page]]\n")
    texts.write_text("[[page]]\n" + next(part for part in parts if 'name = "prm"' in part), "utf-8")
    generate = [sys.executable, "tools/generate.py"]

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*generate, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    assert call().returncode == 0
    (tmp_path / "README.md").write_text("# x\n<!-- generated: rules -->\nold\n<!-- /generated -->\nrest\n", "utf-8")
    docs = tmp_path / "docs"
    changed = [docs / "rules" / "PREF03.md", docs / "methods" / "pictures" / "prm-constant--healthy.svg"]
    old = [docs / "rules" / "OLD01.md", docs / "methods" / "pictures" / "old--healthy.svg"]
    for page in changed:
        page.write_text(page.read_text("utf-8") + "and more\n", "utf-8")
    for page in old:
        page.write_text("gone\n", "utf-8")
    checked = call("--check")
    assert checked.returncode == 1
    assert {line.split()[0] for line in checked.stdout.splitlines()} == {
        "README.md", *(page.relative_to(tmp_path).as_posix() for page in (*changed, *old))
    }  # fmt: skip
    assert all(page.exists() for page in old)
    assert call().returncode == 0
    assert not any(page.exists() for page in old)
    assert call("--check").returncode == 0
    readme = (tmp_path / "README.md").read_text("utf-8")
    assert readme.startswith("# x\n<!-- generated: rules -->\n| family | rules |")
    assert readme.endswith("<!-- /generated -->\nrest\n")
    assert call("--chek").returncode == 2
