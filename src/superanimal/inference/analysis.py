"""The main job in one call: a video in, poses out."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack, overload

import xarray as xr

from superanimal.inference.analyzer import Analyzer, ModelName
from superanimal.inference.choosing import Analyzers
from superanimal.inference.naming import check_distinct
from superanimal.inference.options import AUTO, AnalyzerOptions
from superanimal.inference.sources import Source, find_videos, one_video
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import PoseModel


@overload
def analyze(  # type: ignore[overload-overlap]  # a text is a sequence of texts, too
    source: Source,
    model: ModelName | PoseModel = ...,
    *,
    progress: Progress | None = ...,
    **options: Unpack[AnalyzerOptions],
) -> xr.Dataset: ...


@overload
def analyze(
    source: Iterable[Source],
    model: ModelName | PoseModel = ...,
    *,
    progress: Progress | None = ...,
    **options: Unpack[AnalyzerOptions],
) -> list[xr.Dataset]: ...


def analyze(
    source: Source | Iterable[Source],
    model: ModelName | PoseModel = AUTO,
    *,
    progress: Progress | None = None,
    **options: Unpack[AnalyzerOptions],
) -> xr.Dataset | list[xr.Dataset]:
    """Estimate the poses of the animals in a video, or in each of a list of videos.

    Each run is a store beside the video (or in ``out``) that grows chunk by chunk. Stopped at any moment and
    called again, it goes on where it was and ends with the same bytes. Called again with more ``frames`` than
    before, it keeps those it has and goes on after them.

    Parameters
    ----------
    source
        One video or folder of images, or a list of these. The videos of a folder or of a pattern such as
        ``"data/*.mp4"`` are listed by :func:`superanimal.find_videos`.
    model
        Name in the catalogue, weight file, or a loaded pose model. ``"auto"`` looks at some frames of each
        video, takes the embedded model that suits it, and says so; a run that goes on keeps its model.
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
    >>> poses = analyze("clip.mp4", max_individuals=2)  # doctest: +SKIP
    >>> many = analyze(find_videos("data/*.mp4"), model="mini_quadruped")  # doctest: +SKIP
    """
    single = isinstance(source, (str, os.PathLike))
    videos = [one_video(source)] if isinstance(source, (str, os.PathLike)) else find_videos(source)
    analyzers = Analyzers(model, **options)
    check_distinct(videos, analyzers.store_path)
    results = [analyzers.run(video, progress).poses for video in videos]
    return results[0] if single else results


def _spell_out_options() -> None:
    """Show the options in the signature of :func:`analyze`, so that consoles complete them."""
    shown = inspect.signature(analyze)
    first = [p for p in shown.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    known = inspect.signature(Analyzer).parameters
    more = [parameter for name, parameter in known.items() if name != "model"]
    analyze.__signature__ = shown.replace(parameters=[*first, *more])  # type: ignore[attr-defined]


_spell_out_options()
