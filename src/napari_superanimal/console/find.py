"""The layers that functions of the console mean by a name, or by nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from superanimal.errors import InputError, by_caller

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points


def view_of(viewer: ViewerModel, layer: Points) -> Any:
    """Return what draws a pose layer."""
    from napari_superanimal.pose_layer.playback import attach

    return attach(viewer, layer)


def video_of(viewer: ViewerModel, video: Image | str | None) -> Image:
    """Return a video's layer: by itself, by name, or the only one."""
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


def poses_of(viewer: ViewerModel, poses: Points | str | None) -> Points:
    """Return a pose layer: by itself, by name, or the only one."""
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
