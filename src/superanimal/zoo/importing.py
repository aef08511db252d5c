"""Taking a weight file from disk into the list of models."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from superanimal.errors import InputError
from superanimal.files import atomic_write, sha256_of
from superanimal.zoo.catalog import load_catalog, shipped_catalog
from superanimal.zoo.checkpoint import read_checkpoint
from superanimal.zoo.entry import ModelEntry
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
        A released SuperAnimal file, or a snapshot that a user trained in DeepLabCut 3 (top-down pose model or
        detector; the names of the keypoints come from ``pytorch_config.yaml`` beside it).
    name
        Of a released model: the file is taken as its weights. Another name: a new model is listed under it.
        Without: the released model whose file name it has, or the name of the file.
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
    checkpoint = read_checkpoint(source)
    entry = known or replace(identify(checkpoint), name=source.stem if name is None else name)
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
        target = folder / f"weights{source.suffix}"
        _copy(source, target)
        _write_entry(entry, target)
    entry = load_catalog()[entry.name]
    record(entry, target, sha256_of(target), source=str(source.resolve()))
    return entry


def _copy(source: Path, target: Path) -> None:
    with atomic_write(target) as temporary:
        shutil.copyfile(source, temporary)


def _write_entry(entry: ModelEntry, weights: Path) -> None:
    """Write the record of an imported model, in the format of the catalogue."""
    fields: dict[str, Any] = asdict(entry)
    defaults = asdict(ModelEntry("", entry.kind, "", "", entry.licence))
    fields = {key: value for key, value in fields.items() if value != defaults.get(key)}
    fields |= {"licence": entry.licence.name, "file": weights.name, "kind": entry.kind}
    for key in ("name", "weights"):
        fields.pop(key, None)
    config = read_config(entry.weights) if entry.weights else {}
    if config:
        fields["card"] = {"DeepLabCut": {key: config.get(key) for key in ("net_type", "method")}}
    with atomic_write(weights.parent / "entry.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(_plain(fields), sort_keys=False, allow_unicode=True), "utf-8")


def _plain(value: Any) -> Any:
    """Turn tuples into lists, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value
