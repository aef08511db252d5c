"""Parsing YAML settings into dataclasses with pydantic: unknown keys and invalid values are errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import yaml

from superanimal.errors import InputError, NotFoundError, nearest

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")


class Settings:
    """Base class of dataclasses filled from a YAML file: :func:`parse` rejects unknown keys."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    NotFoundError
        When the file does not exist.
    InputError
        When the file is not YAML, or not a mapping.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise NotFoundError(f"{path}: no such settings file ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML text file ({error})") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds a {type(document).__name__}", "settings must be a mapping")
    return document


def parse(kind: type[T], value: Any, where: str = "") -> T:
    """Convert plain values (mappings, lists, numbers, strings) to a dataclass, checking names and types.

    Parameters
    ----------
    kind
        A dataclass that inherits from :class:`Settings`.
    value
        Value from the YAML file; nested mappings become the dataclasses of their fields.
    where
        Location for messages, such as ``recipe.augmentation``.

    Raises
    ------
    InputError
        When a key is unknown (similar known ones are suggested) or missing, or a value has the wrong type.
    """
    from pydantic import ValidationError

    try:
        found: T = _adapter(cast("Any", kind)).validate_python(value)
    except ValidationError as error:
        raise _explained(error.errors(include_url=False), kind, value, where) from None
    _refuse_booleans(value, found, where)
    return found


def _refuse_booleans(value: Any, found: Any, where: str) -> None:
    """Reject yes and no where a number is expected: pydantic converts them to 1 and 0."""
    for key, given in value.items() if isinstance(value, Mapping) and is_dataclass(found) else ():
        taken, name = getattr(found, key), f"{where}.{key}" if where else key
        if isinstance(given, bool) and isinstance(taken, (int, float)) and not isinstance(taken, bool):
            raise InputError(f"{name}: {given}", "input should be a number")
        _refuse_booleans(given, taken, name)


@lru_cache(maxsize=32)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _explained(found: Sequence[Any], kind: type[Any], value: Any, where: str) -> InputError:
    """Convert the first error of pydantic to an InputError."""
    unknown = [one for one in found if one["type"] in _UNKNOWN]
    first = unknown[0] if unknown else found[0]
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, InputError):  # a rule of the dataclass itself
        return raised
    place, owner = _place(first["loc"], kind, value)
    name = ".".join(part for part in (where, place) if part) or "settings"
    if first["type"] in _UNKNOWN:
        known = [field.name for field in fields(owner)] if is_dataclass(owner) else []
        near = nearest(str(first["loc"][-1]), known)
        remedy = f"did you mean {', '.join(near)}?" if near else ""
        return InputError(f"unknown setting {name}", f"known are {', '.join(known)}", remedy)
    if first["type"] in ("missing", "missing_argument"):
        if isinstance(first["loc"][-1], int):
            return InputError(f"{name} has too few values", f"number {first['loc'][-1] + 1} is missing")
        return InputError(f"{name} is missing", "it has no default")
    same = [one["msg"] for one in found if _place(one["loc"], kind, value)[0] == place]
    rule = " or ".join(dict.fromkeys(message[0].lower() + message[1:] for message in same))
    return InputError(f"{name}: {first['input']!r}", rule)


def _place(loc: Sequence[str | int], kind: type[Any], value: Any) -> tuple[str, type[Any]]:
    """Return the dotted name of a location, without pydantic's union tags, and its dataclass."""
    from typing import get_args, get_type_hints

    parts: list[str] = []
    owner = kind
    for n, key in enumerate(loc):
        last = n == len(loc) - 1
        if isinstance(value, Mapping) and (key in value or (last and isinstance(key, str))):
            parts.append(str(key))
            inner = get_type_hints(owner).get(str(key)) if is_dataclass(owner) else None
            value = value.get(key)
        elif isinstance(value, (list, tuple)) and isinstance(key, int) and key < len(value):
            parts[-1:] = [f"{parts[-1] if parts else ''}[{key}]"]
            inner, value = None, value[key]
        else:
            continue
        inside = [each for each in (inner, *get_args(inner)) if is_dataclass(each)]
        owner = inside[0] if inside and not last else owner  # type: ignore[assignment]
    return ".".join(parts), owner
