"""A network that looks along time: dilated convolutions over the features of the frames around each one.

A classifier of single frames knows its surroundings only as means over windows. Residual blocks of
convolutions whose reach doubles from one to the next (temporal convolutional networks: Lea et al. 2017 for
actions in videos; Bai, Kolter, Koltun 2018) learn what comes in which order, and so find behaviours that are
defined by it. It is trained with torch, and used without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from superanimal.behavior.classifiers.estimators import Mean
from superanimal.behavior.classifiers.sequences import Sampled
from superanimal.progress import Progress

LEAST_ROWS = 5_000
"""Labelled rows below which there is no network: it needs more examples than trees do."""
INPUTS = 300
"""Features that it sees: those that the forest needs most."""
WIDTH, LAYERS = 48, 6
"""Channels, and convolutions of three taps 1, 2, 4, ... rows apart: it reaches 63 rows to each side."""
EPOCHS, LENGTH, BATCH, LEAST_STEPS = 12, 512, 8, 100
"""How often it sees all rows, in windows of so many, so many at a time, and in how many steps at least."""
DROPPED, NOISE, LIMIT = 0.3, 0.1, 5.0
"""Share of channels dropped in training; noise added to standardised features, which are cut at a limit."""
RATE, DECAY, SEED = 2e-3, 1e-2, 0


@dataclass(frozen=True)
class TemporalNetwork:
    """A trained network of W channels and D layers for C classes; all arrays are float32 but ``columns``.

    Attributes
    ----------
    columns
        (n,) int, which features it sees.
    center, scale
        (n,) what they are standardised with.
    step
        () seconds between the rows it was trained on.
    enter, enter_bias
        (n, W) and (W,).
    taps, taps_bias
        (D, 3, W, W) and (D, W): convolutions, their taps in the order of time.
    mix, mix_bias
        (D, W, W) and (D, W).
    leave, leave_bias
        (W, C) and (C,).
    """

    columns: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    step: np.ndarray
    enter: np.ndarray
    enter_bias: np.ndarray
    taps: np.ndarray
    taps_bias: np.ndarray
    mix: np.ndarray
    mix_bias: np.ndarray
    leave: np.ndarray
    leave_bias: np.ndarray

    def embed(self, values: np.ndarray) -> np.ndarray:
        """Return what it keeps of each frame, (T, W), from its features (T, F)."""
        return _standardised(values, self.columns, self.center, self.scale) @ self.enter + self.enter_bias

    def probability(self, embedded: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return probabilities (T, C) of the frames of one recording from (T, W) and seconds (T,)."""
        grid, rows = _even(time, float(self.step))
        x = embedded[rows]
        for layer, (taps, mix) in enumerate(zip(self.taps, self.mix, strict=True)):
            away = 2**layer
            padded = np.pad(x, ((away, away), (0, 0)))
            inside = sum(padded[k * away : k * away + len(x)] @ taps[k] for k in range(3))
            x = x + np.maximum(inside + self.taps_bias[layer], 0) @ mix + self.mix_bias[layer]
        scores = x @ self.leave + self.leave_bias
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        return np.stack([np.interp(time, grid, column) for column in scores.T], axis=1)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its arrays by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def fit_network(
    samples: Sequence[Sampled],
    chosen: Sequence[np.ndarray],
    classes: int,
    fitted: Mean,
    progress: Progress,
) -> TemporalNetwork | None:
    """Train a network on some rows of recordings; None where they are too few.

    Parameters
    ----------
    samples
        Recordings; each is seen whole, but only the chosen rows that are to be learnt are learnt.
    chosen
        (n,) bool for each of them.
    classes
        C.
    fitted
        A classifier of these rows: the features that it needs most are taken.
    progress
        Can cancel.
    """
    learnt = [rows & one.learnt for rows, one in zip(chosen, samples, strict=True)]
    codes = np.concatenate([one.codes[rows] for one, rows in zip(samples, learnt, strict=True)])
    if len(codes) < LEAST_ROWS or len(np.unique(codes)) < 2:
        return None
    columns = np.sort(np.argsort(-fitted.need, kind="stable")[:INPUTS])
    own = np.concatenate([one.values[rows][:, columns] for one, rows in zip(samples, learnt, strict=True)])
    center = np.nan_to_num(np.nanmedian(own, axis=0))
    scale = np.nan_to_num(np.nanstd(own, axis=0)) + 1e-6
    steps = np.concatenate([np.diff(one.time) for one in samples])
    step = float(np.median(steps))
    pieces = []
    for one, rows in zip(samples, learnt, strict=True):
        _, even = _even(one.time, step)
        target = np.where(rows, one.codes, -1)[even]
        if (target >= 0).any():
            pieces.append((_standardised(one.values[even], columns, center, scale), target))
    counts = np.bincount(codes, minlength=classes)
    weights = np.sqrt(len(codes) / np.maximum(counts, 1))
    arrays = _train(pieces, weights / weights.mean(), progress)
    facts = {"columns": columns, "center": center, "scale": scale, "step": np.array(step)}
    return TemporalNetwork(**{**{name: each.astype(np.float32) for name, each in (facts | arrays).items()},
                              "columns": columns, "step": np.array(step)})  # fmt: skip


def _standardised(
    values: np.ndarray, columns: np.ndarray, center: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Return some features (T, n) of (T, F), standardised and cut, 0 where there is none."""
    even = (values[:, columns] - center) / scale
    return np.nan_to_num(np.clip(even, -LIMIT, LIMIT)).astype(np.float32)


def _even(time: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return even seconds (G,) over those of a recording (T,), and the row nearest to each, (G,)."""
    grid = time[0] + step * np.arange(round(float(time[-1] - time[0]) / step) + 1)
    after = np.clip(np.searchsorted(time, grid), 1, max(len(time) - 1, 1))
    if len(time) == 1:
        return grid, np.zeros(len(grid), int)
    return grid, after - (grid - time[after - 1] < time[after] - grid)


def _train(
    pieces: Sequence[tuple[np.ndarray, np.ndarray]], weights: np.ndarray, progress: Progress
) -> dict[str, np.ndarray]:
    """Train on pieces of features (T, n) and codes (T,), -1 where nothing is learnt; return the arrays."""
    import torch
    from torch import nn

    rng = np.random.default_rng(SEED)
    inputs = [torch.from_numpy(values.T.copy()) for values, _ in pieces]
    targets = [torch.from_numpy(codes.astype(np.int64)) for _, codes in pieces]
    places = [np.flatnonzero(codes >= 0) for _, codes in pieces]
    share = np.array([len(each) for each in places], float)
    share /= share.sum()
    rows = sum(len(codes) for _, codes in pieces)
    steps = max(LEAST_STEPS, EPOCHS * rows // (LENGTH * BATCH))

    def window() -> tuple[torch.Tensor, torch.Tensor]:
        k = int(rng.choice(len(inputs), p=share))
        total = inputs[k].shape[1]
        first = int(np.clip(rng.choice(places[k]) - rng.integers(LENGTH), 0, max(0, total - LENGTH)))
        lacking = max(0, LENGTH - total)
        x, y = inputs[k][:, first : first + LENGTH], targets[k][first : first + LENGTH]
        return nn.functional.pad(x, (0, lacking)), nn.functional.pad(y, (0, lacking), value=-1)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = _network(len(inputs[0]), len(weights))
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
        loss_of = nn.CrossEntropyLoss(torch.from_numpy(weights.astype(np.float32)), ignore_index=-1)
        for _ in range(steps):
            progress.check()
            x, y = (torch.stack(each) for each in zip(*(window() for _ in range(BATCH)), strict=True))
            loss = loss_of(network(x + NOISE * torch.randn_like(x)), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return _arrays_of(network)


def _network(inputs: int, classes: int) -> Any:
    """Return the network that torch trains: (B, n, T) in, (B, C, T) scores out."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self, away: int) -> None:
            super().__init__()
            self.along = nn.Conv1d(WIDTH, WIDTH, 3, padding=away, dilation=away)
            self.mix = nn.Conv1d(WIDTH, WIDTH, 1)
            self.drop = nn.Dropout(DROPPED)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.drop(self.mix(self.along(x).relu()))

    blocks = [Block(2**layer) for layer in range(LAYERS)]
    return nn.Sequential(
        nn.Dropout1d(0.2), nn.Conv1d(inputs, WIDTH, 1), *blocks, nn.Conv1d(WIDTH, classes, 1)
    )


def _arrays_of(network: Any) -> dict[str, np.ndarray]:
    """Return the arrays of :class:`TemporalNetwork` that torch has trained."""

    def matrix(layer: Any) -> np.ndarray:
        return np.asarray(layer.weight.detach().numpy()[:, :, 0].T)

    def bias(layer: Any) -> np.ndarray:
        return np.asarray(layer.bias.detach().numpy())

    _, enter, *blocks, leave = network
    return {
        "enter": matrix(enter),
        "enter_bias": bias(enter),
        "taps": np.stack([block.along.weight.detach().numpy().transpose(2, 1, 0) for block in blocks]),
        "taps_bias": np.stack([bias(block.along) for block in blocks]),
        "mix": np.stack([matrix(block.mix) for block in blocks]),
        "mix_bias": np.stack([bias(block.mix) for block in blocks]),
        "leave": matrix(leave),
        "leave_bias": bias(leave),
    }
