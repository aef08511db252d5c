"""Keys of pose layers as napari actions, which can be changed in Preferences > Shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_superanimal.pose_layer.views import view_of

if TYPE_CHECKING:
    from napari.layers import Points

    from napari_superanimal.pose_layer.playback import PoseView

PREFIX = "napari-superanimal:"

#: Name of the action: what it does, its keys, and how. They belong to Points layers; others than those of
#: poses are left alone.
ACTIONS: dict[str, tuple[str, str, Callable[[PoseView], None]]] = {
    "undo_pose_edit": ("Poses: undo the latest edit", "Ctrl+Z", lambda view: view.editing.undo()),
    "redo_pose_edit": ("Poses: redo the edit", "Ctrl+Shift+Z", lambda view: view.editing.redo()),
    "show_pose_names": (
        "Poses: show or hide keypoint names",
        "Shift+N",
        lambda view: view.names.show(not view.names.shown),
    ),
    "next_frame_with_poses": ("Poses: next frame with poses", "Shift+Right", lambda view: view.go(1)),
    "previous_frame_with_poses": (
        "Poses: previous frame with poses",
        "Shift+Left",
        lambda view: view.go(-1),
    ),
}


def register() -> None:
    """Register the keys with napari, once; keys chosen by the user are kept."""
    from napari.layers import Points
    from napari.utils.action_manager import action_manager

    for name, (description, keys, action) in ACTIONS.items():
        if PREFIX + name not in action_manager._actions:
            action_manager.register_action(PREFIX + name, _on_poses(action), description, Points)
            if not action_manager._shortcuts.get(PREFIX + name):
                action_manager.bind_shortcut(PREFIX + name, keys)


def _on_poses(action: Callable[[PoseView], None]) -> Callable[[Points], None]:
    def act(layer: Points) -> None:
        view = view_of(layer)
        if view is not None:
            action(view)

    return act
