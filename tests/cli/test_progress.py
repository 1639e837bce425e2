from __future__ import annotations

import io
import sys

import pytest

from barograph.cli import progress
from barograph.cli.progress import fetching_shown
from barograph.sources.runs import read_run


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def fetched_on(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/big.jsonl", b" " * (3 << 20) + b'{"step": 1, "loss": 0.5}\n')
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "BETWEEN", 0.0)
    with fetching_shown():
        read_run("memory://big.jsonl", "dpo")
    return screen.getvalue()


def test_a_person_sees_how_far_it_has_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    shown = fetched_on(Screen(), monkeypatch).split("\r")
    assert shown[1:4] == [f"fetching memory://big.jsonl: {size} MB" for size in (1, 2, 3)]
    assert shown[-2:] == [" " * len(shown[1]), ""]


def test_what_is_quick_is_not_worth_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched_on(Screen(), monkeypatch) == ""


def test_a_program_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    assert fetched_on(io.StringIO(), monkeypatch) == ""
