from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from labelsets import make_set

from superanimal.labels import LabelledSet

LONG = ("ui", "training", "exporting", "cli", "inference")
"""Folders whose tests take longest: handed out first, they leave no worker idle at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of the long folders, otherwise in the usual order."""
    place = {name: number for number, name in enumerate(LONG)}
    root = Path(__file__).parent
    items.sort(key=lambda item: place.get(item.path.relative_to(root).parts[0], len(LONG)))


@pytest.fixture
def labelled(tmp_path: Path) -> LabelledSet:
    return make_set(tmp_path)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own folder of models and licences."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SUPERANIMAL_HOME", str(folder))
    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def ssdlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small checkpoint as DeepLabCut writes it: an SSDLite detector."""
    from superanimal.zoo.architectures import build_network

    path = tmp_path_factory.mktemp("weights") / "superanimal_quadruped_ssdlite.pt"
    torch.manual_seed(0)
    state = build_network("ssdlite", 2).state_dict()
    torch.save({"model": state, "metadata": {"epoch": 3, "metrics": {"mAP": np.float64(0.5)}}}, path)
    return path
