"""Adapting a model to videos without labels (Ye et al. 2024, Methods, "Video adaptation").

The output folder::

    before/, after/        analyses of the videos with the original and the adapted model
    training/              the training run, which resumes
    looks.npz              what the model itself saw in the training frames
    before.nc, after.nc    poses of both in the held-out frames of the first video
    adaptation.json        figures before and after, and the decision
    before_after.mp4       these frames with the points of both, side by side
    report.html
    entry.yaml, ...        the adapted model, where it is kept: see superanimal.training.model_folder
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from superanimal.adaptation.clip import write_clip
from superanimal.adaptation.corrections import Corrections, read_corrections
from superanimal.adaptation.judging import PROVEN_BY, verdict
from superanimal.adaptation.measuring import change, distance_to, steadiness, unsteadiness
from superanimal.adaptation.pseudo_labels import (
    THRESHOLD,
    Mask,
    PseudoLabels,
    choose_frames,
    pseudo_labels,
    seen,
)
from superanimal.adaptation.report_page import render
from superanimal.adaptation.run_folder import AFTER, BEFORE, CLIP, MEMORY, PAGE, RECORD, RUN
from superanimal.adaptation.segments import Segment, segments_of
from superanimal.adaptation.smoothing import kalman_smoothed, median_filtered
from superanimal.bootstrap import Interval
from superanimal.errors import Cancelled, InputError, SuperAnimalError, unknown_name
from superanimal.formats import save_poses
from superanimal.inference import find_videos
from superanimal.inference.analyzer import Analyzer
from superanimal.inference.choosing import Analyzers
from superanimal.inference.labelled_animals import predict_animals
from superanimal.inference.naming import set_aside
from superanimal.inference.options import AUTO
from superanimal.labels.labelled_set import PER_ANIMAL, LabelledSet
from superanimal.progress import Progress
from superanimal.reports.files import plain, write_json, write_text
from superanimal.training.data.samples import EXTENT_MARGIN
from superanimal.training.finetuning.replay import remember, replay
from superanimal.training.finetuning.start import unpaired
from superanimal.training.loop.fit import fit, start_over
from superanimal.training.loop.recipe import Augmentation, Recipe, parse_recipe
from superanimal.training.model_folder import release, space_of
from superanimal.video import open_video
from superanimal.zoo import PoseModel, import_model, load_catalog, load_model
from superanimal.zoo.folder import is_model_folder
from superanimal.zoo.importing import NAME

FRAMES = 120
"""Frames trained on, of all videos together."""
LOOKED_AT = 60
"""Held-out frames on which models are compared with the teacher."""
STEPS = 200
"""Steps of the training."""
BATCH = 8
BATCH_CORRECTED = 5
"""Samples per step, without and with corrections."""
SIDE_VIEW_ROTATION = 30.0
"""Degrees; animals seen from above are turned by any angle."""


@dataclass(frozen=True)
class AdaptResult:
    """The result of an adaptation.

    Attributes
    ----------
    kept
        Whether the adapted model is better on frames it was not trained on.
    model
        What to give to ``analyze``: the adapted model's name or folder, or the original's when not kept.
    verdict
        The reason, one sentence.
    figures
        Content of ``adaptation.json``.
    folder
        Where everything is.
    """

    kept: bool
    model: str
    verdict: str
    figures: dict[str, Any]
    folder: Path


def adapt(
    videos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    model: str | os.PathLike[str] | PoseModel = AUTO,
    *,
    corrections: Corrections | None = None,
    name: str | None = None,
    out: str | os.PathLike[str] | None = None,
    max_individuals: int = 1,
    threshold: float = THRESHOLD,
    mask: Mask = "unknown",
    steps: int = STEPS,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
    resume: bool = True,
) -> AdaptResult:
    """Adapt a model to videos, without labels or with a few corrected frames.

    The model's own predictions, made steadier by several looks at each animal and by the frames around,
    become labels of frames that differ most; what is not sure is masked. After a short training with frozen
    batch-norm statistics, both models are compared on stretches of the videos that were held out: an adapted
    model that is not better there is not kept.

    Parameters
    ----------
    videos
        Videos, or folders or patterns of them.
    model
        Name, weight file, folder or loaded model; ``"auto"`` chooses by the first video.
    corrections
        Frames corrected by a person, which count in full, see
        :func:`superanimal.adaptation.corrections.read_corrections`.
    name
        Adds the adapted model to the list of models under this name.
    out
        Output folder; by default ``<video>_adapted`` beside the first video.
    max_individuals
        Maximum number of animals per frame.
    threshold
        Least confidence of a prediction used as a label.
    mask
        ``"unknown"`` gives keypoints that are not sure no gradient; ``"absent"`` trains them to be invisible.
        From the side, hidden legs are unsure because they are hidden: there, ``"absent"`` keeps the model
        from guessing them.
    steps
        Steps of the training.
    seed
        Random seed.
    device
        As in ``analyze``.
    progress
        Shows progress and can cancel.
    resume
        Resume the run in the folder; False starts over.

    Returns
    -------
    AdaptResult
        ``.model`` is what to analyse with.

    Raises
    ------
    InputError, NotFoundError, ModelError, VideoError
        Each with a remedy. Of several videos, those that fail are left out and listed.
    Cancelled
        When stopped; the same call resumes.

    Examples
    --------
    >>> done = adapt("clip.mp4", "mini_topviewmouse")  # doctest: +SKIP
    >>> print(done.verdict)  # doctest: +SKIP
    >>> poses = superanimal.analyze("clip.mp4", done.model)  # doctest: +SKIP
    """
    if mask not in get_args(Mask):
        raise unknown_name("mask", mask, get_args(Mask))
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold {threshold:g}", "a confidence lies in 0..1")
    progress = progress or Progress()
    paths = find_videos(videos)
    if not paths:
        raise InputError("no video to adapt to", "at least one is needed")
    folder = Path(out) if out is not None else paths[0].with_name(f"{paths[0].stem}_adapted")
    folder.mkdir(parents=True, exist_ok=True)
    _check_name(name, folder)
    base = _base(model, paths[0], device, progress)
    if not resume:
        start_over(folder / RUN, progress)
    given = None if corrections is None else read_corrections(corrections, base, paths)
    analyzer = Analyzer(base, max_individuals=max_individuals, device=device, formats=(), resume=resume)
    before, failed = _analysed(analyzer, paths, folder / "before", progress)
    trained_on = [seen(part.video, part.poses) for part in before if not part.segment.held_out]
    held_out = [seen(part.video, part.poses) for part in before if part.segment.held_out]
    progress.message(f"{len(before)} stretches of {len(paths) - len(failed)} videos analysed")
    corrected = None if given is None else _split(given)
    if corrected is None:
        taught = _sure(
            pseudo_labels(
                trained_on, choose_frames(trained_on, FRAMES), base, threshold=threshold, mask=mask,
                file=folder / MEMORY, progress=progress,
            )
        )  # fmt: skip
    else:
        taught = _completed(corrected.train, base, folder / MEMORY, progress)
    train, weights = taught.labels, taught.weights
    looked_at = choose_frames(held_out, LOOKED_AT)
    if not (train.visibility > 0).any():
        raise InputError(
            f"no animal in {', '.join(path.name for path in paths[:3])} is sure enough to learn from",
            f"predictions with a confidence of {threshold:g} that agree over time are needed",
            "correct some frames first, fine-tune on ten labelled frames, or choose another model",
        )
    adapted = PoseModel(replace(base.entry, name=name or folder.resolve().name), copy.deepcopy(base.network))
    recipe = recipe_of(base, corrected, steps, seed, device)
    result = fit(
        adapted, train, None, space_of(base.entry), recipe, folder / RUN, point_weights=weights,
        progress=progress,
    )  # fmt: skip
    progress.check()
    adapted = PoseModel(adapted.entry, adapted.network)  # in evaluation mode, channels last
    again = Analyzer(adapted, max_individuals=max_individuals, device=device, formats=(), resume=resume)
    parts = [part for part in before if part.segment.held_out]
    after = []
    for path in dict.fromkeys(part.video for part in parts):
        every = [part.segment for part in before if part.video == path]
        wanted = [segment for segment in every if segment.held_out]
        after += _cut(again, path, every, wanted, folder / "after", progress)
    first = [part.poses for part in parts]
    around = [
        replace(old, around=seen(old.video, poses).around) for old, poses in zip(held_out, after, strict=True)
    ]
    agreed = [
        pseudo_labels(stretches, looked_at, m, threshold=threshold, progress=progress)
        for stretches, m in ((held_out, base), (around, adapted))
    ]
    labels = agreed[0].labels
    once = [predict_animals(m, labels, labels.boxes, progress)[0] for m in (base, adapted)]
    unsteady = unsteadiness(agreed[0], agreed[1], (once[0], once[1]))
    proof = None
    if corrected is not None and corrected.held_out is not None:
        right = corrected.held_out
        boxes = right.labels.boxes_or_extent(EXTENT_MARGIN)
        proof = change(
            *(
                distance_to(right, predict_animals(m, right.labels, boxes, progress)[0])
                for m in (base, adapted)
            )
        )
    count = 0 if corrected is None else corrected.frames
    kept, why = verdict(steadiness(first), steadiness(after), unsteady, proof, count)
    figures = {
        "superanimal_adaptation": 1,
        "kept": kept,
        "verdict": why,
        "base_model": base.entry.name,
        "failed": failed,
        **_compared(parts, after, paths),
        "unsteadiness": {**asdict(unsteady), "change": _plain(unsteady.change)},
        "error_of_corrections": None if proof is None else _plain(proof),
        "labels": {
            "frames": len(train),
            "masked": float((train.visibility <= 0).mean()) if train.n_individuals else 1.0,
            "threshold": threshold,
            "mask": mask,
            "corrected_frames": count,
        },
        "training": {"steps": result.steps, "recipe": recipe.record()},
    }
    for file, each in ((BEFORE, first), (AFTER, after)):
        shown = [poses for part, poses in zip(parts, each, strict=True) if part.video == parts[0].video]
        joined = xr.concat(shown, "time", data_vars="minimal", combine_attrs="override")
        save_poses(joined, folder / file)
    write_json(folder / RECORD, plain(figures))
    mine = [n for n, part in enumerate(parts) if part.video == parts[0].video]
    write_clip([first[n] for n in mine], [after[n] for n in mine], parts[0].video, folder / CLIP)
    write_text(folder / PAGE, render(plain(figures), first, after, parts[0].video))
    progress.message(why)
    if not kept:
        if is_model_folder(folder):
            aside = set_aside(folder / "entry.yaml")
            progress.message(f"the model of the earlier adaptation is not this one: see {aside.name}")
        return AdaptResult(False, base.entry.name, why, figures, folder)
    facts = {name: figures[name] for name in ("base_model", "videos", "labels", "training", "verdict")}
    release(
        adapted, folder, space_of(base.entry), facts=plain(facts), curves=result.curves,
        title=f"{base.entry.name} adapted to {', '.join(path.name for path in paths[:3])}",
        about={"base": base.entry.name, "data": _data(figures), "verdict": why},
    )  # fmt: skip
    if name is None:
        return AdaptResult(True, str(folder), why, figures, folder)
    listed = import_model(folder, name)
    return AdaptResult(True, listed.name, why, figures, folder)


@dataclass(frozen=True)
class Part:
    """The first analysis of a stretch of a video."""

    video: Path
    segment: Segment
    poses: xr.Dataset


@dataclass(frozen=True)
class Corrected:
    """Corrected frames: to train on, and held out where there are enough."""

    frames: int
    train: PseudoLabels
    held_out: PseudoLabels | None


def recipe_of(base: PoseModel, corrected: Corrected | None, steps: int, seed: int, device: str) -> Recipe:
    """Return the recipe: batch-norm statistics frozen, and how much pictures are varied.

    Pseudo-labels are learned at a low rate, in pictures varied little: what the model shall fit is this very
    video, so light and blur stay as they are in it; turned and mirrored pictures give more poses. A few
    corrected frames are right, but few: they are learned at a high rate, in places, sizes and light that
    differ much, or the model would know these very pictures only (benchmarks/adaptation.py, corrections).
    """
    soft = base.head.kind == "simcc" or base.head.activation != "none"
    space = space_of(base.entry)
    above, flip = space.name.startswith("topview"), 0.0 if unpaired(space) else 0.5
    if corrected is None:
        batch, rate = BATCH, 3e-4 if soft else 5e-5
        varied: dict[str, Any] = {"scale": [0.9, 1.1], "shift": 0.03, "brightness": 0.05, "contrast": 0.05}
    else:
        batch, rate = BATCH_CORRECTED, 1e-3 if soft else 1.7e-4
        varied = {"scale": [0.7, 1.4], "shift": 0.1, "brightness": 0.2, "contrast": 0.2, "erase": 0.1}
    return parse_recipe(
        {
            "steps": steps, "batch": batch, "lr": rate, "backbone_factor": 0.3, "freeze": 2,
            "freeze_norm": True, "warmup": 20, "ema": 0.98, "seed": seed, "device": device,
            "augmentation": {
                **asdict(Augmentation.none()), **varied, "flip": flip,
                "rotation": 180.0 if above else SIDE_VIEW_ROTATION,
            },
        }
    )  # fmt: skip


def _base(
    model: str | os.PathLike[str] | PoseModel, video: Path, device: str, progress: Progress
) -> PoseModel:
    """Return the model to adapt; ``"auto"`` is the one that suits the first video."""
    if isinstance(model, PoseModel):
        return model
    if model == AUTO:
        choice = Analyzers(AUTO, device=device, formats=()).choose(video)
        progress.message(choice.sentence(video.name))
        model = choice.model
    return load_model(model)


def _analysed(
    analyzer: Analyzer, paths: Sequence[Path], folder: Path, progress: Progress
) -> tuple[list[Part], dict[str, str]]:
    """Return the analyses of all stretches, and the videos that failed, with the reason."""
    parts: list[Part] = []
    failed: dict[str, str] = {}
    problem: SuperAnimalError | None = None
    for path in paths:
        try:
            with open_video(path) as video:
                segments = segments_of(len(video), path.name)
            cuts = _cut(analyzer, path, segments, segments, folder, progress)
        except Cancelled:
            raise
        except SuperAnimalError as error:
            problem = error
            failed[_called(path, paths)] = str(error)
            progress.message(f"{path.name} is left out: {error}")
            continue
        parts += [Part(path, *each) for each in zip(segments, cuts, strict=True)]
    if not parts:
        assert problem is not None
        raise problem
    return parts, failed


def _called(path: Path, paths: Sequence[Path]) -> str:
    """Return the name of a video, or its path where another one has the same name."""
    return path.name if sum(other.name == path.name for other in paths) == 1 else str(path)


def _check_name(name: str | None, folder: Path) -> None:
    """Raise before anything is computed if the name belongs to another model."""
    if name is None or is_model_folder(folder):
        return
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is not a valid model name",
            "a name consists of letters, digits, dots, dashes and underscores",
        )
    if name in load_catalog():
        raise InputError(
            f"{name} is already in the list of models", "a model is never replaced", "choose another name"
        )


def _cut(
    analyzer: Analyzer,
    video: Path,
    every: Sequence[Segment],
    wanted: Sequence[Segment],
    folder: Path,
    progress: Progress,
) -> list[xr.Dataset]:
    """Return the poses of the wanted stretches of a video; finished analyses are read.

    A video that all stretches together cover is analysed whole, since legs and identities are told apart by
    the frames around.
    """
    if sum(len(segment.frames) for segment in every) == every[-1].stop:
        poses = _one(analyzer, video, Segment(0, every[-1].stop, held_out=False), folder, progress)
        return [poses.isel(time=slice(segment.start, segment.stop)) for segment in wanted]
    return [_one(analyzer, video, segment, folder, progress) for segment in wanted]


def _one(analyzer: Analyzer, video: Path, segment: Segment, folder: Path, progress: Progress) -> xr.Dataset:
    """Return the poses of a stretch; a finished run is read."""
    out = folder / _place(video, segment)
    out.mkdir(parents=True, exist_ok=True)
    analyzer.frames, analyzer.out = slice(segment.start, segment.stop), out
    return analyzer.run(video, progress).poses


def _place(video: Path, segment: Segment) -> str:
    """Return the name of the folder of an analysis; files of a cohort may have the same name."""
    digest = hashlib.sha256(str(video.resolve()).encode()).hexdigest()[:6]
    return f"{video.stem}_{digest}_{segment.start}"


def _compared(
    parts: Sequence[Part], after: Sequence[xr.Dataset], paths: Sequence[Path]
) -> dict[str, dict[str, Any]]:
    """Return the figures of the held-out stretches, by method and by video."""
    before = [part.poses for part in parts]
    methods = {
        "original": before,
        "median filter": [median_filtered(poses) for poses in before],
        "Kalman smoother": [kalman_smoothed(poses) for poses in before],
        "adapted": list(after),
    }

    def of(path: Path, stretches: Sequence[xr.Dataset]) -> dict[str, float]:
        mine = [poses for part, poses in zip(parts, stretches, strict=True) if part.video == path]
        return asdict(steadiness(mine))

    return {
        "methods": {name: asdict(steadiness(stretches)) for name, stretches in methods.items()},
        "videos": {
            _called(path, paths): {"before": of(path, before), "after": of(path, after)}
            for path in dict.fromkeys(part.video for part in parts)
        },
    }


def _split(given: tuple[LabelledSet, NDArray[np.float64]]) -> Corrected:
    """Hold out a quarter of the corrected frames where there are enough to decide by."""
    labels, weights = given
    every = np.arange(len(labels))
    out = every[3::4] if len(labels) >= PROVEN_BY else every[:0]

    def part(images: NDArray[np.int64]) -> PseudoLabels:
        return PseudoLabels(labels.subset(images), weights[np.isin(labels.image_index, images)])

    return Corrected(len(labels), part(np.setdiff1d(every, out)), part(out) if len(out) else None)


def _sure(taught: PseudoLabels) -> PseudoLabels:
    """Return the animals of which at least one point is sure."""
    sure = np.flatnonzero((taught.labels.visibility > 0).any(1))
    labels = taught.labels.with_columns(
        **{key: getattr(taught.labels, key)[sure] for key in PER_ANIMAL},
        image_index=taught.labels.image_index[sure],
    )
    return PseudoLabels(labels, taught.weights[sure])


def _completed(corrected: PseudoLabels, base: PoseModel, file: Path, progress: Progress) -> PseudoLabels:
    """Return corrected frames with what the model is sure of where the person said nothing.

    Nothing else of the video is learned from: where the model is wrong and sure of it, its own labels would
    teach it the opposite of the corrections.
    """
    memory = remember(base, corrected.labels, file, progress)
    memory.save(file)
    return PseudoLabels(replay(corrected.labels, memory), corrected.weights)


def _plain(figure: Interval) -> dict[str, float]:
    return {name: float(getattr(figure, name)) for name in ("value", "low", "high")}


def _data(figures: dict[str, Any]) -> str:
    labels = figures["labels"]
    kind = "corrections" if labels["corrected_frames"] else "pseudo-labels"
    return f"{kind} of {labels['frames']} frames of {', '.join(figures['videos'])}"
