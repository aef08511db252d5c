"""Analysis of videos with one model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import xarray as xr

from superanimal.errors import InputError, StorageError
from superanimal.formats.deeplabcut_names import check_scorer
from superanimal.inference.backends import TORCH, allowed, open_detector, open_pose
from superanimal.inference.boxes import (
    BoxSource,
    DetectorBoxes,
    GivenBoxes,
    WholeFrame,
    load_boxes,
    warn_of_boxes_outside,
)
from superanimal.inference.device import default_batch_size, resolve_device, resolve_precision
from superanimal.inference.earlier import clear, go_on
from superanimal.inference.estimator import Estimator
from superanimal.inference.fingerprint import fingerprint
from superanimal.inference.first_look import Look, first_look, sampled_frames
from superanimal.inference.following import FOLLOW_WITHIN, ghosts, may_follow
from superanimal.inference.legs.sorting import LimbSorter
from superanimal.inference.naming import store_path
from superanimal.inference.open_run import OpenRun, chunks_of_part
from superanimal.inference.outputs import check_formats, export, render
from superanimal.inference.settings import (
    Settings,
    check_roi,
    parse_frames,
    parse_scales,
    scales_of_heights,
)
from superanimal.inference.zooming import look_closer
from superanimal.poses import make_provenance, space_for
from superanimal.poses.offsets import Offsets, as_offsets
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress
from superanimal.video import open_video
from superanimal.zoo import download, load_catalog, resolve_detector

if TYPE_CHECKING:
    from superanimal.inference.backends import BoxNetwork, PoseNetwork
    from superanimal.video import Video
    from superanimal.zoo import ModelEntry
    from superanimal.zoo.entry import SearchSpec

ModelName = str | os.PathLike[str]
Network = TypeVar("Network", bound="PoseNetwork | BoxNetwork")
SPARE = 2
"""Boxes per animal whose poses are estimated by models that judge candidates by their poses."""
DETECTOR_EVERY = 5
"""Default in enhanced mode; see benchmarks/RESULTS.md for its cost and benefit."""
SIGMA = 0.05
"""OKS tolerance of keypoints that belong to no known space."""


@dataclass(frozen=True)
class Analysis:
    """The result of analysing one video.

    Attributes
    ----------
    poses : xarray.Dataset
        The pose data set.
    store : Path
        The run store.
    files : list of Path
        Exported files and the overlay video.
    speed : str
        How fast it went and what limited it; empty when no frame was left to compute.
    """

    poses: xr.Dataset
    store: Path
    files: list[Path]
    speed: str = ""

    @property
    def frames_with_animals(self) -> int:
        """Number of frames in which at least one animal was found, excluding false detections."""
        confidence = self.poses["confidence"].transpose("time", "individual", "keypoint").values
        return int((~ghosts(confidence)).any(axis=1).sum())


class Analyzer:
    """Models loaded once, ready for any number of videos.

    Parameters
    ----------
    model
        Name in the catalogue, weight file, or loaded pose model.
    detector
        Name in the catalogue, weight file, or loaded detector; by default that of the model.
    max_individuals
        Maximum number of animals per frame.
    mode
        ``"enhanced"`` (default) or ``"compatible"`` (DeepLabCut 3, number for number).
    device, precision
        ``"auto"`` takes the first available of cuda, mps and cpu; bf16 on cuda, fp32 elsewhere
        and always in compatible mode.
    batch_size
        Crops per batch; halved automatically when memory runs out.
    backend
        What runs the networks: ``"torch"``, ``"onnxruntime"``, ``"openvino"`` (an extra), or ``"auto"`` for
        the fastest of those that give the same numbers on this computer, see
        :mod:`superanimal.inference.backends`. ``"openvino-bf16"`` computes poses in bfloat16: automatic
        where ``precision`` is, for models whose error was measured not to rise. A resumed run keeps the one
        it began with.
    frames
        ``"start:stop:step"`` or a slice; None for all.
    roi
        Region of interest x, y, width, height in pixels; everything outside is ignored.
    boxes
        Known boxes instead of a detector, see :func:`superanimal.inference.boxes.load_boxes`.
    detector_threshold, nms
        Minimum score of a box, maximum overlap (IoU) of two boxes; None keeps the detector's defaults.
    detector_every
        Run the detector on every n-th frame; in between, boxes follow the pose as long as they hold the
        animal. None means 1 in compatible mode; otherwise 5, and every frame more than 0.1 s after the
        previous one (stills, large steps, slow cameras).
    refine
        After detection, estimate the pose a second time in a crop around the keypoints found first. None
        follows the model's catalogue entry, and never refines in compatible mode.
    whole_frame
        Skip the detector: one animal fills the frame (or the region of interest).
    scales, flip
        Look at every animal in crops of several scales, and mirrored, and keep what they agree on; steadier,
        at the cost of one run of the pose network for each look. Numbers, or ``"auto"``: 0.8, 1 and 1.25, and
        the detector looks at enlarged tiles where the animals are smaller than those of the training. See
        :mod:`superanimal.inference.zooming` and
        :mod:`superanimal.inference.views`.
    scale_list
        DeepLabCut's name and unit for ``scales``: heights of the frame in pixels, whose ratios count.
    track
        Track identities and left/right legs over time (enhanced mode).
    offsets
        Offsets measured for the model, or their file: stored positions are shifted by them.
    out
        Output folder; next to each video by default.
    formats
        Export formats, see :func:`superanimal.formats.format_names`.
    scorer
        Scorer in the columns and names of DeepLabCut files; must begin with ``DLC_``, ``DLC_<model>`` by
        default. With the scorer of a project's shuffle, DeepLabCut treats the files as its own.
    overlay
        Also write a labelled video (mp4).
    pcutoff, trails
        Minimum confidence of the points drawn in it; trail length in frames.
    resume
        False starts over and discards the store of an earlier run.
    accept_license
        Accept the licence of released weights and download missing ones.
    """

    def __init__(
        self,
        model: ModelName | PoseNetwork = "mini_topviewmouse",
        *,
        detector: ModelName | BoxNetwork | None = None,
        max_individuals: int = 1,
        mode: str = "enhanced",
        device: str = "auto",
        batch_size: int | None = None,
        precision: str = "auto",
        backend: str = "auto",
        frames: str | slice | None = None,
        roi: tuple[int, int, int, int] | None = None,
        boxes: np.ndarray | str | os.PathLike[str] | None = None,
        detector_threshold: float | None = None,
        nms: float | None = None,
        detector_every: int | None = None,
        refine: bool | None = None,
        whole_frame: bool = False,
        scales: str | float | Sequence[float] | None = None,
        flip: bool = False,
        scale_list: Sequence[float] | None = None,
        track: bool = True,
        offsets: Offsets | str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        formats: Sequence[str] = ("dlc-h5",),
        scorer: str | None = None,
        overlay: bool = False,
        pcutoff: float = 0.4,
        trails: int = 0,
        resume: bool = True,
        accept_license: bool = False,
    ) -> None:
        if sum((detector is not None, boxes is not None, whole_frame)) > 1:
            raise InputError("more than one of detector, boxes and whole_frame was given", rule="choose one")
        if scales is not None and scale_list is not None:
            raise InputError("scales and scale_list were given", rule="choose one")
        on = resolve_device(device)
        compatible = mode == "compatible"
        detects = boxes is None and not whole_frame
        follow_within = FOLLOW_WITHIN if detector_every is None and detects and not compatible else None
        if detector_every is None:
            detector_every = DETECTOR_EVERY if detects and not compatible else 1
        kind = resolve_precision(precision, on, exact=compatible)
        self._backend = allowed(backend, on, kind, exact=compatible)
        self._names = model, detector, accept_license
        self.model = _load_pose(model, on, accept_license, self._backend, rounded=precision == "auto")
        self.settings = Settings(
            mode=mode,
            max_individuals=max_individuals,
            detector_threshold=detector_threshold,
            nms=nms,
            detector_every=detector_every if detects else 1,
            follow_within=follow_within,
            refine=(self.model.entry.refine and detects and not compatible) if refine is None else refine,
            track=track and not compatible,
            roi=None if roi is None else tuple(int(v) for v in roi),  # type: ignore[arg-type]
            batch_size=default_batch_size(on) if batch_size is None else batch_size,
            device=on,
            precision=kind,
            backend=self.model.backend,
            scales=parse_scales(scales) if scale_list is None else scales_of_heights(scale_list),
            flip=flip,
            zoom=scales == "auto" and detects,
        )
        self.frames, self.boxes = frames, boxes
        self.out = None if out is None else Path(out).expanduser()
        self.formats, self.resume = check_formats(formats), resume
        self.scorer = check_scorer(f"DLC_{self.model.entry.name}" if scorer is None else scorer)
        self.overlay, self.pcutoff, self.trails = overlay, pcutoff, trails
        self.offsets = as_offsets(offsets)
        if self.offsets is not None:
            self.offsets.check_model(self.model.keypoints, self.model.digest(), self.model.entry.name)
        self.detector: BoxNetwork | None = None
        if detects:
            self.detector = _load_detector(detector, self.model.entry, on, accept_license, self._backend)
        if compatible and (exact := getattr(self.model, "exact", None)):
            exact()
        space = space_for(self.model.keypoints)
        self.sigmas = (
            np.full(len(self.model.keypoints), SIGMA)
            if space is None
            else np.array([space.sigmas[space.index(name)] for name in self.model.keypoints])
        )

    def store_path(self, video_path: Path) -> Path:
        """Return the path of the run store of a video."""
        return store_path(video_path, self.model.entry.name, self.out)

    def run(self, path: str | os.PathLike[str], progress: Progress | None = None) -> Analysis:
        """Analyse one video, or resume its analysis, and export the results."""
        progress = progress or Progress()
        with self.open(path, progress) as run:
            speed, store = run.complete(progress), run.store.path
            poses = run.store.to_poses()
            files = export(
                poses, run.video, store, self.formats, progress, scorer=self.scorer, before=run.before
            )
            if self.overlay:
                files.append(
                    render(poses, run.video, store, progress, pcutoff=self.pcutoff, trails=self.trails)
                )
        return Analysis(poses, store, files, speed)

    def run_part(
        self, path: str | os.PathLike[str], part: int, parts: int, progress: Progress | None = None
    ) -> str:
        """Compute the raw estimates of one part of a video, from 1 of ``parts``; link and export nothing.

        All parts, and :meth:`run` afterwards, may run in processes of their own, on computers that see the
        same files. Returns a sentence about what was done.
        """
        progress = progress or Progress()
        with self.open(path, progress) as run:
            chunks = chunks_of_part(run.store.n_chunks, part, parts)
            left = sum(run.missing(chunks).values())
            progress.start(left, title=f"{run.name}, part {part} of {parts}")
            run.estimate(chunks, progress)
            progress.finish()
            rest = sum(run.missing().values())
        return f"{run.name}: part {part} of {parts}, {left} frames computed; " + (
            f"{rest} of {len(run.frames)} frames are left to other parts" if rest else "all parts are there"
        )

    @contextmanager
    def open(self, path: str | os.PathLike[str], progress: Progress | None = None) -> Iterator[OpenRun]:
        """Open the run of a video, which begins now or has begun earlier."""
        progress = progress or Progress()
        path = Path(path)
        progress.emit("store", path=str(self.store_path(path)))
        self._go_on_as(self.store_path(path))
        with open_video(path) as video:
            frames = parse_frames(self.frames, len(video))
            sizes = np.array([video.frame_size(k) for k in frames])
            check_roi(self.settings.roi, *sizes.min(axis=0)[::-1].tolist())
            given = None
            if self.boxes is not None:
                given = load_boxes(self.boxes, frames, len(video), self.settings.max_individuals)
                warn_of_boxes_outside(given, sizes, self.settings.roi)
            look = self._look(path, video, progress)
            store, before = self._store(path, video, frames, given, look, progress)
            yield OpenRun(self, path.name, video, frames, given, look, store, before)

    def _go_on_as(self, where: Path) -> None:
        """Load the models for what ran them when the run in ``where`` began, if a person leaves that open."""
        if self._backend != "auto" or not self.resume or not where.exists():
            return
        identity = RunStore.open(where).attrs["identity"]
        model, detector, _ = self._names
        on, pose = self.settings.device, identity.get("settings", {}).get("backend", TORCH)
        if pose != self.model.backend:
            self.model = _load_pose(model, on, False, pose)
            self.settings = replace(self.settings, backend=self.model.backend)
        boxes = identity.get("boxes", {}).get("backend", TORCH)
        if self.detector is not None and boxes != self.detector.backend:
            self.detector = _load_detector(detector, self.model.entry, on, False, boxes)

    def _look(self, path: Path, video: Video, progress: Progress) -> Look | None:
        """Return how the detector looks at a video: as in the resumed run, or found now; None for default."""
        where = self.store_path(path)
        if where.exists() and self.resume:
            record = RunStore.open(where).attrs["identity"].get("look")
            return None if record is None else Look.of_record(record)
        if self.search is None and not self.settings.zoom:
            return None
        return self.look_at(sampled_frames(video, self.settings.roi), path.name, progress)

    def look_at(self, frames: Sequence[np.ndarray], name: str, progress: Progress) -> Look | None:
        """Return how the detector looks at a video of which these are some frames (H, W, 3)."""
        if self.search is None and not self.settings.zoom:
            return None
        look = Look() if self.search is None else first_look(self.estimator(), frames, self.search)
        return self.closer(look, frames, name, progress)

    def closer(self, look: Look, frames: Sequence[np.ndarray], name: str, progress: Progress) -> Look:
        """Return how the detector looks at tiny animals, and say how large they are; see :attr:`settings`."""
        if not self.settings.zoom or self.detector is None:
            return look
        found = look_closer(
            lambda each: self.estimator(look=each), frames, look, self.model.entry, self.detector
        )
        progress.message(found.sentence(name, self.model.entry))
        return found.look

    def _store(
        self,
        path: Path,
        video: Video,
        frames: range,
        given: np.ndarray | None,
        look: Look | None,
        progress: Progress,
    ) -> tuple[RunStore, xr.Dataset | None]:
        """Open the store of an earlier identical run, or create a new one.

        Also returns the poses of a run that the new one replaces.
        """
        where, before = self.store_path(path), None

        def identity(frames: range) -> dict[str, Any]:
            return {
                "video": fingerprint(video),
                "frames": [frames.start, frames.stop, frames.step],
                "model": self.model.entry.name,
                "weights": self.model.digest(),
                "boxes": self._box_identity(None if given is None else given[: len(frames)]),
                "settings": self.settings.record(),
                "calibration": self.offsets.digest if self.offsets else None,
                **(
                    {"limbs": "sorted over time"} if self.settings.track and self.limbs(video, frames) else {}
                ),
                **({"look": look.record()} if look else {}),
            }

        now = identity(frames)
        made = now | {"calibration": self.offsets.record() if self.offsets else None}

        def resumed() -> tuple[RunStore, xr.Dataset | None]:
            limbs = self.limbs(video, frames)
            return go_on(where, path, frames, identity, made, len(limbs.pairs) if limbs else 0, progress)

        if where.exists():
            if self.resume:
                return resumed()
            before = clear(where, path, now, progress)
        ran = {each.backend.partition("-")[0] for each in (self.model, self.detector) if each is not None}
        versions = _versions(*sorted(ran), "numpy", "av", "opencv-python-headless")
        try:
            store = RunStore.create(
                where,
                frames=np.asarray(frames),
                keypoints=self.model.keypoints,
                individuals=[f"animal{i}" for i in range(self.settings.max_individuals)],
                fps=video.fps,
                video_path=str(path.resolve()),
                identity=now,
                provenance=make_provenance("analyze", **made, video_name=path.name, versions=versions),
            )
        except StorageError:
            if not where.exists():
                raise
            return resumed()  # another process has begun it meanwhile
        return store, before

    def _box_identity(self, given: np.ndarray | None) -> dict[str, Any]:
        """Return the identity of the box source, so that another source makes another run."""
        if self.detector is not None:
            ran = self.detector.backend
            return {
                "detector": self.detector.entry.name,
                "weights": self.detector.digest(),
                **({} if ran == TORCH else {"backend": ran}),
            }
        if given is not None:
            return {"given": hashlib.sha256(given.tobytes()).hexdigest()[:32]}
        return {"whole_frame": True}

    def limbs(self, video: Video, frames: range) -> LimbSorter | None:
        """Return the sorter of left and right legs, for models that need it and frames close in time.

        Without ``track`` it is not used, but raw estimates hold what it takes: they can be relinked.
        """
        if frames.step != 1:
            return None
        return self.limbs_at(may_follow(video.timestamps[frames.start : frames.stop], FOLLOW_WITHIN))

    def limbs_at(self, soon: np.ndarray) -> LimbSorter | None:
        """Return that sorter for frames (n,) of which ``soon`` says which come soon after the one before."""
        limbs = self.model.entry.limbs
        if not limbs or self.settings.mode == "compatible":
            return None
        if 2 * np.count_nonzero(soon) < len(soon):  # stills, or too few frames a second
            return None
        at = self.model.keypoints.index
        channels = [tuple((at(left), at(right)) for left, right in limb) for limb in limbs]
        return LimbSorter(channels, self.settings.max_individuals)

    @property
    def search(self) -> SearchSpec | None:
        """How to search for animals if the default look shows no confident one.

        None with a detector that is not the model's own, and where a person set the threshold of boxes: then
        every box from it on is an animal.
        """
        entry, detector = self.model.entry, self.detector
        own = detector is not None and detector.entry.name == entry.default_detector
        free = self.settings.mode == "enhanced" and self.settings.detector_threshold is None
        return entry.search if own and free else None

    def estimator(
        self, given: np.ndarray | None = None, look: Look | None = None, pairs: np.ndarray | None = None
    ) -> Estimator:
        """Return the estimator of poses in frames.

        Parameters
        ----------
        given : (T, N, 4)
            Given boxes, x, y, width, height.
        look
            How the detector looks; None for its default look without a search.
        pairs : (P, 2)
            Channels of look-alike keypoints.
        """
        search = None
        if look is not None and look.search and self.search is not None:
            search = replace(self.search, sizes=look.search)
        source = self.source(given, look)
        return Estimator(self.model, source, self.settings, self.sigmas, pairs, search)

    def source(self, given: np.ndarray | None = None, look: Look | None = None) -> BoxSource:
        """Return the box source: the detector, given boxes (T, N, 4) xywh, or the whole frame."""
        if self.detector is not None:
            entry, settings = self.detector.entry, self.settings
            threshold = entry.threshold if settings.mode == "enhanced" else entry.compatible_threshold
            if settings.detector_threshold is not None:
                threshold = settings.detector_threshold
            look = look or Look()
            spare = SPARE if self.search is not None else 1
            return DetectorBoxes(self.detector, threshold, settings, look.long_side, look.zoom, spare)
        if given is not None:
            offset = (self.settings.roi or (0, 0))[:2]
            return GivenBoxes(given, (offset[0], offset[1]))
        return WholeFrame()


def _versions(*names: str) -> dict[str, str]:
    """Return the versions of those libraries that are installed; images are read without a video decoder."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _load_pose(
    model: ModelName | PoseNetwork, device: str, accept_license: bool, backend: str, *, rounded: bool = False
) -> PoseNetwork:
    """Load a pose model unless it is one already."""
    if not isinstance(model, (str, os.PathLike)):
        return _moved(model, device)
    if accept_license:
        _fetch(os.fspath(model))
    return open_pose(model, device, backend, rounded=rounded)


def _moved(model: Network, device: str) -> Network:
    """Return a loaded model on the device of the run."""
    if model.backend == TORCH:
        return cast("Any", model).to(device)
    allowed(model.backend, device, "fp32", exact=False)
    return model


def _load_detector(
    detector: ModelName | BoxNetwork | None,
    pose: ModelEntry,
    device: str,
    accept_license: bool,
    backend: str,
) -> BoxNetwork:
    """Load the detector for a pose model unless it is one already."""
    if detector is not None and not isinstance(detector, (str, os.PathLike)):
        return _moved(detector, device)
    if detector is not None and Path(detector).is_file():
        return open_detector(detector, device, backend)
    name = resolve_detector(pose, None if detector is None else os.fspath(detector)).name
    if accept_license:
        _fetch(name)
    return open_detector(name, device, backend)


def _fetch(name: str) -> None:
    """Download a missing released model whose licence is accepted."""
    if name in load_catalog():
        download(name, accept_license=True)
