"""HTML read back, a small log, and what somebody would write into one to do harm."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from barograph.charts.markup import VOID

#: What an attacker would put wherever a log has room for a word.
EVIL = """"><script>alert(1)</script><img src=x onerror=alert(1)>' onload='alert(1)"""


class Document(HTMLParser):
    """Elements with their attributes, and whether every one that begins also ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} stands twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def written(folder: Path, name: str) -> Path:
    """A log of 39 steps of DPO."""
    rows = [{"step": step, "loss": 0.7 - 0.002 * step, "rewards/margins": 0.01 * step} for step in range(1, 40)]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / name
