"""Training one network on many data sets, each of which defines some of the keypoints.

A run is a folder::

    split.json               training and validation images; drawn once
    data/                    report and contact sheet of the merged data
    augmented.jpg            training samples as the network sees them, with their keypoints
    run/                     state of the training, see superanimal.training.loop.fit
    report.json              held-out figures per source
    entry.yaml, weights...   the trained model, see superanimal.training.model_folder
    detector/, detector-run/ the same of the detector, when one is trained
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import InputError
from superanimal.files import atomic_write
from superanimal.keypoints import union_space
from superanimal.keypoints.convert import open_tables
from superanimal.keypoints.merge import Merged, merge
from superanimal.labels import LabelledSet, contact_sheet, read_labels
from superanimal.labels.splits import leakage, split_once
from superanimal.labels.usable import usable
from superanimal.poses import KeypointSpace, load_space
from superanimal.progress import Progress
from superanimal.training.data.contact_sheet import contact_sheet as draw_augmented
from superanimal.training.data.samples import PoseSamples, data_hash
from superanimal.training.loop.fit import FitResult, fit, start_over
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import PoseTask
from superanimal.training.model_folder import TrainedModel, release
from superanimal.training.networks.heads import NEW, with_outputs
from superanimal.training.networks.new_model import new_model
from superanimal.training.pretraining.config import DetectorSettings, Source, TrainConfig, load_config
from superanimal.zoo.load import load_model
from superanimal.zoo.pose_model import PoseModel


@dataclass(frozen=True)
class TrainingData:
    """The data sets of a run, merged and split.

    Attributes
    ----------
    merged
        All of them in one space, with the report of the merging.
    train, validation
        Training labels, and validation labels that choose the weights, or None.
    held_out
        Sources excluded from the training, by name.
    recipe
        The recipe with the weights of the sources.
    keep
        Writes the split, the report of the merging and a contact sheet into the run's folder.
    """

    merged: Merged
    train: LabelledSet
    validation: LabelledSet | None
    held_out: dict[str, LabelledSet]
    recipe: Recipe
    keep: Callable[[], object]

    @property
    def space(self) -> KeypointSpace:
        """The keypoints in channel order."""
        return self.merged.space


@dataclass(frozen=True)
class Pretrained:
    """The result of a run: the model, its report (``report.json``) and the training curves."""

    model: TrainedModel
    report: dict[str, Any]
    fit: FitResult


def train(
    config: TrainConfig | str | os.PathLike[str], *, progress: Progress | None = None, resume: bool = True
) -> Pretrained:
    """Train a model on many data sets and evaluate it on held-out sources.

    Parameters
    ----------
    config
        The settings, or the path of their YAML file; see
        :class:`~superanimal.training.pretraining.config.TrainConfig`.
    progress
        Shows progress. When cancelled, the best weights so far are kept and evaluated.
    resume
        Resume the run in the output folder. False starts over with the same split; the state of the earlier
        run is kept under a dated name.

    Raises
    ------
    SuperAnimalError
        Names the invalid source, setting or file.

    Examples
    --------
    >>> done = train("mice.yaml")  # doctest: +SKIP
    >>> done.model.folder  # doctest: +SKIP
    """
    progress = progress or Progress()
    if not isinstance(config, TrainConfig):
        config = load_config(Path(config))
    folder = output_folder(config)
    data = prepare(config, progress)
    model = start_model(config, data.space, folder.resolve().name)
    if not resume:
        for part in ("run", "detector-run"):
            start_over(folder / part, progress)

    def accepted() -> None:
        data.keep()
        draw_samples(data, model, folder)

    result = fit(
        model, data.train, data.validation, data.space, data.recipe, folder / "run",
        progress=progress, accepted=accepted,
    )  # fmt: skip
    model = PoseModel(model.entry, model.network)
    report = {
        "superanimal_training_report": 1,
        "model": model.entry.name,
        "network": config.base or config.network,
        "sources": describe_sources(data),
        "data": {"train": data_hash(data.train), "images": len(data.train)},
        "training": {"steps": result.steps, "ended": result.stopped_because, "best": result.best},
        "held_out": {name: measure(model, part, data) for name, part in data.held_out.items()},
        "leaks": [str(leak) for leak in leakage(data.merged.labelled)],
    }
    with atomic_write(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(report, indent=1), "utf-8")
    for name, figures in report["held_out"].items():  # type: ignore[attr-defined]
        progress.message(f"never trained on: {name}: {_words(figures)}")
    facts = {**report, "recipe": data.recipe.record(), "split": vars(config.split)}
    kept = release(
        model,
        folder,
        data.space,
        title=config.title or f"{data.space.title}, {config.base or config.network}",
        facts=facts,
        about=card_of(report, data, config),
        curves=result.curves,
    )
    if config.detector is not None and not progress.cancelled:
        train_detector(config.detector, data, folder, progress)
    return Pretrained(kept, report, result)


def train_detector(
    settings: DetectorSettings, data: TrainingData, folder: Path, progress: Progress | None = None
) -> Path:
    """Train a detector on the images of a run; return the folder of the finished model."""
    from superanimal.training.networks.detector import fit_detector, new_detector, release_detector

    name = f"{folder.resolve().name}_detector"
    recipe = settings.recipe or data.recipe
    detector = new_detector(settings.architecture, start=settings.start, name=name, seed=recipe.seed)
    fit_detector(
        detector, data.train, data.validation, recipe, folder / "detector-run",
        frame_size=settings.frame_size, progress=progress,
    )  # fmt: skip
    return release_detector(detector, folder / "detector")


def check(config: TrainConfig, progress: Progress | None = None) -> list[str]:
    """Read and split the data sets and draw augmented samples without training; return notes."""
    folder = output_folder(config)
    data = prepare(config, progress)
    data.keep()
    model = start_model(config, data.space, folder.resolve().name)
    sheet = draw_samples(data, model, folder)
    lines = [
        f"{s['use']}: {s['name']}, {s['images']} images, {s['animals']} animals, weight {s['weight']:g}, "
        f"licence {s['licence']}"
        for s in describe_sources(data)
    ]
    size = sum(parameter.numel() for parameter in model.network.parameters()) / 1e6
    lines += [f"leak: {leak}" for leak in leakage(data.merged.labelled)]
    lines.append(f"network: {config.base or config.network}, {size:.1f} million parameters")
    return [*lines, f"augmented samples: {sheet}"]


def draw_samples(data: TrainingData, model: PoseModel, folder: Path) -> Path:
    """Draw augmented training samples, for visual inspection."""
    samples = PoseSamples(data.train, data.space, model.entry, data.recipe)
    return draw_augmented(samples, folder / "augmented.jpg")


def output_folder(config: TrainConfig) -> Path:
    """Return the folder of the run.

    Raises
    ------
    InputError
        When the settings name none.
    """
    if config.out is None:
        raise InputError("no output folder", "a run is kept in a folder", "set out: FOLDER")
    return config.out


def prepare(config: TrainConfig, progress: Progress | None = None) -> TrainingData:
    """Read, merge and split the data sets; nothing is written before :attr:`TrainingData.keep` is called.

    Unusable labels are left out and reported, see :func:`superanimal.labels.usable.usable`.

    Raises
    ------
    SuperAnimalError
        Naming the source, the row of a table or the image that is wrong.
    """
    progress = progress or Progress()
    folder = output_folder(config)
    parts = [_read_usable(source, progress) for source in config.sources]
    names = [part.name for part in parts]
    if unknown := sorted(set(config.held_out) - set(names)):
        raise InputError(f"held_out names {', '.join(unknown)}", f"sources are {', '.join(names)}")
    if set(names) <= set(config.held_out):
        raise InputError("every source is held out", "at least one must be trained on")
    first = sorted(range(len(parts)), key=lambda n: names[n] not in config.held_out)
    ordered = [parts[n] for n in first]  # of a picture that appears twice the held-out one stays
    space = load_space(config.space) if config.space else union_space(parts)
    columns = {
        part.name: source.column or part.name for part, source in zip(parts, config.sources, strict=True)
    }
    merged = merge(
        ordered,
        space,
        open_tables(config.table or None),
        columns=columns,
        duplicates=config.duplicates,
        progress=progress,
    )
    owner = np.array([source.split("/")[0] for source in merged.labelled.source.tolist()], dtype=object)
    apart = np.isin(owner, config.held_out)
    rest = merged.labelled.subset(~apart)
    validation, whole = None, rest

    def divide(write: bool) -> LabelledSet:
        fractions = {"train": 1 - config.split.test, "test": config.split.test}
        return split_once(
            whole, folder / "split.json", fractions, write=write,
            by=config.split.by, stratify=config.split.stratify, seed=config.split.seed,
        )  # fmt: skip

    if config.split.test:
        rest = divide(False)
        validation = rest.subset(rest.split == "test")
        if not len(validation):
            raise InputError(
                f"split by {config.split.by}: nothing to validate on",
                f"{len(rest)} images form too few units to give {config.split.test:.0%}",
                "split by image, use a larger test fraction, or set test: 0 for no validation",
            )
        rest = rest.subset(rest.split == "train")
    weights = dict(zip(names, (source.weight for source in config.sources), strict=True))
    inner = {str(source): weights[source.split("/")[0]] for source in set(rest.source.tolist())}
    changed = {name: weight for name, weight in sorted(inner.items()) if weight != 1}
    recipe = replace(config.recipe, source_weights={**changed, **config.recipe.source_weights})

    def keep() -> None:
        if config.split.test:
            divide(True)
        merged.report.save(folder / "data")
        contact_sheet(merged.labelled, folder / "data" / "contact-sheet.jpg", space=merged.space, count=24)

    held_out = {name: merged.labelled.subset(owner == name) for name in config.held_out}
    return TrainingData(merged, rest, validation, held_out, recipe, keep)


def _read_usable(source: Source, progress: Progress) -> LabelledSet:
    labelled = read_source(source)
    found = usable(labelled, progress)
    for note in found.notes[len(labelled.notes) :]:
        progress.message(f"{labelled.name}: {note}")
    return found


def read_source(source: Source) -> LabelledSet:
    """Read one data set of the settings.

    Raises
    ------
    InputError
        It holds predictions, and the settings do not say from which confidence on they are labels.
    """
    labelled = read_labels(
        source.path,
        format=source.format,
        name=source.name,
        licence=source.licence,
        images=source.images,
        video=source.video,
        min_confidence=source.min_confidence,
    )
    if labelled.predicted:
        raise InputError(
            f"{labelled.name}: these are model predictions, not labels set by a person",
            "predictions become labels only on request",
            f"give the source {source.path.name} in the settings a min_confidence, such as 0.6",
        )
    return labelled


def start_model(config: TrainConfig, space: KeypointSpace, name: str) -> PoseModel:
    """Return the model before training: a new network, or the base with the keypoints of the space."""
    name = config.name or name
    if config.base is None:
        return new_model(
            config.network,
            space,
            input_size=config.input_size,
            crop_margin=config.crop_margin,
            options=dict(config.options),
            activation=config.activation,
            start=config.start,
            seed=config.recipe.seed,
            name=name,
        )
    base = load_model(config.base)
    known = {keypoint: k for k, keypoint in enumerate(base.keypoints)}
    channels = [known.get(keypoint, NEW) for keypoint in space.keypoints]
    grown = with_outputs(base, space.keypoints, channels, seed=config.recipe.seed)
    return PoseModel(replace(grown.entry, name=name), grown.network)


def measure(model: PoseModel, labelled: LabelledSet, data: TrainingData) -> dict[str, float]:
    """Return the figures of a model on labels it was not trained on, with labelled boxes."""
    samples = PoseSamples(labelled, data.space, model.entry, data.recipe, augmented=False)
    figures = PoseTask(model, samples, samples, data.recipe).validate(model.network)
    return {**figures, "animals": float(len(samples))}


def describe_sources(data: TrainingData) -> list[dict[str, Any]]:
    """Return name, licence, number of images and animals, and the use of each source."""
    parts: list[tuple[str, LabelledSet]] = [("trained on", data.train)]
    if data.validation is not None:
        parts.append(("validated on", data.validation))
    parts += [("never trained on", part) for part in data.held_out.values()]
    found = []
    for use, part in parts:
        owner = part.source[part.image_index].astype(str)
        for name in dict.fromkeys(part.source.tolist()):
            mine = part.source == name
            found.append(
                {
                    "name": str(name),
                    "use": use,
                    "images": int(mine.sum()),
                    "animals": int((owner == name).sum()),
                    "licence": ", ".join(sorted({text or "not stated" for text in part.licence[mine]})),
                    "weight": data.recipe.source_weights.get(str(name), 1.0),
                }
            )
    return found


def card_of(report: dict[str, Any], data: TrainingData, config: TrainConfig) -> dict[str, Any]:
    """Return the entries of the model card."""
    sources: Sequence[dict[str, Any]] = report["sources"]
    best = {key: value for key, value in report["training"]["best"].items() if key.startswith("held_out_")}
    figures = (
        {"validation images": _words({k.removeprefix("held_out_"): v for k, v in best.items()})}
        if best
        else {}
    )
    figures |= {f"{name} (never trained on)": _words(found) for name, found in report["held_out"].items()}
    about: dict[str, Any] = {
        "data": [
            f"{s['name']}: {s['images']} images, {s['animals']} animals, {s['use']}; licence {s['licence']}"
            for s in sources
        ],
        "training": f"{report['training']['steps']} steps, {config.base or config.network}, "
        f"{report['training']['ended']}; undefined keypoints masked",
        "protocol": "figures with labelled boxes; validation images chose the weights",
    }
    if figures:
        about["figures"] = figures
    if report["leaks"]:
        about["leaks"] = report["leaks"][:10]
    return about


def _words(figures: dict[str, float]) -> str:
    shown = [("error_px", "mean error {:.2f} px"), ("oks", "OKS {:.3f}"), ("AP", "AP {:.3f}")]
    return ", ".join(text.format(figures[name]) for name, text in shown if name in figures) or "no figures"
