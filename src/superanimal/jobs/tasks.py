"""The tasks of background jobs: each is a core function, called with the viewer's request.

A task takes the request (JSON values) and a progress object, and returns the fields of its "finished" event.
To add a task, write a function here and add its name to :data:`TASKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from superanimal.jobs.events import pack_object, unpack_object
from superanimal.progress import Progress

Task = Callable[[dict[str, Any], Progress], dict[str, Any]]


def analyze(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Analyse the video ``job["source"]`` with ``job["options"]`` for ``Analyzer``."""
    from superanimal.inference import Analyzers

    analysis = Analyzers(**job["options"]).run(Path(job["source"]), progress)
    return {"store": str(analysis.store), "files": [str(file) for file in analysis.files]}


def match(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Run a model on a labelled set; the result is the matching and the poses."""
    from superanimal.inference.labelled_images import predict_images
    from superanimal.keypoints.matching.match import match_predictions
    from superanimal.labels.usable import within_images
    from superanimal.zoo import download

    labels = within_images(unpack_object(job["labels"]))
    download(job["model"], accept_license=job["accept_license"], progress=progress)
    predictions = predict_images(labels, job["model"], boxes="labels", progress=progress)
    return {"result": pack_object((match_predictions(labels, predictions), predictions))}


def finetune(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Fine-tune a model with ``job["options"]`` for ``superanimal.finetune``; the result is its folder."""
    from superanimal.training.finetuning.finetune import finetune
    from superanimal.zoo import download

    options = unpack_object(job["options"])
    download(options["model"], accept_license=job["accept_license"], progress=progress)
    return {"files": [str(finetune(**options, progress=progress).model.folder)]}


def gauge(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure how long a sample takes in the training of ``job["model"]``."""
    from superanimal.training.finetuning.duration import seconds_per_sample
    from superanimal.zoo import get_entry

    seconds = seconds_per_sample(get_entry(job["model"]), job["batch"], job["device"])
    return {"seconds_per_sample": seconds}


def take_in(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Add the trained model ``job["folder"]`` to the list of models."""
    from superanimal.zoo import import_model

    return {"model": import_model(job["folder"], job["name"]).name}


def gait(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Analyse the gait of ``job["poses"]`` with ``job["options"]`` for ``superanimal.gait.analyze``."""
    from superanimal.gait import analyze

    poses, options = unpack_object(job["poses"]), unpack_object(job["options"])
    return {"result": pack_object(analyze(poses, **options, progress=progress))}


TASKS: dict[str, Task] = {
    "analyze": analyze,
    "match": match,
    "finetune": finetune,
    "gauge": gauge,
    "take_in": take_in,
    "gait": gait,
}
