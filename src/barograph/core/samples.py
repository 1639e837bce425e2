"""What a model said, as rows of a table: where our own record of it lies, and what one cell may hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from barograph.core.plain_json import spelt

__all__ = ["COMPLETIONS", "LONGEST", "Cell", "Places", "add_place", "cell", "step_of"]

#: Our own record, in the folder of a run: one flat JSON object a line, with its step, `prompt`, `completion`, `score`.
COMPLETIONS = "logs/completions.jsonl"
#: Characters of one cell; of what is longer, the beginning is kept.
LONGEST = 20_000

Cell: TypeAlias = "str | int | float | bool | None"
#: Where the lines of each step lie in a file, steps rising: from which byte to which.
Places: TypeAlias = "dict[int, list[tuple[int, int]]]"

#: How a line of the record begins; the rest need not be looked at to tell its step.
_STEP = re.compile(rb'\{\s*"step"\s*:\s*(\d{1,18})\s*[,}]')


def step_of(line: bytes) -> int | None:
    r"""The step of a whole line that begins with it, as ours do.

    >>> step_of(b'{"step": 10, "completion": "7"}\n'), step_of(b'{"step": 10, "comp')
    (10, None)
    """
    match = _STEP.match(line) if line.endswith(b"\n") else None
    return int(match[1]) if match else None


def add_place(places: Places, step: int, begin: int, end: int) -> None:
    """Note where the next line lies. A run that falls back was resumed: what it had said after that is no more.

    >>> places = {1: [(0, 9)], 2: [(9, 18)], 3: [(18, 27)]}
    >>> add_place(places, 2, 27, 36)
    >>> add_place(places, 2, 36, 45)
    >>> places
    {1: [(0, 9)], 2: [(27, 45)]}
    """
    if places and next(reversed(places)) > step:
        while places and next(reversed(places)) >= step:
            places.popitem()
    known = places.setdefault(step, [])
    if known and known[-1][1] == begin:
        known[-1] = (known[-1][0], end)
    else:
        known.append((begin, end))


def cell(value: object) -> Cell:
    """What a cell shows of any value: text, a number, a truth value or nothing.

    The messages of a chat become text. Numbers that are not finite become words, for JSON has none for them.

    >>> cell(0.5), cell(float("nan")), cell({"right": [7, None]})
    (0.5, 'NaN', '{"right": [7, null]}')
    >>> cell([{"role": "user", "content": "3 + 4 ?"}]), cell("a" * 30_000)[-26:]
    ('3 + 4 ?', 'aaa… (10,000 more letters)')
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, int | float):
        return spelt(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value):,} bytes)"
    if callable(item := getattr(value, "item", None)):  # A tensor or an array of one element, a scalar of NumPy.
        try:
            return cell(item())
        except (ValueError, RuntimeError, TypeError):  # Of more than one.
            return _short(str(value))
    if _is_chat(value):
        return _short(_chat(value))
    if isinstance(value, Mapping | list | tuple):
        return _short(_as_json(value))
    return _short(str(value))


def _short(text: str) -> str:
    rest = len(text) - LONGEST
    text = text if rest <= 0 else f"{text[:LONGEST]}… ({rest:,} more letters)"
    if text.isascii():
        return text
    # JSON may hold halves of characters, which no page and no file can.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):  # Circles, keys that are no names, brackets a thousand deep.
        return f"({type(value).__name__})"


def _is_chat(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(message, Mapping) and "role" in message and "content" in message for message in value)
    )


def _chat(messages: object) -> str:
    """The messages one below the other, each after its role; one alone as it is."""
    assert isinstance(messages, Sequence)  # noqa: S101 - `_is_chat` has seen to it
    if len(messages) == 1:
        return _message(messages[0])
    return "\n".join(f"{message['role']}: {_message(message)}" for message in messages)


def _message(message: Mapping[str, object]) -> str:
    content, calls = message["content"], message.get("tool_calls")
    parts = content if isinstance(content, list | tuple) else [content]
    said = "".join(_part(part) for part in parts if part is not None)
    return f"{said}\n{_as_json(calls)}".strip() if calls else said


def _part(part: object) -> str:
    """A part of a message: its text, or what else it is, as an image."""
    if isinstance(part, Mapping):
        text = part.get("text")
        return text if isinstance(text, str) else f"[{part.get('type', 'part')}]"
    return part if isinstance(part, str) else str(part)
