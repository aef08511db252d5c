"""What is done with a damaged file, and whether points went elsewhere without a word."""

from __future__ import annotations

import contextlib
import io
import signal
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from _fuzz_mutants import Damage
from _fuzz_samples import Sample

from superanimal.cli.info import info
from superanimal.errors import SuperAnimalError
from superanimal.evaluation import evaluate
from superanimal.formats import load_poses
from superanimal.keypoints import match_predictions
from superanimal.keypoints.convert import convert
from superanimal.keypoints.merge import Split
from superanimal.labels import LabelledSet, read_labels

VERBS = ("load_poses", "read_labels", "info", "convert", "merge", "evaluate", "match")
LIMIT_S = 10.0
"""Processor seconds after which a call counts as hanging."""
Points = dict[tuple[float, float], tuple[str, str]]


class Hang(BaseException):
    """A call took too long; no reader catches it."""


@dataclass
class Whole:
    """What the undamaged file gives.

    Attributes
    ----------
    reading
        Options of ``read_labels`` with which its points are labels.
    labels
        Its points as labels; as a data set they stand for what a network would find.
    results, words
        Of ``load_poses`` and ``read_labels``: the result, and the warnings and notes.
    """

    sample: Sample
    reading: dict[str, Any] = field(default_factory=dict)
    labels: LabelledSet | None = None
    results: dict[str, Any] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)


def whole(sample: Sample, video: Path) -> Whole:
    """Read an undamaged file with every verb that takes it."""
    known = Whole(sample)
    with contextlib.suppress(SuperAnimalError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known.labels = read_labels(sample.path)
        if known.labels.predicted:
            known.reading = {"min_confidence": 0.1}
            if sample.name != "slp":  # which names its video
                known.reading["video"] = video
            known.labels = read_labels(sample.path, **known.reading)
    for verb in ("load_poses", "read_labels"):
        with contextlib.suppress(SuperAnimalError):
            result, words = call(verb, sample.path, known)
            known.results[verb], known.words[verb] = result, {plain(word, sample.path) for word in words}
    return known


def call(
    verb: str, path: Path, known: Whole, good: LabelledSet | None = None, scratch: Path = Path()
) -> tuple[Any, list[str]]:
    """Do one verb with a file and return its result and what was said.

    Parameters
    ----------
    known
        The undamaged file.
    good
        Another data set, for ``merge`` and ``evaluate``.
    scratch
        Folder for outputs.
    """
    with (
        warnings.catch_warnings(record=True) as caught,
        _limited(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("always")
        result = _VERBS[verb](path, known, good, scratch)
    said = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
    return result, said + list(getattr(result, "notes", ()))


def _evaluate(path: Path, known: Whole, good: LabelledSet, scratch: Path) -> Any:
    labels = good if known.labels is None else known.labels
    if known.reading:  # a file of predictions
        return evaluate(path, labels.to_poses(), samples=10, same_video=True)
    return evaluate(labels.to_poses(), path, samples=10, same_video=True)


def _match(path: Path, known: Whole, good: LabelledSet, scratch: Path) -> Any:
    found = (good if known.labels is None else known.labels).to_poses().drop_vars("image", errors="ignore")
    return match_predictions(read_labels(path), found)


def _merge(path: Path, known: Whole, good: LabelledSet, scratch: Path) -> Any:
    split = Split(scratch / "split.json")
    sources = [good, f"damaged={path}"]
    done = convert(sources, scratch / "merged", duplicates="drop", split=split, reading=known.reading)
    return done.merged.report.save(scratch / "report")


_VERBS: Mapping[str, Any] = {
    "load_poses": lambda path, known, good, scratch: load_poses(path, **known.sample.options),
    "read_labels": lambda path, known, good, scratch: read_labels(path),
    "info": lambda path, known, good, scratch: info(path),
    "convert": lambda path, known, good, scratch: convert(path, scratch / "out", reading=known.reading),
    "merge": _merge,
    "evaluate": _evaluate,
    "match": _match,
}


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, stop), signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    signal.setitimer(signal.ITIMER_REAL, 60 * LIMIT_S)  # for what waits instead of computing
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGALRM, before[1])


def plain(text: str, path: Path) -> str:
    """Return a text without the folder that the file is in."""
    return text.replace(str(path.parent), "")


def where_points_are(result: Any, path: Path) -> Points:
    """Return frame (or image) and keypoint of every point, by its coordinates to a tenth of a pixel."""
    found: Points = {}
    if isinstance(result, LabelledSet):
        for m, k in zip(*np.nonzero(result.labelled), strict=True):
            image = result.images[result.image_index[m]]
            place = plain(image.label, path) if image.frame is None or image.inside else str(image.frame)
            found[_key(result.xy[m, k])] = (place, result.keypoints[k])
        return found
    frames = result["image" if "image" in result.coords else "frame"].values
    names = result["keypoint"].values
    values = result["position"].transpose("time", "keypoint", "individual", "space").values
    for t, k, n in zip(*np.nonzero(np.isfinite(values[..., :2]).all(-1)), strict=True):
        found[_key(values[t, k, n])] = (plain(str(frames[t]), path), str(names[k]))
    return found


def _key(xy: Any) -> tuple[float, float]:
    return round(float(xy[0]), 1), round(float(xy[1]), 1)


def silent_change(
    verb: str, result: Any, words: list[str], path: Path, known: Whole, done: Damage
) -> tuple[str, bool]:
    """Return what changed without a word (empty for nothing), and whether that is the damage itself.

    A point, known by its coordinates, must be found at the frame and keypoint of the undamaged file; damage
    that leaves coordinates alone must not bring new ones.
    """
    if verb not in known.results or {plain(word, path) for word in words} - known.words[verb]:
        return "", False
    before = where_points_are(known.results[verb], known.sample.path)
    after = where_points_are(result, path)
    names = {name for _, name in before.values()}
    frames, keypoints = set(), set()
    for point, (frame, name) in after.items():
        if point in before:
            old_frame, old_name = before[point]
            frames |= {(old_frame, frame)} if frame != old_frame else set()
            keypoints |= {(old_name, name)} if name != old_name and name in names else set()
    made_up = [] if done.values else [point for point in after if point not in before]
    changes = []
    if frames:
        changes.append(f"frames {sorted(frames)[:4]}")
    if keypoints:
        changes.append(f"keypoints {sorted(keypoints)[:4]}")
    if made_up:
        changes.append(f"coordinates {made_up[:3]}")
    # a byte of text cannot turn one name into another; of binary data it can turn numbers of both
    allowed = 0 if known.sample.kind == "text" else done.edits
    itself = done.named or (len(frames) <= done.edits and len(keypoints) <= allowed and not made_up)
    return "; ".join(changes), itself
