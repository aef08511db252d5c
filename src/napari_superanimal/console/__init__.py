"""One function for each button of the plugin, for napari's console and for scripts."""

from napari_superanimal.console.behavior import (
    behavior_labels as behavior_labels,
)
from napari_superanimal.console.behavior import (
    predict_behavior as predict_behavior,
)
from napari_superanimal.console.behavior import (
    report_behavior as report_behavior,
)
from napari_superanimal.console.behavior import (
    train_behavior as train_behavior,
)
from napari_superanimal.console.display import (
    color_by as color_by,
)
from napari_superanimal.console.display import (
    redo as redo,
)
from napari_superanimal.console.display import (
    save as save,
)
from napari_superanimal.console.display import (
    set_confidence_cutoff as set_confidence_cutoff,
)
from napari_superanimal.console.display import (
    set_point_size as set_point_size,
)
from napari_superanimal.console.display import (
    show_boxes as show_boxes,
)
from napari_superanimal.console.display import (
    show_names as show_names,
)
from napari_superanimal.console.display import (
    show_poses as show_poses,
)
from napari_superanimal.console.display import (
    show_skeleton as show_skeleton,
)
from napari_superanimal.console.display import (
    show_trails as show_trails,
)
from napari_superanimal.console.display import (
    undo as undo,
)
from napari_superanimal.console.estimate import (
    cancel as cancel,
)
from napari_superanimal.console.estimate import (
    estimate_poses as estimate_poses,
)
from napari_superanimal.console.estimate import (
    open_video as open_video,
)
from napari_superanimal.console.estimate import (
    resume as resume,
)
from napari_superanimal.console.gait import (
    analyze_gait as analyze_gait,
)
from napari_superanimal.console.gait import (
    show_stances as show_stances,
)
from napari_superanimal.console.labelled import (
    finetune as finetune,
)
from napari_superanimal.console.labelled import (
    match_keypoints as match_keypoints,
)
