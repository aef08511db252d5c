"""Models on disk: a folder of JSON, arrays and skops, none of which can run code when read."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile

import numpy as np

from superanimal.behavior.classifiers.sequences import Unit
from superanimal.behavior.descriptors.recording import Recording, with_bodies
from superanimal.behavior.measures.regions import Regions
from superanimal.errors import InputError, ModelError, NotFoundError
from superanimal.files import storage_error

FORMAT, READABLE = 3, (2, 3)
"""Format that is written, and those that are read: 2 has no networks."""
FACTS, CLASSIFIER, TRAINING, NETWORK = "model.json", "classifier.skops", "training.npz", "network{}.npz"
ARRAYS = ("position", "confidence", "time", "frame")
TRUSTED = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "numpy.dtype",
)
"""Types of scikit-learn beside those that skops trusts itself; a file that holds any other is refused."""


def write_folder(
    folder: Path,
    facts: dict[str, Any],
    members: list[list[Any]],
    networks: list[dict[str, np.ndarray]],
    arrays: dict[str, np.ndarray],
) -> Path:
    """Write a model into a folder, which appears whole or not at all.

    Parameters
    ----------
    facts, arrays
        What it is, and what it was trained on.
    members, networks
        For each of its heads the classifiers of scikit-learn, and the arrays of a network, empty for none.

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
        (temporary / FACTS).write_text(json.dumps({"format": FORMAT, **facts}, indent=1), "utf-8")
        skops.io.dump(members, temporary / CLASSIFIER, compression=ZIP_DEFLATED, compresslevel=4)
        np.savez_compressed(temporary / TRAINING, allow_pickle=False, **arrays)
        for k, network in enumerate(networks):
            if network:
                np.savez(temporary / NETWORK.format(k), allow_pickle=False, **network)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def read_folder(
    folder: Path,
) -> tuple[dict[str, Any], list[list[Any]], list[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Return facts, classifiers, networks and arrays of a model, see :func:`write_folder`."""
    import skops.io

    if not (folder / FACTS).is_file():
        raise NotFoundError(f"{folder}: no behaviour model", f"it would hold {FACTS}")
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    if facts.get("format") not in READABLE:
        raise ModelError(
            f"{folder}: format {facts.get('format')!r}",
            f"this version reads formats up to {FORMAT}",
            "train the model again, or update this program",
        )
    path = folder / CLASSIFIER
    if foreign := sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)):
        raise ModelError(
            f"{path}: holds {', '.join(foreign[:5])}",
            "a behaviour model holds only classifiers of scikit-learn",
        )
    members = list(skops.io.load(path, trusted=list(TRUSTED)))
    networks = [_arrays(folder / NETWORK.format(k)) for k in range(len(members))]
    return facts, members, networks, _arrays(folder / TRAINING, there=True)


def _arrays(path: Path, *, there: bool = False) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name, none where it is missing and need not be there."""
    if not there and not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


@contextmanager
def damaged(folder: Path) -> Iterator[None]:
    """Turn what a damaged file raises into one clear error."""
    try:
        yield
    except (NotFoundError, ModelError):
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, BadZipFile) as error:
        raise ModelError(
            f"{folder}: the model cannot be read ({error})", remedy="copy it again, or train it again"
        ) from error


def training_facts(recordings: Sequence[Recording], units: Sequence[Unit]) -> dict[str, Any]:
    """Return what JSON holds of the recordings that a model was trained on."""
    return {
        "recordings": [
            {
                "keypoints": list(each.keypoints),
                "individuals": list(each.individuals),
                "regions": None if each.regions is None else each.regions.to_dict(),
            }
            for each in recordings
        ],
        "units": [
            {"recording": unit.recording, "animal": unit.animal, "group": unit.group} for unit in units
        ],
    }


def training_arrays(recordings: Sequence[Recording], units: Sequence[Unit]) -> dict[str, np.ndarray]:
    """Return the arrays of the recordings that a model was trained on."""
    arrays = {f"{name}{k}": getattr(each, name) for k, each in enumerate(recordings) for name in ARRAYS}
    for k, unit in enumerate(units):
        arrays[f"codes{k}"], arrays[f"learnt{k}"] = unit.codes.astype(np.int16), unit.learnt
    return arrays


def read_training(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[list[Recording], list[Unit]]:
    """Return the recordings and units that a model was trained on."""
    recordings = list[Recording]()
    for k, each in enumerate(facts["recordings"]):
        position, confidence, time, frame = (arrays[f"{name}{k}"] for name in ARRAYS)
        names = tuple(each["keypoints"]), tuple(each["individuals"])
        regions = None if each.get("regions") is None else Regions.from_dict(each["regions"])
        recording = Recording(position, confidence, time, frame, *names, (), regions=regions)
        recordings.append(
            with_bodies(recording).like(recordings[0] if recordings else with_bodies(recording))
        )
    units = []
    for k, each in enumerate(facts["units"]):
        codes = arrays[f"codes{k}"]
        codes = codes.astype(bool) if codes.ndim == 2 else codes.astype(int)
        units.append(Unit(each["recording"], each["animal"], codes, arrays[f"learnt{k}"], each["group"]))
    return recordings, units
