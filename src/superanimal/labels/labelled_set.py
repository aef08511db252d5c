"""The labelled data set: points labelled on images, stored in columns, without copying images.

Images stay where they are and are decoded one at a time. Labels are plain arrays, so that 100,000 images
of 27 keypoints take some 30 MB.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from superanimal.errors import InputError, NotFoundError
from superanimal.labels.images import ImageRef, read_pixels
from superanimal.poses import KeypointSpace, make_poses

UNDEFINED, ABSENT, HIDDEN, VISIBLE = -1, 0, 1, 2
"""Visibility of a keypoint: not defined by the data set; defined but not labelled in this image; labelled
though hidden (COCO's 1); labelled. Only the last two have coordinates."""


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """I images with M labelled animals in one set of K keypoints.

    Attributes
    ----------
    name
        Name of the data set, and of its column in a conversion table.
    keypoints
        K names.
    images
        I references; nothing is decoded before :meth:`pixels`.
    image_index
        Shape (M,), int64: the image of each animal, in any order.
    xy
        Shape (M, K, 2), float32, pixels of the image, x right, y down, pixel centres at integers; NaN where
        ``visibility`` is -1 or 0.
    visibility
        Shape (M, K), int8: -1 undefined in this data set, 0 defined but absent, 1 labelled though hidden,
        2 labelled.
    boxes
        Shape (M, 4), float32: x, y, width, height in pixels; NaN where the data set gives none.
    area
        Shape (M,), float32: area of the animal in square pixels where the data set gives one, else NaN.
    individuals, category
        M names: identity and category of each animal.
    source, licence, split, video
        I texts: source data set of the image, its licence, ``train``/``test``/... (empty if not split), and
        the video or folder it was taken from.
    notes
        Notes from a reader or a conversion for the user.
    edges
        The skeleton of the data set: pairs of keypoints.
    predicted
        Whether the labels include model predictions that were not requested, see
        :func:`~superanimal.labels.read_labels`, ``min_confidence``.
    """

    name: str
    keypoints: tuple[str, ...]
    images: Sequence[ImageRef]
    image_index: NDArray[np.int64]
    xy: NDArray[np.float32]
    visibility: NDArray[np.int8]
    boxes: NDArray[np.float32] = None  # type: ignore[assignment]
    area: NDArray[np.float32] = None  # type: ignore[assignment]
    individuals: NDArray[np.object_] = None  # type: ignore[assignment]
    category: NDArray[np.object_] = None  # type: ignore[assignment]
    source: NDArray[np.object_] = None  # type: ignore[assignment]
    licence: NDArray[np.object_] = None  # type: ignore[assignment]
    split: NDArray[np.object_] = None  # type: ignore[assignment]
    video: NDArray[np.object_] = None  # type: ignore[assignment]
    notes: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    predicted: bool = False

    def __post_init__(self) -> None:
        images, animals, points = len(self.images), len(self.image_index), len(self.keypoints)
        put = object.__setattr__
        put(self, "keypoints", tuple(map(str, self.keypoints)))
        put(self, "image_index", np.asarray(self.image_index, dtype=np.int64))
        put(self, "visibility", np.asarray(self.visibility, dtype=np.int8))
        put(self, "xy", np.asarray(self.xy, dtype=np.float32))
        for key, columns in (("boxes", 4), ("area", 0)):
            if getattr(self, key) is None:
                put(self, key, np.full((animals, columns) if columns else animals, np.nan))
            put(self, key, np.asarray(getattr(self, key), dtype=np.float32))
        defaults = {"individuals": "animal0", "category": "animal", "source": self.name}
        for key, count in (
            *(("individuals", animals), ("category", animals)),
            *(("source", images), ("licence", images), ("split", images), ("video", images)),
        ):
            given = getattr(self, key)
            value = defaults.get(key, "") if given is None else given
            put(self, key, texts(value, count, key))
        shapes = {"xy": (animals, points, 2), "visibility": (animals, points), "boxes": (animals, 4)}
        for key, shape in {**shapes, "area": (animals,)}.items():
            if getattr(self, key).shape != shape:
                raise InputError(
                    f"{key} of {self.name} has shape {getattr(self, key).shape}", f"expected {shape}"
                )
        self._check_values()

    def _check_values(self) -> None:
        if repeated := sorted({name for name in self.keypoints if self.keypoints.count(name) > 1}):
            raise InputError(f"{self.name}: keypoints {repeated} appear more than once", "names are unique")
        index = self.image_index
        if len(index) and (index.min() < 0 or index.max() >= len(self.images)):
            raise InputError(
                f"{self.name}: image_index {index.min()}..{index.max()}",
                f"there are {len(self.images)} images",
            )
        if not np.isin(self.visibility, (UNDEFINED, ABSENT, HIDDEN, VISIBLE)).all():
            raise InputError(
                f"{self.name}: visibility {sorted(set(self.visibility.ravel().tolist()))}",
                "-1 undefined, 0 absent, 1 hidden but labelled, 2 labelled",
            )
        marked = self.visibility > 0
        if not np.array_equal(np.isfinite(self.xy).all(-1), marked):
            raise InputError(
                f"{self.name}: coordinates and visibility disagree",
                "exactly the labelled points have coordinates",
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def n_individuals(self) -> int:
        """M, the number of labelled animals over all images."""
        return len(self.image_index)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which points have coordinates, shape (M, K)."""
        return np.asarray(self.visibility > 0)

    def skeleton(self, space: KeypointSpace | None = None) -> list[tuple[str, str]]:
        """Return the edges of the skeleton: from a space, else from the data set."""
        edges = space.edges if space is not None else self.edges
        return [(a, b) for a, b in edges if a in self.keypoints and b in self.keypoints]

    def pixels(self, i: int) -> NDArray[np.uint8]:
        """Return image ``i`` as (H, W, 3) RGB.

        Raises
        ------
        NotFoundError, InputError
            When the file is missing or not an image.
        """
        return read_pixels(self.images[i])

    def size(self, i: int) -> tuple[int, int]:
        """Return (width, height) of image ``i``, decoding it only if necessary."""
        image = self.images[i]
        if image.width and image.height:
            return image.width, image.height
        height, width = self.pixels(i).shape[:2]
        return width, height

    @cached_property
    def _order(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.image_index, kind="stable")
        return order, np.searchsorted(self.image_index[order], np.arange(len(self.images) + 1))

    def animals_of(self, i: int) -> NDArray[np.int64]:
        """Return the rows (0..M-1) of the animals of image ``i``."""
        order, start = self._order
        return order[start[i] : start[i + 1]]

    def boxes_or_extent(self, margin: float = 0.0) -> NDArray[np.float32]:
        """Return the boxes, shape (M, 4), or the extent of the labelled points for animals without a box.

        Parameters
        ----------
        margin
            Pixels added on each side of an extent; the result is not clipped to the image.
        """
        boxes = self.boxes.copy()
        rows = np.flatnonzero(~np.isfinite(boxes).all(1) & self.labelled.any(1))
        if len(rows):
            low, high = np.nanmin(self.xy[rows], 1) - margin, np.nanmax(self.xy[rows], 1) + margin
            boxes[rows] = np.concatenate([low, high - low], axis=1)
        return boxes

    def subset(self, images: ArrayLike) -> LabelledSet:
        """Return the data set with only the given images, in the order given.

        Parameters
        ----------
        images
            Indices or a mask of length I.
        """
        chosen = np.asarray(images)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64).reshape(-1)
        place = np.full(len(self), -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(place[self.image_index] >= 0)
        return replace(
            self,
            images=[self.images[i] for i in chosen.tolist()],
            image_index=place[self.image_index[rows]],
            **{key: getattr(self, key)[rows] for key in PER_ANIMAL},
            **{key: getattr(self, key)[chosen] for key in PER_IMAGE},
        )

    def with_columns(self, **columns: Any) -> LabelledSet:
        """Return the data set with some attributes replaced, such as ``name`` or ``split``."""
        return replace(self, **columns)

    def groups(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield (video, image indices) for each video or folder."""
        for name in dict.fromkeys(self.video.tolist()):
            yield name, np.flatnonzero(self.video == name)

    def to_poses(self, individuals: Sequence[str] | None = None) -> xr.Dataset:
        """Return the labels as a pose data set, one row per image.

        Individuals keep their names if these are unique within each image; otherwise they are numbered.
        Undefined and absent keypoints are NaN; ``visibility`` (0, 1, 2) is kept as a variable.

        Parameters
        ----------
        individuals
            Names along the individual dimension, if they differ from those of this data set.
        """
        if individuals is None:
            slot, names = self.slots()
        else:
            names, place = list(individuals), {name: n for n, name in enumerate(individuals)}
            slot = np.array([place[name] for name in self.individuals.tolist()], dtype=np.int64)
        shape = (len(self), len(self.keypoints), len(names))
        position = np.full((shape[0], 2, *shape[1:]), np.nan, dtype=np.float32)
        visibility = np.zeros(shape, dtype=np.uint8)
        boxes = np.full((shape[0], 4, shape[2]), np.nan, dtype=np.float32)
        where = (self.image_index, slot)
        position.transpose(0, 3, 2, 1)[where] = self.xy
        visibility.transpose(0, 2, 1)[where] = np.maximum(self.visibility, 0)
        boxes.transpose(0, 2, 1)[where] = self.boxes
        paths = {image.path for image in self.images}
        frames = [image.frame for image in self.images]
        one_video = len(paths) == 1 and None not in frames
        ds = make_poses(
            position,
            keypoints=self.keypoints,
            individuals=names,
            frames=np.array(frames, dtype=np.int64) if one_video else None,
            images=None if one_video else [image.label for image in self.images],
            boxes=boxes if np.isfinite(boxes).any() else None,
            edited=visibility > 0,
            source_file=self.name,
            video_path=next(iter(paths)) if one_video else "",
        )
        ds["visibility"] = (("time", "keypoint", "individual"), visibility)
        return ds

    def slots(self) -> tuple[NDArray[np.int64], list[str]]:
        """Return each animal's index along the individual dimension of a pose data set, and the names."""
        names = list(dict.fromkeys(self.individuals.tolist()))
        most = int(np.bincount(self.image_index, minlength=1).max()) if self.n_individuals else 1
        pairs = set(zip(self.image_index.tolist(), self.individuals.tolist(), strict=True))
        if len(pairs) == self.n_individuals and len(names) <= max(4 * most, 8) and names:
            place = {name: n for n, name in enumerate(names)}
            return np.array([place[name] for name in self.individuals.tolist()], dtype=np.int64), names
        order, start = self._order
        slot = np.empty(self.n_individuals, dtype=np.int64)
        slot[order] = np.arange(len(order)) - start[self.image_index[order]]
        return slot, [f"animal{n}" for n in range(most)]


PER_ANIMAL = ("xy", "visibility", "boxes", "area", "individuals", "category")
PER_IMAGE = ("source", "licence", "split", "video")


def from_poses(
    ds: xr.Dataset,
    *,
    name: str = "",
    images: Sequence[ImageRef] | None = None,
    video: str | os.PathLike[str] | None = None,
    undefined: NDArray[np.bool_] | None = None,
    **columns: Any,
) -> LabelledSet:
    """Convert a pose data set to a labelled set: every animal with a point or a box becomes an entry.

    Parameters
    ----------
    ds
        Pose data set (time, space, keypoint, individual).
    name
        Name of the data set; by default the stem of its source file.
    images
        One reference per row; by default the coordinate ``image`` (paths as given there), else the frames of
        the video.
    video
        Video the frames belong to; by default the one named by the data set.
    undefined
        Shape (K, N), True where a keypoint is not defined for an individual.
    columns
        Further attributes of :class:`LabelledSet`, such as ``licence``.

    Examples
    --------
    >>> import superanimal
    >>> from superanimal.samples import sample_path
    >>> truth = superanimal.load_poses(sample_path("topview_mouse_truth.h5"))
    >>> labels = from_poses(truth, video=sample_path("topview_mouse.mp4"))
    >>> labels.n_individuals, len(labels.keypoints)
    (300, 27)
    """
    name = name or Path(ds.attrs.get("source_file") or "labels").stem
    if images is None and "image" in ds.coords:
        images = [ImageRef(str(path)) for path in ds["image"].values]
    elif images is None:
        path = str(video or ds.attrs.get("video_path") or "")
        images = [ImageRef(path, frame=frame) for frame in ds["frame"].values.tolist()]
        columns.setdefault("video", Path(path).stem if path else name)
    if len(images) != ds.sizes["time"]:
        raise InputError(f"{len(images)} images for {ds.sizes['time']} rows", "one image per row")
    position = ds["position"].values.transpose(0, 3, 2, 1)  # (T, N, K, 2)
    present = np.isfinite(position).all(-1)
    boxes = (
        ds["boxes"].values.transpose(0, 2, 1) if "boxes" in ds else np.full((*present.shape[:2], 4), np.nan)
    )
    endless = np.isinf(position).any(-1)
    if endless.any():
        what = [f"{ds['keypoint'].values[k]} in {images[i].label}" for i, _, k in np.argwhere(endless)[:8]]
        more = f", and {int(endless.sum()) - 8} more" if endless.sum() > 8 else ""
        note = f"labels with infinite coordinates, left out: {', '.join(what)}{more}"
        columns["notes"] = (*columns.get("notes", ()), note)
    t, n = np.nonzero(present.any(-1) | np.isfinite(boxes).all(-1))
    visibility = np.where(present, VISIBLE, ABSENT).astype(np.int8)
    if "visibility" in ds:
        visibility = np.where(present, np.maximum(ds["visibility"].values.transpose(0, 2, 1), 1), 0)
    visibility = np.where(endless, UNDEFINED, visibility)[t, n].astype(np.int8)
    if undefined is not None:
        visibility[undefined.T[n] & (visibility == ABSENT)] = UNDEFINED
    xy = np.where(present[t, n][..., None], position[t, n], np.nan)
    return LabelledSet(
        name=name,
        keypoints=tuple(map(str, ds["keypoint"].values)),
        images=images,
        image_index=t,
        xy=xy,
        visibility=visibility,
        boxes=boxes[t, n],
        individuals=ds["individual"].values.astype(object)[n],
        **columns,
    )


def texts(value: Any, count: int, what: str) -> NDArray[np.object_]:
    """Return ``count`` texts as an object array, from one text for all or one for each."""
    if isinstance(value, str):
        return np.full(count, value, dtype=object)
    array = np.empty(len(value), dtype=object)
    array[:] = [str(item) for item in value]
    if len(array) != count:
        raise InputError(f"{len(array)} values of {what}", f"expected {count}")
    return array


def require(path: str | os.PathLike[str]) -> Path:
    """Return a path after checking that it exists.

    Raises
    ------
    NotFoundError
        When it does not exist.
    """
    found = Path(path).expanduser()
    if not found.exists():
        raise NotFoundError(f"{path}: no such file or folder")
    return found
