"""The options of console functions are those of the core, and can be completed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import napari_superanimal as plugin
import superanimal
from napari_superanimal.pose_layer.layers import poses_to_layerdata

CORE = [
    (plugin.estimate_poses, superanimal.analyze, {"source"}),
    (plugin.finetune, superanimal.finetune, {"data"}),
    (plugin.analyze_gait, superanimal.gait.analyze, {"poses", "groups"}),
    (plugin.show_poses, poses_to_layerdata, set()),
    (plugin.train_behavior, superanimal.behavior.train, {"poses", "labels"}),
    (plugin.write_features, superanimal.behavior.write_features, {"poses", "fps"}),
    (plugin.find_motifs, superanimal.behavior.segment, {"poses", "fps", "features"}),
]


@pytest.mark.parametrize(("function", "core", "other"), CORE)
def test_options_are_those_of_the_core(
    function: Callable[..., Any], core: Callable[..., Any], other: set[str]
) -> None:
    known, shown = inspect.signature(core).parameters, inspect.signature(function).parameters
    assert not {p.kind for p in shown.values()} & {inspect.Parameter.VAR_KEYWORD}
    for name in known.keys() - other - {"progress"}:
        assert name in shown, name
        if name not in ("model", "out") and shown[name].default is not ...:
            assert shown[name].default == known[name].default, name
