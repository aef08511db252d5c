"""Names, proportions and joint state of a parametric four-legged animal.

The order "base" to "end" of neck, throat, back and tail runs from head to tail; ``*_thai`` is the elbow of
a fore leg and the stifle of a hind leg, ``*_knee`` the carpus and the hock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

QUADRUPED: tuple[str, ...] = (
    *("nose", "upper_jaw", "lower_jaw", "mouth_end_right", "mouth_end_left", "right_eye", "right_earbase"),
    *("right_earend", "right_antler_base", "right_antler_end", "left_eye", "left_earbase", "left_earend"),
    *(
        "left_antler_base",
        "left_antler_end",
        "neck_base",
        "neck_end",
        "throat_base",
        "throat_end",
        "back_base",
    ),
    *(
        "back_end",
        "back_middle",
        "tail_base",
        "tail_end",
        "front_left_thai",
        "front_left_knee",
        "front_left_paw",
    ),
    *("front_right_thai", "front_right_knee", "front_right_paw", "back_left_paw", "back_left_thai"),
    *("back_right_thai", "back_left_knee", "back_right_knee", "back_right_paw", "belly_bottom"),
    *("body_middle_right", "body_middle_left"),
)
"""Keypoints of the SuperAnimal Quadruped space, in channel order (Ye et al. 2024)."""

LEG, MANE, HORN, FACE, COLLAR = range(7, 12)
"""Materials besides those of :mod:`superanimal.synth.body`."""

LIMBS: tuple[str, ...] = ("front_left", "front_right", "back_left", "back_right")
"""Order of the feet in :class:`QuadrupedPose`."""


@dataclass(frozen=True)
class QuadrupedShape:
    """Proportions of one animal, constant in time; lengths in trunk lengths.

    Attributes
    ----------
    height : height of the withers
    chest, waist, rump : depth of the trunk at its three thirds
    width : width of the trunk as a share of its depth
    croup, arch : height of croup and of the middle of the back over the line of the withers
    neck, neck_root, neck_top : length and the radii of the neck
    head, skull, muzzle : length of the head, radius at the eyes, radius at the nose
    eye, mouth : place of eyes and of the mouth's corners along the head, 0 poll .. 1 nose
    drop : 0 the line of the forehead runs straight to the nose, 1 the muzzle lies low
    ear, ear_width, ear_droop : length, width as a share of it, 0 upright .. 0.5 sideways .. 1 hanging
    antler, tines : length of antlers or horns (0: none), number of side branches
    tail, tail_radius, tail_tuft : length, radius at the root, radius of hair in the middle
    leg, thigh : radius at the carpus, scale of the upper legs
    carpus, hock, pastern : height of carpus as a share of the elbow's, of hock as a share of ``height``,
        of the fetlock in trunk lengths
    foot : length of a foot
    mane : thickness of a mane (0: none)
    collar : thickness of a collar (0: none)
    """

    height: float = 0.95
    chest: float = 0.44
    waist: float = 0.38
    rump: float = 0.42
    width: float = 0.64
    croup: float = 0.0
    arch: float = 0.0
    neck: float = 0.5
    neck_root: float = 0.18
    neck_top: float = 0.1
    head: float = 0.4
    skull: float = 0.09
    muzzle: float = 0.055
    eye: float = 0.35
    mouth: float = 0.78
    drop: float = 0.3
    ear: float = 0.13
    ear_width: float = 0.35
    ear_droop: float = 0.0
    antler: float = 0.0
    tines: int = 0
    tail: float = 0.6
    tail_radius: float = 0.03
    tail_tuft: float = 0.05
    leg: float = 0.034
    thigh: float = 1.0
    carpus: float = 0.48
    hock: float = 0.36
    pastern: float = 0.08
    foot: float = 0.06
    mane: float = 0.0
    collar: float = 0.0


@dataclass(frozen=True)
class QuadrupedPose:
    """Joint state at one instant; angles in radians, lengths in trunk lengths.

    Attributes
    ----------
    pitch, lift : trunk, nose up, and height over standing
    bend : yaw of the chest against the rump, to the animal's left
    arch : extra rise of the middle of the back
    feet : (4, 3) forward offset from standing, offset outwards, height over the ground, in the order
        :data:`LIMBS`
    neck : pitch over the horizon and yaw
    head : pitch over the horizon, yaw and roll against the neck
    jaw : opening of the mouth
    ears : (left, right) change of ``ear_droop``
    tail : pitch at the root (0 straight back), curl upwards along it, yaw
    """

    pitch: float = 0.0
    lift: float = 0.0
    bend: float = 0.0
    arch: float = 0.0
    feet: np.ndarray = field(default_factory=lambda: np.zeros((4, 3)))
    neck: tuple[float, float] = (0.7, 0.0)
    head: tuple[float, float, float] = (-0.7, 0.0, 0.0)
    jaw: float = 0.0
    ears: tuple[float, float] = (0.0, 0.0)
    tail: tuple[float, float, float] = (-1.2, 0.0, 0.0)
