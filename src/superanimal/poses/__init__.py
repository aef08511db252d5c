"""The pose data set, keypoint spaces and provenance."""

from superanimal.poses.dataset import has_own_times, make_poses, require_pixels, validate_poses
from superanimal.poses.provenance import get_provenance, make_provenance, set_provenance
from superanimal.poses.space import KeypointSpace, load_space, space_for, space_names
from superanimal.poses.times import frame_rate, seconds, states_rate

__all__ = [
    "KeypointSpace",
    "frame_rate",
    "get_provenance",
    "has_own_times",
    "load_space",
    "make_poses",
    "make_provenance",
    "require_pixels",
    "seconds",
    "set_provenance",
    "space_for",
    "space_names",
    "states_rate",
    "validate_poses",
]
