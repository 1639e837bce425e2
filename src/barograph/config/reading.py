"""Settings out of a file: TOML, YAML, JSON, the record of a run, or a script with flags."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from barograph.config.dialects.base import Dialect, Found
from barograph.config.dialects.catalogue import dialect_of
from barograph.config.plan import Plan, Stranger
from barograph.core.errors import ConfigurationError, MissingExtra, suggest
from barograph.core.methods import Method

__all__ = ["SettingsFile", "in_words", "plan_of", "read_settings_file"]

#: No file of settings is larger.
LARGEST = 4 << 20
#: Where the record of a run has its settings, and what it is called.
RUN, STATE = "run.json", "trainer_state.json"
#: Files of a folder that hold settings, the likeliest first.
INSIDE = (RUN, "training_args.json", "args.json", "config.yaml", "config.toml", "train.yaml", STATE)
SCRIPTS = frozenset({".sh", ".bash", ".slurm", ".txt"})
#: Tables of such a name hold the settings of the training itself.
_WORDS = re.compile(r"[^a-z0-9]+")
#: How alike a name must be to a known one to be thought a slip.
ALIKE = 0.8


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file holds: settings by their names, those in tables with the table's name in front, and the method."""

    path: str
    found: Found
    #: What the file itself says the method is.
    method: Method | None = None
    #: Whether a program wrote it down: then there are no slips in it.
    is_record: bool = False


def read_settings_file(where: str | Path) -> SettingsFile:
    """The settings of a file, or of the folder of a run. What cannot be read is one sentence."""
    path = Path(where).expanduser()
    if path.is_dir():
        inside = next((path / name for name in INSIDE if (path / name).is_file()), None)
        if inside is None:
            raise ConfigurationError(f"{where}: holds none of {', '.join(INSIDE)}; name the file with the settings")
        path = inside
    text = _text(path, str(where))
    if path.suffix.lower() in SCRIPTS:
        found = dict(_flags(text))
        if not found:
            raise ConfigurationError(f"{where}: no command in it has flags such as --learning-rate 5e-7")
        return SettingsFile(str(where), found)
    whole = _parsed(text, path)
    if not isinstance(whole, Mapping):
        raise ConfigurationError(f"{where}: holds {in_words(whole)} where names with values belong")
    config = whole.get("config")
    if path.name == RUN and isinstance(config, Mapping):
        return SettingsFile(str(where), dict(_flat(config)), _method_in(whole.get("method")), is_record=True)
    if isinstance(history := whole.get("log_history"), list):
        state = {name: value for name, value in whole.items() if name != "log_history"}
        return SettingsFile(str(where), dict(_flat(state)) | _in_rows(history), is_record=True)
    return SettingsFile(str(where), dict(_flat(whole)))


def plan_of(file: SettingsFile, method: Method | None = None) -> Plan:
    """The settings as a plan: of a method that is said, or that they speak for, or that the file is called after."""
    dialect = dialect_of(file.found)
    values: dict[str, object] = {}
    spelled: dict[str, str] = {}
    last = _by_last_part(file.found)
    for ours, theirs in dialect.names.items():
        for name in theirs:
            full = name if name in file.found else last.get(name)
            if full is not None and file.found[full] is not None:
                values[ours], spelled[ours] = file.found[full], full
                break
    flat = {**{part: file.found[full] for part, full in last.items()}, **file.found}
    for ours, value in dialect.made(flat).items():
        if value is None:
            values.pop(ours, None)
        else:
            values[ours] = value
    told = dialect.method(flat)
    known = method or file.method or told or _method_by_name(file.path) or Method.UNKNOWN
    strangers = () if file.is_record else tuple(_strangers(last, dialect))
    if file.found and not (spelled or told or strangers or file.is_record):
        names = ", ".join(list(file.found)[:3])
        raise ConfigurationError(f"{file.path}: no setting of a training is in it, only such names as {names}")
    return Plan(known, values, dialect, spelled, strangers)


def in_words(value: object) -> str:
    """What a value is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "a table"


# The parts of a file


def _text(path: Path, where: str) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigurationError(f"{where}: is larger than any file of settings ({LARGEST >> 20} MB)")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        near = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
        hint = suggest(path.name, near) if isinstance(error, FileNotFoundError) else ""
        raise ConfigurationError(f"{where}: cannot be read ({error.strerror or error}){hint}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where}: is no text in UTF-8, so no file of settings") from None


def _parsed(text: str, path: Path) -> object:
    kind = path.suffix.lower()
    try:
        if kind == ".toml":
            return tomllib.loads(text)
        if kind == ".json":
            return json.loads(text)
        return _yaml(text, path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML ({error})") from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid JSON ({error})") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: its tables lie too deep in each other") from None


def _yaml(text: str, path: Path) -> object:
    try:
        import yaml
    except ImportError:
        raise MissingExtra(f"reading {path.name}", "yaml", "train") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        raise ConfigurationError(f"{path}: is not valid YAML{line}") from None


def _flat(found: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """The names of what is no table. W&B writes a table with one `value` for each setting: that is the setting."""
    for name, value in found.items():
        whole = f"{prefix}{name}"
        if not isinstance(value, Mapping):
            yield whole, value
        elif "value" in value and set(value) <= {"value", "desc"}:
            inner = value["value"]
            if isinstance(inner, Mapping):
                yield from _flat(inner, f"{whole}.")
            else:
                yield whole, inner
        else:
            yield from _flat(value, f"{whole}.")


def _in_rows(rows: list[object]) -> dict[str, object]:
    """What the rows of a trainer's log tell of its settings: the highest learning rate."""
    rates = [row.get("learning_rate") for row in rows if isinstance(row, dict)]
    known = [rate for rate in rates if isinstance(rate, int | float)]
    return {"learning_rate": max(known)} if known else {}


def _by_last_part(found: Found) -> dict[str, str]:
    """The whole name for the last part of each; of two the first counts, and the shorter before the longer."""
    last: dict[str, str] = {}
    for name in sorted(found, key=lambda one: one.count(".")):
        last.setdefault(name.rpartition(".")[2], name)
    return last


def _strangers(last: Mapping[str, str], dialect: Dialect) -> Iterator[Stranger]:
    """Names that are none, but nearly one that is not there itself."""
    import difflib

    if dialect.known is None:
        return
    known = dialect.known() | {name for several in dialect.names.values() for name in several}
    for name, full in last.items():
        plain = name.replace("-", "_")
        if plain in known or full in known or name.isupper():
            continue
        near = difflib.get_close_matches(plain, known, n=1, cutoff=ALIKE)
        if near and near[0] not in last:
            yield Stranger(full, near[0])


def _method_in(value: object) -> Method | None:
    try:
        found = Method(str(value))
    except ValueError:
        return None
    return found if found is not Method.UNKNOWN else None


def _method_by_name(path: str) -> Method | None:
    """The method that a file, or else its folder, is called after."""
    from barograph.config.dialects.base import named_method

    for part in reversed(Path(path).parts[-3:]):
        for word in _WORDS.split(part.lower()):
            if (method := named_method(word)) is not None:
                return method
    return None


# Scripts


def _flags(text: str) -> Iterator[tuple[str, object]]:
    """`--name value`, `--name=value`, `--switch` and `a.b=value` of the commands of a shell script."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#")]
    for line in lines:
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # A quote that goes on over lines: none of the flags that we ask for.
        yield from _flags_of(words)


def _flags_of(words: Sequence[str]) -> Iterator[tuple[str, object]]:
    place = 0
    while place < len(words):
        word, place = words[place], place + 1
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            plain = name[2:].replace("-", "_")
            if equals:
                yield plain, _scalar(value)
            elif place < len(words) and (not words[place].startswith("-") or _is_number(words[place])):
                yield plain, _scalar(words[place])
                place += 1
            else:
                yield plain, True
        elif equals and "." in name and not name.startswith(("-", "/", ".")):
            yield name.lstrip("+~"), _scalar(value)


def _scalar(text: str) -> object:
    try:
        return json.loads(text.lower()) if text.lower() in {"true", "false", "null"} else json.loads(text)
    except json.JSONDecodeError:
        return float(text) if _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
