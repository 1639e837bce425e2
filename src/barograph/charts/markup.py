"""HTML and SVG, put together so that no text of a log can ever become markup."""

from __future__ import annotations

import html
from collections.abc import Iterable

__all__ = ["Markup", "element", "joined"]

#: Elements that have no end.
VOID = frozenset({"br", "hr", "img", "link", "meta"})
#: What no document may hold, not even escaped: control signs other than white space, and halves of characters.
FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "\N{REPLACEMENT CHARACTER}")
HALVES = range(0xD800, 0xE000)


class Markup(str):
    """Text that is markup already. Any other text is escaped where it is put in."""

    __slots__ = ()


def element(tag: str, /, *children: object, **attributes: object) -> Markup:
    """An element. A trailing underscore is dropped from a name of an attribute, an inner one becomes a hyphen.

    >>> element("p", "a < b", element("b", "c"), class_="note", data_step=3)
    '<p class="note" data-step="3">a &lt; b<b>c</b></p>'
    >>> element("meta", charset="utf-8"), element("details", open=True), element("p", hidden=False, title=None)
    ('<meta charset="utf-8">', '<details open></details>', '<p></p>')
    """
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_escaped(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inner = "" if tag in VOID else f"{joined(children)}</{tag}>"
    return Markup(f"<{tag}{said}>{inner}")


def joined(children: Iterable[object]) -> Markup:
    """Children one after another: what is markup as it is, what is text escaped, what is None not at all."""
    return Markup(
        "".join(child if isinstance(child, Markup) else _escaped(child) for child in children if child is not None)
    )


def _escaped(value: object) -> str:
    text = html.escape(str(value)).translate(FORBIDDEN)
    return "".join("\N{REPLACEMENT CHARACTER}" if ord(sign) in HALVES else sign for sign in text)
