"""One function for each button of the plugin, for napari's console and for scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superanimal.errors import InputError, by_caller

if TYPE_CHECKING:
    import xarray as xr
    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from napari_superanimal.docks.behavior.jobs import PredictionJob, ReportJob, TrainingJob
    from napari_superanimal.docks.behavior.session import BehaviorSession
    from napari_superanimal.docks.estimate.run import Estimation
    from napari_superanimal.docks.finetune.jobs import FinetuneJob
    from napari_superanimal.docks.gait.job import GaitJob
    from napari_superanimal.docks.mapping.job import MatchJob
    from superanimal.gait import GaitResult
    from superanimal.labels.labelled_set import LabelledSet


def open_video(viewer: ViewerModel, path: str | os.PathLike[str]) -> Image:
    """Open a video as an image layer with lazily decoded frames."""
    from napari_superanimal._reader import video_layer

    data, keywords, _ = video_layer(Path(path))
    return viewer.add_image(data, **keywords)


def estimate_poses(
    viewer: ViewerModel,
    video: Image | str | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    detector: str | os.PathLike[str] | None = None,
    max_individuals: int = 1,
    frames: str | None = None,
    device: str | None = None,
    out: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Estimation:
    """Estimate poses in a video of the viewer, in a separate process.

    Parameters
    ----------
    viewer
        The viewer.
    video
        Layer of the video, or its name; the only video by default.
    model, device
        As in ``superanimal.analyze``; by default those in the preferences.
    detector, max_individuals, frames, out, options
        As in ``superanimal.analyze``.

    Returns
    -------
    Estimation
        The run. It continues in the background: see ``.report``, :func:`cancel` and :func:`resume`.

    Raises
    ------
    InputError, NotFoundError
        When there is no such video, a run is already in progress, or an option is invalid.
    """
    from napari_superanimal._settings import setting
    from napari_superanimal.docks.estimate.run import Estimation, estimation_of
    from superanimal.inference.options import check_options

    layer = _video(viewer, video)
    earlier = estimation_of(layer)
    if earlier is not None and earlier.report.running:
        raise InputError(
            f"poses are already being estimated in {layer.name!r}",
            "only one run per video",
            "cancel it first",
        )
    settings: dict[str, Any] = {
        "model": model or setting("analysis", "model"),
        "detector": detector,
        "max_individuals": max_individuals,
        "frames": frames,
        "device": device or setting("analysis", "device"),
        "out": out,
        "formats": [],
        **options,
    }
    settings = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in settings.items()
    }
    check_options(settings, int(layer.data.shape[0]))
    _check_that_they_travel(settings)
    run = Estimation(getattr(viewer, "__wrapped__", viewer), layer, settings)
    run.start()
    return run


def cancel(viewer: ViewerModel, video: Image | str | None = None) -> Estimation:
    """Stop the run of a video; finished frames are kept, and :func:`resume` continues."""
    run = _run(viewer, video)
    run.cancel()
    return run


def resume(viewer: ViewerModel, video: Image | str | None = None) -> Estimation:
    """Continue a run that was cancelled or that crashed."""
    run = _run(viewer, video)
    run.start()
    return run


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
    accept_license: bool = False,
    **options: Any,
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
    options
        As for ``superanimal.finetune``: ``method``, ``table``, ``held_out``, ...

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
        labels = read_labels(labels, min_confidence=options.pop("min_confidence", None))
    chosen = {"model": model or named_model(), "out": str(out), **options}
    job = FinetuneJob(labels, chosen, accept_license=accept_license)
    job.start()
    return job


def analyze_gait(
    viewer: ViewerModel,
    poses: Points | str | None = None,
    limbs: Mapping[str, Any] | None = None,
    **options: Any,
) -> GaitJob:
    """Find how the animals of a pose layer walk, in a process of its own.

    Parameters
    ----------
    viewer
        The viewer.
    poses
        Pose layer, or its name; the only one when None. It is analysed as it stands, corrections included.
    limbs
        Limb name to one or several keypoints; guessed from the keypoints' names when None.
    options
        As for ``superanimal.gait.analyze``: ``fps``, ``detector``, ``ground_line``, ``metres_per_pixel``.

    Returns
    -------
    GaitJob
        It goes on while you work: see ``.report``, ``.cancel()`` and, once finished, ``.gait``, a
        ``superanimal.gait.GaitResult`` with the tables, ``save(folder)`` and ``report(path)``.

    Raises
    ------
    InputError
        When there is no such layer, a limb does not exist, or time cannot be told.
    """
    from napari_superanimal.docks.gait.job import GaitJob
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.gait import find_limbs
    from superanimal.poses import seconds

    data = layer_to_poses(_poses(viewer, poses))
    find_limbs([str(name) for name in data["keypoint"].values], limbs)
    seconds(data, options.get("fps"), "gait analysis")
    job = GaitJob(data, {"limbs": None if limbs is None else dict(limbs), **options})
    job.start()
    return job


def show_stances(viewer: ViewerModel, layer: Points, result: GaitResult, show: bool = True) -> None:
    """Show or hide a ring round each foot while it stands, in the colour of the limb.

    Parameters
    ----------
    viewer, layer
        The viewer, and the pose layer that was analysed.
    result
        What came of it, see :func:`analyze_gait`.
    show
        Hide the rings when False.
    """
    from napari_superanimal.docks.gait.stance_rings import stance_rings

    view = _view(viewer, layer)
    options = stance_rings(view.table, result) if show else {}
    view.show_overlay("rings", show, **options)


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

    return session_of(viewer, _poses(viewer, poses), fps)


def train_behavior(
    viewer: ViewerModel,
    out: str | os.PathLike[str],
    poses: Points | str | None = None,
    *,
    others: Sequence[tuple[str | os.PathLike[str], Any]] = (),
    own: bool = True,
    labels: Sequence[str] | None = None,
    **options: Any,
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
    options
        As for ``superanimal.behavior.train``: ``classes``, ``classifier``, ``preset``, ...

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

    layer, folder = _poses(viewer, poses), Path(out)
    if folder.exists():
        raise InputError(f"{folder} exists already", "a model gets a new folder", "choose another name")
    session = behavior_labels(viewer, layer, fps=options.get("fps"))
    rate = options.pop("fps", None) or session.fps
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
    request = {"poses": pack_object(sources), "labels": pack_object(tables), "options": pack_object(options)}
    job = TrainingJob(request, folder)
    job.start()
    return job


def predict_behavior(
    viewer: ViewerModel, model: str | os.PathLike[str], poses: Points | str | None = None
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
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    layer = _poses(viewer, poses)
    session = behavior_labels(viewer, layer)
    request = {
        "poses": pack_object(layer_to_poses(layer)), "model": os.fspath(model), "fps": session.fps
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
    from napari_superanimal.pose_layer.layers import layer_to_poses
    from superanimal.jobs.events import pack_object

    layer = _poses(viewer, poses)
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
        }
    )  # fmt: skip
    job.start()
    return job


def show_poses(viewer: ViewerModel, poses: xr.Dataset, *, skeleton: bool = True, **options: Any) -> Points:
    """Add poses as a layer, with their skeleton; options as for ``poses_to_layer``."""
    from napari_superanimal.pose_layer.layers import poses_to_layer
    from napari_superanimal.pose_layer.playback import attach

    layer = poses_to_layer(poses, **options)
    viewer.layers.append(layer)
    view = attach(viewer, layer)
    view.cutoff, view.color_by = options.get("cutoff", 0.0), options.get("color_by", "keypoint")
    if skeleton:
        view.show_overlay("skeleton")
    return layer


def save(layer: Points, path: str | os.PathLike[str], format: str | None = None) -> list[Path]:
    """Save the poses of a layer with all edits; the format is derived from the suffix when None."""
    from napari_superanimal._writer import write

    return write(path, layer, layer.name, layer.metadata, format)


def color_by(viewer: ViewerModel, layer: Points, by: str) -> None:
    """Colour the points of a pose layer by "keypoint", "individual" or "confidence"."""
    _view(viewer, layer).set_color_by(by)


def set_confidence_cutoff(viewer: ViewerModel, layer: Points, cutoff: float) -> None:
    """Hide points below a confidence, except points placed by a person."""
    _view(viewer, layer).set_cutoff(cutoff)


def set_point_size(viewer: ViewerModel, layer: Points, size: float | None = None) -> None:
    """Set the diameter of points in pixels of the video; None chooses one from the size of the animals."""
    _view(viewer, layer).set_point_size(size)


def show_skeleton(viewer: ViewerModel, layer: Points, show: bool = True) -> None:
    """Show or hide the skeleton of a pose layer."""
    _view(viewer, layer).show_overlay("skeleton", show)


def show_boxes(viewer: ViewerModel, layer: Points, show: bool = True) -> None:
    """Show or hide the bounding boxes of a pose layer."""
    _view(viewer, layer).show_overlay("boxes", show)


def show_trails(
    viewer: ViewerModel,
    layer: Points,
    show: bool = True,
    *,
    length: int | None = None,
    keypoints: list[str] | None = None,
) -> None:
    """Show or hide trails over the last ``length`` frames, for some keypoints (all when None)."""
    options: dict[str, Any] = {}
    if show and (length is not None or keypoints is not None):
        options = {"length": length or 25, "keypoints": keypoints}
    _view(viewer, layer).show_overlay("trails", show, **options)


def show_names(viewer: ViewerModel, layer: Points, show: bool = True) -> None:
    """Show or hide the names of the keypoints of a pose layer."""
    _view(viewer, layer).names.show(show)


def undo(viewer: ViewerModel, layer: Points) -> None:
    """Undo the latest edit of a pose layer."""
    _view(viewer, layer).editing.undo()


def redo(viewer: ViewerModel, layer: Points) -> None:
    """Redo the edit of a pose layer that was undone last."""
    _view(viewer, layer).editing.redo()


def _view(viewer: ViewerModel, layer: Points) -> Any:
    from napari_superanimal.pose_layer.playback import attach

    return attach(viewer, layer)


def _video(viewer: ViewerModel, video: Image | str | None) -> Image:
    from napari_superanimal.parts.layers import is_video_layer

    if isinstance(video, str):
        if video not in viewer.layers:
            raise InputError(
                f"there is no layer {video!r}", f"layers: {[layer.name for layer in viewer.layers]}"
            )
        return viewer.layers[video]
    if video is not None:
        return video
    videos = [layer for layer in viewer.layers if is_video_layer(layer)]
    if len(videos) != 1:
        raise InputError(
            f"the viewer shows {len(videos)} videos",
            "name the layer when there is not exactly one",
            by_caller("open_video(viewer, path)", "", "open one")
            if not videos
            else by_caller(f"video={videos[0].name!r}", "", "choose one"),
        )
    return videos[0]


def _poses(viewer: ViewerModel, poses: Points | str | None) -> Points:
    from napari_superanimal.pose_layer.layers import is_pose_layer, table_of

    if isinstance(poses, str) and poses in viewer.layers:
        poses = viewer.layers[poses]
    if isinstance(poses, str):
        raise InputError(f"there is no layer {poses!r}", f"layers: {[layer.name for layer in viewer.layers]}")
    if poses is not None:
        table_of(poses)
        return poses
    found = [layer for layer in viewer.layers if is_pose_layer(layer)]
    if len(found) != 1:
        raise InputError(
            f"the viewer shows {len(found)} pose layers",
            "name the layer when there is not exactly one",
            by_caller(f"poses={found[0].name!r}", "", "choose one") if found else "open a pose file",
        )
    return found[0]


def _check_that_they_travel(options: dict[str, Any]) -> None:
    """Raise for an option that cannot be sent to the child process."""
    for name, value in options.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise InputError(
                f"{name} is {type(value).__name__}",
                "poses are estimated in a separate process, which accepts only names, numbers and paths",
                "give the path of a file",
            ) from None


def _run(viewer: ViewerModel, video: Image | str | None) -> Estimation:
    from napari_superanimal.docks.estimate.run import estimation_of

    layer = _video(viewer, video)
    run = estimation_of(layer)
    if run is None:
        raise InputError(f"no poses have been estimated in {layer.name!r} yet", remedy="estimate them first")
    return run
