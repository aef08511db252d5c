"""How the animals of a pose layer walk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari_superanimal.console.find import poses_of, view_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Points

    from napari_superanimal.docks.gait.job import GaitJob
    from superanimal.gait import GaitResult
    from superanimal.gait.events import Detector
    from superanimal.gait.limbs import Limbs
    from superanimal.gait.scale import GroundMarks


def analyze_gait(
    viewer: ViewerModel,
    poses: Points | str | None = None,
    limbs: Limbs | None = None,
    *,
    fps: float | None = None,
    detector: Detector = "contact",
    ground_line: np.ndarray | None = None,
    metres_per_pixel: float | None = None,
    body_length_m: float | None = None,
    ground_marks: GroundMarks | None = None,
    events: str | os.PathLike[str] | pd.DataFrame | None = None,
) -> GaitJob:
    """Find how the animals of a pose layer walk, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    poses
        Pose layer, or its name; the only one when None. It is analysed as it stands, corrections included.
    limbs
        Limb name to one or several keypoints; guessed from the keypoints' names when None.
    fps, detector, ground_line, metres_per_pixel, body_length_m, ground_marks, events
        As in ``superanimal.gait.analyze``.

    Returns
    -------
    GaitJob
        It goes on while you work: see ``.report``, ``.cancel()`` and, once finished, ``.gait``, a
        ``superanimal.gait.GaitResult`` with the tables, ``save(folder)`` and ``report(path)``.

    Raises
    ------
    InputError
        When there is no such layer, a limb does not exist, or time cannot be told.
    """
    from napari_superanimal.docks.gait.job import GaitJob
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.gait import find_limbs
    from superanimal.poses import seconds

    data = layer_to_poses(poses_of(viewer, poses))
    find_limbs([str(name) for name in data["keypoint"].values], limbs)
    seconds(data, fps, "gait analysis")
    options = {
        "limbs": None if limbs is None else dict(limbs), "fps": fps, "detector": detector,
        "ground_line": ground_line, "metres_per_pixel": metres_per_pixel, "body_length_m": body_length_m,
        "ground_marks": ground_marks, "events": events,
    }  # fmt: skip
    job = GaitJob(data, options)
    job.start()
    return job


def show_stances(viewer: ViewerModel, layer: Points, result: GaitResult, show: bool = True) -> None:
    """Show or hide a ring round each foot while it stands, in the colour of the limb.

    Parameters
    ----------
    viewer, layer
        The viewer, and the pose layer that was analysed.
    result
        What came of it, see :func:`analyze_gait`.
    show
        Hide the rings when False.
    """
    from napari_superanimal.docks.gait.stance_rings import stance_rings

    view = view_of(viewer, layer)
    options = stance_rings(view.table, result) if show else {}
    view.show_overlay("rings", show, **options)
