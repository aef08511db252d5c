"""Readers of videos and pose files for File > Open, drag and drop and ``viewer.open``.

Heavy imports happen when a file is opened, not when napari asks whether it can be opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from napari_superanimal.pose_layer.table import PoseTable
    from superanimal.video import Video

LayerData = tuple[Any, dict[str, Any], str]
Reader = Callable[[str | Sequence[str]], list[LayerData]]


def get_video_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a reader if every path has a video suffix, else None."""
    from superanimal.video.open import VIDEO_SUFFIXES

    paths = paths_of(path)
    return read_videos if paths and all(p.suffix.lower() in VIDEO_SUFFIXES for p in paths) else None


def get_poses_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a reader if the content of every path is a pose file, else None.

    Label files with images beside them are left to ``get_labels_reader``.
    """
    paths = paths_of(path)
    if not paths or not all(p.exists() for p in paths):
        return None
    from superanimal.formats import recognise
    from superanimal.formats.recognise import is_labelled

    if all(map(is_labelled, paths)):
        return None
    return read_poses if all(recognise(p) is not None for p in paths) else None


def read_videos(path: str | Sequence[str]) -> list[LayerData]:
    """Return one image layer per video, see :func:`video_layer`."""
    return [video_layer(p) for p in paths_of(path)]


def video_layer(path: str | Path) -> LayerData:
    """Return layer data of a video with lazily decoded frames.

    Returns
    -------
    tuple
        Dask array (T, H, W, 3) uint8, keyword arguments with metadata ``video``, ``path``, ``fps`` and
        ``timestamps`` (seconds per frame), and "image".

    Raises
    ------
    VideoError
        When no frame of the file can be decoded.
    """
    from superanimal.video import open_video

    video = open_video(path)
    _tell_of_sizes(video)
    keywords = {
        "name": video.path.stem,
        "rgb": True,
        "contrast_limits": (0, 255),
        "cache": False,  # the video has its own, bounded cache
        "axis_labels": ("frame", "y", "x"),
        "metadata": {
            "video": video,
            "path": str(Path(path).resolve()),
            "fps": video.fps,
            "timestamps": video.timestamps,
        },
    }
    return video.dask(), keywords, "image"


def _tell_of_sizes(video: Video) -> None:
    """Report how images of different sizes are shown in one layer."""
    sizes = {video.frame_size(k) for k in range(len(video))}
    if len(sizes) > 1:
        from napari.utils.notifications import show_info

        height, width = video.shape[1:3]
        show_info(
            f"{video.name} holds images of {len(sizes)} sizes: each lies at the top left of a frame of "
            f"{width} x {height} pixels and is black beyond. Poses are estimated in each image at its size."
        )


def read_poses(path: str | Sequence[str]) -> list[LayerData]:
    """Return one Points layer per pose file; its skeleton is shown with it."""
    from napari_superanimal._settings import setting
    from napari_superanimal.pose_layer.layers import TABLE_KEY, poses_to_layerdata
    from superanimal.poses.run_store import run_name

    layers = []
    for file in paths_of(path):
        data, keywords, kind = poses_to_layerdata(
            _load_poses(file),
            name=run_name(file) if file.is_dir() else file.stem,
            cutoff=setting("display", "cutoff"),
            size=setting("display", "point_size") or None,
        )
        attach_when_added(keywords["metadata"][TABLE_KEY], setting("display", "cutoff"))
        layers.append((data, keywords, kind))
    return layers


def _load_poses(file: Path) -> xr.Dataset | PoseTable:
    """Load a pose file; if it holds several videos, the poses of the topmost open one.

    These have no journal, because it would be shared with the other videos.
    """
    import napari
    from napari.utils.notifications import show_info

    from napari_superanimal.pose_layer.layers import read_table
    from superanimal.errors import InputError
    from superanimal.formats import load_poses
    from superanimal.formats.recordings import recordings

    viewer = napari.current_viewer()
    if viewer is not None and len(recordings(file)) > 1:
        for layer in reversed(viewer.layers):
            shown = Path(str(layer.metadata.get("path", ""))).name
            try:
                poses = load_poses(file, video=shown)
            except InputError:  # another video
                continue
            show_info(f"{file.name} holds poses of several videos; those of {shown} are shown.")
            return poses
    return read_table(file)


def attach_when_added(table: Any, cutoff: float) -> None:
    """Attach a view as soon as napari has created the layer: a reader itself has no viewer."""
    import napari

    viewer = napari.current_viewer()
    if viewer is None:
        return

    def on_inserted(event: Any) -> None:
        from napari_superanimal.pose_layer.layers import TABLE_KEY
        from napari_superanimal.pose_layer.playback import attach

        if event.value.metadata.get(TABLE_KEY) is table:
            viewer.layers.events.inserted.disconnect(on_inserted)
            view = attach(viewer, event.value)
            view.cutoff = cutoff
            view.show_overlay("skeleton")

    viewer.layers.events.inserted.connect(on_inserted)


def paths_of(path: str | Sequence[str]) -> list[Path]:
    """Return the paths passed by napari as a list."""
    return [Path(path)] if isinstance(path, (str, Path)) else [Path(p) for p in path]
