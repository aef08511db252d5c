from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superanimal.adaptation.segments import SHORTEST, WHOLE, segments_of
from superanimal.errors import InputError


@given(st.integers(SHORTEST, 500_000))
def test_stretches_follow_each_other_and_a_fifth_is_held_out(total: int) -> None:
    found = segments_of(total)
    assert all(a.stop <= b.start for a, b in pairwise(found))
    assert found[0].start == 0 and found[-1].stop <= total
    frames = sum(len(s.frames) for s in found)
    assert frames == total if total <= WHOLE else frames <= WHOLE
    held_out = sum(len(s.frames) for s in found if s.held_out)
    assert 0.15 < held_out / frames < 0.3
    assert min(len(s.frames) for s in found) >= 3


def test_a_video_too_short_is_refused() -> None:
    with pytest.raises(InputError, match=r"clip\.mp4: 29 frames"):
        segments_of(29, "clip.mp4")
