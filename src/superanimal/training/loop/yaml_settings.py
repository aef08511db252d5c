"""Settings from YAML into dataclasses: unknown keys and wrong values are errors, never ignored."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from superanimal.errors import InputError, NotFoundError

T = TypeVar("T")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InputError
        When it is no YAML, or no mapping.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise NotFoundError(f"{path}: no such settings file ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML text file ({error})") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds a {type(document).__name__}", "settings are a mapping of names")
    return document


def parse(kind: type[T], value: Any, where: str = "") -> T:
    """Turn plain values (mappings, lists, numbers, texts) into a dataclass, checking names and types.

    Parameters
    ----------
    kind
        A dataclass, or a type its fields may have: int, float, bool, str, Path, Literal, tuple, mapping of
        texts, a union of these, or another dataclass.
    value
        What the YAML file holds there.
    where
        Name of the place, for messages, such as ``recipe.augmentation``.

    Raises
    ------
    InputError
        When a key is unknown (the nearest known ones are named), missing, or a value of another type.
    """
    found: T = _convert(kind, value, where)
    return found


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if is_dataclass(kind):
        return value if isinstance(value, kind) else _dataclass(kind, value, where)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        return _union(get_args(kind), value, where)
    if origin is Literal:
        if value in get_args(kind) and type(value) in {type(choice) for choice in get_args(kind)}:
            return value
        raise _wrong(where, value, " or ".join(map(repr, get_args(kind))))
    if origin is tuple:
        return _tuple(get_args(kind), value, where)
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(where, value, "a mapping")
        inner = get_args(kind)[1]
        return {str(key): _convert(inner, item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind is float and isinstance(value, str):
        try:
            return float(value)  # YAML 1.1 reads 1e-4 as a text
        except ValueError:
            raise _wrong(where, value, "a number") from None
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    if kind in (int, bool, str) and type(value) is kind:
        return value
    if kind is types.NoneType and value is None:
        return None
    raise _wrong(where, value, getattr(kind, "__name__", str(kind)))


def _dataclass(kind: type[Any], value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise _wrong(where, value, "a mapping of settings")
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    prefix = f"{where}." if where else ""
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=3, cutoff=0.4)
            raise InputError(
                f"unknown setting {prefix}{key}",
                f"known are {', '.join(known)}",
                f"did you mean {', '.join(near)}?" if near else "",
            )
    needed = [
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING and name not in value
    ]
    if needed:
        raise InputError(f"{prefix}{needed[0]} is missing", f"{where or 'the settings'} need it")
    return kind(**{key: _convert(hints[key], item, f"{prefix}{key}") for key, item in value.items()})


def _union(kinds: Sequence[Any], value: Any, where: str) -> Any:
    for kind in kinds:
        try:
            return _convert(kind, value, where)
        except InputError:
            if is_dataclass(kind) and isinstance(value, Mapping):
                raise
    names = [" or ".join(map(repr, get_args(k))) if get_origin(k) is Literal else _name(k) for k in kinds]
    raise _wrong(where, value, " or ".join(names))


def _tuple(kinds: Sequence[Any], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(where, value, "a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_convert(kinds[0], item, f"{where}[{n}]") for n, item in enumerate(value))
    if len(value) != len(kinds):
        raise _wrong(where, value, f"a list of {len(kinds)}")
    return tuple(
        _convert(kind, item, f"{where}[{n}]") for n, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _name(kind: Any) -> str:
    return "nothing" if kind is types.NoneType else getattr(kind, "__name__", str(kind))


def _wrong(where: str, value: Any, wanted: str) -> InputError:
    return InputError(f"{where or 'settings'}: {value!r}", f"expected {wanted}")
