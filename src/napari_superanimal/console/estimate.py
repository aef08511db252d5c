"""Videos and the runs that estimate poses in them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from napari_superanimal.console.find import video_of
from superanimal.completion import spell_out
from superanimal.errors import InputError
from superanimal.inference.options import AnalyzerOptions, check_options

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_superanimal.docks.estimate.run import Estimation


def open_video(viewer: ViewerModel, path: str | os.PathLike[str]) -> Image:
    """Open a video as an image layer with lazily decoded frames."""
    from napari_superanimal._reader import video_layer

    data, keywords, _ = video_layer(Path(path))
    return viewer.add_image(data, **keywords)


def estimate_poses(
    viewer: ViewerModel,
    video: Image | str | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    **options: Unpack[AnalyzerOptions],
) -> Estimation:
    """Estimate poses in a video of the viewer, in a separate process.

    Parameters
    ----------
    viewer
        The viewer.
    video
        Layer of the video, or its name; the only video by default.
    model
        As in ``superanimal.analyze``; by default that of the preferences.
    **options
        As in ``superanimal.analyze``, but the device is by default that of the preferences, and no further
        file is written without ``formats``.

    Returns
    -------
    Estimation
        The run. It continues in the background: see ``.report``, :func:`cancel` and :func:`resume`.

    Raises
    ------
    InputError, NotFoundError
        When there is no such video, a run is already in progress, or an option is invalid.
    """
    from napari_superanimal._settings import setting
    from napari_superanimal.docks.estimate.run import Estimation, estimation_of

    layer = video_of(viewer, video)
    earlier = estimation_of(layer)
    if earlier is not None and earlier.report.running:
        raise InputError(
            f"poses are already being estimated in {layer.name!r}",
            "only one run per video",
            "cancel it first",
        )
    settings: dict[str, Any] = {
        "model": model or setting("analysis", "model"),
        "device": setting("analysis", "device"),
        "formats": [],
        **options,
    }
    settings = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in settings.items()
    }
    check_options(settings, int(layer.data.shape[0]))
    _check_that_they_travel(settings)
    run = Estimation(getattr(viewer, "__wrapped__", viewer), layer, settings)
    run.start()
    return run


def cancel(viewer: ViewerModel, video: Image | str | None = None) -> Estimation:
    """Stop the run of a video; finished frames are kept, and :func:`resume` continues."""
    run = _run(viewer, video)
    run.cancel()
    return run


def resume(viewer: ViewerModel, video: Image | str | None = None) -> Estimation:
    """Continue a run that was cancelled or that crashed."""
    run = _run(viewer, video)
    run.start()
    return run


def _check_that_they_travel(options: dict[str, Any]) -> None:
    """Raise for an option that cannot be sent to the child process."""
    for name, value in options.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise InputError(
                f"{name} is {type(value).__name__}",
                "poses are estimated in a separate process, which accepts only names, numbers and paths",
                "give the path of a file",
            ) from None


def _run(viewer: ViewerModel, video: Image | str | None) -> Estimation:
    from napari_superanimal.docks.estimate.run import estimation_of

    layer = video_of(viewer, video)
    run = estimation_of(layer)
    if run is None:
        raise InputError(f"no poses have been estimated in {layer.name!r} yet", remedy="estimate them first")
    return run


spell_out(estimate_poses, AnalyzerOptions.__annotations__)
