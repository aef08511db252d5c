"""Estimating the poses in a window of frames: boxes, crops, network, decoding.

Which frames the detector must see is the rule of :mod:`superanimal.inference.following`; they cut the window
into segments that advance in lockstep: the first frames of all segments go through the detector together,
then the second frames of all segments take the boxes of the poses just found, and so on. Every call of a
network thus has a full batch, although each segment is sequential.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.inference.batches import Batches
from superanimal.inference.boxes import (
    Boxes,
    BoxSource,
    DetectorBoxes,
    anchor_of,
    carried_box,
    overlaps,
    pose_box,
)
from superanimal.inference.crops import CropWindows, crop_windows, cut
from superanimal.inference.decode import decode
from superanimal.inference.following import PATIENCE, lost, since_detection, supported
from superanimal.inference.legs.peaks import PEAKS, pair_peaks
from superanimal.inference.searching import SAME_POSE, best, worth_of
from superanimal.inference.settings import Settings
from superanimal.inference.stages import DETECTOR, POSE, Stages
from superanimal.inference.views import View, consensus, mirror_of, views_of
from superanimal.poses.similarity import iou, oks

if TYPE_CHECKING:
    from superanimal.inference.backends import PoseNetwork
    from superanimal.zoo.entry import SearchSpec

SAME = 0.7
"""Two poses of one frame with more OKS than this are the same animal, seen twice."""
TAKEN = 0.5
"""A box that follows belongs to an animal of this frame whose box shares so much IoU with it."""


@dataclass
class Animals:
    """The animals of one frame, best box first.

    Attributes
    ----------
    boxes : (n, 4) float32
        x, y, width, height in pixels.
    scores : (n,) float32
        Of the boxes.
    points : (n, K, 2) float64
        Keypoints in pixels.
    confidence : (n, K) float64
        0..1.
    reference : (n,) float64
        Mean confidence when the animal was last detected.
    anchor : (n, 4) float64
        How the box lay to the pose when the animal was last detected, see :func:`anchor_of`.
    peaks : (n, P, PEAKS, 6) float64
        Where look-alike keypoints may be, see :func:`pair_peaks`, in pixels.
    denied : (n,) int64
        How many looks of the detector in a row showed nothing where the animal is.
    """

    boxes: np.ndarray
    scores: np.ndarray
    points: np.ndarray
    confidence: np.ndarray
    reference: np.ndarray
    anchor: np.ndarray
    peaks: np.ndarray
    denied: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, keep: np.ndarray) -> Animals:
        """Return some of the animals."""
        return Animals(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    @classmethod
    def joined(cls, *parts: Animals) -> Animals:
        """Return the animals of all parts, in their order."""
        fields = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


class Estimator:
    """Finds the poses in windows of frames.

    Parameters
    ----------
    model
        The pose network.
    source
        Where boxes come from.
    settings
        The choices of the run.
    sigmas : (K,)
        OKS tolerances, to tell two animals from one seen twice.
    pairs : (P, 2)
        Channels of look-alike keypoints whose peaks are wanted.
    search
        How to search where the usual look shows no sure animal; None never does. Needs a detector.
    """

    def __init__(
        self,
        model: PoseNetwork,
        source: BoxSource,
        settings: Settings,
        sigmas: np.ndarray,
        pairs: np.ndarray | None = None,
        search: SearchSpec | None = None,
    ) -> None:
        self.model = model
        self.search = search
        self.pairs = np.zeros((0, 2), int) if pairs is None else pairs
        self.source = source
        self.settings = settings
        self.sigmas = sigmas
        self.mirror = mirror_of(model.keypoints) if settings.flip else np.arange(len(model.keypoints))
        self.enhanced = settings.mode == "enhanced"
        beyond = model.entry.beyond_box
        self.inner = np.array([name not in beyond for name in model.keypoints])
        self.body = np.array([name not in model.entry.appendages for name in model.keypoints])
        self.batches = Batches(settings.batch_size)
        self.stages = Stages()

    def state(self) -> dict[str, int]:
        """Return what out-of-memory back-off has changed, as JSON values."""
        return {"pose_batch": self.batches.size, "box_batch": self.source.batches.size}

    def restore(self, state: dict[str, int] | None) -> None:
        """Go on from a :meth:`state`; None begins anew."""
        if state is None:
            self.batches.reset()
            self.source.batches.reset()
            return
        self.batches.size = state["pose_batch"]
        self.source.batches.size = state["box_batch"]

    def estimate(
        self,
        frames: Sequence[np.ndarray],
        rows: np.ndarray,
        follow: np.ndarray,
        search: np.ndarray | None = None,
    ) -> list[Animals]:
        """Return the animals of each frame of a window, with the boxes of a result.

        Parameters
        ----------
        frames : n arrays (H, W, 3) uint8
            Frames of the run in their order, RGB, each of its own size.
        rows : (n,)
            Their rows in the run.
        follow : (n,) bool
            Where boxes may follow the pose from the frame before.
        search : (n,) bool
            Where a search is allowed when it is the detector's turn; everywhere when None.
        """
        found = self.find(frames, rows, follow, search)
        return [self.reported(each, frame.shape[:2]) for each, frame in zip(found, frames, strict=True)]

    def find(
        self,
        frames: Sequence[np.ndarray],
        rows: np.ndarray,
        follow: np.ndarray,
        search: np.ndarray | None = None,
        before: tuple[Animals, int] | None = None,
    ) -> list[Animals]:
        """Return the animals of each frame of a window, with the boxes that were cropped.

        Parameters
        ----------
        frames, rows, follow, search
            As for :meth:`estimate`.
        before
            The animals of the frame before the window as this method returned them, and how many frames after
            one that the detector saw the window begins.
        """
        allowed = np.ones(len(frames), dtype=bool) if search is None else search
        animals: dict[int, Animals] = {} if before is None else {-1: before[0]}
        looked: dict[int, np.ndarray] = {}
        begun = 0 if before is None else before[1]
        since = since_detection(follow, self.settings.detector_every, begun)
        for step in range(since.max(initial=-1) + 1):
            members = np.flatnonzero(since == step).tolist()
            followed = self._followed(frames, {i: animals[i - 1] for i in members}) if step else {}
            animals |= followed
            detected, boxes = self._detected(frames, rows, [i for i in members if i not in followed])
            animals |= detected
            looked |= boxes
            if self.search is not None and not step:
                wanted = [i for i in members if allowed[i] and self._wanting(animals[i])]
                animals |= {i: self._searched(frames, i, animals[i]) for i in wanted}
        if self.enhanced and isinstance(self.source, DetectorBoxes):  # a person who gives boxes misses none
            for i in np.flatnonzero(follow).tolist():
                if i - 1 in animals:
                    animals[i] = self._completed(frames, i, animals[i], animals[i - 1], looked.get(i))
        return [animals[i] for i in range(len(frames))]

    def reported(self, found: Animals, size: tuple[int, ...]) -> Animals:
        """Return the animals with the boxes of a result: round the body, if the entry says what that is."""
        if not self.model.entry.appendages or not self.enhanced or not isinstance(self.source, DetectorBoxes):
            return found
        xywh = self._pose_boxes(found.points, found.confidence, self.body)
        limit = np.array(size[::-1], float)
        low, high = np.clip(xywh[:, :2], 0, limit), np.clip(xywh[:, :2] + xywh[:, 2:], 0, limit)
        boxes = np.concatenate([low, np.maximum(high - low, 1)], axis=1).astype(np.float32)
        return replace(found, boxes=boxes)

    def _detected(
        self, frames: Sequence[np.ndarray], rows: np.ndarray, members: list[int]
    ) -> tuple[dict[int, Animals], dict[int, np.ndarray]]:
        """Return the animals of some frames, and the boxes (n, 4) in which the source of boxes sees them."""
        if not members:
            return {}, {}
        with self.stages.of(DETECTOR):
            boxes = dict(
                zip(members, self.source.find([frames[i] for i in members], rows[members]), strict=True)
            )
        poses = self.look_in(frames, boxes)
        return {i: self._animals(found) for i, found in poses.items()}, {i: b.xywh for i, b in boxes.items()}

    def look_in(self, frames: Sequence[np.ndarray], boxes: dict[int, Boxes]) -> dict[int, Animals]:
        """Return the poses in detected boxes, after the second look if there is one.

        Of several animals those of the first look remain candidates: the second may slip to a neighbour.
        """
        poses = self._poses(frames, boxes)
        if not self.settings.refine:
            return poses
        second = self._poses(frames, {i: self._refined(found) for i, found in poses.items()})
        if self.search is None or self.settings.max_individuals == 1:
            return second
        return {i: Animals.joined(second[i], poses[i]) for i in boxes}

    def _animals(self, found: Animals) -> Animals:
        """Return what of the poses in one frame is an animal, each once."""
        if self.search is not None:
            found = found.select(self.worth(found) >= self.search.least)
            around = self._pose_boxes(found.points, found.confidence)
            around[:, 2:] += around[:, :2]
            found = found.select(best(self.worth(found), around))
        return found.select(self._distinct(found)[: self.settings.max_individuals])

    def worth(self, found: Animals) -> np.ndarray:
        """Return what poses are worth (n,), see :func:`superanimal.inference.searching.worth_of`."""
        return worth_of(found.scores, found.confidence[:, self.inner])

    def _wanting(self, found: Animals) -> bool:
        """Tell whether fewer sure animals were found than there may be."""
        assert self.search is not None
        sure = int((self.worth(found) >= self.search.sure).sum())
        return sure < self.settings.max_individuals

    def _searched(self, frames: Sequence[np.ndarray], i: int, usual: Animals) -> Animals:
        """Return the animals of one frame among the candidates of several looks, the best first."""
        assert self.search is not None and isinstance(self.source, DetectorBoxes)
        with self.stages.of(DETECTOR):
            boxes = self.source.search(frames[i], self.search.sizes)
        return self._animals(Animals.joined(usual, self.look_in(frames, {i: boxes})[i]))

    def _followed(self, frames: Sequence[np.ndarray], before: dict[int, Animals]) -> dict[int, Animals]:
        """Return the animals of the frames in which boxes that follow from the frame before hold them."""
        boxes = {i: self._carry(animals) for i, animals in before.items() if len(animals)}
        boxes = {i: box for i, box in boxes.items() if overlaps(box.xywh, frames[i].shape[:2]).all()}
        poses = self._poses(frames, boxes)
        for i, found in poses.items():
            found.reference, found.anchor = before[i].reference, before[i].anchor
            found.denied = before[i].denied
        return {i: found for i, found in poses.items() if self._holds(found)}

    def _completed(
        self,
        frames: Sequence[np.ndarray],
        i: int,
        now: Animals,
        before: Animals,
        looked: np.ndarray | None,
    ) -> Animals:
        """Return the animals of frame ``i`` with those of the frame before that still are where it lost them.

        Parameters
        ----------
        now, before
            Those of this frame, and of the one before.
        looked : (n, 4)
            The boxes that the detector saw in this frame; None when it did not look.
        """
        room = self.settings.max_individuals - len(now)
        if room <= 0 or not len(before):
            return now
        carried = self._carry(before).xywh
        denied = before.denied + (0 if looked is None else ~supported(carried, looked))
        wanted = (iou(carried, now.boxes).max(axis=1, initial=0.0) < TAKEN) & (denied <= PATIENCE)
        wanted &= overlaps(carried, frames[i].shape[:2])
        if not wanted.any():
            return now
        kept = before.select(wanted)
        found = self._poses(frames, {i: self._carry(kept)})[i]
        found.reference, found.anchor, found.denied = kept.reference, kept.anchor, denied[wanted]
        found = found.select(~lost(found.confidence, found.reference, found.boxes, self._carry(found).xywh))
        both = Animals.joined(now, found)
        new = self._distinct(both)[len(now) :]  # those of this frame are different already
        around = self._pose_boxes(both.points, both.confidence)
        new = new[iou(around[new], around[: len(now)]).max(axis=1, initial=0.0) < SAME_POSE]
        return both.select(np.concatenate([np.arange(len(now)), new[:room]]))

    def _holds(self, found: Animals) -> bool:
        """Tell whether boxes that followed hold their animals, each another one."""
        around = self._carry(found).xywh
        if lost(found.confidence, found.reference, found.boxes, around).any():
            return False
        return len(self._distinct(found)) == len(found)

    def _carry(self, before: Animals) -> Boxes:
        """Return the boxes that follow from the frame before."""
        poses = self._pose_boxes(before.points, before.confidence)
        boxes = [carried_box(*each) for each in zip(poses, before.anchor, before.boxes, strict=True)]
        return Boxes(np.stack(boxes), before.scores)

    def _refined(self, animals: Animals) -> Boxes:
        """Return the boxes of a second look."""
        boxes = self._pose_boxes(animals.points, animals.confidence)
        return Boxes(boxes.astype(np.float32), animals.scores)

    def _pose_boxes(
        self, points: np.ndarray, confidence: np.ndarray, inside: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the boxes (n, 4) of poses (n, K, 2), set by the keypoints (K,) that belong into them."""
        inside = self.inner if inside is None else inside
        both = zip(points[:, inside], confidence[:, inside], strict=True)
        return np.array([pose_box(*each) for each in both]).reshape(-1, 4)

    def _distinct(self, animals: Animals) -> np.ndarray:
        """Return which animals stay when one whose pose is that of another with a better box goes."""
        if not self.enhanced:
            return np.arange(len(animals))
        keep: list[int] = []
        for i in range(len(animals)):
            distance = np.linalg.norm(animals.points[keep] - animals.points[i], axis=-1)
            if not (oks(distance, float(np.prod(animals.boxes[i, 2:])), self.sigmas) > SAME).any():
                keep.append(i)
        return np.array(keep, dtype=int)

    def _poses(self, frames: Sequence[np.ndarray], boxes: dict[int, Boxes]) -> dict[int, Animals]:
        """Run the pose network on all boxes of some frames, as if all had been detected in them."""
        owners = [i for i, found in boxes.items() for _ in found.scores]
        every = [found.xywh for found in boxes.values()]
        xywh = np.concatenate(every) if every else np.zeros((0, 4), np.float32)
        points, confidence, peaks = self._run(frames, owners, xywh)
        poses: dict[int, Animals] = {}
        start = 0
        for i, found in boxes.items():
            mine = slice(start, start := start + len(found.scores))
            boxed = self._pose_boxes(points[mine], confidence[mine])
            anchor = np.array([anchor_of(*each) for each in zip(found.xywh, boxed, strict=True)])
            poses[i] = Animals(
                found.xywh,
                found.scores,
                points[mine],
                confidence[mine],
                reference=confidence[mine].mean(axis=1),
                anchor=anchor.reshape(-1, 4),
                peaks=peaks[mine],
                denied=np.zeros(len(found.scores), np.int64),
            )
        return poses

    def _run(
        self, frames: Sequence[np.ndarray], owners: list[int], xywh: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return keypoints (n, K, 2), confidences (n, K) and peaks of pairs for n boxes on their frames."""
        first, *more = views_of(self.settings.scales, self.settings.flip)
        points, confidence, peaks = self._seen(frames, owners, xywh, first)
        if more:
            others = [self._seen(frames, owners, xywh, view) for view in more]
            size = np.sqrt(self._pose_boxes(points, confidence)[:, 2:].prod(axis=1))
            points, confidence = consensus(
                np.stack([points, *(seen[0] for seen in others)]),
                np.stack([confidence, *(seen[1] for seen in others)]),
                size,
            )
        return points, confidence, peaks

    def _seen(
        self, frames: Sequence[np.ndarray], owners: list[int], xywh: np.ndarray, view: View
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return keypoints, confidences and peaks of pairs as one look at n boxes shows them."""
        keypoints = len(self.model.keypoints)
        peaks = np.zeros((len(owners), len(self.pairs), PEAKS, 6))
        points, confidence = np.zeros((len(owners), keypoints, 2)), np.zeros((len(owners), keypoints))
        entry = self.model.entry
        windows = crop_windows(view.boxes(xywh), entry.input_size, entry.crop_margin)
        done = 0
        for crops in self._crops(frames, owners, windows, view):

            def work(chosen: np.ndarray, crops: np.ndarray = crops, done: int = done) -> None:
                """Decode inside the batch: decoding takes memory of the device too."""
                outputs, part = self._heads(crops[chosen[0] : chosen[-1] + 1]), done + chosen
                here = CropWindows(windows.offset[part], windows.extent[part], windows.size)
                points[part], confidence[part] = decode(
                    outputs, self.model.head, here, subpixel=self.enhanced
                )
                if len(self.pairs) and not view.mirrored:
                    peaks[part] = pair_peaks(outputs, self.model.head, here, self.pairs)

            self.batches.run(work, np.arange(len(crops)))
            done += len(crops)
        shift = self.model.head.pixel_shift
        return *view.undone(points, confidence, windows, self.mirror, shift), peaks

    def _crops(
        self, frames: Sequence[np.ndarray], owners: list[int], windows: CropWindows, view: View
    ) -> Iterator[np.ndarray]:
        """Yield batches of crops (B, h, w, 3); a thread cuts the next while the network has this one."""

        def batch(start: int, stop: int) -> np.ndarray:
            return np.stack(
                [
                    view.crop(
                        cut(
                            frames[owners[i]],
                            windows.offset[i],
                            windows.extent[i],
                            windows.size,
                            antialias=self.enhanced,
                        )
                    )
                    for i in range(start, stop)
                ]
            )

        size, start = self.batches.size, 0
        with ThreadPoolExecutor(1, "superanimal-crop") as pool:
            coming: Future[np.ndarray] | None = None
            while start < len(owners) or coming is not None:
                ready = coming
                stop = min(start + size, len(owners))
                coming = pool.submit(batch, start, stop) if start < stop else None
                start = stop
                if ready is not None:
                    yield ready.result()

    def _heads(self, crops: np.ndarray) -> Mapping[str, Any]:
        with self.stages.of(POSE):
            return self.model.heads(crops, self.settings.precision)
