"""Locating the weight file of a model on this computer, and checking that it has not changed."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from superanimal.errors import ModelError, by_caller
from superanimal.files import sha256_of
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.home import home, models_home, read_json, update_json


class Weights(NamedTuple):
    """A weight file and its SHA-256 digest."""

    path: Path
    sha256: str


def find_file(entry: ModelEntry) -> Path | None:
    """Return the weight file of a model if it is on this computer, without reading it.

    It is searched in the package (embedded), the imported models, ``SUPERANIMAL_HOME`` itself and
    ``models/files/NAME`` in it.
    """
    if entry.weights is not None:
        return entry.weights if entry.weights.is_file() else None
    if entry.embedded:
        path = Path(str(resources.files("superanimal.zoo") / "weights" / entry.filename))
        return path if path.is_file() else None
    folders = (files_folder(entry), models_home(), home())
    candidates = (folder / name for folder in folders for name in entry.file_names)
    return next((path for path in candidates if path.is_file()), None)


def files_folder(entry: ModelEntry) -> Path:
    """Return the folder in which the downloaded weights of a model are kept."""
    return models_home() / "files" / entry.name


def locate(entry: ModelEntry) -> Weights:
    """Return the weight file of a model after comparing its digest with the recorded one.

    The digest is recorded when the file is used for the first time.

    Raises
    ------
    ModelError
        When the weights are not on this computer, or differ from the recorded file.
    """
    path = find_file(entry)
    if path is None:
        raise _absent(entry)
    digest = sha256_of(path)
    if entry.embedded:
        return Weights(path, digest)
    known = record_of(entry)
    if known is None:
        record(entry, path, digest, source="found on disk")
    elif known["sha256"] != digest:
        raise ModelError(
            f"{path} has changed: digest {digest[:8]}, recorded {known['recorded']} as {known['sha256'][:8]}",
            "the weights of a model must stay the file that was first used",
            _again(entry) if entry.released else "import the file again",
        )
    return Weights(path, digest)


def record_of(entry: ModelEntry) -> dict[str, Any] | None:
    """Return what was recorded about the weight file of a model (sha256, source, recorded, ...), or None."""
    found: dict[str, Any] | None = read_json(_registry()).get(entry.name)
    return found


def record(entry: ModelEntry, path: Path, digest: str, source: str, revision: str = "") -> None:
    """Record the digest and the origin of a weight file.

    Raises
    ------
    ModelError
        When the digest of the file differs from that in the catalogue.
    """
    if not digest.startswith(entry.sha256):
        raise ModelError(
            f"{path} is not the file of {entry.name}: SHA-256 {digest[:8]}, not {entry.sha256[:8]}",
            remedy="get the file again",
        )
    from superanimal.poses.provenance import timestamp

    facts = {
        "sha256": digest,
        "size": path.stat().st_size,
        "source": source,
        "revision": revision,
        "recorded": timestamp(),
    }
    update_json(_registry(), entry.name, facts)


def _registry() -> Path:
    return models_home() / "registry.json"


def _absent(entry: ModelEntry) -> ModelError:
    if entry.embedded:
        return ModelError(
            f"the embedded weights {entry.filename} are missing from this installation",
            remedy="install napari-superanimal again",
        )
    if entry.weights is not None:
        return ModelError(f"the imported file {entry.weights} no longer exists", remedy="import it again")
    return ModelError(
        f"the weights of {entry.name} are not on this computer",
        "weights of released models are downloaded once, after accepting their licence",
        by_caller(
            f"superanimal.zoo.download({entry.name!r}, accept_license=True) "
            f"(offline: folder=FOLDER with {entry.filename} in it)",
            f"run: superanimal models download {entry.name} (offline: add --from FOLDER with "
            f"{entry.filename} in it)",
            f"choose {entry.name} in 'Estimate poses' and accept its licence there",
        ),
    )


def _again(entry: ModelEntry) -> str:
    return by_caller(
        f"get it again: superanimal.zoo.download({entry.name!r}, force=True)",
        f"get it again: superanimal models download {entry.name} --force",
        f"delete {entry.filename}; it is downloaded again when the model runs next",
    )
