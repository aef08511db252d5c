"""Body plans of four-legged animals as ranges of proportions, and random postures of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from superanimal.synth.anatomy import QuadrupedPose, QuadrupedShape

Range = tuple[float, float]

_DEFAULT: dict[str, Range] = {"width": (0.54, 0.74), "thigh": (0.88, 1.14), "mouth": (0.66, 0.8)}
_BY_NAME = {
    "horse": "height .92 1.08, chest .40 .48, waist .34 .43, rump .38 .47, croup -.03 .02, arch -.03 .0, "
    "neck .48 .62, neck_root .16 .22, neck_top .085 .12, head .38 .47, skull .08 .1, muzzle .05 .066, "
    "eye .3 .38, mouth .76 .86, drop .15 .45, ear .1 .15, ear_width .28 .4, ear_droop -.05 .1, tail .55 .85, "
    "tail_radius .03 .04, tail_tuft .045 .09, leg .028 .04, carpus .44 .52, hock .34 .4, pastern .07 .1, "
    "foot .055 .08, mane .02 .07",
    "dog": "height .62 1.1, chest .33 .46, waist .2 .36, rump .27 .4, croup -.06 .03, arch -.02 .07, "
    "neck .24 .4, neck_root .11 .17, neck_top .07 .12, head .29 .43, skull .07 .11, muzzle .034 .06, "
    "eye .38 .5, mouth .6 .78, drop .4 .9, ear .09 .24, ear_width .35 .65, ear_droop -.02 1., tail .3 .65, "
    "tail_radius .02 .035, tail_tuft .0 .07, leg .026 .045, carpus .3 .4, hock .2 .29, pastern .02 .045, "
    "foot .08 .12",
    "cow": "height .76 .92, chest .45 .54, waist .45 .55, rump .4 .48, croup -.03 .04, arch -.03 .02, "
    "neck .34 .48, neck_root .17 .22, neck_top .11 .15, head .36 .46, skull .09 .12, muzzle .06 .085, "
    "eye .3 .4, mouth .76 .86, drop .25 .5, ear .12 .19, ear_width .4 .6, ear_droop .38 .6, tail .55 .8, "
    "tail_radius .018 .026, tail_tuft .0 .03, leg .036 .052, carpus .42 .5, hock .33 .4, pastern .055 .08, "
    "foot .06 .09",
    "cat": "height .56 .76, chest .29 .38, waist .26 .36, rump .28 .37, croup -.03 .05, arch -.02 .07, "
    "neck .16 .28, neck_root .1 .14, neck_top .08 .11, head .22 .31, skull .085 .11, muzzle .036 .055, "
    "eye .5 .64, mouth .72 .84, drop .5 .8, ear .07 .13, ear_width .5 .85, ear_droop -.02 .15, "
    "tail .55 .95, tail_radius .025 .04, tail_tuft .0 .05, leg .03 .046, carpus .28 .38, hock .18 .27, "
    "pastern .02 .035, foot .07 .11",
    "deer": "height .88 1.12, chest .36 .46, waist .3 .4, rump .33 .43, croup -.02 .06, arch -.03 .03, "
    "neck .4 .62, neck_root .12 .18, neck_top .06 .1, head .28 .38, skull .064 .09, muzzle .032 .05, "
    "eye .36 .46, mouth .7 .82, drop .25 .6, ear .13 .21, ear_width .35 .55, ear_droop .15 .5, "
    "tail .1 .25, tail_radius .025 .04, tail_tuft .02 .05, leg .02 .032, carpus .46 .54, hock .34 .42, "
    "pastern .055 .09, foot .045 .07",
    "rodent": "height .46 .62, chest .32 .4, waist .36 .46, rump .38 .48, width .8 .95, croup -.02 .08, "
    "arch .02 .14, neck .06 .16, neck_root .14 .19, neck_top .11 .15, head .3 .42, skull .1 .14, "
    "muzzle .028 .045, eye .46 .62, mouth .72 .84, drop .4 .7, ear .07 .19, ear_width .65 1.05, "
    "ear_droop -.02 .3, tail .3 1.1, tail_radius .013 .028, tail_tuft .0 .02, leg .022 .034, thigh .6 .85, "
    "carpus .26 .36, hock .12 .2, pastern .012 .02, foot .1 .17",
    "sheep": "height .7 .95, chest .42 .6, waist .42 .6, rump .4 .54, width .6 .85, croup -.02 .04, "
    "arch -.02 .04, neck .24 .42, neck_root .14 .2, neck_top .085 .13, head .3 .38, skull .075 .095, "
    "muzzle .04 .055, eye .34 .44, drop .2 .45, ear .11 .18, ear_width .35 .5, ear_droop .35 .7, "
    "tail .1 .3, tail_radius .025 .04, tail_tuft .02 .06, leg .024 .036, carpus .42 .5, hock .33 .4, "
    "pastern .04 .07, foot .05 .07",
    "pig": "height .54 .7, chest .38 .5, waist .4 .52, rump .38 .48, width .65 .85, croup -.03 .05, "
    "arch .0 .08, neck .14 .24, neck_root .18 .23, neck_top .14 .18, head .34 .44, skull .12 .15, "
    "muzzle .055 .08, eye .34 .44, drop .45 .7, ear .13 .22, ear_width .55 .75, ear_droop .05 .8, "
    "tail .15 .3, tail_radius .012 .02, tail_tuft .0 .01, leg .034 .048, carpus .4 .48, hock .3 .36, "
    "pastern .03 .05, foot .06 .08",
    "bear": "height .7 .95, chest .4 .52, waist .4 .54, rump .4 .52, width .6 .85, croup -.06 .04, "
    "arch .0 .06, neck .22 .34, neck_root .18 .23, neck_top .12 .16, head .3 .4, skull .11 .14, "
    "muzzle .045 .07, eye .42 .54, drop .45 .75, ear .06 .1, ear_width .8 1.05, ear_droop -.02 .15, "
    "tail .05 .15, tail_radius .025 .04, tail_tuft .01 .04, leg .055 .075, carpus .3 .4, hock .18 .26, "
    "pastern .02 .04, foot .12 .17",
}


def _parse(text: str) -> dict[str, Range]:
    rows = (item.split() for item in text.split(","))
    return {name: (float(low), float(high)) for name, low, high in rows}


SPECIES: dict[str, dict[str, Range]] = {name: _DEFAULT | _parse(text) for name, text in _BY_NAME.items()}
"""Ranges of the proportions of each body plan (see :class:`QuadrupedShape`)."""

HOOFED = frozenset({"horse", "cow", "deer", "sheep", "pig"})
_CHANCE = {
    "horse": 0.26,
    "dog": 0.2,
    "cow": 0.1,
    "cat": 0.1,
    "deer": 0.12,
    "rodent": 0.08,
    "sheep": 0.05,
    "pig": 0.03,
    "bear": 0.06,
}
_HORNED = {"deer": (0.5, (0.2, 0.6)), "cow": (0.4, (0.08, 0.28)), "sheep": (0.35, (0.1, 0.3))}


@dataclass(frozen=True)
class GaitPattern:
    """When each foot touches down, as shares of the stride in the order of ``LIMBS``, and the duty factor.

    ``stride`` is the distance a foot travels against the body, ``rise`` how high it swings, both in
    heights of the withers.
    """

    phases: tuple[float, float, float, float]
    duty: float
    stride: float
    rise: float


GAITS: dict[str, GaitPattern] = {
    "walk": GaitPattern((0.25, 0.75, 0.0, 0.5), 0.62, 0.5, 0.1),
    "trot": GaitPattern((0.5, 0.0, 0.0, 0.5), 0.45, 0.6, 0.16),
    "pace": GaitPattern((0.05, 0.55, 0.0, 0.5), 0.5, 0.55, 0.12),
    "canter": GaitPattern((0.7, 0.35, 0.35, 0.0), 0.35, 0.75, 0.2),
    "gallop": GaitPattern((0.6, 0.5, 0.0, 0.1), 0.25, 0.95, 0.26),
}
"""Symmetric gaits after Hildebrand (1965); canter and gallop with one lead."""


def gait_feet(gait: str, phase: float, height: float, vigour: float = 1.0) -> np.ndarray:
    """Feet (4, 3) of :class:`QuadrupedPose` at ``phase`` 0..1 of a stride.

    Parameters
    ----------
    gait
        A key of :data:`GAITS`.
    phase
        0 is the touchdown of the foot whose phase is 0.
    height
        Height of the withers, trunk lengths: scales the stride.
    vigour
        Scale of stride and rise.
    """
    pattern = GAITS[gait]
    feet = np.zeros((4, 3))
    for k, start in enumerate(pattern.phases):
        p = (phase - start) % 1.0
        reach = 0.5 * pattern.stride * height * vigour
        if p < pattern.duty:
            feet[k, 0] = reach * (1 - 2 * p / pattern.duty)
        else:
            u = (p - pattern.duty) / (1 - pattern.duty)
            feet[k, 0] = -reach * np.cos(np.pi * u)
            feet[k, 2] = pattern.rise * height * vigour * np.sin(np.pi * u)
    return feet


def sample_species(rng: np.random.Generator) -> str:
    """Draw the name of a body plan."""
    return str(rng.choice(list(_CHANCE), p=list(_CHANCE.values())))


def sample_quadruped(rng: np.random.Generator, species: str) -> QuadrupedShape:
    """Draw the proportions of one animal of a body plan, a little outside its ranges at times."""
    wide = 0.15 if rng.random() < 0.3 else 0.0
    values: dict[str, float] = {}
    for name, (low, high) in SPECIES[species].items():
        pad = wide * (high - low)
        values[name] = float(rng.uniform(low - pad, high + pad))
    if species == "dog" and values["ear_droop"] < 0.45:
        values["ear_droop"] *= 0.3  # ears stand or hang
    if species in ("horse", "cat", "dog") and rng.random() < 0.5:
        values["mane"] = values.get("mane", 0.0) if species == "horse" else 0.0
    if species in _HORNED:
        chance, (low, high) = _HORNED[species]
        if rng.random() < chance:
            values["antler"] = float(rng.uniform(low, high))
    if species in ("dog", "cat", "cow", "horse") and rng.random() < 0.3:
        values["collar"] = float(rng.uniform(0.008, 0.03))
    known = {f.name for f in fields(QuadrupedShape)}
    tines = int(rng.integers(0, 4)) if species == "deer" else 0
    positive = {
        name: max(value, 0.0) if name in ("mane", "tail_tuft") else value for name, value in values.items()
    }
    return QuadrupedShape(tines=tines, **{k: v for k, v in positive.items() if k in known})


RESTING = ("sit", "lie")


def sample_posture(
    rng: np.random.Generator, species: str, shape: QuadrupedShape, kinds: tuple[str, ...] | None = None
) -> QuadrupedPose:
    """Draw one posture: standing, moving in some gait, grazing or sniffing, sitting, lying, rearing up.

    Parameters
    ----------
    rng
        Source of all randomness.
    species, shape
        Whose posture.
    kinds
        Only these: ``stand``, ``move``, ``graze``, ``sit``, ``lie``, ``rear``, ``bow``.
    """
    soft = species in ("dog", "cat", "bear")
    chances = np.array(
        [0.2, 0.48, 0.14, 0.1 if soft else 0.0, 0.06 if soft else 0.03, 0.05 if soft else 0.02, 0.03]
    )
    if species == "rodent":
        chances = np.array([0.25, 0.5, 0.12, 0.0, 0.0, 0.1, 0.03])
    names = ["stand", "move", "graze", "sit", "lie", "rear", "bow"]
    kind = rng.choice(names, p=chances / chances.sum()) if kinds is None else rng.choice(list(kinds))
    height = shape.height
    low = species in ("rodent", "pig", "bear")
    neck = rng.normal(0.15 if low or species == "cow" else 0.6, 0.3)
    feet = rng.normal(0, 1, (4, 3)) * np.array([0.07 * height, 0.03, 0.0])
    pitch, lift = rng.normal(0, 0.04), rng.normal(0, 0.012)
    tail_pitch = rng.normal(-1.15, 0.25)
    if kind == "move":
        gait = str(rng.choice(list(GAITS), p=[0.42, 0.22, 0.06, 0.12, 0.18]))
        vigour = rng.uniform(0.55, 1.15) * (0.7 if species in ("rodent", "pig") else 1.0)
        feet = feet * 0.4 + gait_feet(gait, rng.random(), height, vigour)
        if gait in ("canter", "gallop"):
            pitch, lift = rng.normal(0, 0.12), rng.uniform(-0.06, 0.08) * height
            feet[:, 2] += max(0.0, lift)
            tail_pitch = rng.normal(-0.5, 0.4)
            neck = rng.normal(0.45, 0.25)
    elif kind == "graze":
        neck = rng.uniform(-1.3, -0.3)
    elif kind == "sit":
        pitch = rng.uniform(0.5, 0.95)
        lift = 0.85 * shape.rump * np.cos(pitch) + 0.45 * np.sin(pitch) + rng.uniform(0.0, 0.06) - height
        feet[:2, 0] += 0.03
        feet[2:, 0] = rng.uniform(0.18, 0.34, 2)
        neck = rng.normal(0.85, 0.25)
    elif kind == "lie":
        lift = -(height - shape.chest) + rng.uniform(-0.02, 0.06)
        pitch = rng.normal(0.03, 0.05)
        feet[:2, 0] = rng.uniform(0.1, 0.4, 2) * height
        feet[2:, 0] = rng.uniform(0.1, 0.3, 2)
    elif kind == "rear":
        pitch = rng.uniform(0.45, 1.15)
        lift = 0.5 * np.sin(pitch) - rng.uniform(0.0, 0.12) * height
        feet[:2, 0] = rng.uniform(0.0, 0.3, 2)
        feet[:2, 2] = 0.9 * np.sin(pitch) + rng.uniform(-0.1, 0.2, 2)
        feet[2:, 0] += rng.uniform(0.0, 0.15)
        neck = rng.normal(0.7, 0.3)
    elif kind == "bow":
        pitch = -rng.uniform(0.15, 0.4)
        lift = 0.5 * np.sin(pitch) * rng.uniform(0.6, 1.0)
        feet[:2, 0] = rng.uniform(0.1, 0.35, 2) * height
    if soft or species == "rodent":  # these hold their tails as they like
        tail_pitch = rng.uniform(-1.2, 1.0) if species != "rodent" else rng.normal(-0.35, 0.25)
    curl = rng.normal(0.2, 0.5) + (rng.uniform(0, 2.5) if species == "dog" and tail_pitch > -0.3 else 0.0)
    # The more upright the neck, the more the head is bent down against it.
    bent = (0.6, 1.5) if species in ("horse", "cow", "deer", "sheep") else (0.1, 1.0)
    head = 0.35 * neck - rng.uniform(*bent) * (1.0 if neck > 0 else 0.6) + rng.normal(0, 0.1)
    look = rng.random() < 0.3
    return QuadrupedPose(
        pitch=float(pitch),
        lift=float(lift),
        bend=float(rng.normal(0, 0.14)),
        arch=float(rng.normal(0, 0.015) + (0.06 * rng.normal() if kind == "move" and soft else 0.0)),
        feet=feet,
        neck=(float(np.clip(neck, -1.3, 1.45)), float(rng.normal(0, 0.6 if look else 0.15))),
        head=(
            float(np.clip(head, -1.6, 0.5)),
            float(rng.normal(0, 0.4 if look else 0.1)),
            rng.normal(0, 0.1),
        ),
        jaw=max(0.0, float(rng.normal(-0.05, 0.2))),
        ears=(float(rng.normal(0, 0.07)), float(rng.normal(0, 0.07))),
        tail=(float(tail_pitch), float(np.clip(curl, -1.0, 3.5)), float(rng.normal(0, 0.3))),
    )
