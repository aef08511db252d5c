"""Keypoint matching against the known table of real mice, and offsets from ten labelled frames.

    python benchmarks/matching.py [--data ../shared/data] [--model mini_topviewmouse] [--splits 5]

The model runs once on each data set with the labelled boxes. Matching: the table found with the labels' own
names, with positions alone, and with hidden names on random thirds of the keypoints left out on both sides.
Offsets: ten frames drawn at random, offsets measured on them, errors measured on all other frames.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from _report import machine, parser_with_data, require_data, table, write_section

from superanimal.bootstrap import bootstrap
from superanimal.inference.labelled_images import predict_images
from superanimal.keypoints import Matching, match_predictions, measure_offsets
from superanimal.labels import LabelledSet, read_labels

KNOWN = {
    "dlc-openfield": {
        "snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base",
    },
    "dlc-golden-mouse": None,
}  # fmt: skip
"""The true table; None where the names are the model's own."""
FRAMES = 10
ROUNDS = 20


def main() -> None:
    parser = parser_with_data(__doc__)
    parser.add_argument("--model", default="mini_topviewmouse")
    parser.add_argument("--splits", type=int, default=5)
    options = parser.parse_args()
    require_data(options.data)
    matched, moved = [], []
    for name, known in KNOWN.items():
        labels = read_labels(options.data / name)
        predictions = predict_images(labels, options.model, boxes="labels", device="cpu")
        truth = known or {keypoint: keypoint for keypoint in labels.keypoints}
        matched += measure_matching(name, labels, predictions, truth)
        if known:
            moved += [measured(labels, predictions, truth, seed) for seed in range(options.splits)]
    first = table(["data set", "labels", "images", "keypoints", "right", "wrong", "left alone"], matched)
    second = table(
        ["split", "moved", "error before px", "error after px", "gain px (95 % interval)",
         "RMSE before to after px", "gain stated by cross-validation px"],
        moved,
    )  # fmt: skip
    text = (
        f"`{options.model}` with labelled boxes.\n\n"
        "**Matching**: keypoints with the right counterpart, with another, with none. Hidden names: "
        f"{ROUNDS} draws, in each a third of the labels' keypoints and a third of the model's is taken away. "
        "Where the counterpart is gone, right is to be left alone, wrong to be joined to a neighbour.\n\n"
        f"{first}\n\n**Offsets** of openfield from {FRAMES} random frames with their labels; errors on "
        f"the other frames, never used for anything:\n\n{second}"
    )
    print(machine(), text, sep="\n")
    if not options.no_report:
        write_section("Keypoint matching and offsets", text)


def measure_matching(
    name: str, labels: LabelledSet, predictions: xr.Dataset, truth: dict[str, str]
) -> list[list[str]]:
    """Return a row of the table for each way of matching."""
    rows = []
    for title, names in (("own names", True), ("positions alone", False)):
        matching = match_predictions(labels, predictions, names=names, samples=0)
        rows.append([name, title, str(len(labels)), *count(matching, truth)])
    if len(truth) > 10:
        there, gone = hidden(labels, predictions, truth)
        rows.append([name, "hidden names, counterpart there", str(len(labels)), *there])
        rows.append([name, "hidden names, counterpart gone", str(len(labels)), *gone])
    return rows


def count(matching: Matching, truth: dict[str, str]) -> list[str]:
    """Return keypoints, right, wrong and left alone."""
    found = {pair.user: pair.model for pair in matching.pairs}
    right = sum(found.get(user) == model for user, model in truth.items())
    alone = sum(user not in found for user in truth)
    return [str(len(truth)), str(right), str(len(truth) - right - alone), str(alone)]


def hidden(labels: LabelledSet, predictions: xr.Dataset, truth: dict[str, str]) -> tuple[list[str], ...]:
    """Return the counts over random draws of keypoints, whose counterpart is there, and is gone."""
    counts = np.zeros((2, 4), dtype=int)
    known = [str(name) for name in predictions["keypoint"].values]
    for seed in range(ROUNDS):
        rng = np.random.default_rng(seed)
        own = rng.permutation(len(labels.keypoints))[: len(labels.keypoints) * 2 // 3]
        kept = np.sort(rng.permutation(len(known))[: len(known) * 2 // 3])
        few = labels.with_columns(
            keypoints=tuple(f"p{k:02d}" for k in own),
            xy=labels.xy[:, own],
            visibility=labels.visibility[:, own],
        )
        matching = match_predictions(few, predictions.isel(keypoint=kept), samples=0)
        found = {pair.user: pair.model for pair in matching.pairs}
        there = {known[k] for k in kept}
        for k in own:
            model, got = truth[labels.keypoints[k]], found.get(f"p{k:02d}")
            gone = model not in there
            right = got is None if gone else got == model
            counts[int(gone)] += [1, right, got is not None and not right, got is None and not right]
    return tuple(row.astype(str).tolist() for row in counts)


def measured(labels: LabelledSet, predictions: xr.Dataset, truth: dict[str, str], seed: int) -> list[str]:
    """Return a row of the table: ten frames to measure offsets on, the rest to measure."""
    order = np.random.default_rng(seed).permutation(len(labels))
    few, rest = np.sort(order[:FRAMES]), np.sort(order[FRAMES:])
    offsets = measure_offsets(labels.subset(few), predictions.isel(time=few), truth)
    test = labels.subset(rest)
    before = errors(test, predictions.isel(time=rest), truth)
    after = errors(test, offsets.apply(predictions.isel(time=rest)), truth)
    means = [np.nanmean(own, axis=1) for own in (before, after)]
    gain = bootstrap(
        lambda w: {"gain": float(w @ (means[0] - means[1]) / w.sum())}, [str(i) for i in range(len(rest))]
    )["gain"]
    stated, low, high = offsets.facts["gain"]["gain_px"]
    return [
        str(seed),
        ", ".join(offsets.moved),
        f"{np.nanmean(before):.2f}",
        f"{np.nanmean(after):.2f}",
        f"{gain.value:.2f} ({gain.low:.2f} to {gain.high:.2f})",
        f"{np.sqrt(np.nanmean(before**2)):.2f} to {np.sqrt(np.nanmean(after**2)):.2f}",
        f"{stated:.2f} ({low:.2f} to {high:.2f})",
    ]


def errors(labels: LabelledSet, predictions: xr.Dataset, truth: dict[str, str]) -> np.ndarray:
    """Return the distance (I, K) in pixels of one animal per image."""
    found = predictions["position"].sel(keypoint=list(truth.values())).isel(individual=0)
    real = labels.to_poses()["position"].sel(keypoint=list(truth)).isel(individual=0)
    return np.linalg.norm(found.values - real.values, axis=1)


if __name__ == "__main__":
    main()
