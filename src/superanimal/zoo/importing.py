"""Importing a weight file from disk into the list of models."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from superanimal.errors import InputError, option
from superanimal.files import atomic_write, sha256_of
from superanimal.zoo.catalog import load_catalog, shipped_catalog
from superanimal.zoo.checkpoint import Checkpoint, read_checkpoint
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.folder import EXTRA_FILES, is_model_folder, read_entry, write_entry
from superanimal.zoo.home import models_home
from superanimal.zoo.layout import read_config
from superanimal.zoo.licence import require
from superanimal.zoo.load import build, identify
from superanimal.zoo.weights import files_folder, find_file, record

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names of models."""


def import_model(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    accept_license: bool = False,
    replace_model: bool = False,
) -> ModelEntry:
    """Check a weight file tensor by tensor and copy it into the models of this computer.

    Parameters
    ----------
    path
        A released SuperAnimal file, a snapshot that a user trained in DeepLabCut 3 (top-down pose model or
        detector; the names of the keypoints come from ``pytorch_config.yaml`` beside it), or the folder of a
        model trained here.
    name
        Name of a released model, to use the file as its weights, or a new name for the list of models. By
        default the released model with this file name, else the name of the file or folder.
    accept_license
        The user accepts the terms of a released model.
    replace_model
        Allow replacing a model that is already listed under the name with other weights.

    Raises
    ------
    NotFoundError
        When the file does not exist.
    InputError
        When the name is invalid, or already belongs to other weights.
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
    if not NAME.fullmatch(entry.name):
        raise InputError(
            f"{entry.name!r} is not a valid model name",
            "a name consists of letters, digits, dots, dashes and underscores",
        )
    if entry.released:
        require(entry, accept_license)
    build(entry, checkpoint)
    if entry.released:
        target = files_folder(entry) / entry.filename
        if not replace_model:
            _check_free(entry, source)
        _copy(source, target)
    else:
        folder = models_home() / "imported" / entry.name
        target = folder / f"weights{checkpoint.path.suffix}"
        listed = load_catalog()
        if entry.name in listed and not replace_model:
            _check_free(listed[entry.name], checkpoint.path)
        _copy(checkpoint.path, target)
        extras = [extra for extra in EXTRA_FILES if source.is_dir() and (source / extra).is_file()]
        for extra in extras:
            _copy(source / extra, folder / extra)
        write_entry(entry, target)
        for left in (*folder.glob("weights.*"), *(folder / extra for extra in EXTRA_FILES)):
            if left != target and left.name not in extras:  # of the model that was here before
                left.unlink(missing_ok=True)
    entry = load_catalog()[entry.name]
    record(entry, target, sha256_of(target), source=str(source.resolve()))
    return entry


def _check_free(listed: ModelEntry, source: Path) -> None:
    """Refuse to replace the weights of a listed model on this computer."""
    present = find_file(listed)
    if present is not None and sha256_of(present) != sha256_of(source):
        raise InputError(
            f"there is already a model {listed.name!r} with other weights ({present})",
            "a model is only replaced on request",
            f"import the file under another name{option('name', shell='--as')}, "
            f"or replace the model{option('replace_model', 'True', '--replace')}",
        )


def _copy(source: Path, target: Path) -> None:
    with atomic_write(target) as temporary:
        shutil.copyfile(source, temporary)


def _identified(checkpoint: Checkpoint) -> ModelEntry:
    """Return the entry of a weight file, with what DeepLabCut's configuration beside it says."""
    entry, config = identify(checkpoint), read_config(checkpoint.path)
    card = {"DeepLabCut": {key: config.get(key) for key in ("net_type", "method")}} if config else {}
    return replace(entry, card=card)
