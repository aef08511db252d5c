"""Conversion of sleap-io objects to a labelled data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import FormatError
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import ABSENT, UNDEFINED, VISIBLE, LabelledSet
from superanimal.labels.reading.predictions import settle


def from_labels(
    labels: Any, path: Path, images: Path | None, name: str, min_confidence: float | None = None
) -> LabelledSet:
    """Return the labelled data set of a ``sleap_io.Labels``.

    Instances set by people count; predicted ones only where a file has none of them, or with
    ``min_confidence``. Several skeletons are joined by the names of their nodes: a node that an animal's
    skeleton lacks is undefined for it.
    """
    keypoints = list(dict.fromkeys(node.name for skeleton in labels.skeletons for node in skeleton.nodes))
    if not keypoints:
        raise FormatError(f"{path}: no skeleton inside", "labels need keypoint names")
    people = any(frame.user_instances for frame in labels.labeled_frames)
    embedded = [_rows(video, path) for video in labels.videos]
    place = {id(video): v for v, video in enumerate(labels.videos)}
    refs, index, xy, visibility, names, groups, scores = [], [], [], [], [], [], []
    left_out, without = 0, 0
    for frame in labels.labeled_frames:
        instances = _counted(frame, people, min_confidence)
        left_out += len(_uncorrected(frame)) if people and min_confidence is None else 0
        if frame.instances and not instances:
            without += 1
            continue
        video = place[id(frame.video)]
        refs.append(_reference(frame.video, int(frame.frame_idx), path, images, embedded[video]))
        groups.append(_group(frame.video, video))
        for n, instance in enumerate(instances):
            row = np.full((len(keypoints), 2), np.nan, dtype=np.float32)
            flags = np.full(len(keypoints), UNDEFINED, dtype=np.int8)
            own = [keypoints.index(node.name) for node in instance.skeleton.nodes]
            row[own] = instance.numpy()[:, :2]
            flags[own] = np.where(np.isfinite(row[own]).all(-1), VISIBLE, ABSENT)
            row[flags <= 0] = np.nan
            index.append(len(refs) - 1)
            xy.append(row)
            visibility.append(flags)
            score = np.full(len(keypoints), np.nan, dtype=np.float32)
            if hasattr(instance, "score"):
                score[own] = np.clip(instance.numpy(scores=True)[:, -1], 0, 1)
            scores.append(score)
            corrected = getattr(instance, "from_predicted", None)
            track = instance.track or (corrected.track if corrected is not None else None)
            names.append(track.name if track else f"animal{n}")
    notes = []
    if left_out:
        more = f", and {without} frames with nothing else" if without else ""
        notes = [
            f"{name}: labels are the animals that a person set; {left_out} predicted ones are left out{more}"
        ]
    shape = (len(index), len(keypoints))
    labelled = LabelledSet(
        name=name,
        keypoints=tuple(keypoints),
        images=refs,
        image_index=np.array(index, dtype=np.int64),
        xy=np.array(xy, dtype=np.float32).reshape(*shape, 2),
        visibility=np.array(visibility, dtype=np.int8).reshape(shape),
        individuals=names,  # type: ignore[arg-type]
        video=groups,  # type: ignore[arg-type]
        notes=tuple(notes),
        edges=tuple(
            dict.fromkeys(
                (edge.source.name, edge.destination.name)
                for skeleton in labels.skeletons
                for edge in skeleton.edges
            )
        ),
    )
    return settle(labelled, np.array(scores, dtype=np.float32).reshape(shape), min_confidence)


def _counted(frame: Any, people: bool, min_confidence: float | None) -> list[Any]:
    """Return the instances of a frame that count."""
    user = list(frame.user_instances)
    if people and min_confidence is None:
        return user
    return user + _uncorrected(frame)


def _uncorrected(frame: Any) -> list[Any]:
    """Return the predicted instances of a frame that no person's instance stands for."""
    linked = {id(one.from_predicted) for one in frame.user_instances}
    tracks = {id(one.track) for one in frame.user_instances if one.track is not None}
    return [one for one in frame.predicted_instances if id(one) not in linked and id(one.track) not in tracks]


def _rows(video: Any, path: Path) -> tuple[str, dict[int, int]] | None:
    """Return (array, row of each frame) for the pictures embedded in a package, or None.

    Raises
    ------
    FormatError
        The pictures should be in this package but are not.
    """
    dataset = (video.backend_metadata or {}).get("dataset") or getattr(video.backend, "dataset", None)
    if not dataset:
        return None
    import h5py

    with h5py.File(path) as file:
        if dataset not in file:
            if Path(str(video.filename)).name != path.name:
                return None
            raise FormatError(
                f"{path}: the pictures {dataset} are not in the package",
                "a package holds the pictures of its labels",
                "export it again",
            )
        group = str(dataset).rpartition("/")[0]
        numbers = file[f"{group}/frame_numbers"][:] if f"{group}/frame_numbers" in file else None
        frames = range(len(file[dataset])) if numbers is None else numbers.tolist()
        return str(dataset), {int(frame): row for row, frame in enumerate(frames)}


def _reference(
    video: Any, frame: int, path: Path, images: Path | None, embedded: tuple[str, dict[int, int]] | None
) -> ImageRef:
    shape = video.shape or (video.backend_metadata or {}).get("shape")
    height, width = (int(shape[1] or 0), int(shape[2] or 0)) if shape else (0, 0)
    if embedded is not None:
        return ImageRef(
            str(path), frame=embedded[1].get(frame, frame), inside=embedded[0], width=width, height=height
        )
    if isinstance(video.filename, list):
        return ImageRef(str(_find(video.filename[frame], path, images)))
    return ImageRef(str(_find(video.filename, path, images)), frame=frame, width=width, height=height)


def _find(name: str, path: Path, images: Path | None) -> Path:
    """Return the current location of a file: as stored, else below ``images`` or beside the labels."""
    parts = Path(name.replace("\\", "/")).parts
    bases = [images] if images else [path.parent]
    if images is None and Path(name).is_file():
        return Path(name)
    tails = ["/".join(parts[-n:]) for n in (3, 2, 1)]
    found = (base / tail for base in bases for tail in tails if ".." not in tail and (base / tail).is_file())
    return next(found, Path(name) if images is None else images / parts[-1])


def _group(video: Any, number: int) -> str:
    name = video.filename if isinstance(video.filename, str) else ""
    source = getattr(video, "source_video", None)
    if source is not None and isinstance(source.filename, str):
        name = source.filename
    if not name and isinstance(video.filename, list) and video.filename:
        name = str(Path(video.filename[0].replace("\\", "/")).parent)
    stem = Path(name.replace("\\", "/")).stem
    return stem if stem and not name.endswith(".slp") else f"video{number}"
