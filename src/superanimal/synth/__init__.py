"""Rendered animals with exact truth: training scenes, sample videos and test fixtures."""

from __future__ import annotations

from superanimal.synth.body import TOPVIEWMOUSE, MousePose, MouseShape, build_mouse
from superanimal.synth.camera import Camera, Placement, place
from superanimal.synth.scene import (
    Animal,
    Rendered,
    Scene,
    animal_box,
    photograph,
    random_picture,
    render,
    sample_scene,
)

__all__ = [
    "TOPVIEWMOUSE",
    "Animal",
    "Camera",
    "MousePose",
    "MouseShape",
    "Placement",
    "Rendered",
    "Scene",
    "animal_box",
    "build_mouse",
    "photograph",
    "place",
    "random_picture",
    "render",
    "sample_scene",
]
