"""Rendered animals with exact truth: training scenes, sample videos and test fixtures."""

from __future__ import annotations

from superanimal.synth.anatomy import QUADRUPED, QuadrupedPose, QuadrupedShape
from superanimal.synth.body import TOPVIEWMOUSE, MousePose, MouseShape, build_mouse
from superanimal.synth.camera import Camera, Placement, place
from superanimal.synth.laboratory import Choice, laboratory_picture, mouse_picture
from superanimal.synth.pasture import (
    Beast,
    Pasture,
    quadruped_box,
    quadruped_picture,
    random_quadruped_picture,
    render_pasture,
    sample_pasture,
)
from superanimal.synth.quadruped import build_quadruped
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
    "QUADRUPED",
    "TOPVIEWMOUSE",
    "Animal",
    "Beast",
    "Camera",
    "Choice",
    "MousePose",
    "MouseShape",
    "Pasture",
    "Placement",
    "QuadrupedPose",
    "QuadrupedShape",
    "Rendered",
    "Scene",
    "animal_box",
    "build_mouse",
    "build_quadruped",
    "laboratory_picture",
    "mouse_picture",
    "photograph",
    "place",
    "quadruped_box",
    "quadruped_picture",
    "random_picture",
    "random_quadruped_picture",
    "render",
    "render_pasture",
    "sample_pasture",
    "sample_scene",
]
