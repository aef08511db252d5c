"""One function for each button of the plugin, for napari's console and for scripts."""

from napari_superanimal.console.adaptation import adapt, blink, compare_adaptation
from napari_superanimal.console.behavior import (
    behavior_labels,
    find_motifs,
    predict_behavior,
    report_behavior,
    train_behavior,
    write_features,
)
from napari_superanimal.console.display import (
    color_by,
    redo,
    save,
    set_confidence_cutoff,
    set_point_size,
    show_boxes,
    show_names,
    show_poses,
    show_skeleton,
    show_trails,
    undo,
)
from napari_superanimal.console.estimate import (
    cancel,
    estimate_poses,
    open_video,
    resume,
)
from napari_superanimal.console.gait import analyze_gait, show_stances
from napari_superanimal.console.labelled import finetune, match_keypoints
from napari_superanimal.console.tracking import show_tracked, track_poses

__all__ = [
    "adapt",
    "analyze_gait",
    "behavior_labels",
    "blink",
    "cancel",
    "color_by",
    "compare_adaptation",
    "estimate_poses",
    "find_motifs",
    "finetune",
    "match_keypoints",
    "open_video",
    "predict_behavior",
    "redo",
    "report_behavior",
    "resume",
    "save",
    "set_confidence_cutoff",
    "set_point_size",
    "show_boxes",
    "show_names",
    "show_poses",
    "show_skeleton",
    "show_stances",
    "show_tracked",
    "show_trails",
    "track_poses",
    "train_behavior",
    "undo",
    "write_features",
]
