from itertools import product

import numpy as np
import pytest

from superanimal.best_path import best_path


@pytest.mark.parametrize("seed", range(5))
def test_no_other_path_is_more_probable(seed: int) -> None:
    random = np.random.default_rng(seed)
    evidence, changes = np.log(random.random((6, 3))), np.log(random.random((6, 3, 3)))

    def score(path: tuple[int, ...]) -> float:
        steps = sum(changes[t, path[t - 1], path[t]] for t in range(1, 6))
        return float(evidence[np.arange(6), list(path)].sum() + steps)

    best = max(product(range(3), repeat=6), key=score)
    assert best_path(evidence, lambda t: changes[t]).tolist() == list(best)


def test_sequences_side_by_side_are_those_alone() -> None:
    random = np.random.default_rng(0)
    evidence, changes = np.log(random.random((9, 4, 3))), np.log(random.random((9, 4, 3, 3)))
    together = best_path(evidence, lambda t: changes[t])
    alone = [best_path(evidence[:, k], lambda t, k=k: changes[t, k]) for k in range(4)]  # type: ignore[misc]
    assert together.T.tolist() == np.array(alone).tolist()


def test_nothing_has_no_path() -> None:
    assert best_path(np.zeros((0, 2)), lambda t: np.zeros((2, 2))).shape == (0,)
    assert best_path(np.zeros((3, 0, 2)), lambda t: np.zeros((2, 2))).shape == (3, 0)
