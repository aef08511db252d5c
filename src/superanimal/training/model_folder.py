"""The output of training: a folder that is a model of the zoo, with a full record of its training.

::

    entry.yaml            description of the model, as in the catalogue
    weights.safetensors
    space.yaml            keypoints, left/right pairs, skeleton, constants
    training.json         data, recipe, versions, digests
    curves.csv            training curves
    card.md               model card, generated from the record

``load_model(FOLDER)`` and ``superanimal analyze --model FOLDER`` accept it directly; ``superanimal models
import FOLDER`` adds it to the list of models.
"""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.files import atomic_write, sha256_of
from superanimal.keypoints.spaces import DEFAULT_COLOR, DEFAULT_SIGMA, save_space, union_space
from superanimal.poses import KeypointSpace, load_space, make_provenance
from superanimal.poses.provenance import timestamp
from superanimal.zoo.checkpoint import write_weights
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.folder import write_entry
from superanimal.zoo.pose_model import PoseModel

WEIGHTS = "weights.safetensors"
PACKAGES = ("torch", "torchvision", "timm", "lightning", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class TrainedModel:
    """A trained model on disk.

    Attributes
    ----------
    folder
        The model; see the module.
    entry
        Its zoo entry.
    training
        Content of ``training.json``.
    """

    folder: Path
    entry: ModelEntry
    training: dict[str, Any]

    def load(self, device: str = "cpu") -> PoseModel:
        """Return the model, ready for inference."""
        from superanimal.zoo.load import load_model

        return load_model(self.folder, device)


def release(
    model: PoseModel,
    folder: Path,
    space: KeypointSpace,
    *,
    title: str,
    facts: dict[str, Any],
    about: dict[str, Any],
    curves: Path | None = None,
) -> TrainedModel:
    """Write a trained model.

    Parameters
    ----------
    model
        Weights and entry; the entry's name becomes the model's.
    folder
        Created if missing; an earlier model in it is replaced.
    space
        Keypoints of the model.
    title
        Title, one line.
    facts
        Training data and settings as JSON values, written to ``training.json``.
    about
        Entries of the model card.
    curves
        CSV file of the training curves to include.
    """
    weights = folder / WEIGHTS
    tensors = write_weights(model.network, weights, {"keypoints": json.dumps(model.keypoints)})
    digest = sha256_of(weights)
    training = {
        "model": model.entry.name,
        "weights": digest,
        "trained": timestamp(),
        **make_provenance("train", **facts),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    entry = replace(
        model.entry,
        title=title,
        sha256=digest,
        tensors=tensors,
        filename=WEIGHTS,
        weights=weights,
        card=about,
    )
    save_space(space, folder / "space.yaml")
    _write(folder / "training.json", json.dumps(training, indent=1, default=str))
    if curves is not None and curves.is_file():
        with atomic_write(folder / "curves.csv") as temporary:
            shutil.copyfile(curves, temporary)
    _write(folder / "card.md", card(entry, training))
    write_entry(entry, weights)  # last: from now on the folder is a model
    return TrainedModel(folder, entry, training)


def space_of(entry: ModelEntry) -> KeypointSpace:
    """Return the keypoint space of a model: the shipped one, its own file, or its names alone."""
    if entry.space:
        return load_space(entry.space)
    if entry.weights is not None and (entry.weights.parent / "space.yaml").is_file():
        return load_space(entry.weights.parent / "space.yaml")
    return names_space(entry.keypoints, entry.name)


def names_space(keypoints: tuple[str, ...], name: str) -> KeypointSpace:
    """Return a space with names only, and left/right pairs derived from the names."""
    count = len(keypoints)
    sigmas, colors = np.full(count, DEFAULT_SIGMA), (DEFAULT_COLOR,) * count
    return union_space([KeypointSpace(name, name, keypoints, (), (), sigmas, colors)], name)


def card(entry: ModelEntry, training: dict[str, Any]) -> str:
    """Return the model card as Markdown."""
    lines = [
        f"# {entry.name}",
        "",
        entry.title,
        "",
        f"Trained {training['trained']} by {training['software']}.",
        "",
    ]
    for title, value in entry.card.items():
        if isinstance(value, (list, tuple)):
            lines += [f"## {title.capitalize()}", "", *(f"* {item}" for item in value), ""]
        elif isinstance(value, dict):
            lines += [
                f"## {title.capitalize()}",
                "",
                *(f"* {key}: {item}" for key, item in value.items()),
                "",
            ]
        else:
            lines += [f"**{title.capitalize()}**: {value}", ""]
    lines += [
        f"**Keypoints** ({len(entry.keypoints)}): {', '.join(entry.keypoints)}",
        "",
        f"**Crops**: {entry.input_size[0]} x {entry.input_size[1]} pixels, boxes enlarged "
        f"{entry.crop_margin:g} times; architecture {entry.architecture}",
        "",
        f"**Terms of the weights**: {entry.licence.title}. {entry.licence.text}",
        "",
        f"**SHA-256 of {WEIGHTS}**: {training['weights']}",
        "",
        "Everything else (data, recipe, versions) is in training.json.",
    ]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, "utf-8")
