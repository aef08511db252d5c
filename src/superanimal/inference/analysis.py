"""Pose estimation in one call."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack, overload

import xarray as xr

from superanimal.completion import spell_out
from superanimal.inference.analyzer import Analyzer, ModelName
from superanimal.inference.choosing import Analyzers
from superanimal.inference.naming import check_distinct
from superanimal.inference.options import AUTO, AnalyzerOptions
from superanimal.inference.sources import Source, find_videos, one_video
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.inference.backends import PoseNetwork


@overload
def analyze(  # type: ignore[overload-overlap]  # a text is a sequence of texts, too
    source: Source,
    model: ModelName | PoseNetwork = ...,
    *,
    progress: Progress | None = ...,
    **options: Unpack[AnalyzerOptions],
) -> xr.Dataset: ...


@overload
def analyze(
    source: Iterable[Source],
    model: ModelName | PoseNetwork = ...,
    *,
    progress: Progress | None = ...,
    **options: Unpack[AnalyzerOptions],
) -> list[xr.Dataset]: ...


def analyze(
    source: Source | Iterable[Source],
    model: ModelName | PoseNetwork = AUTO,
    *,
    progress: Progress | None = None,
    **options: Unpack[AnalyzerOptions],
) -> xr.Dataset | list[xr.Dataset]:
    """Estimate the poses of the animals in a video, or in each of a list of videos.

    Each run is a store next to the video (or in ``out``) that grows chunk by chunk. A stopped run resumes
    when called again and ends with the same bytes as an uninterrupted one. Called with more ``frames``, it
    keeps the finished ones and adds the rest. Called with another ``track`` or ``offsets``, it relinks the
    stored estimates without running the networks.

    Parameters
    ----------
    source
        One video or folder of images, or a list of these. Use :func:`superanimal.find_videos` for the videos
        of a folder or a pattern such as ``"data/*.mp4"``.
    model
        Name in the catalogue, weight file, or loaded pose model. ``"auto"`` inspects some frames of each
        video and reports which embedded model it chose; a resumed run keeps its model.
    progress
        Shows progress and can cancel.
    **options
        See :class:`Analyzer`.

    Returns
    -------
    xarray.Dataset or list of xarray.Dataset
        The pose data set (time, space, keypoint, individual); a list when ``source`` is one. Files:
        ``<video>_<model>.poses.zarr`` and one export per format, see docs/analyze.md.

    Raises
    ------
    NotFoundError, VideoError, ModelError, DeviceError, StorageError, InputError
        Each with a remedy.
    Cancelled
        When ``progress`` was cancelled.

    Examples
    --------
    >>> from superanimal.samples import sample_path
    >>> mouse = sample_path("topview_mouse.mp4")
    >>> poses = analyze(mouse, "mini_topviewmouse", frames="0:5", out=".", formats=(), device="cpu")
    >>> dict(poses["position"].sizes)
    {'time': 5, 'space': 2, 'keypoint': 27, 'individual': 1}
    >>> many = analyze(find_videos("data/*.mp4"), model="mini_quadruped")  # doctest: +SKIP
    """
    single = isinstance(source, (str, os.PathLike))
    videos = [one_video(source)] if isinstance(source, (str, os.PathLike)) else find_videos(source)
    analyzers = Analyzers(model, **options)
    check_distinct(videos, analyzers.store_path)
    results = [analyzers.run(video, progress).poses for video in videos]
    return results[0] if single else results


spell_out(analyze, [p for name, p in inspect.signature(Analyzer).parameters.items() if name != "model"])
