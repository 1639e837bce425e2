"""Values as Python prints them: flat dicts, numbers of numpy and torch, settings in the dump of a configuration."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType

from barograph.sources.late import late

__all__ = ["NUMBER", "dict_in", "settings_in", "unwrapped"]

#: A number as it is printed, `nan` and `inf` in every spelling.
NUMBER = (
    r"[-+]?(?:(?:\d[\d_]{0,40}(?:\.\d{0,60})?|\.\d{1,60})(?:[eE][-+]?\d{1,5})?|[nN][aA][nN]|[iI][nN][fF](?:inity)?)"
)
#: What is no flat dict is parsed as a Python literal, up to this many characters.
LONGEST_LITERAL = 32_768

#: `np.float64(0.25)`, `tensor(0.25, device='cuda:0')`, `[0.25]`.
_WRAPPED = late(r"(?:(?:\w+\.)*\w+\(\s*|\[\s*)([^\s,()\[\]]+)\s*(?:,[^()\[\]]*)?[)\]]")
_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_PAIR = late(rf"""\s*({_TEXT})\s*:\s*(?:({_TEXT})|([^\s,'"(){{}}\[\]]+(?:\([^(){{}}]*\))?))\s*(?:,|$)""")
#: How `repr` writes what cannot be printed.
_ESCAPE = late(r"\\(?:(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})|([nrt\\'\"]))")
#: Settings that say something about a run, by the names that frameworks print, and ours where it differs.
_SETTINGS: Mapping[str, str] = MappingProxyType({
    "batch_size": "batch_size",
    "beta": "beta",
    "desirable_weight": "desirable_weight",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
    "kl_coef": "kl_coef",
    "label_smoothing": "label_smoothing",
    "learning_rate": "learning_rate",
    "logging_steps": "logging_steps",
    "loss_type": "loss_type",
    "lr": "learning_rate",
    "max_completion_length": "max_completion_length",
    "max_grad_norm": "max_grad_norm",
    "num_generations": "num_generations",
    "num_train_epochs": "num_train_epochs",
    "num_updates": "num_updates",
    "per_device_train_batch_size": "per_device_train_batch_size",
    "rl_beta": "beta",
    "undesirable_weight": "undesirable_weight",
})  # fmt: skip
_SETTING = late(
    r"""(?<![\w.])["']?(""" + "|".join(_SETTINGS) + r""")["']?\s*[:=]\s*("[\w.-]*"|'[\w.-]*'|[\w.+-]+)\s*(?=[,)}]|$)"""
)


def unwrapped(text: str) -> str:
    """A value without what numpy, torch or a list of one puts around it.

    >>> unwrapped("np.float64(0.25)"), unwrapped("[2.5e-06]"), unwrapped("tensor(nan, device='cuda:0')"), unwrapped("1")
    ('0.25', '2.5e-06', 'nan', '1')
    """
    match = _WRAPPED.fullmatch(text) if text.endswith((")", "]")) else None
    return match[1] if match else text


def dict_in(line: str) -> tuple[dict[str, object], int] | None:
    """The dict of metrics that a line ends with, and where in the line it begins.

    >>> dict_in("5%|# | 1/20 [00:01<00:19] {'loss': '0.69', 'kl': nan, 'epoch': np.float64(0.1)}")
    ({'loss': '0.69', 'kl': 'nan', 'epoch': '0.1'}, 26)
    """
    line = line.rstrip()
    if not line.endswith("}"):
        return None
    begin = line.rfind("{")
    if begin < 0:
        return None
    if (found := _flat(line[begin + 1 : -1])) is not None:
        return found, begin
    begin = min((at for at in (line.find("{'"), line.find('{"')) if at >= 0), default=-1)
    if begin < 0 or len(line) - begin > LONGEST_LITERAL:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of escapes that are none.
            value = ast.literal_eval(line[begin:])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return None
    return value, begin


def _flat(inside: str) -> dict[str, object] | None:
    """What stands between the braces of a dict whose values are numbers or text."""
    row: dict[str, object] = {}
    at = 0
    while match := _PAIR.match(inside, at):
        key, text, bare = match.groups()
        row[_plain(key)] = _plain(text) if bare is None else unwrapped(bare)
        at = match.end()
    return row if row and not inside[at:].strip() else None


def _plain(quoted: str) -> str:
    return _ESCAPE.sub(_meant, quoted[1:-1]) if "\\" in quoted else quoted[1:-1]


def _meant(escape: re.Match[str]) -> str:
    code, sign = escape.groups()
    if code is None:
        return {"n": "\n", "r": "\r", "t": "\t"}.get(sign, sign)
    number = int(code[1:], 16)
    return chr(number) if number < 0x110000 else escape[0]


def settings_in(line: str) -> dict[str, object]:
    """The settings that a line of a dumped configuration tells, such as `beta=0.1,` or `"rl_beta": 0.1,`.

    >>> settings_in("Args(exp_name='reward', lr=5e-06, seed=1, loss_type='ipo')")
    {'learning_rate': 5e-06, 'loss_type': 'ipo'}
    """
    found: dict[str, object] = {}
    for name, text in _SETTING.findall(line):
        value = text.strip("\"'")
        try:
            number = float(value)
        except ValueError:
            if name == "loss_type" and value:
                found[_SETTINGS[name]] = value
            continue
        found[_SETTINGS[name]] = int(number) if value.isdecimal() else number
    return found
