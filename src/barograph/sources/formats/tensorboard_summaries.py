"""What TensorBoard's summaries hold: numbers, and what is none.

Field numbers are those of `summary.proto`, `tensor.proto`, and `plugin_data.proto` of the hyperparameter plugin.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from barograph.sources.base import decoded
from barograph.sources.storage.protobuf import bits32, bits64, fields, signed, stretch, varint, whole

__all__ = ["Kind", "Shown", "settings_of", "shown_in"]


class Kind(Enum):
    """What a summary shows."""

    NUMBER = "number"
    TEXT = "text"
    HISTOGRAM = "histogram"
    IMAGE = "image"
    SOUND = "sound"
    SETTINGS = "set of hyperparameters"
    OTHER = "tensor"


#: By the plugin that shows a tensor; what is no number although it may be a tensor of one.
_PLUGINS = {
    "audio": Kind.SOUND,
    "histograms": Kind.HISTOGRAM,
    "hparams": Kind.SETTINGS,
    "images": Kind.IMAGE,
    "text": Kind.TEXT,
}
#: By the field of a value that is neither a number nor a tensor.
_KINDS = {
    stretch(3): Kind.HISTOGRAM,
    stretch(4): Kind.IMAGE,
    stretch(5): Kind.HISTOGRAM,
    stretch(6): Kind.SOUND,
}
_VALUE, _TAG, _SIMPLE, _TENSOR, _METADATA = stretch(1), stretch(1), bits32(2), stretch(8), stretch(9)
_PLUGIN_DATA, _PLUGIN_NAME, _PLUGIN_CONTENT = stretch(1), stretch(1), stretch(2)
#: Of a tensor: its type, shape and raw content, and the fields that hold values one by one.
_TYPE, _SHAPE, _DIMENSION, _SIZE, _RAW, _TEXTS = whole(1), stretch(2), stretch(2), whole(1), stretch(4), stretch(8)
_VALUES = {5: "f", 6: "d", 7: "", 10: "", 11: "", 13: "", 16: "", 17: ""}
_TYPES = {1: "f", 2: "d", 3: "i", 4: "B", 5: "h", 6: "b", 9: "q", 10: "?", 17: "H", 19: "e", 22: "I", 23: "Q"}
_BRAIN_FLOAT, _HALF, _UNSIGNED = 14, 19, 23


class Shown(NamedTuple):
    """One value of a summary."""

    tag: str
    kind: Kind
    number: float = 0.0
    #: A text, or the message of a plugin.
    content: bytes = b""


def shown_in(summary: bytes, plugins: dict[str, str]) -> Iterator[Shown]:
    """The values of a summary. `plugins` remembers which plugin shows a tag: that may be said but once."""
    for key, _, value in fields(summary):
        if key == _VALUE:
            yield _shown(value, plugins)


def _shown(value: bytes, plugins: dict[str, str]) -> Shown:
    tag, kind, number, tensor, content = "", Kind.OTHER, None, b"", b""
    for key, _, data in fields(value):
        if key == _TAG:
            tag = decoded(data)[0]
        elif key == _SIMPLE:
            (number,) = struct.unpack("<f", data)
        elif key == _TENSOR:
            tensor = data
        elif key == _METADATA:
            plugin, content = _plugin(data)
            if plugin:
                plugins[tag] = plugin
        else:
            kind = _KINDS.get(key, kind)
    if number is None and tensor and (plugin := plugins.get(tag, "scalars")) == "scalars":
        number = _number_in(tensor)
    elif number is None:
        kind = _PLUGINS.get(plugins.get(tag, ""), kind)
    if number is not None:
        return Shown(tag, Kind.NUMBER, number)
    if kind is Kind.TEXT:
        content = next((data for key, _, data in fields(tensor) if key == _TEXTS), b"")
    return Shown(tag, kind, content=content)


def _plugin(metadata: bytes) -> tuple[str, bytes]:
    name, content = "", b""
    for key, _, data in fields(metadata):
        if key == _PLUGIN_DATA:
            for inner, _, part in fields(data):
                if inner == _PLUGIN_NAME:
                    name = decoded(part)[0]
                elif inner == _PLUGIN_CONTENT:
                    content = part
    return name, content


def _number_in(tensor: bytes) -> float | None:
    """The number that a tensor is; None if it is no number, or more than one."""
    kind, raw, given = 0, b"", None
    for key, number, data in fields(tensor):
        if key == _TYPE:
            kind = number
        elif key == _SHAPE and not _is_single(data):
            return None
        elif key == _RAW:
            raw = data
        elif given is None and key >> 3 in _VALUES:
            given = _first(key, number, data)
    if raw:
        if kind == _BRAIN_FLOAT:
            kind, raw = 1, b"\0\0" + raw
        form = struct.Struct("<" + _TYPES.get(kind, "0x"))
        return float(form.unpack(raw)[0]) if form.size == len(raw) > 0 else None
    if kind == _HALF and isinstance(given, int):
        return float(struct.unpack("<e", struct.pack("<H", given & 0xFFFF))[0])
    if kind == _BRAIN_FLOAT and isinstance(given, int):
        return float(struct.unpack("<f", struct.pack("<I", (given & 0xFFFF) << 16))[0])
    if isinstance(given, int) and kind != _UNSIGNED:
        given = signed(given)
    return float(given) if given is not None else None


def _is_single(shape: bytes) -> bool:
    """Whether a shape is that of one number."""
    return all(
        number == 1
        for key, _, dimension in fields(shape)
        if key == _DIMENSION
        for inner, number, _ in fields(dimension)
        if inner == _SIZE
    )


def _first(key: int, number: int, data: bytes) -> float | int | None:
    """The first of the values in a field, which holds one, or several behind each other."""
    code = _VALUES[key >> 3]
    if not code:
        return varint(data, 0)[0] if data else number if key & 7 == 0 else None
    width = struct.calcsize(code)
    return float(struct.unpack("<" + code, data[:width])[0]) if len(data) >= width else None


_START, _SETTING, _NAME, _CONTENT = stretch(3), stretch(1), stretch(1), stretch(2)
_NUMBER, _TEXT, _TRUTH = bits64(2), stretch(3), whole(4)


def settings_of(content: bytes) -> dict[str, object]:
    """The settings that the hyperparameter plugin was told at the start of the session."""
    found: dict[str, object] = {}
    for key, _, start in fields(content):
        for inner, _, setting in fields(start) if key == _START else ():
            if inner != _SETTING:
                continue
            parts = {part: data for part, _, data in fields(setting)}
            for kind, number, data in fields(parts.get(_CONTENT, b"")):
                value = _setting(kind, number, data)
                if value is not None:
                    found[decoded(parts.get(_NAME, b""))[0]] = value
    return found


def _setting(kind: int, number: int, data: bytes) -> object:
    if kind == _NUMBER:
        return struct.unpack("<d", data)[0]
    if kind == _TEXT:
        return decoded(data)[0]
    return bool(number) if kind == _TRUTH else None
