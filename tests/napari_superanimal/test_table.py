from __future__ import annotations

import numpy as np
import pytest

from napari_superanimal.table import PoseTable
from superanimal.errors import InputError
from superanimal.poses import make_poses


def test_poses_in_space_are_refused() -> None:
    poses = make_poses(np.ones((2, 3, 1, 1)), keypoints=["nose"], space_unit="mm")
    with pytest.raises(InputError, match="a pose layer needs x and y in pixels"):
        PoseTable(poses)
