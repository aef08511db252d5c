"""DeepLabCut project: ``config.yaml`` and ``labeled-data/<folder>/`` with images and ``CollectedData``."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from superanimal.files import atomic_write
from superanimal.formats import save_poses
from superanimal.formats.deeplabcut_project import CONFIG, LABELED_DATA, PREFIX
from superanimal.formats.loss import LossWarning
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.writing.job import Materialized, Target, file_names, place, size_of, what_is_lost
from superanimal.poses import KeypointSpace
from superanimal.progress import Progress

SCORER = "superanimal"


def write(target: Target, *, space: KeypointSpace | None, progress: Progress) -> Materialized:
    """Write a DeepLabCut project folder, with one labeled-data folder per source and video."""
    labelled = target.labelled
    names = file_names(labelled, nested=False)
    target.place_images([f"{LABELED_DATA}/{folder}/{name}" for folder, name in names], progress)
    slot, individuals = labelled.slots()
    single = len(individuals) == 1
    individuals = ["animal0"] if single else individuals
    renamed = labelled.with_columns(individuals=np.array(individuals, dtype=object)[slot])
    folders = np.array([folder for folder, _ in names], dtype=object)
    files: list[Path] = []
    for folder in dict.fromkeys(folders.tolist()):
        progress.check()
        rows = np.flatnonzero(folders == folder)
        part = renamed.subset(rows)
        ds = part.to_poses(individuals=individuals)
        ds = ds.drop_vars(["visibility", "edited", *(["boxes"] if "boxes" in ds else [])])
        images = [f"{LABELED_DATA}/{folder}/{names[i][1]}" for i in rows.tolist()]
        ds = ds.assign_coords(image=("time", images))
        path = target.path / LABELED_DATA / folder / f"{PREFIX}{SCORER}.h5"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossWarning)  # reported once, for the whole data set
            files += save_poses(ds, path, "dlc-labels", scorer=SCORER)
    sizes = {
        folders[i]: size_of(labelled.images[i]) for i in np.unique(folders.astype(str), return_index=True)[1]
    }
    videos, missing = _videos(labelled, folders, target.path)
    places = {videos[folder]: size for folder, size in sizes.items()}
    config = _config(labelled, target.path, individuals, single, places, space)
    file = target.path / CONFIG
    with atomic_write(file) as temporary:
        temporary.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    keeps = {"individuals"} if not single else set()
    notes: tuple[str, ...] = ()
    if missing:
        unknown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        notes = (
            f"no video is known for {unknown}: config.yaml names videos/<folder>.mp4, which DeepLabCut needs "
            "to extract more frames; put the videos there, or correct video_sets",
        )
    return Materialized(target.path, (file, *files), what_is_lost(labelled, keeps), notes)


def _videos(labelled: LabelledSet, folders: np.ndarray, root: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the video of each labeled-data folder, and the folders with an unknown video.

    DeepLabCut finds the folder by the video name: a video with another name is linked under ``videos``.
    """
    videos, missing = {}, []
    for i in np.unique(folders.astype(str), return_index=True)[1].tolist():
        folder, image = folders[i], labelled.images[i]
        path = Path(image.path).absolute()
        videos[folder] = root.absolute() / "videos" / f"{folder}.mp4"
        if image.frame is None or image.inside or not path.is_file():
            missing.append(folder)
        elif path.stem == folder:
            videos[folder] = path
        else:
            videos[folder] = videos[folder].with_suffix(path.suffix)
            videos[folder].parent.mkdir(exist_ok=True)
            place(ImageRef(str(path)), videos[folder], "link")
    return videos, missing


def _config(
    labelled: LabelledSet,
    root: Path,
    individuals: list[str],
    single: bool,
    sizes: dict[Path, tuple[int, int]],
    space: KeypointSpace | None,
) -> dict[str, Any]:
    """Return the config in DeepLabCut's key order, without extra keys (which it rejects)."""
    keypoints = list(labelled.keypoints)
    videos = {str(video): {"crop": f"0, {width}, 0, {height}"} for video, (width, height) in sizes.items()}
    many = {
        "individuals": individuals,
        "uniquebodyparts": [],
        "multianimalbodyparts": keypoints,
        "bodyparts": "MULTI!",
    }
    return {
        "Task": "".join(c for c in labelled.name if c.isalnum()) or "merged",
        "scorer": SCORER,
        "date": datetime.now(UTC).strftime("%b%d"),
        "multianimalproject": not single,
        "identity": False,
        "project_path": str(root.absolute()),
        "engine": "pytorch",
        "video_sets": videos,
        **({"bodyparts": keypoints} if single else many),
        "start": 0,
        "stop": 1,
        "numframes2pick": 20,
        "skeleton": [list(edge) for edge in labelled.skeleton(space)],
        "skeleton_color": "black",
        "pcutoff": 0.6,
        "dotsize": 8,
        "alphavalue": 0.7,
        "colormap": "rainbow",
        "TrainingFraction": [0.95],
        "iteration": 0,
        "default_net_type": "resnet_50",
        "default_augmenter": "default",
        "snapshotindex": -1,
        "detector_snapshotindex": -1,
        "batch_size": 8,
        "detector_batch_size": 1,
        "cropping": False,
        "x1": 0,
        "x2": 640,
        "y1": 277,
        "y2": 624,
        "corner2move2": [50, 50],
        "move2corner": True,
    }
