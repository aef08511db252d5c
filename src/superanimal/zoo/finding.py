"""From the name or path of a model to its entry and weight file, without reading it or importing torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from superanimal.errors import ModelError
from superanimal.files import sha256_of
from superanimal.zoo.catalog import load_catalog
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.folder import is_model_folder, read_entry
from superanimal.zoo.weights import locate

SUFFIXES = (".pt", ".pth", ".safetensors", ".bin", ".ckpt")
"""Of weight files."""


class Found(NamedTuple):
    """A model on this computer: its entry, its weight file and the SHA-256 of that."""

    entry: ModelEntry
    file: Path
    sha256: str


def find_model(name_or_path: str | os.PathLike[str], kind: str) -> Found | None:
    """Return the model of a name in the catalogue, a folder of a trained model, or a released weight file.

    None means a weight file that only its tensors describe, see :func:`superanimal.zoo.load.identify`.

    Parameters
    ----------
    kind
        ``"pose"`` or ``"detector"``.

    Raises
    ------
    NotFoundError
        When there is no such model.
    ModelError
        When it is of the other kind, or its weights are not on this computer.
    """
    catalog = load_catalog()
    name = os.fspath(name_or_path)
    path = Path(name).expanduser()
    if name not in catalog and is_model_folder(path):
        entry = read_entry(path, catalog.licences)
        file = entry.weights or path
    elif name not in catalog and (path.suffix in SUFFIXES or path.is_file()):
        released = catalog.by_file(path.name) if path.is_file() else None
        if released is None:
            return None
        entry, file = released, path
    else:
        entry = catalog[name]
        check_kind(entry, kind)
        return Found(entry, *locate(entry))
    check_kind(entry, kind)
    return Found(entry, file, sha256_of(file))


def check_kind(entry: ModelEntry, kind: str) -> None:
    """Raise :class:`ModelError` unless a model is of a kind."""
    if entry.kind != kind:
        raise ModelError(f"{entry.name} is a {entry.kind} model", f"a {kind} model is needed here")
