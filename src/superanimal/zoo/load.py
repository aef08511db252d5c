"""Loading a network with its weights by name or from a file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from torch import nn

from superanimal.errors import ModelError
from superanimal.files import sha256_of
from superanimal.zoo.architectures import build_empty, build_network, module_of
from superanimal.zoo.catalog import shipped_catalog
from superanimal.zoo.checkpoint import Checkpoint, fill, read_checkpoint
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.entry import ModelEntry, parse_entry
from superanimal.zoo.finding import Found, check_kind, find_model
from superanimal.zoo.layout import describe, keypoint_count, read_config
from superanimal.zoo.pose_model import PoseModel


def load_model(name_or_path: str | os.PathLike[str], device: str = "cpu") -> PoseModel:
    """Load a pose model by its catalogue name, from a weight file or from the folder of a trained model.

    Nothing is downloaded here: see :func:`superanimal.zoo.download`.

    Raises
    ------
    NotFoundError
        When there is no such model or file.
    ModelError
        When the weights are not on this computer, are damaged, or do not fit.

    Examples
    --------
    >>> model = load_model("mini_topviewmouse")
    >>> len(model.keypoints), model.entry.input_size
    (27, (192, 192))
    """
    entry, checkpoint, digest = _resolve(name_or_path, "pose")
    return PoseModel(entry, build(entry, checkpoint), digest).to(device)


def load_detector(name_or_path: str | os.PathLike[str], device: str = "cpu") -> DetectorModel:
    """Load a detector by its catalogue name or from a weight file; as :func:`load_model`."""
    entry, checkpoint, digest = _resolve(name_or_path, "detector")
    return DetectorModel(entry, build(entry, checkpoint), digest).to(device)


def load_found(found: Found) -> PoseModel | DetectorModel:
    """Load a model that was found, in torch on the CPU."""
    made = PoseModel if found.entry.kind == "pose" else DetectorModel
    return made(found.entry, build(found.entry, read_checkpoint(found.file)), found.sha256)


def identify(checkpoint: Checkpoint) -> ModelEntry:
    """Return the entry of a weight file that is not in the catalogue, from its tensors.

    The keypoint names come from the configuration beside it, or from the catalogue when the number of
    keypoints is that of one shipped space only.

    Raises
    ------
    ModelError
        When the network is not supported.
    """
    path = checkpoint.path
    fields = describe(checkpoint.state, read_config(path), str(path))
    fields |= {"title": f"Imported from {path.name}", "licence": "own", "filename": path.name}
    fields["tensors"] = len(checkpoint.state)
    if fields["kind"] == "pose" and not fields["keypoint_names"]:
        fields["space"] = _space_of(fields["num_keypoints"])
    return replace(parse_entry(path.stem, fields, shipped_catalog().licences), weights=path)


def check_keypoints(entry: ModelEntry, checkpoint: Checkpoint) -> None:
    """Refuse weights of another animal.

    Raises
    ------
    ModelError
        When the number of keypoints is not that of the entry; the message names both animals.
    """
    count = keypoint_count(checkpoint.state) if entry.kind == "pose" else None
    if count is not None and count != entry.num_keypoints:
        other = _space_of(count)
        raise ModelError(
            f"{checkpoint.path} holds {count} keypoints{f' ({other})' if other else ''}, but {entry.name} "
            f"has {entry.num_keypoints} ({entry.space})",
            "weights and model must be for the same animal",
            "choose the model that belongs to the file",
        )


def build(entry: ModelEntry, checkpoint: Checkpoint) -> nn.Module:
    """Build the network of an entry and fill it with the content of a weight file.

    Raises
    ------
    ModelError
        When the file is of another animal, or any tensor does not fit.
    """
    checkpoint = _with_prefix(entry, checkpoint)
    check_keypoints(entry, checkpoint)
    make = build_empty if entry.kind == "pose" else build_network
    network = make(entry.architecture, entry.outputs, **entry.options)
    fill(network, checkpoint, entry.name)
    return network


def _with_prefix(entry: ModelEntry, checkpoint: Checkpoint) -> Checkpoint:
    """Add the prefix ``model.`` that torchvision's own detector files lack."""
    torchvision = entry.kind == "detector" and module_of(entry.architecture).__name__.endswith(".detectors")
    if not torchvision or any(key.startswith("model.") for key in checkpoint.state):
        return checkpoint
    return replace(checkpoint, state={f"model.{key}": value for key, value in checkpoint.state.items()})


def _resolve(name_or_path: str | os.PathLike[str], kind: str) -> tuple[ModelEntry, Checkpoint, str]:
    """Return entry, content of the weight file and its digest, of a name or a path."""
    found = find_model(name_or_path, kind)
    if found is not None:
        return found.entry, read_checkpoint(found.file), found.sha256
    path = Path(name_or_path).expanduser()
    checkpoint = read_checkpoint(path)
    entry = identify(checkpoint)
    check_kind(entry, kind)
    return entry, checkpoint, sha256_of(path)


def _space_of(count: int) -> str:
    """Return the shipped space with that number of keypoints; empty when there is none."""
    return next((e.space for e in shipped_catalog().of_kind("pose") if e.num_keypoints == count), "")
