"""Random shapes and poses of mice, all drawn from one generator."""

from __future__ import annotations

import numpy as np

from superanimal.synth.body import MousePose, MouseShape


def sample_shape(rng: np.random.Generator) -> MouseShape:
    """Draw the proportions of one animal (pups to obese adults, some with a head implant)."""
    return MouseShape(
        girth=rng.uniform(0.82, 1.25),
        rump=rng.uniform(0.9, 1.1),
        head=rng.uniform(0.85, 1.12),
        snout=rng.uniform(0.8, 1.25),
        flatness=rng.uniform(0.75, 0.95),
        ear_radius=rng.uniform(0.045, 0.072),
        tail_length=rng.uniform(0.72, 1.02),
        tail_radius=rng.uniform(0.018, 0.033),
        paw=rng.uniform(0.8, 1.2),
        implant=rng.uniform(0.02, 0.12) if rng.random() < 0.08 else 0.0,
    )


def sample_pose(rng: np.random.Generator) -> MousePose:
    """Draw one posture: mostly walking and standing, some rearing, grooming and curled up."""
    kind = rng.choice(4, p=[0.62, 0.16, 0.12, 0.10])
    turn = rng.normal(0.0, 0.28)
    bend = np.array(
        [-turn + rng.normal(0, 0.18), turn + rng.normal(0, 0.22), rng.normal(0, 0.32) + 0.5 * turn]
    )
    rise = np.array([0.0, rng.normal(0.03, 0.08), np.clip(rng.normal(-0.27, 0.25), -0.8, 0.5)])
    stretch = rng.uniform(0.78, 1.04)
    if kind == 1:  # rearing or reaching up
        lift = rng.uniform(0.2, 0.95)
        rise = np.array([lift * rng.uniform(0.2, 0.6), lift * 0.6, rng.normal(-0.15, 0.3)])
    elif kind == 2:  # hunched: grooming, eating
        stretch = rng.uniform(0.68, 0.9)
        rise = np.array([0.05, -0.1, rng.uniform(-0.8, -0.1)])
    elif kind == 3:  # sharp turn, curled
        side = rng.choice([-1.0, 1.0])
        bend = side * np.array([-rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.9), rng.uniform(0.0, 0.7)])
        stretch = rng.uniform(0.8, 1.0)
    paws = np.stack(
        [rng.uniform(-0.09, 0.12, 4), rng.normal(0.0, 0.025, 4), np.maximum(0, rng.normal(-0.01, 0.02, 4))],
        -1,
    )
    tail = rng.normal(0, 0.28) + rng.normal(0, 0.35, 3)
    if rng.random() < 0.15:
        tail = rng.normal(0, 0.9, 3)
    return MousePose(
        bend=tuple(np.clip(bend, -1.1, 1.1)),
        rise=tuple(rise),
        roll=rng.normal(0, 0.06),
        head_roll=rng.normal(0, 0.14),
        stretch=float(stretch),
        ears=tuple(np.clip(rng.normal(0.1, 0.25, 2), -0.3, 0.9)),
        paws=paws,
        tail=tuple(tail),
        tail_lift=max(0.0, rng.normal(0.0, 0.05)) if rng.random() < 0.8 else rng.uniform(0.05, 0.3),
    )
