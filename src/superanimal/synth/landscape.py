"""Places where four-legged animals stand: meadows, sand, snow, woods, yards, rooms; and what is in front."""

from __future__ import annotations

import cv2
import numpy as np

from superanimal.synth.people import draw_leader, draw_person
from superanimal.synth.photographs import grain, scenery
from superanimal.synth.shading import fractal_noise

_GROUNDS = {
    "grass": ([0.3, 0.4, 0.16], 0.22),
    "dry grass": ([0.6, 0.52, 0.31], 0.2),
    "sand": ([0.74, 0.65, 0.5], 0.08),
    "soil": ([0.36, 0.27, 0.2], 0.18),
    "snow": ([0.92, 0.93, 0.96], 0.05),
    "gravel": ([0.5, 0.48, 0.46], 0.2),
    "asphalt": ([0.32, 0.32, 0.33], 0.08),
    "boards": ([0.5, 0.36, 0.22], 0.1),
    "floor": ([0.62, 0.6, 0.57], 0.04),
}


def _vary(rng: np.random.Generator, colour: list[float], spread: float = 0.18) -> np.ndarray:
    base = np.asarray(colour) * np.exp(rng.normal(0, spread)) + rng.normal(0, 0.25 * spread, 3) * 0.5
    return np.clip(base, 0.01, 1.1).astype(np.float32)


def _tuple(colour: np.ndarray) -> list[float]:
    return [float(v) for v in np.clip(colour, 0, 1.2)]


def _wide_noise(rng: np.random.Generator, h: int, w: int, cells: tuple[int, ...], stretch: int) -> np.ndarray:
    """Noise whose grain is ``stretch`` times wider than high, as the ground has in perspective."""
    narrow = fractal_noise(rng, max(h, 2), max(2, w // stretch), cells)
    return cv2.resize(narrow, (w, h), interpolation=cv2.INTER_LINEAR)


def _ground(rng: np.random.Generator, h: int, w: int, scale: float, kind: str) -> np.ndarray:
    colour, rough = _GROUNDS[kind]
    base = _vary(rng, colour)
    fine = _wide_noise(rng, h, w, (1, 2, max(2, int(0.05 * scale))), 2)
    coarse = _wide_noise(rng, h, w, (max(3, int(0.2 * scale)), max(4, int(0.6 * scale))), 3)
    amount = np.float32(rough * rng.uniform(0.4, 1.6))
    image = base * (1 + amount * 0.6 * fine + amount * 0.6 * coarse)[..., None]
    if rng.random() < 0.4:  # patches of a second ground
        other = _vary(rng, list(_GROUNDS.values())[int(rng.integers(len(_GROUNDS)))][0])
        cell = max(6, int(scale * rng.uniform(0.3, 1.2)))
        field = _wide_noise(rng, h, w, (cell, max(2, cell // 3), max(2, cell // 9)), 3)
        mask = np.clip(field * 1.5 - rng.uniform(-0.5, 1.5), 0, 1)[..., None]
        image = image + mask * np.float32(rng.uniform(0.3, 1)) * (
            other * (1 + 0.4 * amount * fine)[..., None] - image
        )
    if kind == "boards":
        for x in range(0, w, max(4, int(scale * rng.uniform(0.1, 0.4)))):
            cv2.line(image, (x, 0), (x + int(rng.normal(0, 0.1) * h), h), _tuple(base * 0.6), 1, cv2.LINE_AA)
    if rng.random() < 0.3:  # stones, leaves, droppings
        for _ in range(int(rng.integers(5, 60))):
            at = (int(rng.integers(w)), int(rng.integers(max(h, 1))))
            axes = (max(1, int(scale * rng.exponential(0.02))), max(1, int(scale * rng.exponential(0.01))))
            cv2.ellipse(image, at, axes, 0, 0, 360, _tuple(base * rng.uniform(0.4, 1.5)), -1, cv2.LINE_AA)
    return image.astype(np.float32)


def _backdrop(rng: np.random.Generator, h: int, w: int, scale: float) -> np.ndarray:
    """Everything over the horizon, (h, w, 3)."""
    rows = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    sky = _vary(rng, [0.6, 0.72, 0.9] if rng.random() < 0.5 else [0.85, 0.87, 0.9])
    image = sky + (np.float32(rng.uniform(-0.1, 0.35)) * rows)
    image = np.broadcast_to(image, (h, w, 3)).copy()
    if rng.random() < 0.5:
        image += np.float32(0.08) * _wide_noise(rng, h, w, (max(4, h // 5), max(6, h // 2)), 2)[..., None]
    for far in range(int(rng.integers(0, 3))):  # hills, lines of trees
        tone = _vary(rng, [0.25, 0.33, 0.2] if rng.random() < 0.7 else [0.4, 0.42, 0.5], 0.4)
        tone = tone + np.float32(0.25 * (1 - far / 2)) * (sky - tone)
        ridge = h * (1 - rng.uniform(0.1, 0.9) - 0.1 * fractal_noise(rng, 2, w, (max(4, w // 6), 6))[0])
        leaf = fractal_noise(rng, h, w, (2, max(3, int(0.06 * scale)), max(4, int(0.2 * scale))))
        below = np.arange(h, dtype=np.float32)[:, None] > ridge[None] + 0.03 * scale * leaf
        shade = tone * (1 + np.float32(rng.uniform(0.05, 0.5)) * leaf)[..., None]
        image = np.where(below[..., None], shade, image)
    return image.astype(np.float32)


def _wall(rng: np.random.Generator, h: int, w: int, scale: float) -> np.ndarray:
    """The inside of a room or the side of a building, (h, w, 3)."""
    base = _vary(rng, [[0.8, 0.78, 0.72], [0.45, 0.33, 0.24], [0.55, 0.55, 0.56]][int(rng.integers(3))], 0.3)
    image = np.broadcast_to(base, (h, w, 3)).copy()
    image *= (1 + np.float32(0.04) * fractal_noise(rng, h, w, (4, 30)))[..., None]
    if rng.random() < 0.5:  # boards or bricks
        dark = _tuple(base * rng.uniform(0.5, 0.9))
        gap = max(3, int(scale * rng.uniform(0.06, 0.4)))
        upright = rng.random() < 0.6
        for at in range(int(rng.integers(gap)), w if upright else h, gap):
            ends = ((at, 0), (at, h)) if upright else ((0, at), (w, at))
            cv2.line(image, *ends, dark, max(1, int(0.1 * gap)), cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 5))):  # doors, windows, furniture, screens
        size = scale * rng.uniform(0.15, 1.3, 2)
        x, y = rng.uniform(-0.2, 1) * w, h - size[1] * rng.uniform(0.3, 1.6)
        box = np.array([[x, y], [x + size[0], y + size[1]]]).astype(int)
        colour = rng.uniform(0.01, 1.0) * rng.uniform(0.7, 1.1, 3)
        cv2.rectangle(image, tuple(map(int, box[0])), tuple(map(int, box[1])), _tuple(colour), -1)
        if rng.random() < 0.5:
            cv2.rectangle(
                image, tuple(map(int, box[0])), tuple(map(int, box[1])), _tuple(colour * 0.6), 2, cv2.LINE_AA
            )
    return image.astype(np.float32)


def _tree(rng: np.random.Generator, image: np.ndarray, foot: np.ndarray, scale: float) -> None:
    wide, high = scale * rng.uniform(0.05, 0.4), scale * rng.uniform(0.8, 4)
    lean = rng.normal(0, 0.1) * high
    x, y = foot
    trunk = np.array(
        [
            [x - wide / 2, y],
            [x + wide / 2, y],
            [x + lean + wide * 0.3, y - high],
            [x + lean - wide * 0.3, y - high],
        ]
    )
    bark = _vary(rng, [0.25, 0.19, 0.14], 0.4)
    cv2.fillPoly(image, [np.round(trunk).astype(np.int32)], _tuple(bark), cv2.LINE_AA)
    lit = trunk + [0.25 * wide, 0]
    lit[[0, 3]] += [0.3 * wide, 0]
    cv2.fillPoly(image, [np.round(lit).astype(np.int32)], _tuple(bark * rng.uniform(0.6, 1.5)), cv2.LINE_AA)
    leaf = _vary(rng, [0.2, 0.3, 0.12], 0.4)
    for _ in range(int(rng.integers(0, 25))):
        at = (int(x + lean + rng.normal(0, 0.6) * scale), int(y - high + rng.normal(0, 0.4) * scale))
        cv2.circle(
            image,
            at,
            max(1, int(scale * rng.uniform(0.05, 0.3))),
            _tuple(leaf * rng.uniform(0.5, 1.6)),
            -1,
            cv2.LINE_AA,
        )


def _fence(rng: np.random.Generator, image: np.ndarray, row: float, scale: float) -> None:
    w = image.shape[1]
    high, gap = scale * rng.uniform(0.3, 1.1), scale * rng.uniform(0.3, 1.6)
    colour = _vary(rng, [[0.9, 0.88, 0.85], [0.4, 0.3, 0.2], [0.3, 0.3, 0.32]][int(rng.integers(3))])
    thick = max(1, int(scale * rng.uniform(0.01, 0.06)))
    slope = rng.normal(0, 0.04)
    for x in np.arange(-rng.uniform(0, gap), w, gap):
        y = row + slope * x
        cv2.line(image, (int(x), int(y)), (int(x), int(y - high)), _tuple(colour), thick, cv2.LINE_AA)
    for k in range(int(rng.integers(1, 5))):
        y = row - high * (0.25 + 0.7 * k / 4)
        cv2.line(
            image,
            (0, int(y)),
            (w, int(y + slope * w)),
            _tuple(colour * 0.95),
            max(1, int(thick * 0.8)),
            cv2.LINE_AA,
        )


def _clutter(rng: np.random.Generator, image: np.ndarray, horizon: float, row: float, scale: float) -> None:
    """Stalls, carts, bushes, dark openings and tables: what a detector must not take for an animal."""
    w = image.shape[1]
    for _ in range(int(rng.integers(4, 25))):
        x, y = rng.uniform(0, w), horizon + rng.normal(0, 0.12) * scale
        half = scale * np.exp(rng.uniform(np.log(0.04), np.log(0.5), 2)) / 2
        dark = rng.random() < 0.55
        colour = rng.uniform(0.01, 0.12 if dark else 1.0) * rng.uniform(0.6, 1.2, 3)
        low, high = np.array([x - half[0], y - 2 * half[1]]), np.array([x + half[0], y])
        if rng.random() < 0.6:
            cv2.rectangle(image, tuple(map(int, low)), tuple(map(int, high)), _tuple(colour), -1, cv2.LINE_AA)
            for k in range(int(rng.integers(0, 7))):  # stripes of an awning
                at = int(low[0] + (k + 0.5) * half[0] / 3.5)
                ends = (at, int(low[1])), (at, int(low[1] + half[1]))
                cv2.line(image, *ends, _tuple(1 - colour), max(1, int(half[0] / 7)), cv2.LINE_AA)
        else:
            axes = (max(1, int(half[0])), max(1, int(half[1])))
            cv2.ellipse(
                image, tuple(map(int, (low + high) / 2)), axes, 0, 0, 360, _tuple(colour), -1, cv2.LINE_AA
            )
    for _ in range(int(rng.integers(0, 3))):  # tables and benches
        size = scale * rng.uniform(0.3, 1.1) * np.array([1.0, rng.uniform(0.4, 0.8)])
        x, y = rng.uniform(0, w), rng.uniform(horizon, row)
        wood = _tuple(_vary(rng, [0.35, 0.25, 0.17], 0.6))
        thick, top = max(1, int(size[1] * rng.uniform(0.05, 0.3))), int(y - size[1])
        cv2.line(image, (int(x), top), (int(x + size[0]), top), wood, thick, cv2.LINE_AA)
        for leg in (0.05, 0.95, *rng.uniform(0.05, 0.95, int(rng.integers(0, 3)))):
            at = int(x + leg * size[0])
            cv2.line(image, (at, top), (at, int(y)), wood, max(1, thick // 2), cv2.LINE_AA)


def paint_landscape(
    rng: np.random.Generator, size: tuple[int, int], row: float, scale: float, elevation: float
) -> np.ndarray:
    """Paint an empty place.

    Parameters
    ----------
    rng
        Source of all randomness.
    size
        (height, width) in pixels.
    row
        Image row of the ground under the animal.
    scale
        Trunk length of the animal in pixels.
    elevation
        Height of the camera over the horizon, radians: seen from high up there is only ground.

    Returns
    -------
    ndarray
        (H, W, 3) float32, RGB about 0..1.
    """
    h, w = size
    indoors = rng.random() < 0.28
    far = scale * (rng.uniform(0.05, 1.0) + 3.0 * max(0.0, elevation) * rng.uniform(0.5, 1.5))
    horizon = int(np.clip(row - far, 0, h - 2))
    horizon = 0 if horizon < 2 else horizon
    row = max(row, horizon + 1.0)
    outside = list(_GROUNDS)[:7]
    kind = str(rng.choice(["boards", "floor", "floor", "soil", "asphalt"] if indoors else outside))
    image: np.ndarray = np.empty((h, w, 3), np.float32)
    image[horizon:] = _ground(rng, h - horizon, w, scale, kind)
    if horizon:
        image[:horizon] = _wall(rng, horizon, w, scale) if indoors else _backdrop(rng, horizon, w, scale)
        if rng.random() < 0.25:
            share = np.float32(rng.uniform(0.4, 1.0))
            image[:horizon] += share * (scenery(rng, horizon, w) - image[:horizon])
    if rng.random() < 0.5:
        image[horizon:] *= grain(rng, h - horizon, w)[..., None]
    if not indoors and rng.random() < 0.35:
        for _ in range(int(rng.integers(1, 4))):
            foot = np.array([rng.uniform(0, w), horizon + rng.uniform(0, 0.6) * (row - horizon)])
            _tree(rng, image, foot, scale)
    if rng.random() < 0.5:
        _clutter(rng, image, horizon, row, scale)
    if rng.random() < (0.1 if indoors else 0.25):
        _fence(rng, image, rng.uniform(horizon, row), scale)
    for _ in range(int(rng.poisson(0.6))):  # boxes, troughs, cars, bushes
        x, y = rng.uniform(0, w), rng.uniform(horizon, row)
        half = scale * rng.uniform(0.05, 0.5, 2)
        colour = _tuple(rng.uniform(0.02, 1.0) * rng.uniform(0.6, 1.1, 3))
        if rng.random() < 0.5:
            corner = (int(x + half[0]), int(y))
            cv2.rectangle(image, (int(x - half[0]), int(y - 2 * half[1])), corner, colour, -1, cv2.LINE_AA)
        else:
            cv2.ellipse(
                image,
                (int(x), int(y - half[1])),
                (int(half[0]), int(half[1])),
                0,
                0,
                360,
                colour,
                -1,
                cv2.LINE_AA,
            )
    for _ in range(int(rng.choice(4, p=[0.7, 0.18, 0.08, 0.04]))):
        draw_person(
            rng,
            image,
            rng.uniform(0, w),
            rng.uniform(row - 0.2 * far, row + 0.1 * scale),
            scale * rng.uniform(0.5, 1.6),
        )
    if rng.random() < 0.4:  # shallow depth of field
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 0.04 * scale + 0.6))
    if rng.random() < 0.3:  # shade of trees on the ground
        field = _wide_noise(rng, h, w, tuple(max(3, int(k * scale)) for k in (0.1, 0.3, 1.0)), 2)
        image *= 1 - np.float32(rng.uniform(0.2, 0.65)) * np.clip(2 * field + 0.3, 0, 1)[..., None]
    return image


def draw_foreground(
    rng: np.random.Generator,
    image: np.ndarray,
    row: float,
    scale: float,
    led: tuple[np.ndarray, float] | None = None,
) -> np.ndarray:
    """Draw what stands in front of the animals, in place; returns the (H, W) bool mask of it.

    Grass round the feet, posts, rails, leaves, a person: each in a small share of the pictures.

    Parameters
    ----------
    rng
        Source of all randomness.
    image
        (H, W, 3) float32 RGB.
    row, scale
        As in :func:`paint_landscape`.
    led
        Muzzle (2,) and height of the withers, pixels, of an animal that somebody in front of it leads.
    """
    h, w = image.shape[:2]
    before = image.copy()
    if rng.random() < 0.2:
        tall = scale * rng.uniform(0.04, 0.32)
        green = _vary(rng, [0.34, 0.4, 0.17] if rng.random() < 0.6 else [0.62, 0.55, 0.33], 0.3)
        for _ in range(int(rng.uniform(0.5, 2.0) * w)):
            x, y = rng.uniform(0, w), row + rng.uniform(-0.02, 0.5) * scale
            tip = (int(x + rng.normal(0, 0.3) * tall), int(y - tall * rng.uniform(0.4, 1.2)))
            colour = _tuple(green * rng.uniform(0.6, 1.4))
            cv2.line(image, (int(x), int(y)), tip, colour, max(1, int(0.012 * scale)), cv2.LINE_AA)
    if led is not None:
        draw_leader(rng, image, led[0], row, led[1])
    kind = rng.random()
    if kind < 0.05:
        _fence(rng, image, row + rng.uniform(0.05, 0.3) * scale, scale * rng.uniform(0.6, 1.2))
    elif kind < 0.1:
        x, half = rng.uniform(0, w), scale * rng.uniform(0.02, 0.16)
        colour = _tuple(_vary(rng, [0.3, 0.25, 0.2], 0.6))
        cv2.rectangle(image, (int(x - half), -1), (int(x + half), h), colour, -1)
    elif kind < 0.17:
        draw_person(
            rng, image, rng.uniform(0, w), row + rng.uniform(0, 0.25) * scale, scale * rng.uniform(0.8, 1.7)
        )
    elif kind < 0.22:
        for _ in range(int(rng.integers(3, 25))):
            at = (int(rng.uniform(0, w)), int(rng.uniform(0, h)))
            colour = _tuple(_vary(rng, [0.2, 0.3, 0.12], 0.5))
            axes = (
                max(1, int(scale * rng.uniform(0.02, 0.12))),
                max(1, int(scale * rng.uniform(0.01, 0.06))),
            )
            cv2.ellipse(image, at, axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    change = cv2.absdiff(image, before)
    return change[..., 0] + change[..., 1] + change[..., 2] > 0.03
