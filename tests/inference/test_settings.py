from __future__ import annotations

import pytest

from superanimal.errors import InputError
from superanimal.inference.settings import check_roi, parse_frames


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, range(0, 100)),
        ("10:20", range(10, 20)),
        ("10:", range(10, 100)),
        ("::25", range(0, 100, 25)),
        ("-10:", range(90, 100)),
        (" 5 : 500 : 2 ", range(5, 100, 2)),
        (slice(3, 7), range(3, 7)),
    ],
)
def test_frames(text: str | slice | None, expected: range) -> None:
    assert list(parse_frames(text, 100)) == list(expected)


@pytest.mark.parametrize("text", ["", "5", "a:b", "1:2:3:4", "1:2:0", "1:2:-1", "200:300", "5:5"])
def test_bad_frames(text: str) -> None:
    with pytest.raises(InputError):
        parse_frames(text, 100)


def test_region() -> None:
    check_roi(None, 10, 10)
    check_roi((0, 0, 10, 10), 10, 10)
    for roi in ((-1, 0, 5, 5), (0, 0, 11, 5), (5, 5, 6, 5), (0, 0, 0, 5), (1, 2, 3)):
        with pytest.raises(InputError, match="region of interest"):
            check_roi(roi, 10, 10)  # type: ignore[arg-type]
