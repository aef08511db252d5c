"""What is done with a damaged file, with the options that its undamaged original needs."""

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


class Hang(BaseException):
    """A call took too long; no reader catches it."""


@dataclass
class Whole:
    """An undamaged file and what every verb makes of it.

    Attributes
    ----------
    reading
        Options of ``read_labels`` with which its points are labels.
    labels
        Its points as labels; as a data set they stand for what a network would find.
    results, words
        By verb: the result, and the warnings and notes. A verb that refuses the file has none.
    refusals
        By verb: why it does not take the file.
    """

    sample: Sample
    reading: dict[str, Any] = field(default_factory=dict)
    labels: LabelledSet | None = None
    results: dict[str, Any] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)


def whole(sample: Sample, video: Path, scratch: Path, verbs: tuple[str, ...] = VERBS) -> Whole:
    """Give an undamaged file to every verb.

    Parameters
    ----------
    video
        Video of the frames, for files that name none.
    scratch
        Folder for outputs.
    """
    known = Whole(sample)
    with contextlib.suppress(SuperAnimalError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known.labels = read_labels(sample.path)
        if known.labels.predicted:
            known.reading = {"min_confidence": 0.1}
            if sample.name != "slp":  # which names its video
                known.reading["video"] = video
            known.labels = read_labels(sample.path, **known.reading)
    for verb in verbs:
        folder = scratch / sample.path.name / verb
        folder.mkdir(parents=True)
        try:
            result, words = call(verb, sample.path, known, folder)
        except SuperAnimalError as error:
            known.refusals[verb] = error.problem.replace(f"{sample.path}: ", "")
        else:
            known.results[verb] = result
            known.words[verb] = {plain(word, sample.path) for word in words}
    return known


def call(verb: str, path: Path, known: Whole, scratch: Path) -> tuple[Any, list[str]]:
    """Do one verb with a file and return its result and what was said.

    Parameters
    ----------
    known
        The undamaged file.
    scratch
        Folder for outputs.
    """
    with (
        warnings.catch_warnings(record=True) as caught,
        limited(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("always")
        result = _VERBS[verb](path, known, scratch)
    said = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
    return result, said + _notes(result)


def _notes(result: Any) -> list[str]:
    """Return what a result says of itself, where the command line prints it."""
    if hasattr(result, "written"):
        return [*result.merged.labelled.notes, *result.written.notes, *result.written.lost]
    if hasattr(result, "facts"):  # of evaluate and match
        own = result.labels.notes if hasattr(result, "labels") else ()
        return [*own, *getattr(result, "warnings", result.facts.get("warnings", ()))]
    return list(getattr(result, "notes", ()))


def _convert(path: Path, known: Whole, scratch: Path) -> Any:
    return convert(path, scratch / "out", reading=known.reading)


def _merge(path: Path, known: Whole, scratch: Path) -> Any:
    sources: list[Any] = [f"damaged={path}"]
    if known.labels is not None:  # beside the same labels half a pixel on, to tell the two apart
        sources = [known.labels.with_columns(name="good", xy=known.labels.xy + 0.5), *sources]
    split = Split(scratch / "split.json")
    done = convert(sources, scratch / "merged", duplicates="keep", split=split, reading=known.reading)
    done.merged.report.save(scratch / "report")
    return done


def _evaluate(path: Path, known: Whole, scratch: Path) -> Any:
    truth = path if known.labels is None else known.labels.to_poses()
    if known.reading:  # a file of predictions
        return evaluate(path, truth, samples=10, same_video=True)
    return evaluate(truth, read_labels(path), samples=10, same_video=True)


def _match(path: Path, known: Whole, scratch: Path) -> Any:
    labels = read_labels(path)
    found = (labels if known.labels is None else known.labels).to_poses().drop_vars("image", errors="ignore")
    return match_predictions(labels, found, samples=20)


_VERBS: Mapping[str, Any] = {
    "load_poses": lambda path, known, scratch: load_poses(path, **known.sample.options),
    "read_labels": lambda path, known, scratch: read_labels(path),
    "info": lambda path, known, scratch: info(path),
    "convert": _convert,
    "merge": _merge,
    "evaluate": _evaluate,
    "match": _match,
}


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """End a call that hangs."""

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
