"""Opening models that were exported, each by the end of its name."""

from __future__ import annotations

import json
from pathlib import Path

from superanimal.errors import InputError, ModelError, NotFoundError
from superanimal.files import sha256_of
from superanimal.zoo.entry import parse_entry
from superanimal.zoo.exported import ExportedDetector, ExportedPose, ScriptSession, Session
from superanimal.zoo.openvino_session import OpenvinoSession


def read_exported(path: Path) -> ExportedPose | ExportedDetector:
    """Open a model that :func:`superanimal.inference.exports.export_network` wrote.

    Raises
    ------
    NotFoundError
        When there is no such file.
    ModelError
        When it is damaged, or was written by something else.
    """
    from superanimal.zoo.catalog import load_catalog

    if not path.is_file():
        raise NotFoundError(f"{path}: no such file")
    session = _open(path)
    try:
        fields = json.loads(session.metadata["entry"])
        entry = parse_entry(fields.pop("name", path.stem), fields, load_catalog().licences)
    except (KeyError, ValueError, InputError) as error:
        raise ModelError(
            f"{path} was not written by superanimal ({error})",
            "an exported model needs metadata that say what its outputs mean",
            "export the model with superanimal",
        ) from error
    made = ExportedPose if entry.kind == "pose" else ExportedDetector
    return made(entry, session, sha256_of(weights_in(path)))


def weights_in(path: Path) -> Path:
    """Return the file that holds the numbers of an exported model: of OpenVINO the one beside its graph."""
    return path.with_suffix(".bin") if path.suffix == ".xml" else path


def _open(path: Path) -> Session | ScriptSession | OpenvinoSession:
    if path.suffix == ".xml":
        return OpenvinoSession(path)
    return ScriptSession(path) if path.suffix == ".ts" else Session(path)
