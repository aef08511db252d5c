"""Writing labelled data sets: COCO, DeepLabCut project, SLEAP package, or a store for fast training.

Images are processed one at a time. An interrupted run resumes where it stopped; a folder with other content
is never written to.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from superanimal.errors import InputError
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.reading.predictions import labels_only
from superanimal.labels.writing.job import IMAGE_MODES, Materialized, Target
from superanimal.poses import KeypointSpace
from superanimal.progress import Progress

TARGETS = {
    "coco": "coco",
    "deeplabcut": "deeplabcut",
    "sleap": "sleap",
    "store": "store",
}
"""Names for ``materialize(to=...)`` and the module of each."""


def materialize(
    labelled: LabelledSet,
    dest: str | os.PathLike[str],
    to: str = "coco",
    *,
    space: KeypointSpace | None = None,
    images: str = "link",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Materialized:
    """Write a labelled data set.

    Parameters
    ----------
    dest
        Folder to create (``coco``, ``deeplabcut``, ``store``) or ``.pkg.slp`` file (``sleap``).
    to
        ``coco``: ``images/`` and ``annotations/<split>.json``; ``deeplabcut``: a project folder; ``sleap``: a
        package with embedded pictures; ``store``: a zarr store with pictures as encoded bytes.
    space
        Skeleton, pairs and constants to include, if the format supports them.
    images
        ``link`` refers to image files where they are (symbolic links, or hard links where the system has
        none); ``copy`` copies them. Frames of videos and packages are always written as files. ``sleap`` and
        ``store`` hold the pictures themselves either way.
    overwrite
        Replace the output of an earlier run with other data or options.
    progress
        Shows progress per image; a cancelled run can be resumed.

    Returns
    -------
    Materialized
        The written files, and what the format could not hold.

    Raises
    ------
    InputError
        The data set is empty, or holds predictions that were not requested as labels.
    StorageError
        ``dest`` holds something else, or is not writable.

    Examples
    --------
    >>> from superanimal.labels import synthetic_labels
    >>> written = materialize(synthetic_labels("pictures", 2, size=(64, 64)), "data", "coco")
    >>> written.path.name, written.lost
    ('data', ())
    """
    if to not in TARGETS:
        raise InputError(f"target format {to!r}", f"it is one of {', '.join(TARGETS)}")
    if images not in IMAGE_MODES:
        raise InputError(f"images={images!r}", f"it is one of {', '.join(IMAGE_MODES)}")
    if not len(labelled):
        raise InputError(f"{labelled.name} has no images", "there is nothing to write")
    labels_only(labelled)
    write: Callable[..., Materialized] = import_module(f"{__name__}.{TARGETS[to]}").write
    target = Target(Path(dest), labelled, to=to, images=images, overwrite=overwrite)
    return write(target, space=space, progress=progress or Progress())
