"""Damages a file: its structure (entries, rows, data sets), or its bytes."""

from __future__ import annotations

import copy
import json
import pickle
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from _fuzz_samples import Sample

JUNK: list[Any] = [None, -1, 0, 1e30, "", "x", [], {}, True, float("nan"), [[1]], "5", 2**70]


@dataclass(frozen=True)
class Damage:
    """What was done to a file.

    Attributes
    ----------
    text
        In words, for reports.
    edits
        So many frame numbers or values may have been changed by hand, as it were.
    named
        The damage itself exchanges contents (order of names, frame numbers, rows of numbers).
    values
        The damage may change coordinates.
    """

    text: str
    edits: int = 1
    named: bool = False
    values: bool = True


def damage(sample: Sample, path: Path, rng: random.Random) -> Damage:
    """Damage the copy of a sample at ``path``, in a third of the cases its bytes."""
    if sample.kind == "folder":
        return _folder(path, rng)
    if rng.random() < 1 / 3:
        return _bytes(path, rng)
    return _STRUCTURAL[sample.kind](path, rng)


def _bytes(path: Path, rng: random.Random) -> Damage:
    content, done, joined = bytearray(path.read_bytes()), [], False
    for _ in range(rng.choice([1, 1, 2, 8])):
        kind, place = rng.random(), rng.randrange(len(content))
        if kind < 0.5:
            content[place] = rng.randrange(256)
            done.append(f"byte {place} replaced")
        elif kind < 0.7:
            count = rng.choice([1, 4, 30])
            joined |= b"\n" in content[place : place + count]
            del content[place : place + count]
            done.append(f"{count} bytes from {place} removed")
        elif kind < 0.9:
            new = rng.choice([b",", b"\n", b'"', b"x", b"\0", b"-1", b"1e99"])
            content[place:place] = new
            done.append(f"{new!r} put in at {place}")
        else:
            del content[place:]
            done.append(f"cut at {place}")
        content = content or bytearray(b"x")
    _replace(path, bytes(content))
    # the beginning of a row of text that goes on with the end of the next is a row like any other
    return Damage(", ".join(done), edits=len(done), named=joined and path.suffix == ".csv")


def _replace(path: Path, content: bytes) -> None:
    path.unlink()  # the undamaged file may share its content by a link
    path.write_bytes(content)


def _json(path: Path, rng: random.Random) -> Damage:
    content, done = _object(json.loads(path.read_bytes()), rng)
    _replace(path, json.dumps(content).encode())
    return done


def _pickle(path: Path, rng: random.Random) -> Damage:
    content, done = _object(pickle.loads(path.read_bytes()), rng)
    _replace(path, pickle.dumps(content))
    return done


def _object(content: Any, rng: random.Random) -> tuple[Any, Damage]:
    """Damage one entry of nested lists, dictionaries and arrays."""
    content = copy.deepcopy(content)
    places: list[tuple[Any, Any, str]] = []

    def collect(node: Any, where: str) -> None:
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in list(pairs):
            places.append((node, key, f"{where}.{key}"))
            if isinstance(value, dict | list):
                collect(value, places[-1][2])

    collect(content, "")
    depth = rng.randint(1, max(where.count(".") for *_, where in places))  # the few entries on top count too
    node, key, where = rng.choice([place for place in places if place[2].count(".") == depth])
    old = node[key]
    choices = ["remove", "junk", "junk", "twice", "wrap"]
    choices += ["shuffle"] * (isinstance(old, list) and len(old) > 1)
    choices += ["shift"] * (isinstance(old, int | float) and not isinstance(old, bool))
    choices += ["array"] * (3 * isinstance(old, np.ndarray))
    action = rng.choice(choices)
    if action == "remove":
        del node[key]
    elif action == "junk":
        node[key] = copy.deepcopy(rng.choice(JUNK))
    elif action == "twice" and isinstance(node, list):
        node.insert(key, copy.deepcopy(old))
    elif action == "shuffle":
        rng.shuffle(old)
    elif action == "shift":
        node[key] = old + rng.choice([-1, 1, 0.5, 1000])
    elif action == "array":
        node[key] = rng.choice(
            [old[:-1], old.ravel(), old[..., None], old.astype(str), old.astype(object), old.T, old[:0]]
        )
    else:
        node[key] = [old]
    # whole frames by position, and entries that are frame numbers or names, are the edit itself
    frames = isinstance(content, list) and where.count(".") == 1
    return content, Damage(f"{action} {where}", named=action in ("shuffle", "shift", "junk") or frames)


def _text(path: Path, rng: random.Random) -> Damage:
    text = path.read_text("utf-8")
    rows = [line.split(",") for line in text.splitlines()]
    row = rng.choice([rng.randrange(min(4, len(rows))), rng.randrange(len(rows))])
    column, other = rng.randrange(len(rows[row])), rng.randrange(len(rows[0]))
    separator, coding, named, values = ",", "utf-8", False, False
    action = rng.choice(
        ["cell gone", "cell twice", "blank cell", "empty cell", "row gone", "row twice", "rows swapped",
         "columns swapped", "blank column", "column gone", "junk", "headers swapped", "blank line",
         "semicolons", "tabs", "utf-16", "spaces", "capitals", "trailing commas", "quote"]
    )  # fmt: skip
    if action == "cell gone":
        del rows[row][column]
    elif action == "cell twice":
        rows[row].insert(column, rows[row][column])
        values = True
    elif action == "blank cell":
        rows[row].insert(column, "")
    elif action == "empty cell":
        rows[row][column] = ""
    elif action == "row gone":
        del rows[row]
    elif action == "row twice":
        rows.insert(row, list(rows[row]))
    elif action == "rows swapped":
        last = rng.randrange(len(rows))
        rows[row], rows[last] = rows[last], rows[row]
    elif action == "columns swapped":
        for line in rows:
            line[column], line[other] = line[other], line[column]
    elif action == "blank column":
        for line in rows:
            line.insert(column, "")
    elif action == "column gone":
        for line in rows:
            del line[column]
    elif action == "junk":
        rows[row][column] = rng.choice(["x", "-1", "1e99", "nan", "inf", "1;2", "é", "5"])
        named = values = True
    elif action == "headers swapped":
        line = rows[rng.randrange(min(4, len(rows)))]
        line[column], line[other] = line[other], line[column]
        named = values = True
    elif action == "blank line":
        rows.insert(row, [""])
    elif action in ("semicolons", "tabs"):
        separator = ";" if action == "semicolons" else "\t"
    elif action == "utf-16":
        coding = "utf-16"
    elif action == "spaces":
        separator = ", "
    elif action == "capitals":
        rows[row] = [cell.upper() for cell in rows[row]]
    elif action == "trailing commas":
        rows = [[*line, "", ""] for line in rows]
    else:
        rows[row][column] = '"' + rows[row][column]
    _replace(path, "\n".join(separator.join(line) for line in rows).encode(coding))
    return Damage(f"{action}, row {row}, column {column}", named=named, values=values)


def _hdf5(path: Path, rng: random.Random) -> Damage:
    content = path.read_bytes()
    _replace(path, content)
    named = False
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        groups: list[str] = ["/"]
        file.visititems(lambda name, node: (names if isinstance(node, h5py.Dataset) else groups).append(name))
        name = rng.choice(names)
        node = file[name]
        action = rng.choice(
            ["remove", "rename", "cut", "twice", "transpose", "cast", "junk", "empty", "scalar", "swap",
             "reverse", "attribute gone", "attribute junk", "attribute gone", "attribute junk"]
        )  # fmt: skip
        if action.startswith("attribute"):
            owner = file[rng.choice([*groups, *names])]
            if keys := list(owner.attrs):
                key = rng.choice(keys)
                name = f"{owner.name}@{key}"
                del owner.attrs[key]
                if action == "attribute junk":
                    owner.attrs[key] = rng.choice([b"x", 5, -1.0, "[]", "{}", "", np.arange(3)])
        elif action == "remove":
            del file[name]
        elif action == "rename":
            file.move(name, f"{name}_x")
        elif action == "swap":
            last = rng.choice(names)
            if last != name:
                file.move(name, "aside")
                file.move(last, name)
                file.move("aside", last)
            named = True
        else:
            named = action in ("reverse", "junk")
            _put(file, name, _changed(node[()], action, rng))
    return Damage(f"{action} {name}", named=named)


def _changed(value: Any, action: str, rng: random.Random) -> Any:
    value = np.asarray(value)
    if action in ("cut", "twice", "reverse") and value.ndim:
        axis = rng.randrange(value.ndim)
        order = list(range(value.shape[axis]))
        order = {"cut": order[:-1], "twice": order + order[-1:], "reverse": order[::-1]}[action]
        return np.take(value, order, axis=axis)
    if action == "transpose":
        return value.T if value.ndim > 1 else value[..., None]
    if action == "empty":
        return value[:0] if value.ndim else np.zeros(0)
    if action == "scalar":
        return np.float64(7)
    if action == "cast" and value.dtype.kind in "iufb":
        with np.errstate(invalid="ignore", over="ignore"):
            return value.astype(rng.choice([np.int8, np.float16, np.float64, np.complex64, "S6"]))
    if action == "junk" and value.size:
        value = value.copy()
        numbers = [name for name in value.dtype.names or () if value.dtype[name].kind in "iuf"]
        field = value[rng.choice(numbers)] if numbers else value
        if field.dtype.kind in "iuf":
            field.flat[rng.randrange(field.size)] = rng.choice(
                [99, 0] if field.dtype.kind == "u" else [-1, 99, 0]
            )
    return value


def _put(file: h5py.File, name: str, value: Any) -> None:
    attributes = dict(file[name].attrs)
    kind = file[name].dtype if value.dtype.kind == "O" else None  # texts or references
    del file[name]
    file.create_dataset(name, data=value, dtype=kind)
    for key, content in attributes.items():
        if not key.startswith(("DIMENSION", "REFERENCE", "CLASS", "NAME", "_Netcdf")):
            file[name].attrs[key] = content


def _parquet(path: Path, rng: random.Random) -> Damage:
    import pandas as pd

    table = pd.read_parquet(path)
    column, other = rng.sample(list(table.columns), 2)
    action = rng.choice(
        ["remove", "rename", "text", "float", "missing", "shuffle", "row gone", "row twice", "swap", "none"]
    )
    if action == "remove":
        table = table.drop(columns=column)
    elif action in ("rename", "swap"):
        table = table.rename(columns={column: other, other: column} if action == "swap" else {column: "n"})
    elif action == "text":
        table[column] = table[column].astype(str) + rng.choice(["", "x"])
    elif action == "float" and table[column].dtype.kind in "if":
        table[column] = table[column] + 0.25
    elif action == "missing":
        table[column] = table[column].astype(object)
        table.loc[rng.randrange(len(table)), column] = None
    elif action == "shuffle":
        table = table.sample(frac=1, random_state=rng.randrange(1000))
    elif action == "row gone":
        table = table.drop(index=rng.randrange(len(table)))
    elif action == "row twice":
        table = pd.concat([table, table.iloc[[rng.randrange(len(table))]]])
    else:
        table = table.iloc[:0]
    path.unlink()
    table.to_parquet(path)
    return Damage(f"{action} {column}", named=action in ("swap", "float", "text"))


def _npy(path: Path, rng: random.Random) -> Damage:
    value = np.load(path)
    action, new = rng.choice(
        [("flat", value.ravel()), ("cut", value[..., :-1]), ("text", value.astype(str)), ("none", value[:0]),
         ("complex", value.astype(complex)), ("single", value[0, 0, 0, 0]), ("less", value[:, :1]),
         ("object", value.astype(object)), ("infinite", np.full_like(value, np.inf))]
    )  # fmt: skip
    path.unlink()
    np.save(path, new, allow_pickle=True)
    return Damage(action)


def _folder(path: Path, rng: random.Random) -> Damage:
    """Damage one file of a folder."""
    file = rng.choice(sorted(p for p in path.rglob("*") if p.is_file() and p.stat().st_size))
    name = file.relative_to(path)
    if file.suffix == ".json" and rng.random() < 0.6:
        done = _json(file, rng)
    elif rng.random() < 0.2:
        file.unlink()
        return Damage(f"{name} removed")
    elif rng.random() < 0.1:
        shutil.rmtree(file.parent)
        return Damage(f"{name.parent} removed")
    else:
        done = _bytes(file, rng)
    return Damage(f"{name}: {done.text}", done.edits, done.named)


_STRUCTURAL: dict[str, Callable[[Path, random.Random], Damage]] = {
    "text": _text,
    "json": _json,
    "hdf5": _hdf5,
    "parquet": _parquet,
    "pickle": _pickle,
    "npy": _npy,
}
