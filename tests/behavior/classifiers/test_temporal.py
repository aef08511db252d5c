"""The network that looks along time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from superanimal.behavior.classifiers import saving, temporal
from superanimal.behavior.classifiers.estimators import make_estimator
from superanimal.behavior.classifiers.head import fit_head, fit_rows
from superanimal.behavior.classifiers.sequences import Sampled
from superanimal.behavior.classifiers.temporal import TemporalNetwork, fit_network
from superanimal.progress import Cancelled, Progress


def in_order(seed: int, rows: int = 1_200, step: float = 0.1) -> Sampled:
    """A flash every two seconds: what comes after it is class 1, what comes before it class 0."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.3, (rows, 4)).astype(np.float32)
    codes = np.zeros(rows, int)
    for start in range(10, rows - 10, 20):
        values[start, 0] += 5
        codes[start : start + 10] = 1
    return Sampled(values, codes, np.ones(rows, bool), step * np.arange(rows), f"recording {seed}")


@pytest.fixture(scope="module", autouse=True)
def shorter() -> Iterator[None]:
    """What is learnt here is learnt from less."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temporal, "LENGTH", 128)
        patch.setattr(temporal, "LEAST_ROWS", 1_000)
        yield


@pytest.fixture(scope="module")
def samples() -> list[Sampled]:
    return [in_order(seed) for seed in range(2)]


@pytest.fixture(scope="module")
def network(samples: list[Sampled]) -> TemporalNetwork:
    every = [np.ones(len(one.time), bool) for one in samples]
    found = fit_network(samples, every, 2, fit_rows(samples, every, "ensemble"), Progress())
    assert found is not None
    return found


def right(probability: np.ndarray, one: Sampled) -> float:
    return float((probability.argmax(axis=1) == one.codes).mean())


def test_what_comes_after_what_is_learnt(network: TemporalNetwork) -> None:
    new = in_order(9)
    probability = network.probability(network.embed(new.values), new.time)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    assert right(probability, new) > 0.95  # a single frame says next to nothing: 0.5


def test_another_frame_rate_gives_the_same(network: TemporalNetwork) -> None:
    new = in_order(9)
    often = np.repeat(new.values, 3, axis=0)
    time = 0.1 / 3 * np.arange(len(often)) - 0.1 / 3
    probability = network.probability(network.embed(often), time)
    assert right(probability[1::3], new) > 0.93


def test_an_ensemble_takes_the_network_where_it_finds_more(samples: list[Sampled]) -> None:
    head, validation = fit_head(samples, ("before", "after"), "ensemble", Progress())
    assert head.network is not None
    assert np.nanmean(validation.f1) > 0.9
    new = in_order(9)
    blocks = [head.look(new.values[:700]), head.look(new.values[700:])]
    assert right(head.raw(blocks, new.time), new) > 0.9


def test_few_labels_leave_the_trees_alone() -> None:
    few = [in_order(0, rows=900)]
    chosen = [np.ones(len(few[0].time), bool)]
    assert fit_network(few, chosen, 2, fit_rows(few, chosen, "ensemble"), Progress()) is None


def test_training_can_be_cancelled(samples: list[Sampled]) -> None:
    progress = Progress()
    every = [np.ones(len(one.time), bool) for one in samples]
    fitted = fit_rows(samples, every, "ensemble")
    progress.cancel()
    with pytest.raises(Cancelled):
        fit_network(samples, every, 2, fitted, progress)


def test_a_network_is_read_as_it_was_written(network: TemporalNetwork, tmp_path: Path) -> None:
    estimator = make_estimator("logistic").fit(np.eye(2), np.arange(2))
    folder = saving.write_folder(tmp_path / "model", {}, [estimator.members] * 2, [{}, network.arrays()], {})
    _, _, networks, _ = saving.read_folder(folder)
    assert networks[0] == {}
    values = in_order(3).values
    np.testing.assert_array_equal(TemporalNetwork(**networks[1]).embed(values), network.embed(values))
