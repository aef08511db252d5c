"""Names of the recordings in pose files that hold several videos or cameras."""

from __future__ import annotations

import os

import h5py

from superanimal.formats.guard import reading


def recordings(path: str | os.PathLike[str]) -> list[str]:
    """Return the values for ``load_poses(path, video=...)``: one name for each recording with poses.

    Empty for formats that hold one video.

    Raises
    ------
    FormatError
        When the file is damaged.
    """
    from superanimal.formats.recognise import recognise

    name = recognise(path)
    if name == "slp":
        from superanimal.formats.sleap.project import open_project, videos_with_poses

        with reading(path, "SLEAP project"):
            return videos_with_poses(open_project(path))
    if name == "nwb":
        from superanimal.formats.nwb.containers import find_containers, find_recordings
        from superanimal.formats.nwb.reading import individuals_of

        with reading(path, "NWB ndx-pose"), h5py.File(path) as file:
            return list(find_recordings(find_containers(file), individuals_of(file)))
    return []
