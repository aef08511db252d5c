"""Fine-tuning a model on a user's labels, with an evaluation report.

A run is a folder, see :mod:`superanimal.training.finetuning.run_folder`. Stopped and started again with the
same folder, it resumes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from superanimal.errors import InputError
from superanimal.keypoints.conversion_table import (
    ConversionTable,
    identity_table,
    load_table,
    save_table,
    table_from_mapping,
)
from superanimal.labels.combine import select
from superanimal.labels.holding_out import HeldOut, hold_out
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.reading import read_labels
from superanimal.labels.reading.predictions import labels_only
from superanimal.progress import Progress
from superanimal.reports.files import plain, write_json, write_text
from superanimal.training.data.boxes import with_detected_boxes
from superanimal.training.data.samples import data_hash
from superanimal.training.finetuning.before_after import measure
from superanimal.training.finetuning.methods import Length, Method, Outputs, find_method
from superanimal.training.finetuning.replay import THRESHOLD, remember, replay
from superanimal.training.finetuning.report_page import render
from superanimal.training.finetuning.run_folder import MEMORY, PAGE, REPORT, RUN, SPLIT, TABLE
from superanimal.training.finetuning.start import make_recipe, prepare
from superanimal.training.loop.fit import FitResult, fit, start_over
from superanimal.training.model_folder import TrainedModel, release, space_of
from superanimal.zoo import DetectorModel, PoseModel, load_detector, load_model, resolve_detector
from superanimal.zoo.weights import find_file

PathLike = str | os.PathLike[str]
Table: TypeAlias = ConversionTable | Mapping[str, str] | PathLike | None


@dataclass(frozen=True)
class Finetuned:
    """The result of a run.

    Attributes
    ----------
    model
        The trained model.
    report
        Content of ``report.json``: ``before`` and ``after`` figures on the same held-out images,
        ``change_px`` with its interval, ``keypoints``, ``forgetting``, ``warnings``, ``recommended``,
        ``verdict``.
    fit
        Curves and how the training ended.
    """

    model: TrainedModel
    report: dict[str, Any]
    fit: FitResult


def finetune(
    data: PathLike | LabelledSet,
    model: PathLike | PoseModel = "mini_topviewmouse",
    method: str = "memory-replay",
    out: PathLike = "trained_model",
    *,
    table: Table = None,
    held_out: float | LabelledSet = 0.2,
    split_by: Literal["auto", "video", "image", "animal", "source"] = "auto",
    threshold: float = THRESHOLD,
    outputs: Outputs | None = None,
    encoder: Literal["model", "imagenet"] = "model",
    length: Length = "standard",
    detector: PathLike | DetectorModel | None = None,
    min_confidence: float | None = None,
    recipe: Mapping[str, Any] | None = None,
    name: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    resume: bool = True,
) -> Finetuned:
    """Fine-tune a model on a user's labels and measure whether it improved.

    Parameters
    ----------
    data
        A labelled set, or a path that :func:`superanimal.labels.read_labels` can read.
    model
        Name, weight file, folder or loaded model to start from.
    method
        ``memory-replay``, ``finetune``, ``transfer`` or ``scratch``; see
        :data:`superanimal.training.finetuning.methods.METHODS`.
    out
        Output folder; the module docstring lists its files.
    table
        Conversion table, its CSV file, or a mapping {keypoint of the data: keypoint of the model}. By default
        keypoints are matched by name if all are keypoints of the model, otherwise by position
        (:func:`superanimal.match_keypoints`). Check ``table.csv``.
    held_out
        Fraction of the images held out from training, or a separate labelled set; 0 for none, and then
        nothing is measured.
    split_by
        Unit of the split; ``auto`` takes videos if there are several, otherwise images.
    threshold
        Minimum confidence of replayed predictions; see :mod:`superanimal.training.finetuning.replay`.
    outputs, encoder
        See :func:`superanimal.training.finetuning.start.prepare`.
    length
        ``standard``; ``quick`` leaves the encoder as it is: about a minute for ten frames; ``long`` has
        three times the steps. ``recipe`` overrides it.
    detector
        Detector for labels without boxes; by default that of the model if it is on this computer. ``"none"``
        crops around the labelled keypoints.
    min_confidence
        If ``data`` is a path with model predictions: minimum confidence of predictions used as labels.
        Without it, predictions are rejected.
    recipe
        Settings that override the defaults, see :class:`superanimal.training.loop.recipe.Recipe`.
    name
        Name of the trained model; by default that of the folder.
    seed
        Random seed of the split, the weights and the training.
    progress
        Shows progress. When cancelled during training, the best weights so far are kept and evaluated.
    resume
        Resume the run in the folder. False starts over with the same split; the state of the earlier run is
        kept under a dated name.

    Raises
    ------
    InputError, NotFoundError, ModelError
        Each with a remedy.
    Cancelled
        When stopped before the first validation.

    Examples
    --------
    >>> done = finetune("my_project", "mini_topviewmouse", out="my_model")  # doctest: +SKIP
    >>> print(done.report["verdict"])  # doctest: +SKIP
    >>> poses = superanimal.analyze("clip.mp4", model="my_model")  # doctest: +SKIP
    """
    progress = progress or Progress()
    folder = Path(out)
    chosen = find_method(method)
    base = model if isinstance(model, PoseModel) else load_model(model)
    labelled = _read(data, min_confidence)
    column = labelled.name
    progress.message(f"{len(labelled)} images, {labelled.n_individuals} animals, from {base.entry.name}")
    finder = None if (recipe or {}).get("whole_frame") else _detector(base, detector)
    split = hold_out(labelled, held_out, folder / SPLIT, by=split_by, seed=seed, progress=progress)
    for note in (*labelled.notes, *split.notes):
        progress.message(note)
    mapping, notes = find_table(
        table, split.train, base, progress
    )  # held-out labels take no part in anything
    split, mapping, silent = _without_silent(split, mapping, column)
    notes = [*labelled.notes, *split.notes, *notes, *silent]

    def boxed(part: LabelledSet) -> LabelledSet:
        return part if finder is None else with_detected_boxes(part, finder, progress)

    train = boxed(split.train)
    notes = [*notes, *(note for note in train.notes if note not in split.train.notes)]
    start = prepare(train, base, chosen, mapping, column=column, outputs=outputs, encoder=encoder, seed=seed)
    learned, memory, replayed = start.labelled, None, None
    if chosen.name == "memory-replay":
        memory = remember(base, learned, folder / MEMORY, progress)
        learned = replay(learned, memory, threshold)
        replayed = {**memory.provenance, "threshold": threshold, "note": learned.notes[-1]}
        progress.message(learned.notes[-1])
    test = None if split.test is None else start.project(boxed(split.test))
    settings = make_recipe(start, learned.n_individuals, {"seed": seed, **(recipe or {})}, length)
    entry = replace(  # it is trained on boxes as they are first found, and may have other keypoints
        start.model.entry,
        name=name or folder.resolve().name,
        refine=False,
        beyond_box=(),
        appendages=(),
        search=None,
        limbs=_known_limbs(base, start.model.keypoints),
    )
    trained = PoseModel(entry, start.model.network)

    def accepted() -> None:
        split.keep()
        save_table(mapping, folder / TABLE)
        if memory is not None:
            memory.save(folder / MEMORY)

    if not resume:
        start_over(folder / RUN, progress)
    result = fit(
        trained, learned, test, start.space, settings, folder / RUN, progress=progress, accepted=accepted
    )
    trained = PoseModel(trained.entry, trained.network)  # in evaluation mode, channels last
    if progress.cancelled:
        notes = [*notes, f"stopped by the user after {result.steps} steps"]
    report = {
        "superanimal_training_report": 1,
        "method": chosen.name,
        "consequence": chosen.consequence,
        "base_model": base.entry.name,
        "model": trained.entry.name,
        "data": {
            "name": labelled.name,
            "images": len(labelled),
            "hash": data_hash(labelled),
            **split.record(),
        },
        "table": {own: master for master, cell in mapping.column(column).items() for own in cell.names},
        "new_keypoints": start.new,
        "replay": replayed,
        "notes": [*notes, *start.notes],
        "training": {"steps": result.steps, "ended": result.stopped_because, "best": result.best},
        **measure(
            base,
            trained,
            split,
            test,
            start.space,
            start.zero_shot,
            folder,
            device=settings.device,
            progress=Progress() if progress.cancelled else progress,
        ),
    }
    write_json(folder / REPORT, report)
    write_text(folder / PAGE, render(plain(report), result.curves))
    same = ("method", "base_model", "data", "table", "new_keypoints", "replay", "notes")
    kept = release(
        trained,
        folder,
        start.space,
        title=f"{base.entry.name} after {chosen.title.lower()} on {labelled.name}",
        facts=plain({**{key: report[key] for key in same}, "recipe": settings.record()}),
        about=_about(chosen, report),
        curves=result.curves,
    )
    progress.message(report["verdict"])
    return Finetuned(kept, report, result)


def _known_limbs(base: PoseModel, keypoints: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the look-alike limbs of the base model whose keypoints the trained one has, too."""
    return tuple(
        limb for limb in base.entry.limbs if {name for pair in limb for name in pair} <= {*keypoints}
    )


def _without_silent(
    split: HeldOut, mapping: ConversionTable, column: str
) -> tuple[HeldOut, ConversionTable, list[str]]:
    """Leave out keypoints without a label in any training image: nothing can be learnt about them."""
    names = split.train.keypoints
    spoken: list[bool] = np.any(split.train.labelled, axis=0).tolist()
    if all(spoken):
        return split, mapping, []
    silent = {name for name, has in zip(names, spoken, strict=True) if not has}
    kept = [name for name in names if name not in silent]
    cells = mapping.column(column)
    heard = {master: cell for master, cell in cells.items() if not silent & set(cell.names)}
    note = (
        f"left out, since none of the {len(split.train)} training images has a label of it: "
        f"{', '.join(name for name in names if name in silent)}"
    )
    test = None if split.test is None else select(split.test, kept)
    halves = replace(split, train=select(split.train, kept), test=test)
    return halves, replace(mapping, columns={**mapping.columns, column: heard}), [note]


def _read(data: PathLike | LabelledSet, min_confidence: float | None) -> LabelledSet:
    if not isinstance(data, LabelledSet):
        return labels_only(read_labels(data, min_confidence=min_confidence), "min_confidence=0.6")
    if min_confidence is not None:
        raise InputError(
            f"min_confidence={min_confidence} for {data.name}, which has already been read",
            "a minimum confidence applies only to files that are read here",
            "give it to read_labels",
        )
    return labels_only(data)


def find_table(
    table: Table, labelled: LabelledSet, base: PoseModel, progress: Progress | None = None
) -> tuple[ConversionTable, list[str]]:
    """Return the conversion table with a column for the data set, and notes on it.

    Parameters
    ----------
    table
        See :func:`finetune`.
    """
    column, progress = labelled.name, progress or Progress()
    if isinstance(table, ConversionTable):
        return table, []
    if isinstance(table, (str, os.PathLike)):
        loaded = load_table(table)
        if column not in loaded.columns and len(loaded.columns) == 1:
            loaded = replace(loaded, columns={column: next(iter(loaded.columns.values()))})
        return loaded, []
    space = space_of(base.entry)
    if table is not None:
        return table_from_mapping(column, table, space.keypoints), []
    if set(labelled.keypoints) <= set(space.keypoints):
        return identity_table(column, labelled.keypoints, space), []
    from superanimal.keypoints.matching.match import match_keypoints

    progress.message(f"names differ from those of {base.entry.name}: matching keypoints by position")
    matching = match_keypoints(labelled, base, progress=progress)
    pairs = ", ".join(f"{pair.user} = {pair.model}" for pair in matching.pairs)
    progress.message(f"matched: {pairs or 'none'}; check table.csv")
    doubts = [text for text in matching.warnings if text not in labelled.notes]
    return matching.table(column), [f"keypoints matched by position: {pairs}", *doubts]


def _detector(base: PoseModel, given: PathLike | DetectorModel | None) -> DetectorModel | None:
    """Return the detector used to crop the animals, or None if the labels must be used."""
    if isinstance(given, DetectorModel) or given == "none":
        return given if isinstance(given, DetectorModel) else None
    if given is not None:
        return load_detector(given if Path(given).exists() else resolve_detector(base.entry, str(given)).name)
    if not base.entry.default_detector:
        return None
    entry = resolve_detector(base.entry)
    return load_detector(entry.name) if find_file(entry) is not None else None


def _about(method: Method, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of the model card."""
    data = report["data"]
    about: dict[str, Any] = {
        "base": report["base_model"],
        "method": f"{method.title}. {method.consequence}",
        "data": f"{data['images']} labelled images ({data['name']}): {data['training_animals']} animals to "
        f"train on, {data['held_out_images']} images held out by {data['by']}",
        "verdict": report["verdict"],
    }
    figures = {
        f"{when} (held-out images)": f"mean error {report[when]['mean_euclidean_px']:.2f} px, "
        f"AP {report[when]['AP']:.3f}"
        for when in ("before", "after")
        if when in report
    }
    warnings = [*report["warnings"], *report["notes"]]
    return about | ({"figures": figures} if figures else {}) | ({"notes": warnings} if warnings else {})
