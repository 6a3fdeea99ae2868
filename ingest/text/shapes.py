"""What a file that people or we write has to look like: reading it, and naming everything that is wrong in it.

Each problem is one line with the place, the value, and what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

T = TypeVar("T")

LONGEST = 60
"""Characters of a value that an error shows."""


class ShapeError(ValueError):
    """A file or settings that are not as they should be; one line for each problem in `lines`."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def read_json(path: Path, remedy: str) -> Any:
    """The content of a JSON file, in which no key is there twice. `remedy` is what to do about one that is not.

    Raises ShapeError, and FileNotFoundError.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ShapeError([f"{path.name}: cannot be read at {path} ({error.strerror})"]) from None
    except json.JSONDecodeError as error:
        raise ShapeError([f"{path.name}: line {error.lineno} is not JSON ({error.msg}); {remedy}"]) from None
    except RecursionError:
        raise ShapeError([f"{path.name}: is nested too deeply; {remedy}"]) from None
    except ValueError as error:
        raise ShapeError([f"{path.name}: {error}; {remedy}"]) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"{key!r} is there more than once")
    return dict(pairs)


class Table:
    """Keys and values under the table's whole `name`. What is wrong with them goes to `problems`.

    `entry` is what a key is called. `origin` says where a key's value came from, such as " (from --night)". `absent`
    introduces what is allowed for a key that is missing. `show` puts a wrong value into words.
    """

    def __init__(
        self,
        content: Mapping[str, object],
        name: str,
        known: Sequence[str],
        problems: list[str],
        *,
        entry: str = "key",
        origin: Callable[[str], str] = lambda key: "",
        absent: str = "missing; add",
        show: Callable[[object], str] | None = None,
    ) -> None:
        self.content, self.problems = content, problems
        self._show = show or shown
        self._prefix = f"{name}." if name else ""
        self._origin, self._absent = origin, absent
        for key in content:
            if key not in known:
                place = self.name(key if key.isprintable() else repr(key))
                problems.append(f"{place}: not a {entry}{origin(key)}; {hint(key, known, entry)}")

    def name(self, key: str) -> str:
        return self._prefix + key

    def take(self, key: str, check: Callable[[Any], T], allowed: str) -> T | None:
        """What `check` makes of the key's value; None where it is missing or wrong.

        `check` raises ValueError, with a text where `allowed` does not say it all.
        """
        if key not in self.content:
            return None
        value = self.content[key]
        try:
            return check(value)
        except ValueError as error:
            name, origin = self.name(key), self._origin(key)
            plain = f"{name}: {self._show(value)}{origin} is not allowed; allowed: {allowed}"
            self.problems.append(f"{name}{origin}: {error}" if str(error) else plain)
            return None

    def need(self, key: str, check: Callable[[Any], T], allowed: str) -> T | None:
        """`take`, and a problem where the key is missing."""
        if key not in self.content:
            self.problems.append(f"{self.name(key)}: {self._absent} {allowed}")
        return self.take(key, check, allowed)


def hint(key: str, known: Sequence[str], entry: str = "key") -> str:
    """What may have been meant by a key that is not known."""
    from difflib import get_close_matches

    near = get_close_matches(key.lower(), [name.lower() for name in known], n=1)
    meant = [name for name in known if name.lower() in near]
    return f"did you mean {meant[0]!r}?" if meant else f"known {entry}s: {', '.join(known)}"


def shown(value: object) -> str:
    """A value from a file, as people wrote it and not too long."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "an array"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number this long"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def fitting(kind: Any) -> Callable[[Any], Any]:
    """A check that takes the values of a type, as `misfits` does."""

    def check(value: Any) -> Any:
        if misfits(value, kind, ""):
            raise ValueError
        return value

    return check


@cache
def hints_of(kind: Any) -> Mapping[str, Any]:
    """The fields of a dataclass or TypedDict with their types."""
    return get_type_hints(kind)


def misfits(value: object, kind: Any, where: str) -> list[str]:
    """How `value`, read from JSON, differs from a type made of TypedDicts, lists, mappings, unions and literals.

    In words that follow "line 3 ".
    """
    if kind in (Any, object):
        return []
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        options = [misfits(value, option, where) for option in arguments]
        return [] if [] in options else options[0]
    if origin is Literal:
        return [] if value in arguments else [f"has {value!r} for {where}; allowed: {', '.join(arguments)}"]
    expected = dict if is_typeddict(kind) or origin is Mapping else origin or kind
    if type(value) is not expected:
        return [f"has {type(value).__name__} for {where or 'the line'} instead of {expected.__name__}"]
    if isinstance(value, list):
        return [line for n, item in enumerate(value) for line in misfits(item, arguments[0], f"{where}[{n}]")]
    if isinstance(value, dict) and is_typeddict(kind):
        return _misfits_of_keys(value, hints_of(kind), f"{where}." if where else "")
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in misfits(item, arguments[1], f"{where}.{key}")]
    return []


def _misfits_of_keys(value: Mapping[str, object], hints: Mapping[str, Any], prefix: str) -> list[str]:
    lines = [f"has the unknown key {prefix}{key}" for key in value if key not in hints]
    for key, kind in hints.items():
        lines += misfits(value[key], kind, prefix + key) if key in value else [f"lacks the key {prefix}{key}"]
    return lines
