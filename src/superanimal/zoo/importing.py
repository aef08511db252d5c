"""Taking a weight file from disk into the list of models."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from superanimal.errors import InputError
from superanimal.files import atomic_write, sha256_of
from superanimal.zoo.catalog import load_catalog, shipped_catalog
from superanimal.zoo.checkpoint import Checkpoint, read_checkpoint
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.folder import EXTRA_FILES, is_model_folder, read_entry, write_entry
from superanimal.zoo.home import models_home
from superanimal.zoo.layout import read_config
from superanimal.zoo.licence import require
from superanimal.zoo.load import build, identify
from superanimal.zoo.weights import files_folder, record

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def import_model(
    path: str | os.PathLike[str], name: str | None = None, *, accept_license: bool = False
) -> ModelEntry:
    """Check a weight file tensor by tensor and copy it into the models of this computer.

    Parameters
    ----------
    path
        A released SuperAnimal file, a snapshot that a user trained in DeepLabCut 3 (top-down pose model or
        detector; the names of the keypoints come from ``pytorch_config.yaml`` beside it), or the folder of a
        model trained here.
    name
        Of a released model: the file is taken as its weights. Another name: a new model is listed under it.
        Without: the released model whose file name it has, or the name of the file or folder.
    accept_license
        The user accepts the terms of a released model.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InputError
        When the name cannot be used.
    ModelError
        When the file is refused or does not fit; the message lists the tensors.
    """
    source = Path(path).expanduser()
    shipped = shipped_catalog()
    known = shipped.by_file(source.name) if name is None else None
    if name is not None and name in shipped:
        known = shipped[name]
    if known is not None and known.embedded:
        raise InputError(
            f"{known.name} is embedded in the package", remedy="import the file under another name"
        )
    if known is None and is_model_folder(source):
        trained = read_entry(source, shipped.licences)
        checkpoint = read_checkpoint(trained.weights or source)
        entry = replace(trained, name=trained.name if name is None else name)
    else:
        checkpoint = read_checkpoint(source)
        entry = known or replace(_identified(checkpoint), name=source.stem if name is None else name)
    if not _NAME.fullmatch(entry.name):
        raise InputError(
            f"{entry.name!r} cannot be the name of a model", "letters, digits, dot, dash, underscore"
        )
    if entry.released:
        require(entry, accept_license)
    build(entry, checkpoint)
    if entry.released:
        target = files_folder(entry) / entry.filename
        _copy(source, target)
    else:
        folder = models_home() / "imported" / entry.name
        target = folder / f"weights{checkpoint.path.suffix}"
        _copy(checkpoint.path, target)
        for extra in EXTRA_FILES if source.is_dir() else ():
            if (source / extra).is_file():
                _copy(source / extra, folder / extra)
        write_entry(entry, target)
    entry = load_catalog()[entry.name]
    record(entry, target, sha256_of(target), source=str(source.resolve()))
    return entry


def _copy(source: Path, target: Path) -> None:
    with atomic_write(target) as temporary:
        shutil.copyfile(source, temporary)


def _identified(checkpoint: Checkpoint) -> ModelEntry:
    """Return the entry of a weight file, with what DeepLabCut's configuration beside it says."""
    entry, config = identify(checkpoint), read_config(checkpoint.path)
    card = {"DeepLabCut": {key: config.get(key) for key in ("net_type", "method")}} if config else {}
    return replace(entry, card=card)
