"""Poses of frames in memory, or of frames that arrive one by one: nothing is read from or written to disk."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Unpack

import numpy as np
import xarray as xr

from superanimal.completion import spell_out
from superanimal.errors import InputError
from superanimal.inference.analyzer import Analyzer, ModelName
from superanimal.inference.backends import PoseNetwork
from superanimal.inference.first_look import LOOKED_AT
from superanimal.inference.following import FOLLOW_WITHIN, may_follow
from superanimal.inference.linking import Linker, raw_estimates
from superanimal.inference.options import NetworkOptions
from superanimal.inference.pipeline import window_length
from superanimal.inference.searching import may_search
from superanimal.inference.tracking import Tracker
from superanimal.poses import make_poses, make_provenance
from superanimal.poses.raw_estimates import RawEstimates, join
from superanimal.progress import Progress

USUAL_FPS = 30.0
"""Taken for frames whose rate is not known, to say whether boxes may follow the pose."""
CHUNK = 256
"""Frames that are linked together, as in a run store."""
READ = 32
"""Frames of an array that are read together: a lazy one computes its blocks once."""


def predict(
    frames: Any,
    model: ModelName | PoseNetwork = "mini_topviewmouse",
    *,
    fps: float | None = None,
    progress: Progress | None = None,
    **options: Unpack[NetworkOptions],
) -> xr.Dataset:
    """Estimate the poses in frames that are in memory, as :func:`superanimal.analyze` does in a video.

    Parameters
    ----------
    frames
        (T, H, W, 3) uint8 RGB of one video, as an array (numpy, dask, zarr) or an iterable of frames
        (H, W, 3); they are read once, a few at a time.
    model
        Name in the catalogue, weight file, or loaded pose model.
    fps
        Frames per second; None means frames as close in time as those of a camera, and time in frames.
    progress
        Shows progress and can cancel.
    **options
        Those of :class:`Analyzer` that are not about files.

    Returns
    -------
    xarray.Dataset
        The pose data set (time, space, keypoint, individual).

    Raises
    ------
    InputError
        When there is no frame, one is not (H, W, 3) uint8, or an option is about files.
    ModelError, DeviceError
        As :func:`superanimal.analyze`.

    Examples
    --------
    >>> from superanimal import open_video
    >>> from superanimal.samples import sample_path
    >>> with open_video(sample_path("topview_mouse.mp4")) as video:
    ...     poses = predict(video[:3], "mini_topviewmouse", fps=30, device="cpu")
    >>> dict(poses["position"].sizes)
    {'time': 3, 'space': 2, 'keypoint': 27, 'individual': 1}
    """
    progress = progress or Progress()
    analyzer = _analyzer(model, options)
    settings = analyzer.settings
    sample, arriving = _sample(frames)
    look = analyzer.look_at([_part(frame, settings.roi) for frame in sample], "frames", progress)
    rate = USUAL_FPS if fps is None else fps
    limbs = analyzer.limbs_at(may_follow(np.arange(8) / rate, FOLLOW_WITHIN))
    estimator = analyzer.estimator(None, look, limbs.pairs if limbs else None)
    length = window_length(settings, _part(sample[0], settings.roi).nbytes)
    progress.start(len(frames) if hasattr(frames, "__len__") else None, "frames")
    parts: list[RawEstimates] = []
    row = 0
    while window := list(islice(arriving, min(length, CHUNK - row % CHUNK))):
        progress.check()
        index = np.arange(row, row + len(window))
        earlier = min(row, settings.detector_every + 1)  # a search depends on the frames before, too
        times = np.arange(row - earlier, row + len(window)) / rate
        follow = may_follow(times, settings.follow_within)
        searched = may_search(times, follow, settings.detector_every)[earlier:]
        follow = follow[earlier:]
        pictures = [_part(_checked(frame, row + k), settings.roi) for k, frame in enumerate(window)]
        animals = estimator.estimate(pictures, index, follow, searched)
        most, roi = settings.max_individuals, settings.roi
        parts.append(raw_estimates(row, animals, estimator.state(), most=most, roi=roi))
        row += len(window)
        progress.advance(len(window))
    memory = _Memory(analyzer.model.keypoints, settings.max_individuals, parts)
    tracker = Tracker(settings.max_individuals, analyzer.sigmas) if settings.track else None
    sorter = limbs if settings.track else None
    Linker(memory, tracker, sorter, len(estimator.pairs), analyzer.offsets, Progress()).catch_up()
    progress.finish()
    return _poses(analyzer, memory.results(), fps, np.arange(row))


def stream(
    source: Iterable[np.ndarray],
    model: ModelName | PoseNetwork = "mini_topviewmouse",
    *,
    fps: float | None = None,
    **options: Unpack[NetworkOptions],
) -> Iterator[xr.Dataset]:
    """Yield the poses of each frame as soon as it arrives, for cameras and closed loops.

    Legs that look alike are not sorted, which takes the frames to come; everything else is as in
    :func:`predict`.

    Parameters
    ----------
    source
        Frames (H, W, 3) uint8 RGB, such as those a camera gives.
    model, fps, options
        As for :func:`predict`.

    Yields
    ------
    xarray.Dataset
        The pose data set of one frame; ``attrs["latency_ms"]`` is the time since the frame was taken from the
        source.

    Examples
    --------
    >>> for poses in stream(camera, fps=60):  # doctest: +SKIP
    ...     nose = poses["position"].sel(keypoint="nose", individual="animal0")
    """
    analyzer = _analyzer(model, options)
    settings = analyzer.settings
    estimator = analyzer.estimator()
    tracker = Tracker(settings.max_individuals, analyzer.sigmas) if settings.track else None
    times = np.arange(2) / (USUAL_FPS if fps is None else fps)
    follows = bool(may_follow(times, settings.follow_within)[1])
    before = None
    for row, frame in enumerate(source):
        began = time.perf_counter()
        picture = _part(_checked(frame, row), settings.roi)
        begun = 0 if before is None or not follows else before[1]
        (found,) = estimator.find([picture], np.array([row]), np.array([begun > 0]), before=before)
        before = found, (begun + 1) % settings.detector_every
        animals = [estimator.reported(found, picture.shape[:2])]
        state = estimator.state()
        raw = raw_estimates(row, animals, state, most=settings.max_individuals, roi=settings.roi)
        alone = RawEstimates(0, raw.number, raw.arrays, state)
        memory = _Memory(analyzer.model.keypoints, settings.max_individuals, [alone])
        Linker(memory, tracker, None, 0, analyzer.offsets, Progress()).catch_up()
        poses = _poses(analyzer, memory.results(), fps, np.array([row]))
        poses.attrs["latency_ms"] = 1e3 * (time.perf_counter() - began)
        yield poses


class _Memory:
    """What a linker reads from and writes to instead of a run store."""

    def __init__(self, keypoints: Iterable[str], most: int, parts: Sequence[RawEstimates]) -> None:
        self.attrs = {"keypoints": list(keypoints), "individuals": [f"animal{i}" for i in range(most)]}
        self._parts, self._total = parts, parts[-1].stop
        self._chunks: list[dict[str, np.ndarray]] = []

    @property
    def n_chunks(self) -> int:
        return -(-self._total // CHUNK)

    def rows(self, chunk: int) -> slice:
        return slice(chunk * CHUNK, min((chunk + 1) * CHUNK, self._total))

    def finished_rows(self) -> np.ndarray:
        return np.zeros(self._total, bool)

    def resume_point(self) -> tuple[int, dict[str, Any]]:
        return 0, {}

    def read_raw(self, chunk: int, pairs: int) -> RawEstimates:
        rows = self.rows(chunk)
        return join([part for part in self._parts if rows.start <= part.first < rows.stop])

    def write_chunk(self, chunk: int, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        self._chunks.append({name: array.copy() for name, array in arrays.items()})

    def results(self) -> dict[str, np.ndarray]:
        return {name: np.concatenate([each[name] for each in self._chunks]) for name in self._chunks[0]}


def _analyzer(model: ModelName | PoseNetwork, options: NetworkOptions) -> Analyzer:
    """Return the analyzer for frames in memory."""
    for name in options:
        if name not in NetworkOptions.__annotations__:
            known = sorted(NetworkOptions.__annotations__)
            raise InputError(f"option {name!r} for frames in memory", f"known: {', '.join(known)}")
    return Analyzer(model, formats=(), **options)


def _sample(frames: Any) -> tuple[list[np.ndarray], Iterator[np.ndarray]]:
    """Return some of the frames, and all of them one after the other.

    Of an array they are spread over all of it, as those of a video; of an iterable they are the first ones.
    """
    if hasattr(frames, "__getitem__") and hasattr(frames, "__len__") and len(frames):
        count = min(LOOKED_AT, len(frames))
        picked = ((np.arange(count) + 0.5) * len(frames) / count).astype(int).tolist()
        return [_checked(frames[k], k) for k in picked], _each(frames)
    arriving = iter(frames)
    first = [_checked(frame, k) for k, frame in enumerate(islice(arriving, LOOKED_AT))]
    if not first:
        raise InputError("there are no frames", "poses need at least one frame")
    return first, chain(first, arriving)


def _each(frames: Any) -> Iterator[Any]:
    """Yield the frames of an array, read in parts, or of a list."""
    if not hasattr(frames, "shape"):
        yield from frames
        return
    for k in range(0, len(frames), READ):
        yield from np.asarray(frames[k : k + READ])


def _checked(frame: Any, k: int) -> np.ndarray:
    """Return a frame as an array.

    Raises
    ------
    InputError
        When it is not (H, W, 3) uint8.
    """
    array = np.asarray(frame)
    if array.ndim != 3 or array.shape[-1] != 3 or array.dtype != np.uint8:
        raise InputError(
            f"frame {k} has the shape {array.shape} and the type {array.dtype}",
            "frames are (height, width, 3) RGB of 8 bits",
            "np.repeat(grey[..., None], 3, -1) turns grey frames into RGB",
        )
    return array


def _part(frame: np.ndarray, roi: tuple[int, int, int, int] | None) -> np.ndarray:
    """Return the analysed region of a frame."""
    if roi is None:
        return frame
    x, y, width, height = roi
    return np.ascontiguousarray(frame[y : y + height, x : x + width])


def _poses(
    analyzer: Analyzer, results: dict[str, np.ndarray], fps: float | None, frames: np.ndarray
) -> xr.Dataset:
    """Return results as a pose data set."""
    made = {
        "model": analyzer.model.entry.name,
        "weights": analyzer.model.digest(),
        "settings": analyzer.settings.record(),
    }
    return make_poses(
        results["position"].transpose(0, 3, 2, 1),
        results["confidence"].transpose(0, 2, 1),
        keypoints=analyzer.model.keypoints,
        fps=fps,
        frames=frames,
        boxes=results["boxes"].transpose(0, 2, 1),
        box_confidence=results["box_confidence"],
        source_software="napari-superanimal",
        provenance=make_provenance("predict", **made),
    )


for _function in (predict, stream):
    spell_out(
        _function,
        [
            p
            for name, p in inspect.signature(Analyzer).parameters.items()
            if name in NetworkOptions.__annotations__
        ],
    )
