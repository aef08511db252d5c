"""SLEAP projects and packages: labels on video frames, image files or embedded pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from superanimal.errors import FormatError
from superanimal.formats.sleap.project import choose_video, open_project
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.reading.from_sleap_io import from_labels


def read(
    path: Path,
    *,
    images: str | os.PathLike[str] | None = None,
    name: str | None = None,
    min_confidence: float | None = None,
    recording: int | str | None = None,
) -> LabelledSet:
    """Read a ``.slp`` or ``.pkg.slp``.

    Parameters
    ----------
    images
        Folder of the videos or images, if they have moved.
    recording
        Index or name of the only video whose labels are read.

    Raises
    ------
    FormatError
        The file is damaged, or an instance does not fit its skeleton.
    """
    import sleap_io

    project = open_project(path)
    try:
        labels: Any = sleap_io.load_slp(os.fspath(path), open_videos=False)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise FormatError(f"{path}: not a readable SLEAP project ({error})") from error
    if recording is not None:
        chosen = labels.videos[choose_video(project, recording, path)]
        labels.labeled_frames = [frame for frame in labels.labeled_frames if frame.video is chosen]
    label = name or path.name.removesuffix(".slp").removesuffix(".pkg")
    return from_labels(labels, path, Path(images) if images else None, label, min_confidence)
