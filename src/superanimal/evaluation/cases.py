"""Matching labels with predictions of the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import xarray as xr

from superanimal.errors import InputError, option
from superanimal.formats.wide_table import frames_of_images
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import LabelledSet


@dataclass(frozen=True)
class Cases:
    """I images with M labelled animals in total and up to P predicted animals each, with K shared keypoints.

    Attributes
    ----------
    keypoints : tuple of str
        Names of the K keypoints in the labels.
    images, videos, sources : tuple of str
        Name, video and data set of each image.
    rows : (I,) int
        Index of each image in the labelled set.
    animal_image : (M,) int
        Image (0..I-1) of each labelled animal, increasing.
    animal_rows : (M,) int
        Index of each labelled animal in the labelled set.
    truth : (M, K, 2) float64
        Labelled pixels, NaN where unlabelled.
    area : (M,) float64
        Area of each labelled animal in square pixels, for OKS; see :func:`areas`.
    length : (M,) float64
        Animal length in pixels: the largest distance between two labelled keypoints of the animal, in any
        direction; NaN with fewer than two.
    frames : tuple of ImageRef or None
        Video frame of each image, if the predictions are of a video: the pixels for labels without images.
    predicted : (I, P, K, 2) float64
        Predicted pixels, NaN where absent.
    confidence : (I, P, K) float64
        0..1, NaN where absent.
    score : (I, P) float64
        Score of each predicted animal: mean confidence of its keypoints; 1 if the predictions have none.
    """

    keypoints: tuple[str, ...]
    images: tuple[str, ...]
    videos: tuple[str, ...]
    sources: tuple[str, ...]
    rows: np.ndarray
    animal_image: np.ndarray
    animal_rows: np.ndarray
    truth: np.ndarray
    area: np.ndarray
    length: np.ndarray
    frames: tuple[ImageRef | None, ...]
    predicted: np.ndarray
    confidence: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def make_cases(
    labels: LabelledSet,
    predictions: Sequence[xr.Dataset],
    names: Mapping[str, str],
    *,
    frame_offset: int = 0,
    same_video: bool = False,
    box_margin: float = 0.0,
) -> Cases:
    """Match labels with predictions; images without a label or a prediction row are left out.

    Rows are found by image name if the predictions have one (the whole path, else its last two parts, else
    the file name), otherwise by frame number within the video.

    Parameters
    ----------
    labels
        The labelled set.
    predictions
        Pose data sets; several for labels of several videos.
    names
        Predicted keypoint for each labelled keypoint, see :func:`superanimal.evaluation.names.match_names`.
    frame_offset
        Number added to the frame number of a label to get the frame number of the video.
    same_video
        Treat labels and predictions as being of the same video although they name it differently.
    box_margin
        See :func:`areas`.

    Raises
    ------
    InputError
        When no image is covered, or the predictions belong to another video.
    """
    chosen = [labels.keypoints.index(name) for name in names]
    scored = labels.labelled[:, chosen].any(1)
    found = _find_rows(labels, predictions, frame_offset, same_video)
    wanted = np.unique(labels.image_index[scored]).tolist()
    rows = [row for row in wanted if row in found]
    if not rows:
        example = labels.images[wanted[0]].label if wanted else "none"
        raise InputError(
            f"the predictions cover none of the {len(wanted)} labelled images (such as {example})",
            "images are found by name, or by frame number when the predictions are of a video",
            "check that both are of the same recording, and check the frame offset",
        )
    predicted, confidence = _stack(predictions, list(names.values()), [found[row] for row in rows])
    place = np.full(len(labels), -1)
    place[rows] = np.arange(len(rows))
    animals = np.flatnonzero(scored & (place[labels.image_index] >= 0))
    animals = animals[np.argsort(place[labels.image_index[animals]], kind="stable")]
    return Cases(
        keypoints=tuple(names),
        images=tuple(labels.images[row].label.replace("\\", "/") for row in rows),
        videos=tuple(str(labels.video[row]) or _folder(labels.images[row].path) for row in rows),
        sources=tuple(map(str, labels.source[rows])),
        rows=np.array(rows),
        animal_image=place[labels.image_index[animals]],
        animal_rows=animals,
        truth=labels.xy[animals][:, chosen].astype(float),
        area=areas(labels, box_margin)[animals],
        length=_lengths(labels.xy[animals].astype(float)),
        frames=tuple(_video_frame(predictions[found[row][0]], found[row][1]) for row in rows),
        predicted=predicted,
        confidence=confidence,
        score=_scores(confidence, np.isfinite(predicted).all(-1)),
    )


def areas(labels: LabelledSet, box_margin: float = 0.0) -> np.ndarray:
    """Return the area of each labelled animal in square pixels, shape (M,), float64.

    The area given by the labels, else that of their bounding box, else that of the box around the labelled
    keypoints. An animal without extent, such as one with a single keypoint, gets the median.

    Parameters
    ----------
    labels
        The labelled set.
    box_margin
        Pixels added on each side of a box around keypoints: 0 as in DeepLabCut's evaluation, 20 as for the
        boxes of the SuperAnimal data sets.
    """
    boxes = labels.boxes_or_extent(box_margin).astype(float)
    area = np.where(np.isfinite(labels.area), labels.area, boxes[:, 2] * boxes[:, 3])
    real = area >= 1
    return np.where(real, area, np.median(area[real]) if real.any() else 0.0)


def _stack(
    predictions: Sequence[xr.Dataset], keypoints: list[str], where: list[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (I, P, K, 2) and confidences (I, P, K) of the selected rows."""
    most = max(ds.sizes["individual"] for ds in predictions)
    predicted = np.full((len(where), most, len(keypoints), 2), np.nan)
    confidence = np.full(predicted.shape[:3], np.nan)
    parts = [
        (ds["position"].sel(keypoint=keypoints).values, ds["confidence"].sel(keypoint=keypoints).values)
        for ds in predictions
    ]
    for i, (which, t) in enumerate(where):
        xy, likelihood = parts[which][0][t], parts[which][1][t]  # (2, K, n), (K, n)
        predicted[i, : xy.shape[2]] = xy.transpose(2, 1, 0)
        confidence[i, : xy.shape[2]] = likelihood.T
    absent = ~np.isfinite(predicted).all(-1)
    predicted[absent] = np.nan
    confidence[absent] = np.nan
    return predicted, confidence


def _find_rows(
    labels: LabelledSet, predictions: Sequence[xr.Dataset], frame_offset: int, same_video: bool
) -> dict[int, tuple[int, int]]:
    """Return which prediction, and which of its rows, corresponds to each image of the labels."""
    found: dict[int, tuple[int, int]] = {}
    names = [image.label for image in labels.images]
    for which, ds in enumerate(predictions):
        if "image" in ds.coords:
            pairs = _by_image(names, [str(name) for name in ds["image"].values])
        else:
            frames = _frames(labels)
            place = {int(frame): t for t, frame in enumerate(ds["frame"].values)}
            of_video = _rows_of_video(ds, labels, len(predictions) == 1, same_video)
            wanted = {row: int(frames[row]) + frame_offset for row in of_video}
            pairs = {row: place[frame] for row, frame in wanted.items() if frame in place}
        for row, t in pairs.items():
            if row in found:
                raise InputError(
                    f"two predictions cover the image {names[row]}", "each image must be predicted only once"
                )
            found[row] = (which, t)
    return found


def _by_image(labelled: Sequence[str], predicted: Sequence[str]) -> dict[int, int]:
    """Pair rows by the longest trailing part of the path that both sides share."""
    parts = [[PurePosixPath(n.replace("\\", "/")).parts for n in names] for names in (labelled, predicted)]
    for depth in (0, 2, 1):
        tails = [[part[-depth:] for part in side] for side in parts]
        if any(len(set(side)) < len(side) for side in tails):
            continue
        place = {tail: t for t, tail in enumerate(tails[1])}
        pairs = {row: place[tail] for row, tail in enumerate(tails[0]) if tail in place}
        if pairs:
            return pairs
    return {}


def _frames(labels: LabelledSet) -> np.ndarray:
    """Return the video frame of each image: given by the reference, else the number in the file name."""
    frames = []
    for image in labels.images:
        named = frames_of_images([image.path]) if image.frame is None else np.array([image.frame])
        if named is None:
            raise InputError(
                f"the image {image.label} does not say which frame of a video it is",
                "predictions of a video are found by frame number",
                "evaluate predictions of the images themselves, for example by naming the model",
            )
        frames.append(int(named[0]))
    return np.array(frames)


def _rows_of_video(ds: xr.Dataset, labels: LabelledSet, only: bool, same_video: bool) -> list[int]:
    """Return the labelled images that belong to the video of a prediction."""
    videos = [
        Path(str(video)).stem or _folder(image.path)
        for video, image in zip(labels.video, labels.images, strict=True)
    ]
    known = sorted(set(videos))
    video, file = Path(ds.attrs.get("video_path", "")).stem, Path(ds.attrs.get("source_file", "")).name
    fitting = [name for name in known if name and (name == video or (not video and file.startswith(name)))]
    if not fitting and only and len(known) == 1 and (same_video or not known[0] or not (video or file)):
        fitting = known
    if not fitting:
        raise InputError(
            f"the predictions are of {video or file or 'an unnamed video'}, "
            f"the labels of {', '.join(map(repr, known[:5]))}",
            "frame numbers are comparable only within one video",
            f"if both are the same recording under two names, say so{option('same_video', 'True')}",
        )
    longest = max(fitting, key=len)
    return [row for row, name in enumerate(videos) if name == longest]


def _video_frame(ds: xr.Dataset, t: int) -> ImageRef | None:
    """Return the video frame of row ``t`` of a prediction, if it is of a video."""
    video = ds.attrs.get("video_path", "")
    return ImageRef(video, frame=int(ds["frame"].values[t])) if video and "image" not in ds.coords else None


def _folder(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).parent.name


def _scores(confidence: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the mean confidence of each predicted animal; NaN where there is no animal."""
    count = np.isfinite(confidence).sum(-1)
    mean = np.nansum(confidence, -1) / np.maximum(count, 1)
    return np.where(present.any(-1), np.where(count > 0, mean, 1.0), np.nan)


def _lengths(points: np.ndarray) -> np.ndarray:
    """Return the largest distance between two points (M, K, 2) of each animal; NaN with fewer than two."""
    lengths = np.full(len(points), np.nan)
    for m, own in enumerate(points):
        known = own[np.isfinite(own).all(-1)]
        if len(known) >= 2:
            longest = float(np.linalg.norm(known[:, None] - known[None], axis=-1).max())
            lengths[m] = longest if longest > 0 else np.nan
    return lengths
