"""Labelled images: matching of keypoints, and fine-tuning."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from napari_superanimal.docks.finetune.jobs import FinetuneJob
    from napari_superanimal.docks.mapping.job import MatchJob
    from superanimal.labels.labelled_set import LabelledSet
    from superanimal.training.finetuning.finetune import Table
    from superanimal.training.finetuning.methods import Length, Outputs


def match_keypoints(
    labels: LabelledSet | str | os.PathLike[str], *, model: str | None = None, accept_license: bool = False
) -> MatchJob:
    """Match the keypoints of a model to those of labelled images, in a separate process.

    Parameters
    ----------
    labels
        A labelled set, or what ``superanimal.labels.read_labels`` reads.
    model
        Name of a pose model; by default the one in the preferences.
    accept_license
        You accept the terms of a released model.

    Returns
    -------
    MatchJob
        It runs in the background: see ``.report``, ``.cancel()`` and, once finished, ``.matching``.

    Raises
    ------
    InputError, FormatError
        When the labels cannot be read.
    """
    from napari_superanimal.docks.mapping.job import MatchJob
    from napari_superanimal.models import named_model
    from superanimal.labels import read_labels

    found = read_labels(labels) if isinstance(labels, (str, os.PathLike)) else labels
    job = MatchJob(found, model or named_model(), accept_license=accept_license)
    job.start()
    return job


def finetune(
    labels: LabelledSet | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    model: str | None = None,
    method: str = "memory-replay",
    table: Table = None,
    held_out: float | LabelledSet = 0.2,
    split_by: Literal["auto", "video", "image", "animal", "source"] = "auto",
    threshold: float = 0.7,
    outputs: Outputs | None = None,
    encoder: Literal["model", "imagenet"] = "model",
    length: Length = "standard",
    detector: str | os.PathLike[str] | None = None,
    min_confidence: float | None = None,
    recipe: Mapping[str, Any] | None = None,
    name: str | None = None,
    seed: int = 0,
    resume: bool = True,
    accept_license: bool = False,
) -> FinetuneJob:
    """Fine-tune a model on labelled images, in a separate process.

    Parameters
    ----------
    labels
        A labelled set, or what ``superanimal.labels.read_labels`` reads.
    out
        Folder of the run; an existing run there is resumed.
    model
        Name of the model to start from; by default the one in the preferences.
    accept_license
        You accept the terms of a released model.
    method, table, held_out, split_by, threshold, outputs, encoder, length, detector, recipe, name, seed,
    resume
        As in ``superanimal.finetune``.
    min_confidence
        If ``labels`` is a path with model predictions: minimum confidence of predictions used as labels.

    Returns
    -------
    FinetuneJob
        It runs in the background: see ``.report``, ``.rows`` (the curves), ``.cancel()``, and ``.start()`` to
        resume.

    Raises
    ------
    InputError, FormatError
        When the labels cannot be read.
    """
    from napari_superanimal.docks.finetune.jobs import FinetuneJob
    from napari_superanimal.models import named_model
    from superanimal.labels import read_labels

    if isinstance(labels, (str, os.PathLike)):
        labels = read_labels(labels, min_confidence=min_confidence)
    chosen = {
        "model": model or named_model(), "out": str(out), "method": method, "table": table,
        "held_out": held_out, "split_by": split_by, "threshold": threshold, "outputs": outputs,
        "encoder": encoder, "length": length, "detector": detector, "recipe": recipe, "name": name,
        "seed": seed, "resume": resume,
    }  # fmt: skip
    job = FinetuneJob(labels, chosen, accept_license=accept_license)
    job.start()
    return job
