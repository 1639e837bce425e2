"""What every test may ask for, and how tests differ in CI: no random examples, no skip for what is missing."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

PROJECT = Path(__file__).parent.parent
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_runs() -> Path:
    """Real logs of real runs. They are not part of the repository but may lie next to it."""
    return shared("runs")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data sets, likewise."""
    return shared("data")


def shared(name: str) -> Path:
    folder = PROJECT.parent / "shared" / name
    if folder.is_dir():
        return folder
    missing = f"the collection of real {name} is not here: expected at ../shared/{name}, next to the checkout"
    if IN_CI and os.environ.get("BAROGRAPH_REQUIRE_SHARED") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


def fail_a_skip_for_a_missing_library(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI, nothing may be missing unnoticed: `make test` installs whatever tests need."""
    if IN_CI and report.skipped and isinstance(report.longrepr, tuple):
        # A skip that brings words of its own hides the library, and names the extra.
        missing = re.search(r"could not import '(\w+)|needs the (`\w+` extra)|needs (a browser)", report.longrepr[2])
        if missing:
            report.outcome = "failed"
            report.longrepr = f"{missing[1] or missing[2] or missing[3]} must not be missing in CI"


def fail_a_test_module_that_cannot_be_imported(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A module of the package may need an extra and is then skipped by the doctest collector; a test module may not."""
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if re.search(r"unable to import module .*[\\/]tests[\\/].*test_\w+\.py", reason):
            report.outcome = "failed"
            report.longrepr = reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_a_skip_for_a_missing_library(report)
    fail_a_test_module_that_cannot_be_imported(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_a_skip_for_a_missing_library(report)
    fail_a_test_module_that_cannot_be_imported(report)
    return report
