"""Whether texts hold what belongs to somebody. A note: nothing of it is ever shown in full."""

from __future__ import annotations

import re
from collections.abc import Iterator

from barograph.data.check import INFO, Check, EachExample
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import Example
from barograph.data.finding import DataFinding

__all__ = ["CHECKS", "found_in", "masked"]

_MAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[a-zA-Z]{2,24}\b")
_KEY = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|hf_[A-Za-z0-9]{30,}|sk-(?:[a-z]+-)?[A-Za-z0-9_-]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{35}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,})"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
#: In one piece, or in groups as they are printed on cards; longer lists of numbers are none.
_CARD = re.compile(
    r"(?<![\d.,])(?:\d{15,16}(?![.,]?\d)"
    r"|(?<!\d{4}[ -])\d{4}([ -])(?:\d{4}\1\d{4}\1\d{4}|\d{6}\1\d{5})(?![.,]?\d|[ -]\d{4}(?!\d)))"
)
_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_PHONE = re.compile(
    r"(?<![\w+-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}|\(\d{3}\) ?\d{3}[ .-]\d{4}"
    r"|\d{3}([.-])\d{3}\1\d{4})(?![\w-])"
)
_DIGITS = re.compile(r"[0-9][0-9 ().-]{5,}[0-9]")


def found_in(text: str) -> Iterator[tuple[str, str]]:
    """What looks personal in a text: what it is, and the string."""
    if "@" in text:
        yield from (("e-mail", found[0]) for found in _MAIL.finditer(text))
    if _may_hold_key(text) and (found := _KEY.search(text)):
        yield "key", found[0]
    if not _DIGITS.search(text):
        return
    for found in _CARD.finditer(text):
        if _is_card(found[0]):
            yield "card", found[0]
    for found in _IBAN.finditer(text):
        if _is_iban(found[0]):
            yield "IBAN", found[0]
    for found in _ADDRESS.finditer(text):
        if _is_public(found[0]):
            yield "IP address", found[0]
    for found in _PHONE.finditer(text):
        if len(re.sub(r"\D", "", found[0])) >= 9:
            yield "phone", found[0]


def _may_hold_key(text: str) -> bool:
    """Whether one of the signs stands there by which keys begin. Written out, as it is asked of every text."""
    return (
        "AKIA" in text or ("gh" in text and "_" in text) or "hf_" in text or "sk-" in text or "xox" in text
        or "AIza" in text or "eyJ" in text or "-----BEGIN" in text
    )  # fmt: skip


def _is_card(digits: str) -> bool:
    """Whether the last digit is the check digit of Luhn, and the first that of a card.

    >>> _is_card("4111 1111 1111 1111"), _is_card("4111 1111 1111 1112")
    (True, False)
    """
    plain = [int(sign) for sign in digits if sign.isdigit()]
    if plain[0] not in {3, 4, 5, 6} or len(set(plain)) == 1:
        return False
    doubled = (sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(reversed(plain)))
    return sum(doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """Whether the two check digits are right (ISO 13616).

    >>> _is_iban("GB82 WEST 1234 5698 7654 32"), _is_iban("GB83 WEST 1234 5698 7654 32")
    (True, False)
    """
    plain = text.replace(" ", "")
    return len(plain) >= 15 and int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _is_public(address: str) -> bool:
    """Whether it is an address of the network, neither a version number nor one of this house."""
    parts = [int(part) for part in address.split(".")]
    if any(part > 255 for part in parts) or parts[0] in {0, 10, 127, 255} or parts[0] >= 224:
        return False
    return parts[:2] != [192, 168] and not (parts[0] == 172 and 16 <= parts[1] < 32) and max(parts) > 20


def masked(text: str) -> str:
    """The beginning of a string; never more than two characters of it.

    >>> masked("jane@example.org")
    'ja***'
    """
    return f"{text[:2]}***"


class Personal(EachExample):
    """Strings that look like somebody's: e-mail and IP addresses, phone, card and account numbers, keys and tokens.

    Why: what a model is trained on it may say again. Whether it may be in the data is a question of law and taste.
    False alarm: made-up ones, as in exercises and documentation; that is most of them in many sets.
    """

    code, name = "DATA36", "personal"
    severity = INFO
    says = "{count:,} of {of:,} examples hold what looks personal: {kinds}"
    do = ("Mask them if they are real",)

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.met: dict[str, int] = {}

    def shows(self, example: Example) -> bool:
        kinds = {kind for kind, _ in found_in(example.whole)}
        for kind in sorted(kinds):
            self.met[kind] = self.met.get(kind, 0) + 1
        return bool(kinds)

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if self.rows:
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.met.items(), key=lambda one: -one[1]))
            yield self.found(INFO, rows=self.rows, of=self.looked_at, told={"kinds": kinds})

    def quote(self, example: Example) -> str:
        return "\n".join(
            f"{name}: {kind} {masked(text)}"
            for name, side in example.sides()
            for kind, text in list(found_in(side))[:2]
        )


CHECKS: tuple[type[Check], ...] = (Personal,)
