"""Transferring labels on image files to the frames of the video the images were taken from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from superanimal.errors import InputError
from superanimal.formats.wide_table import frame_of_image
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import LabelledSet, require


def on_video(labelled: LabelledSet, video: str | os.PathLike[str]) -> LabelledSet:
    """Return the labels of one video, each on the frame given by the number at the end of its image name.

    Parameters
    ----------
    labelled
        Labels on image files; ``video`` gives the video or folder of each.
    video
        Video file. Of labels of several videos, those of this one are kept, and a note lists the others.

    Raises
    ------
    InputError
        None of several videos has this name, or an image has no number.
    """
    path = require(video)
    groups = list(dict.fromkeys(labelled.video.tolist()))
    notes = list(labelled.notes)
    if path.stem in groups:
        part = labelled.subset(labelled.video == path.stem)
        if others := [name for name in groups if name != path.stem]:
            notes.append(f"labels of other videos are left out: {', '.join(others)}")
    elif len(groups) <= 1:
        part = labelled
        notes.append(f"the images of {groups[0] or labelled.name!r} are assumed to be frames of {path.name}")
    else:
        raise InputError(
            f"{labelled.name}: labels of the videos {', '.join(groups[:8])}, none of {path.stem}",
            "images must be in a folder named after their video",
            "choose the video of some of these images",
        )
    frames = [frame_of_image(Path(image.name or image.path).name) for image in part.images]
    if None in frames:
        image = part.images[frames.index(None)]
        raise InputError(
            f"image {image.path}: its name does not end with a number",
            "the number is the frame in the video",
            "omit the video to use the image files",
        )
    images = [ImageRef(str(path), frame=frame) for frame in frames]
    order = np.argsort([int(frame or 0) for frame in frames], kind="stable")
    return part.with_columns(images=images, notes=tuple(notes)).subset(order)
