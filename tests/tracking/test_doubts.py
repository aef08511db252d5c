"""Where it is doubtful who is who."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.errors import InputError
from superanimal.poses import make_poses
from superanimal.tracking import doubts


def test_stretches_end_where_a_name_becomes_doubtful_or_the_animal_leaves() -> None:
    poses = make_poses(np.zeros((6, 2, 1, 1)), keypoints=["a"], individuals=["one"])
    with pytest.raises(InputError, match="no identity_confidence"):
        doubts(poses)
    sure = np.array([[1.0, 0.95, 0.5, 0.6, np.nan, 1.0]]).T
    table = doubts(poses.assign(identity_confidence=(("time", "individual"), sure)))
    assert table.to_numpy().tolist() == [["one", 0, 1, 0.95], ["one", 2, 3, 0.5], ["one", 5, 5, 1.0]]
