"""Whether texts came through their journey whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from barograph.data.check import INFO, Check, EachExample, clipped, limit
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import Example
from barograph.data.finding import DataFinding

__all__ = ["CHECKS"]

_CONTROLS = bytes(sorted({*range(32), 127} - set(b"\t\n\r")))
_CONTROL = re.compile(f"[{re.escape(_CONTROLS.decode())}]")
#: What Windows-1252 makes of the bytes that end a letter, without the signs that may well follow a real one.
_ENDS = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2020\u2021\u20ac\u2122"
#: UTF-8 that was read as Latin-1 or Windows-1252: Latin letters, signs of print, faces, and Cyrillic.
_MOJIBAKE = re.compile(
    f"[\u00c2\u00c3][{_ENDS}]|\u00e2\u20ac[\u0080-\u00bf\u0153\u2122\u02dc\u201c\u201d\u00a2\u00a6]"
    f"|\u00e2\u0080[\u0080-\u00bf]|\u00f0\u0178[{_ENDS}\u2018-\u201d]|(?:[\u00d0\u00d1][{_ENDS}]){{2}}"
)
_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|rsquo|lsquo|ldquo|rdquo|ndash|mdash|hellip|#\d{2,5}|#x[0-9a-fA-F]{2,5});"
)
LOST = "\ufffd"


def damage(text: str) -> re.Match[str] | None:
    """The first place where a text is damaged."""
    if text.isascii():
        data = text.encode()
        return None if len(data.translate(None, _CONTROLS)) == len(data) else _CONTROL.search(text)
    if LOST in text:
        return re.search(LOST, text)
    return _MOJIBAKE.search(text) or _CONTROL.search(text)


class Damaged(EachExample):
    """Texts with characters that were lost or garbled: bytes that are no UTF-8, the sign for a lost character, UTF-8
    read as another encoding (`Ã©`), or control characters.

    Why: the tokenizer cuts them into rare pieces, the policy learns to write them, and where one source is damaged and
    another is not, damage tells good from bad.
    False alarm: texts about encodings, and terminal recordings.
    """

    code, name = "DATA34", "damaged-text"
    says = "{count:,} of {of:,} examples have lost or garbled characters: {kinds}"
    do = ("Read the source again as what it is (ftfy mends what was read wrongly), or leave these rows out",)
    cleans = True
    warns_from = limit(0.005, "share of examples from which it is more than a remark")
    grave_from = limit(0.1, "share of examples from which it is critical")

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.met = {"lost": 0, "garbled": 0, "control": 0}

    def shows(self, example: Example) -> bool:
        if found := damage(example.whole):
            sign = found[0]
            self.met["lost" if sign == LOST else "control" if len(sign) == 1 else "garbled"] += 1
            return True
        if example.is_damaged:
            self.met["lost"] += 1
        return example.is_damaged

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if self.rows:
            kinds = ", ".join(f"{name} {count:,}" for name, count in self.met.items() if count)
            grade = self.grade(len(self.rows) / self.looked_at)
            yield self.found(grade, rows=self.rows, of=self.looked_at, told={"kinds": kinds})

    def quote(self, example: Example) -> str:
        return _around(example, damage)


class Entities(EachExample):
    """Texts with HTML entities in them, such as `&amp;` or `&#39;`.

    Why: they are what is left of a web page that was not unpacked; the policy learns to write them.
    False alarm: answers about HTML.
    """

    code, name = "DATA35", "html-entities"
    severity = INFO
    says = "{count:,} of {of:,} examples have HTML entities in their texts"
    do = ("Unpack them by html.unescape, unless the texts are about HTML",)

    def shows(self, example: Example) -> bool:
        return "&" in example.whole and _ENTITY.search(example.whole) is not None

    def quote(self, example: Example) -> str:
        return _around(example, _ENTITY.search)


def _around(example: Example, search) -> str:  # type: ignore[no-untyped-def]
    """What stands around the place that was found, in the first text that has one."""
    for name, text in example.sides():
        if found := search(text):
            return f"{name}: … {clipped(text[max(0, found.start() - 30) : found.end() + 30])} …"
    return "its bytes are no UTF-8"


CHECKS: tuple[type[Check], ...] = (Damaged, Entities)
