"""Readers of labelled data sets: they return any supported folder or file as a lazy :class:`LabelledSet`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from superanimal.errors import InputError, unknown_name
from superanimal.formats.describe import unknown_file
from superanimal.formats.guard import reading
from superanimal.labels.labelled_set import LabelledSet, require

LABEL_FORMATS = {
    "deeplabcut": "deeplabcut",
    "coco": "coco",
    "sleap": "sleap",
    "label-studio": "label_studio",
    "store": "store",
    "poses": "pose_file",
    "other": "other",
}
"""Names for ``read_labels(format=...)`` and the module of each."""

READABLE = (
    "readable as labels are DeepLabCut, Lightning Pose, COCO, SLEAP, Label Studio, NWB, tables with a column "
    "'image', and what sleap-io reads"
)


def read_labels(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    name: str | None = None,
    licence: str | None = None,
    images: str | os.PathLike[str] | None = None,
    video: str | os.PathLike[str] | None = None,
    scorer: str | None = None,
    keypoints: Sequence[str] | None = None,
    min_confidence: float | None = None,
    recording: int | str | None = None,
) -> LabelledSet:
    """Read a labelled data set without copying or decoding images.

    Parameters
    ----------
    path
        DeepLabCut or Lightning Pose project, a ``CollectedData`` file or the folder with it, COCO keypoint
        json, SLEAP ``.slp`` / ``.pkg.slp``, Label Studio json export, a training store, any pose file
        of :mod:`superanimal.formats` (NWB, tidy table with a column ``image``, predictions with ``video``),
        or another format that sleap-io reads.
    format
        One of ``LABEL_FORMATS``; recognised by content by default.
    name
        Name of the data set, which selects the column of a conversion table; by default taken from the path.
    licence
        Licence of the images, if the files do not state it.
    images
        Folder that contains the images.
    video
        Video that the frames of a pose file belong to. For labels on image files, only those of this video
        are read, each on the frame given by the number at the end of its image name.
    scorer
        Whose labels to read if a DeepLabCut folder holds those of several people.
    keypoints
        Read only these, in this order.
    min_confidence
        Minimum confidence of model predictions to be read as labels. Without it they are read as predictions
        (``predicted`` is True) and are neither converted nor trained on by accident.
    recording
        Which of several videos in a SLEAP project (its index from 0, or its name) or an NWB file (its name).

    Raises
    ------
    NotFoundError
        The file does not exist.
    FormatError, InputError
        The content is not supported, or an image name leads outside the folder.

    Examples
    --------
    >>> from superanimal.labels import materialize, synthetic_labels
    >>> written = materialize(synthetic_labels("pictures", 2, size=(64, 64)), "data", "coco")
    >>> labels = read_labels("data")
    >>> len(labels), labels.keypoints[:2]
    (2, ('nose', 'left_ear'))
    """
    found = require(path)
    kind = format or recognise_labels(found)
    options: dict[str, Any] = {"images": images, "name": name, "scorer": scorer, "video": video}
    options |= {"min_confidence": min_confidence, "recording": recording}
    if kind not in LABEL_FORMATS:
        raise InputError(f"label format {kind!r}", f"known are {', '.join(LABEL_FORMATS)}")
    reader = import_module(f"superanimal.labels.reading.{LABEL_FORMATS[kind]}")
    given = {key: value for key, value in options.items() if value not in (None, "")}
    if unknown := sorted(set(given) - set(signature(reader.read).parameters)):
        raise InputError(f"{unknown[0]} {given[unknown[0]]!r} for {path}", f"{kind} labels take none")
    with reading(found, f"{kind} labels"):
        labelled: LabelledSet = reader.read(found, **given)
    if licence is not None:
        labelled = labelled.with_columns(licence=licence)
    return labelled if keypoints is None else only_keypoints(labelled, keypoints)


def recognise_labels(path: Path) -> str:
    """Return the entry of ``LABEL_FORMATS`` that matches a file or folder.

    Raises
    ------
    FormatError
        When none matches.
    """
    from superanimal.formats import recognise
    from superanimal.formats.deeplabcut_project import CONFIG, LABELED_DATA, has_tables

    if path.is_dir():
        if (path / "zarr.json").is_file():
            return "poses" if recognise(path) else "store"
        if has_tables(path) or (path / LABELED_DATA).is_dir():
            return "deeplabcut"
        found = sorted(path.glob("annotations/*.json")) or sorted(path.glob("*.json"))
        if found and recognise(found[0]) == "coco":
            return "coco"
        return "other"
    if path.name == CONFIG:
        return "deeplabcut"
    known = recognise(path)
    if known == "dlc-labels":
        return "deeplabcut"
    if known == "coco":
        return "coco"
    if known == "slp":
        return "sleap"
    if known:
        return "poses"
    if path.suffix == ".json" and path.read_bytes()[:64].lstrip()[:1] == b"[":
        return "label-studio"
    if path.suffix.lower() in (".json", ".mat", ".h5", ".txt", ".yaml", ".xml", ".nwb"):
        return "other"
    raise unknown_file(path, READABLE)


def only_keypoints(labelled: LabelledSet, keypoints: Sequence[str]) -> LabelledSet:
    """Return the data set with only the given keypoints, in the order given.

    Raises
    ------
    NotFoundError
        When the data set has no such keypoint.
    """
    for keypoint in keypoints:
        if keypoint not in labelled.keypoints:
            raise unknown_name(f"keypoint of {labelled.name}", keypoint, labelled.keypoints)
    order = [labelled.keypoints.index(keypoint) for keypoint in keypoints]
    return labelled.with_columns(
        keypoints=tuple(keypoints), xy=labelled.xy[:, order], visibility=labelled.visibility[:, order]
    )
