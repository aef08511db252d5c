"""The tasks of background jobs: each is a core function, called with the viewer's request.

A task takes the request (JSON values) and a progress object, and returns the fields of its "finished" event.
To add a task, write a function here and add its name to :data:`TASKS`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from superanimal.errors import told
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


def adapt(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Adapt a model with ``job["options"]`` for ``superanimal.adapt``; the result is what it says."""
    from superanimal.adaptation import adapt
    from superanimal.inference.options import AUTO
    from superanimal.zoo import download

    options = unpack_object(job["options"])
    if options["model"] != AUTO:
        download(options["model"], accept_license=job["accept_license"], progress=progress)
    done = adapt(**options, progress=progress)
    return {"kept": done.kept, "model": done.model, "verdict": done.verdict, "folder": str(done.folder)}


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


def track(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Track ``job["poses"]`` with ``job["options"]`` for ``superanimal.track``; and what was left out."""
    from superanimal.tracking import track

    with _heard() as warned:
        tracked = track(unpack_object(job["poses"]), **job["options"], progress=progress)
    return {"result": pack_object((tracked, warned))}


def gait(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Analyse the gait of ``job["poses"]`` with ``job["options"]`` for ``superanimal.gait.analyze``."""
    from superanimal.gait import analyze

    poses, options = unpack_object(job["poses"]), unpack_object(job["options"])
    return {"result": pack_object(analyze(poses, **options, progress=progress))}


def train_behavior(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Train and save a classifier of behaviour; the result is its scores and notes."""
    from superanimal.behavior import train

    poses, labels = unpack_object(job["poses"]), unpack_object(job["labels"])
    with _heard() as warned:
        model = train(poses, labels, **unpack_object(job["options"]), progress=progress)
        folder = model.save(job["out"])
    return {"files": [str(folder)], "result": pack_object((model.scores, [*warned, *model.notes]))}


def predict_behavior(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Predict behaviour: a table of frames, its bouts, and the model's scores and notes."""
    from superanimal.behavior import load_model, predict
    from superanimal.behavior.classifiers.predicting import bouts_of_predictions

    with _heard() as warned:
        model = load_model(job["model"])
        poses, regions = unpack_object(job["poses"]), unpack_object(job["regions"])
        table = predict(poses, model, job["fps"], regions=regions, progress=progress)
    bouts = bouts_of_predictions(table)
    return {"result": pack_object((table, bouts, model.scores, [*warned, *model.notes]))}


def report_behavior(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the report ``job["out"]`` of poses and bouts, or the tables into that folder."""
    from superanimal.behavior import report

    out = Path(job["out"])
    poses, labels = unpack_object(job["poses"]), unpack_object(job["labels"])
    regions = unpack_object(job["regions"])
    results = report([poses], [labels], fps=job["fps"], regions=regions, progress=progress)
    files = results.save(out) if job["tables"] else [results.report(out)]
    return {"files": [str(file) for file in files]}


def write_features(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the features of an animal, or of all together, into ``job["out"]``; the result is notes."""
    from superanimal.behavior.descriptors.table import write_features as write

    poses, regions = unpack_object(job["poses"]), unpack_object(job["regions"])
    with _heard() as warned:
        notes = write(
            poses, job["out"], job["preset"], fps=job["fps"], individual=job["individual"], regions=regions,
            progress=progress,
        )  # fmt: skip
    return {"files": [job["out"]], "result": pack_object([*warned, *notes])}


def find_motifs(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Find motifs in poses."""
    from superanimal.behavior import segment

    options = unpack_object(job["options"])
    motifs = segment(unpack_object(job["poses"]), fps=job["fps"], progress=progress, **options)
    return {"result": pack_object(motifs)}


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect the warnings for the user that are given inside."""
    said = list[str]()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield said
    texts = (told(str(each.message), "viewer") for each in caught if issubclass(each.category, UserWarning))
    said += dict.fromkeys(texts)


TASKS: dict[str, Task] = {
    "analyze": analyze,
    "match": match,
    "finetune": finetune,
    "adapt": adapt,
    "gauge": gauge,
    "take_in": take_in,
    "track": track,
    "gait": gait,
    "train_behavior": train_behavior,
    "predict_behavior": predict_behavior,
    "report_behavior": report_behavior,
    "write_features": write_features,
    "find_motifs": find_motifs,
}
