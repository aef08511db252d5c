"""A labelled data set of rendered mice with exact ground truth, for tests, examples and benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from superanimal.files import atomic_write
from superanimal.labels.images import ImageRef, encode
from superanimal.labels.labelled_set import ABSENT, HIDDEN, VISIBLE, LabelledSet


def synthetic_labels(
    folder: str | os.PathLike[str], count: int, *, size: tuple[int, int] = (256, 256), seed: int = 0
) -> LabelledSet:
    """Render top-view pictures of mice to a folder and return them with their 27 keypoints.

    Occluded points are labelled as hidden (1); points outside the picture are absent.

    Parameters
    ----------
    folder
        Folder of the PNG files; existing pictures are rendered again.
    count
        Number of pictures.
    size
        (height, width) in pixels.

    Examples
    --------
    >>> labels = synthetic_labels("pictures", 2, size=(64, 64))
    >>> len(labels), len(labels.keypoints)
    (2, 27)
    """
    from superanimal.synth import TOPVIEWMOUSE, random_picture

    images, index, xy, flags, boxes = [], [], [], [], []
    for i, own in enumerate(np.random.SeedSequence(seed).spawn(count)):
        picture = random_picture(own, size=size)
        file = Path(folder) / f"mouse{i:05d}.png"
        with atomic_write(file) as temporary:
            temporary.write_bytes(encode(picture.image.astype(np.uint8)))
        images.append(ImageRef(str(file), width=size[1], height=size[0]))
        for points, seen, box in zip(picture.keypoints, picture.visible, picture.boxes, strict=True):
            inside = ((points >= -0.5) & (points < np.array(size[::-1]) - 0.5)).all(-1)
            flag = np.where(inside, np.where(seen, VISIBLE, HIDDEN), ABSENT)
            index.append(i)
            flags.append(flag)
            xy.append(np.where(inside[:, None], points, np.nan))
            boxes.append([*box[:2], *(box[2:] - box[:2])])
    animals = np.bincount(index, minlength=count)
    names = [f"animal{n}" for many in animals.tolist() for n in range(many)]
    return LabelledSet(
        name="synthetic",
        keypoints=tuple(TOPVIEWMOUSE),
        images=images,
        image_index=np.array(index, dtype=np.int64),
        xy=np.array(xy, dtype=np.float32),
        visibility=np.array(flags, dtype=np.int8),
        boxes=np.array(boxes, dtype=np.float32),
        individuals=names,  # type: ignore[arg-type]
        licence="CC0-1.0",  # type: ignore[arg-type]
    )
