"""Adaptation of a model to a video of the viewer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_superanimal.console.find import poses_of, video_of
from superanimal.errors import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from napari_superanimal.docks.adapt.job import AdaptJob
    from superanimal.adaptation.pseudo_labels import Mask


def adapt(
    viewer: ViewerModel,
    video: Image | str | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    corrections: Points | str | None = None,
    name: str | None = None,
    out: str | os.PathLike[str] | None = None,
    max_individuals: int = 1,
    threshold: float = 0.5,
    mask: Mask = "unknown",
    steps: int = 200,
    seed: int = 0,
    device: str | None = None,
    resume: bool = True,
    accept_license: bool = False,
) -> AdaptJob:
    """Adapt a model to a video of the viewer, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    video
        Layer of the video, or its name; the only video by default.
    model, device
        As in ``superanimal.adapt``; by default those in the preferences.
    corrections
        Pose layer with frames that you corrected, or its name; they count in full.
    name, out, max_individuals, threshold, mask, steps, seed, resume
        As in ``superanimal.adapt``.
    accept_license
        You accept the terms of a released model.

    Returns
    -------
    AdaptJob
        It goes on while you work: see ``.report``, ``.cancel()`` and, once finished, ``.result``, with
        ``kept``, ``model``, ``verdict`` and ``folder``; then :func:`compare_adaptation`.

    Raises
    ------
    InputError
        When there is no such layer, or nothing in it was corrected.
    """
    from napari_superanimal._settings import setting
    from napari_superanimal.docks.adapt.job import AdaptJob
    from napari_superanimal.parts.layers import video_path
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    path = video_path(video_of(viewer, video))
    poses = None
    if corrections is not None:
        layer = poses_of(viewer, corrections)
        poses = layer_to_poses(layer)
        if "edited" not in poses or not poses["edited"].values.any():
            raise InputError(
                f"nothing in {layer.name!r} was corrected",
                "corrections are points that you moved, added or deleted",
                "correct some frames, or adapt without corrections",
            )
        poses.attrs["video_path"] = str(path)
    options: dict[str, Any] = {
        "videos": [str(path)], "corrections": poses,
        "model": os.fspath(model or setting("analysis", "model")),
        "name": name, "out": str(out or path.with_name(f"{path.stem}_adapted")),
        "max_individuals": max_individuals, "threshold": threshold, "mask": mask, "steps": steps,
        "seed": seed, "device": device or setting("analysis", "device"), "resume": resume,
    }  # fmt: skip
    job = AdaptJob({"task": "adapt", "options": pack_object(options), "accept_license": accept_license})
    job.start()
    return job


def compare_adaptation(viewer: ViewerModel, folder: str | os.PathLike[str]) -> tuple[Points, Points]:
    """Show the held-out frames of an adaptation as two pose layers, before and after.

    Parameters
    ----------
    viewer
        The viewer.
    folder
        Output folder of the adaptation.

    Returns
    -------
    tuple of Points
        The layers before and after. The key B shows one, then the other.

    Raises
    ------
    NotFoundError, FormatError
        When there is no such adaptation.
    """
    from napari_superanimal.console.display import show_poses
    from superanimal.adaptation.run_folder import AFTER, BEFORE
    from superanimal.formats import load_poses

    shown = []
    for file, name in ((BEFORE, "before"), (AFTER, "after")):
        if name in viewer.layers:
            viewer.layers.remove(name)
        shown.append(show_poses(viewer, load_poses(Path(folder) / file), name=name))
    before, after = shown
    _show(viewer, "before", False)
    viewer.bind_key("b", lambda _: blink(viewer), overwrite=True)
    first = load_poses(Path(folder) / BEFORE)["frame"].values[0]
    viewer.dims.set_current_step(0, int(first))
    return before, after


def blink(viewer: ViewerModel) -> None:
    """Show the poses before the adaptation instead of those after it, and the reverse."""
    if "before" in viewer.layers and "after" in viewer.layers:
        old = viewer.layers["before"].visible
        _show(viewer, "before", not old)
        _show(viewer, "after", old)


def _show(viewer: ViewerModel, name: str, show: bool) -> None:
    """Show or hide the points of a pose layer with its skeleton."""
    for layer in viewer.layers:
        if layer.name in (name, f"{name} skeleton"):
            layer.visible = show
