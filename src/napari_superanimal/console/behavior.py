"""What the animals of a pose layer do: labels, classifiers, motifs, reports."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_superanimal.console.find import poses_of
from superanimal.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Points

    from napari_superanimal.docks.behavior.jobs import (
        FeatureJob,
        MotifJob,
        PredictionJob,
        ReportJob,
        TrainingJob,
    )
    from napari_superanimal.docks.behavior.session import BehaviorSession
    from superanimal.behavior.descriptors.presets import Preset
    from superanimal.behavior.measures import Regions
    from superanimal.behavior.motifs.clusters import Embedding
    from superanimal.behavior.motifs.segment import Method


def behavior_labels(
    viewer: ViewerModel, poses: Points | str | None = None, *, fps: float | None = None
) -> BehaviorSession:
    """Return the labels of behaviour of a pose layer, as the dock *Behaviour* shows them.

    Parameters
    ----------
    viewer
        The viewer.
    poses
        Pose layer, or its name; the only one when None.
    fps
        Frames per second, if the poses do not state it.

    Returns
    -------
    BehaviorSession
        ``add``, ``move_end``, ``remove``, ``undo``, ``redo``, ``take_in(path)`` (import) and ``export(path)``
        change or write the bouts, ``add_behavior`` and ``change_behavior`` the list of behaviours.
        Every change is saved beside the video.

    Raises
    ------
    InputError
        When there is no such layer, or no frame rate is known.
    """
    from napari_superanimal.docks.behavior.session import session_of

    return session_of(viewer, poses_of(viewer, poses), fps)


def train_behavior(
    viewer: ViewerModel,
    out: str | os.PathLike[str],
    poses: Points | str | None = None,
    *,
    others: Sequence[tuple[str | os.PathLike[str], Any]] = (),
    own: bool = True,
    labels: Sequence[str] | None = None,
    stream: str | None = None,
    classes: Sequence[str] | None = None,
    fps: float | None = None,
    classifier: str = "ensemble",
    preset: str | Preset = "default",
    groups: Sequence[str] | None = None,
    leave_out: Sequence[pd.DataFrame | None] | None = None,
    regions: Regions | None = None,
    shortest_s: float = 0.0,
    gap_s: float = 0.0,
    align: bool = False,
) -> TrainingJob:
    """Train a classifier of behaviour on the labels of a pose layer, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    out
        New folder for the model.
    poses
        Pose layer, or its name; the only one when None.
    others
        Further recordings: a pose file, and a file or table of annotations, of each.
    own
        Whether the labels of the layer are learnt from, and not only those of ``others``.
    labels
        Behaviours to learn; all when None. Bouts of others count as not labelled.
    fps
        Frames per second of recordings that state none; by default that of the layer.
    stream, classes, classifier, preset, groups, leave_out, regions, shortest_s, gap_s, align
        As in ``superanimal.behavior.train``.

    Returns
    -------
    TrainingJob
        It goes on while you work: see ``.report``, ``.cancel()`` and, once finished, ``.scores`` and
        ``.notes``.

    Raises
    ------
    InputError
        When there is no such layer, nothing is labelled, or the folder exists.
    """
    from napari_superanimal.docks.behavior.jobs import TrainingJob
    from napari_superanimal.docks.behavior.recordings import read_recording
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    layer, folder = poses_of(viewer, poses), Path(out)
    if folder.exists():
        raise InputError(f"{folder} exists already", "a model gets a new folder", "choose another name")
    session = behavior_labels(viewer, layer, fps=fps)
    rate = fps or session.fps
    pairs = [(layer_to_poses(layer), session.own()), *others] if own else others
    sources, tables = [], []
    for recording, given in pairs:  # each at its own rate; ``fps`` is for those that state none
        source, table = read_recording(recording, given, rate)
        sources.append(source)
        tables.append(table)
    if labels is not None:
        tables = [table[table["label"].isin(labels)].reset_index(drop=True) for table in tables]
    if not any(len(table) for table in tables):
        raise InputError(
            "nothing is labelled", "a classifier learns from bouts that a person labelled", "label some first"
        )
    options = {
        "stream": stream, "classes": classes, "classifier": classifier, "preset": preset, "groups": groups,
        "leave_out": leave_out, "regions": regions, "shortest_s": shortest_s, "gap_s": gap_s,
        "align": align,
    }  # fmt: skip
    request = {"poses": pack_object(sources), "labels": pack_object(tables), "options": pack_object(options)}
    job = TrainingJob(request, folder)
    job.start()
    return job


def predict_behavior(
    viewer: ViewerModel,
    model: str | os.PathLike[str],
    poses: Points | str | None = None,
    *,
    regions: Regions | None = None,
) -> PredictionJob:
    """Predict behaviour in a pose layer with a trained model, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    model
        Folder of a model, see :func:`train_behavior`.
    poses
        Pose layer, or its name; the only one when None.
    regions
        Arena and regions, for a model that was trained with them; by default those drawn in the viewer.

    Returns
    -------
    PredictionJob
        It goes on while you work: see ``.report``, ``.cancel()`` and, once finished, ``.predictions``.

    Raises
    ------
    InputError
        When there is no such layer or folder.
    """
    from napari_superanimal.docks.behavior.jobs import PredictionJob
    from napari_superanimal.docks.behavior.region_layer import regions_of
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    layer = poses_of(viewer, poses)
    session = behavior_labels(viewer, layer)
    request = {
        "poses": pack_object(layer_to_poses(layer)), "model": os.fspath(model), "fps": session.fps,
        "regions": pack_object(regions_of(viewer, layer) if regions is None else regions),
    }  # fmt: skip
    job = PredictionJob(request, session)
    job.start()
    return job


def report_behavior(
    viewer: ViewerModel,
    out: str | os.PathLike[str],
    poses: Points | str | None = None,
    *,
    predicted: bool = False,
    tables: bool = False,
    regions: Regions | None = None,
) -> ReportJob:
    """Write a report of what the animals of a pose layer did, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    out
        The page (html) to write; with ``tables`` a folder.
    poses
        Pose layer, or its name; the only one when None.
    predicted
        Report what a model predicted, not what was labelled.
    tables
        Write csv tables and figures.
    regions
        Arena and regions in which time and entries are measured; by default those drawn in the viewer.

    Returns
    -------
    ReportJob
        It goes on while you work: see ``.report``, ``.cancel()``.

    Raises
    ------
    InputError
        When there is no such layer, or nothing was labelled or predicted.
    """
    from napari_superanimal.docks.behavior.jobs import ReportJob
    from napari_superanimal.docks.behavior.region_layer import regions_of
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    layer = poses_of(viewer, poses)
    session = behavior_labels(viewer, layer)
    bouts = session.predicted if predicted else session.own()
    if bouts is None or not len(bouts):
        raise InputError(
            f"nothing is {'predicted' if predicted else 'labelled'}", "there is nothing to report"
        )
    job = ReportJob(
        {
            "task": "report_behavior", "out": os.fspath(out), "tables": tables, "fps": session.fps,
            "poses": pack_object(layer_to_poses(layer)), "labels": pack_object(bouts),
            "regions": pack_object(regions_of(viewer, layer) if regions is None else regions),
        }
    )  # fmt: skip
    job.start()
    return job


def write_features(
    viewer: ViewerModel,
    out: str | os.PathLike[str],
    poses: Points | str | None = None,
    *,
    preset: str = "default",
    individual: str | None = None,
    regions: Regions | None = None,
) -> FeatureJob:
    """Compute the features of each frame of a pose layer into a file, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    out
        File ``.parquet`` or ``.csv``, or folder ``.zarr``.
    poses
        Pose layer, or its name; the only one when None.
    preset, individual
        As in :func:`superanimal.behavior.features`.
    regions
        Arena and regions, distances to which are features; by default those drawn in the viewer.

    Returns
    -------
    FeatureJob
        It goes on while you work: see ``.report``, ``.cancel()``, ``.notes``.

    Raises
    ------
    InputError
        When there is no such layer, or no frame rate is known.
    """
    from napari_superanimal.docks.behavior.jobs import FeatureJob
    from napari_superanimal.docks.behavior.region_layer import regions_of
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    layer = poses_of(viewer, poses)
    session = behavior_labels(viewer, layer)
    job = FeatureJob(
        {
            "out": os.fspath(out), "preset": preset, "individual": individual, "fps": session.fps,
            "poses": pack_object(layer_to_poses(layer)),
            "regions": pack_object(regions_of(viewer, layer) if regions is None else regions),
        }
    )  # fmt: skip
    job.start()
    return job


def find_motifs(
    viewer: ViewerModel,
    poses: Points | str | None = None,
    *,
    method: Method = "hmm",
    motifs: int | None = None,
    typical_s: float = 0.5,
    embedding: Embedding = "pca",
    seed: int = 0,
) -> MotifJob:
    """Find motifs in the poses of a layer, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    poses
        Pose layer, or its name; the only one when None.
    method, motifs, typical_s, embedding, seed
        As in :func:`superanimal.behavior.segment`.

    Returns
    -------
    MotifJob
        It goes on while you work: see ``.report``, ``.cancel()``. Once finished, the motifs are
        ``behavior_labels(viewer).motifs``.

    Raises
    ------
    InputError
        When there is no such layer.
    """
    from napari_superanimal.docks.behavior.jobs import MotifJob
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    layer = poses_of(viewer, poses)
    session = behavior_labels(viewer, layer)
    options = {
        "method": method, "motifs": motifs, "typical_s": typical_s, "embedding": embedding, "seed": seed,
    }  # fmt: skip
    request = {
        "poses": pack_object(layer_to_poses(layer)), "fps": session.fps, "options": pack_object(options)
    }  # fmt: skip
    job = MotifJob(request, session)
    job.start()
    return job
