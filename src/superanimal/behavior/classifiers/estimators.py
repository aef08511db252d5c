"""The classifiers of scikit-learn that can be chosen, and how each is set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from superanimal.errors import unknown_name

SEED = 0
ENSEMBLE = "ensemble"
NARROWED = 200
"""Features that boosting sees in the default classifier, whose time grows with them; a choice."""


class Mean:
    """Several classifiers whose probabilities are averaged.

    Attributes
    ----------
    members
        Classifiers; once fitted, they have the same ``classes_``.
    narrowed
        Number of features that the other members see: those that the first one, a forest, needs most. None
        for all.
    """

    def __init__(self, members: list[Any], narrowed: int | None = None) -> None:
        self.members = members
        self.narrowed = narrowed

    def fit(self, values: np.ndarray, codes: np.ndarray) -> Mean:
        """Fit every member to features (n, F) and codes (n,)."""
        first, *others = self.members
        first.fit(values, codes)
        if others and self.narrowed is not None and values.shape[1] > self.narrowed:
            chosen = np.argsort(-first.feature_importances_, kind="stable")[: self.narrowed]
            others = [_of_columns(np.sort(chosen), member) for member in others]
        self.members = [first, *(member.fit(values, codes) for member in others)]
        return self

    @property
    def need(self) -> np.ndarray:
        """How much the first member, a forest, needs each feature, (F,)."""
        return np.asarray(self.members[0].feature_importances_)

    @property
    def classes_(self) -> np.ndarray:
        """The codes of the columns of :meth:`predict_proba`."""
        return np.asarray(self.members[0].classes_)

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """Return probabilities (n, classes)."""
        return np.asarray(np.mean([member.predict_proba(values) for member in self.members], axis=0))


def _of_columns(columns: np.ndarray, member: Any) -> Any:
    """Return a classifier that sees some columns of the features only."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(ColumnTransformer([("chosen", "passthrough", columns.tolist())]), member)


def _boosting() -> list[Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return [
        HistGradientBoostingClassifier(
            max_iter=40,
            learning_rate=0.15,
            max_leaf_nodes=12,
            max_bins=32,
            l2_regularization=1.0,
            max_features=0.3,
            class_weight="balanced",
            early_stopping=False,
            random_state=SEED,
        )
    ]


def _forest() -> list[Any]:
    from sklearn.ensemble import RandomForestClassifier

    return [
        RandomForestClassifier(
            200,
            min_samples_leaf=3,
            class_weight="balanced_subsample",
            random_state=SEED,
        )
    ]


def _trees() -> list[Any]:
    from sklearn.ensemble import ExtraTreesClassifier

    return [
        ExtraTreesClassifier(
            80, min_samples_leaf=3, max_features=0.05, class_weight="balanced", random_state=SEED
        )
    ]


def _imputer() -> Any:
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="median", keep_empty_features=True)


def _logistic() -> list[Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return [
        make_pipeline(
            _imputer(), StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=200)
        )
    ]


def _mlp() -> list[Any]:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier(
        (256, 128), batch_size=32, max_iter=10, learning_rate_init=1e-3, random_state=SEED
    )
    return [make_pipeline(_imputer(), StandardScaler(), network)]


def _majority() -> list[Any]:
    from sklearn.dummy import DummyClassifier

    return [DummyClassifier(strategy="prior")]


ESTIMATORS: dict[str, Callable[[], list[Any]]] = {
    ENSEMBLE: lambda: [*_trees(), *_boosting()],
    "boosting": lambda: [*_trees(), *_boosting()],
    "gradient-boosting": _boosting,
    "forest": _forest,
    "logistic": _logistic,
    "mlp": _mlp,
    "majority": _majority,
}
"""``boosting`` averages extremely randomised trees and gradient boosting, whose errors differ; the default
``ensemble`` adds a network that looks along time (:mod:`superanimal.behavior.classifiers.temporal`) where
that finds more in recordings left out. Forests use one thread: with more, scikit-learn corrupts Python's list
of warning filters (before 3.14)."""


def make_estimator(name: str) -> Mean:
    """Return an estimator that is not yet fitted.

    Raises
    ------
    NotFoundError
        When there is none of that name.
    """
    if name not in ESTIMATORS:
        raise unknown_name("classifier", name, ESTIMATORS)
    return Mean(ESTIMATORS[name](), NARROWED if name in (ENSEMBLE, "boosting") else None)
