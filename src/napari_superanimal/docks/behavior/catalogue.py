"""The behaviours that are labelled: name, colour and key of each, shared by the videos of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from superanimal.errors import FormatError, InputError
from superanimal.files import atomic_write

KEYS = "123456789QWERTYUIOPASDFGHJKLZXCVBNM"
"""Keys a behaviour can have, in the order in which they are given."""
COLORS = ("#56b4e9", "#e69f00", "#00a878", "#cc79a7", "#d55e00", "#b8a5e3", "#c2b280", "#7fb5b5")
COLUMNS = ["name", "color", "key"]


@dataclass(frozen=True)
class Behavior:
    """One behaviour.

    Attributes
    ----------
    name
        Its label.
    color
        ``#rrggbb``.
    key
        One of :data:`KEYS`, or empty.
    """

    name: str
    color: str
    key: str = ""


Catalogue = tuple[Behavior, ...]


def with_behavior(behaviors: Catalogue, name: str, color: str = "", key: str | None = None) -> Catalogue:
    """Return a list with another behaviour; colour and key are chosen when not given.

    Raises
    ------
    InputError
        When the name is empty or exists, or the key is not free.
    """
    name = name.strip()
    colors, keys = [one.color for one in behaviors], {one.key for one in behaviors}
    free = next((c for c in COLORS if c not in colors), COLORS[len(colors) % len(COLORS)])
    own = next((k for k in KEYS if k not in keys), "") if key is None else key
    return checked((*behaviors, Behavior(name, color or free, own)))


def changed(behaviors: Catalogue, name: str, /, **fields: str) -> Catalogue:
    """Return a list in which name, colour or key of a behaviour is another.

    Raises
    ------
    InputError
        As :func:`with_behavior`.
    """
    return checked(tuple(replace(one, **fields) if one.name == name else one for one in behaviors))


def with_labels(behaviors: Catalogue, labels: Iterable[str]) -> Catalogue:
    """Return a list that has every label."""
    for label in labels:
        if label not in {one.name for one in behaviors}:
            behaviors = with_behavior(behaviors, label)
    return behaviors


def checked(behaviors: Catalogue) -> Catalogue:
    """Return the list if names, colours and keys are right.

    Raises
    ------
    InputError
        When they are not.
    """
    names, keys = [one.name for one in behaviors], [one.key for one in behaviors if one.key]
    for one in behaviors:
        if not one.name:
            raise InputError("a behaviour has no name", remedy="type one")
        if names.count(one.name) > 1:
            raise InputError(f"there is a behaviour {one.name!r} already", "each has its own name")
        if one.key and one.key not in KEYS:
            raise InputError(f"{one.name!r} has the key {one.key!r}", "a key is a letter or 1 to 9")
        if keys.count(one.key) > 1:
            raise InputError(
                f"two behaviours have the key {one.key}", "each has its own key", "choose another"
            )
        if not re.fullmatch("#[0-9a-f]{6}", one.color):
            raise InputError(f"{one.name!r} has the colour {one.color!r}", "a colour is #rrggbb")
    return behaviors


def read_behaviors(path: Path) -> Catalogue:
    """Read what :func:`write_behaviors` wrote; nothing when there is no such file.

    Raises
    ------
    FormatError
        When it is another kind of file.
    """
    if not path.exists():
        return ()
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if list(table.columns) != COLUMNS:
            raise FormatError(f"{path}: the columns are {', '.join(map(str, table.columns))}")
        return checked(tuple(Behavior(*row) for row in table.itertuples(index=False, name=None)))
    except (OSError, ValueError, FormatError) as error:
        raise FormatError(
            f"{path} is no list of behaviours: {error}",
            f"its columns are {', '.join(COLUMNS)}",
            "move it elsewhere; a new list is then made",
        ) from None


def write_behaviors(behaviors: Catalogue, path: Path) -> None:
    """Write the list of behaviours."""
    with atomic_write(path) as temporary:
        pd.DataFrame(list(behaviors), columns=COLUMNS).to_csv(temporary, index=False)
