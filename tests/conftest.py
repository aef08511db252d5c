from __future__ import annotations

from pathlib import Path

import pytest
from labelsets import make_set

from superanimal.labels import LabelledSet


@pytest.fixture
def labelled(tmp_path: Path) -> LabelledSet:
    return make_set(tmp_path)
