"""Models on disk: a folder of JSON, arrays and skops, none of which can run code when read."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from superanimal.behavior.classifiers.context import Context
from superanimal.behavior.classifiers.estimators import Mean
from superanimal.behavior.classifiers.head import Head
from superanimal.behavior.classifiers.model import BehaviorModel, Settings
from superanimal.behavior.classifiers.sequences import Unit
from superanimal.behavior.classifiers.smoothing import Decision
from superanimal.behavior.descriptors.presets import Preset
from superanimal.behavior.descriptors.recording import Recording, with_bodies
from superanimal.errors import InputError, ModelError, NotFoundError
from superanimal.files import storage_error

FORMAT = 1
FACTS, CLASSIFIER, TRAINING = "model.json", "classifier.skops", "training.npz"
TRUSTED = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "numpy.dtype",
)
"""Types of scikit-learn beside those that skops trusts itself; a file that holds any other is refused."""


def save_model(model: BehaviorModel, folder: Path) -> Path:
    """Write a model into a folder, which appears whole or not at all.

    Raises
    ------
    InputError
        When the folder exists and holds something.
    StorageError
        When it cannot be written.
    """
    import skops.io

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is already there", "a model is not written over", "choose another folder")
    temporary = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        (temporary / FACTS).write_text(json.dumps(_facts(model), indent=1), "utf-8")
        members = [head.estimator.members for head in model.heads]
        from zipfile import ZIP_DEFLATED

        skops.io.dump(members, temporary / CLASSIFIER, compression=ZIP_DEFLATED, compresslevel=4)
        np.savez_compressed(temporary / TRAINING, allow_pickle=False, **_training(model))
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def load_model(folder: str | os.PathLike[str]) -> BehaviorModel:
    """Read a model that :meth:`BehaviorModel.save` wrote. No code in the files is run.

    Raises
    ------
    NotFoundError
        When there is no such model.
    ModelError
        When a file is damaged, of a later version, or holds types that a model has no use for.
    """
    folder = Path(folder)
    if not (folder / FACTS).is_file():
        raise NotFoundError(f"{folder}: no behaviour model", f"it would hold {FACTS}")
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        if facts.get("format") != FORMAT:
            raise ModelError(
                f"{folder}: format {facts.get('format')!r}", f"this version reads format {FORMAT}",
                "train the model again, or update this program",
            )  # fmt: skip
        members = _read_members(folder / CLASSIFIER)
        with np.load(folder / TRAINING, allow_pickle=False) as arrays:
            recordings, units = _read_training(facts, arrays)
        settings = Settings(**{**facts["settings"], "preset": Preset.from_dict(facts["settings"]["preset"]),
                               "classes": tuple(facts["settings"]["classes"])})  # fmt: skip
        heads = tuple(
            Head(tuple(each["classes"]), Mean(own), Context.from_dict(each["context"]),
                 Decision.from_dict(each["decision"]))
            for each, own in zip(facts["heads"], members, strict=True)
        )  # fmt: skip
        return BehaviorModel(
            settings, tuple(facts["keypoints"]), int(facts["space"]), bool(facts["social"]),
            tuple(facts["features"]), heads, pd.DataFrame(facts["scores"]), pd.DataFrame(facts["by_group"]),
            list(facts["notes"]), recordings, units,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ModelError(
            f"{folder}: the model cannot be read ({error})", remedy="copy or train it again"
        ) from error


def _read_members(path: Path) -> list[list[Any]]:
    import skops.io

    if foreign := sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)):
        raise ModelError(
            f"{path}: holds {', '.join(foreign[:5])}",
            "a behaviour model holds only classifiers of scikit-learn",
        )
    return list(skops.io.load(path, trusted=list(TRUSTED)))


def _facts(model: BehaviorModel) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "settings": {**asdict(model.settings), "preset": model.settings.preset.to_dict()},
        "keypoints": list(model.keypoints), "space": model.space, "social": model.social,
        "features": list(model.features), "notes": model.notes,
        "heads": [
            {
                "classes": list(head.classes),
                "context": head.context.to_dict(),
                "decision": head.decision.to_dict(),
            }
            for head in model.heads
        ],
        "scores": model.scores.to_dict("list"), "by_group": model.by_group.to_dict("list"),
        "recordings": [
            {"keypoints": list(r.keypoints), "individuals": list(r.individuals)} for r in model.recordings
        ],
        "units": [
            {"recording": unit.recording, "animal": unit.animal, "group": unit.group} for unit in model.units
        ],
    }  # fmt: skip


def _training(model: BehaviorModel) -> dict[str, np.ndarray]:
    arrays = {}
    for k, recording in enumerate(model.recordings):
        for name in ("position", "confidence", "time", "frame"):
            arrays[f"{name}{k}"] = getattr(recording, name)
    for k, unit in enumerate(model.units):
        arrays[f"codes{k}"], arrays[f"learnt{k}"] = unit.codes.astype(np.int16), unit.learnt
    return arrays


def _read_training(facts: dict[str, Any], arrays: Any) -> tuple[list[Recording], list[Unit]]:
    recordings = [
        with_bodies(
            Recording(
                arrays[f"position{k}"],
                arrays[f"confidence{k}"],
                arrays[f"time{k}"],
                arrays[f"frame{k}"],
                tuple(each["keypoints"]),
                tuple(each["individuals"]),
                (),
            )
        )
        for k, each in enumerate(facts["recordings"])
    ]  # fmt: skip
    units = []
    for k, each in enumerate(facts["units"]):
        codes = arrays[f"codes{k}"]
        codes = codes.astype(bool) if codes.ndim == 2 else codes.astype(int)
        units.append(Unit(each["recording"], each["animal"], codes, arrays[f"learnt{k}"], each["group"]))
    return recordings, units
