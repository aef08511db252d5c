"""How many labels does a good model take, and what does learning them cost? The paper's Fig. 1, in small.

    python benchmarks/data_efficiency.py [--sets openfield rendered] [--steps 150] [--seeds 3] [--write]

For each data set, a quarter of the images is set aside at random (three seeds, as in the paper). On 1, 5,
10, 50 and 100 % of the rest a model is trained in each of four ways; the weights of the last step are
tested, so that no test image chooses anything. A new head learns twice as many steps, as it does in the
product (:func:`superanimal.training.finetuning.methods.usual_steps`). Forgetting is the error on keypoints
that were *not* labelled: of rendered mice, whose truth is known, and of the golden mouse after training on
openfield; and the number of them whose confidence falls below :data:`SURE` (the paper's "keypoint
dropping"). Runs are kept in ``--cache`` one by one; the same command goes on where it stopped, and a second
process that works ``--backwards`` halves the time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _report import table, write_section

MODEL = "mini_topviewmouse"
SHARES = (0.01, 0.05, 0.10, 0.50, 1.0)
FOUR = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
METHODS: dict[str, dict[str, Any]] = {
    "ImageNet transfer": {"method": "transfer", "encoder": "imagenet"},
    "SuperAnimal transfer": {"method": "transfer"},
    "fine-tuning": {"method": "finetune", "outputs": "space"},
    "memory replay": {"method": "memory-replay"},
    "fine-tuning, no masking": {"method": "finetune", "outputs": "space"},
}
UNMASKED = "fine-tuning, no masking"
BATCH = 4
SURE = 0.5
"""Confidence below which a keypoint counts as dropped (the paper does not state its cut)."""


@dataclass(frozen=True)
class Bench:
    """Labels to learn, names of the model's keypoints for them, and where everything is labelled.

    ``learn`` has the labels that training may see; ``full`` the same images with every keypoint, or None;
    ``other`` is another fully labelled set, or None. ``detector`` is None for the model's own, or ``"none"``:
    crops from the labels.
    """

    name: str
    learn: Any
    names: dict[str, str]
    full: Any = None
    other: Any = None
    detector: str | None = None
    methods: tuple[str, ...] = tuple(METHODS)


def benches(data: Path, cache: Path, wanted: list[str]) -> Iterator[Bench]:
    """Yield the data sets by name."""
    from superanimal.labels import read_labels
    from superanimal.labels.labelled_set import UNDEFINED
    from superanimal.labels.synthetic import synthetic_labels

    masked = tuple(name for name in METHODS if name != UNMASKED)
    if "openfield" in wanted:
        golden = read_labels(data / "dlc-golden-mouse")
        yield Bench("openfield", read_labels(data / "dlc-openfield"), FOUR, other=golden, methods=masked)
    if "mirror-mouse" in wanted:
        mirror = read_labels(data / "lp-mirror-mouse")
        yield Bench("mirror-mouse", mirror, {}, detector="none", methods=masked[:2])
    if "rendered" in wanted:
        full = synthetic_labels(cache / "rendered", 120, size=(320, 320), seed=424_242)
        alone = full.subset([i for i in range(len(full)) if len(full.animals_of(i)) == 1])
        own = [alone.keypoints.index(name) for name in FOUR.values()]
        xy, visibility = np.full_like(alone.xy, np.nan), np.full_like(alone.visibility, UNDEFINED)
        xy[:, own], visibility[:, own] = alone.xy[:, own], alone.visibility[:, own]
        learn = alone.with_columns(xy=xy, visibility=visibility)
        same = {name: name for name in FOUR.values()}
        yield Bench("rendered", learn, same, full=alone, detector="none")


def predict(model: Any, labels: Any, detector: str | None) -> Any:
    """Return what a model finds on the images of a set, in labelled boxes when there is no detector."""
    from superanimal.inference.labelled_images import predict_images

    return predict_images(labels, model, boxes="labels" if detector == "none" else "detector")


def error(found: Any, labels: Any, names: dict[str, str]) -> dict[str, float]:
    """Return figures of predictions for the given label names (label name to model name)."""
    from superanimal.evaluation import evaluate

    only = {name: names.get(name, "") for name in labels.keypoints}
    figures = evaluate(found, labels, keypoint_map=only, samples=0, box_margin=20)
    return {key: figures[key] for key in ("mean_euclidean_px", "p50_px", "AP", "PCK@0.1", "missed_keypoints")}


def dropped_per_animal(found: Any, names: list[str]) -> float:
    """Return how many of the keypoints lie below :data:`SURE`, per animal and image."""
    from superanimal.evaluation.stability import dropped

    return float(np.nanmean(dropped(found.sel(keypoint=names), SURE)))


def run(bench: Bench, method: str, share: float, seed: int, steps: int, folder: Path) -> dict[str, Any]:
    """Train once and measure; ``share`` 0 is the model as it is."""
    from superanimal.labels.labelled_set import ABSENT, UNDEFINED
    from superanimal.training.finetuning.finetune import finetune
    from superanimal.zoo import load_model

    order = np.random.default_rng([seed, 11]).permutation(len(bench.learn))
    test, pool = np.sort(order[: len(order) // 4]), order[len(order) // 4 :]
    few = bench.learn.subset(np.sort(pool[: max(1, round(share * len(pool)))]))
    model, names, images = load_model(MODEL), bench.names, 0
    new_head = share > 0 and METHODS[method]["method"] == "transfer"
    own = {name: name for name in few.keypoints if (few.labelled[:, few.keypoints.index(name)]).any()}
    if share:
        if method == UNMASKED:
            flags = np.where(few.visibility == UNDEFINED, ABSENT, few.visibility)
            few = few.with_columns(visibility=flags)
        shutil.rmtree(folder, ignore_errors=True)
        result = finetune(
            few,
            MODEL,
            out=folder,
            table=names if bench.full is None else None,
            held_out=0,
            detector=bench.detector,
            recipe={"steps": (1 + new_head) * steps, "batch": BATCH, "patience": None, "freeze": 2},
            seed=seed,
            **METHODS[method],
        )
        model, images = load_model(result.model.folder), len(few)
        shutil.rmtree(folder)
        names = own if new_head else names
    found: dict[str, Any] = {"images": images, "pool": len(pool), "test": len(test)}
    answers = predict(model, bench.learn.subset(test), bench.detector)
    if names:
        found |= error(answers, bench.learn.subset(test), names)
    keeps = not share or "outputs" in METHODS[method] or METHODS[method]["method"] == "memory-replay"
    unlabelled = [name for name in model.keypoints if name not in FOUR.values()]
    if keeps and set(bench.names.values()) == set(FOUR.values()):
        found["unlabelled_dropped"] = dropped_per_animal(answers, unlabelled)
    if keeps and bench.full is not None:
        rest = error(answers, bench.full.subset(test), {name: name for name in unlabelled})
        found |= {f"unlabelled_{key}": value for key, value in rest.items()}
    if keeps and bench.other is not None:
        known = {name: name for name in unlabelled if name in bench.other.keypoints}
        rest = error(predict(model, bench.other, None), bench.other, known)
        found |= {f"other_{key}": value for key, value in rest.items()}
    return found


KEYS = ("set", "method", "share", "seed", "steps", "weights")


def runs_in(file: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the runs of a file by what they are."""
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {tuple(row[key] for key in KEYS): row for row in rows}


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Do what is still to do; returns all runs."""
    from superanimal.zoo import load_model

    weights = load_model(MODEL).sha256[:12]
    file = options.cache / "runs.jsonl"
    options.cache.mkdir(parents=True, exist_ok=True)
    for bench in benches(options.data, options.cache, options.sets):
        plans = [(seed, 0.0, "zero-shot") for seed in range(options.seeds) if bench.names]
        plans += [
            (seed, share, method)
            for seed in range(options.seeds)
            for share in SHARES
            for method in bench.methods
        ]
        for seed, share, method in reversed(plans) if options.backwards else plans:
            key = (bench.name, method, share, seed, 0 if not share else options.steps, weights)
            if key in runs_in(file):
                continue
            row = dict(zip(KEYS, key, strict=True))
            row |= run(bench, method, share, seed, options.steps, options.cache / f"run-{os.getpid()}")
            with file.open("a") as out:
                out.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    return [
        row
        for row in runs_in(file).values()
        if row["weights"] == weights and row["set"] in options.sets and row["steps"] in (0, options.steps)
    ]


def summarise(rows: list[dict[str, Any]], key: str) -> dict[tuple[str, str, float], tuple[float, float, int]]:
    """Return mean, standard deviation over seeds and number of seeds by (set, method, share)."""
    groups: dict[tuple[str, str, float], list[float]] = {}
    for row in rows:
        if np.isfinite(row.get(key, np.nan)):
            groups.setdefault((row["set"], row["method"], row["share"]), []).append(row[key])
    return {
        key: (float(np.mean(v)), float(np.std(v, ddof=1)) if len(v) > 1 else float("nan"), len(v))
        for key, v in groups.items()
    }


def draw(rows: list[dict[str, Any]], target: Path) -> None:
    """Draw error against labelled images, and the error of unlabelled keypoints, in the paper's manner."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = [
        (name, key, title)
        for name in dict.fromkeys(row["set"] for row in rows)
        for key, title in (
            ("mean_euclidean_px", "labelled keypoints"),
            ("unlabelled_mean_euclidean_px", "keypoints without labels"),
            ("other_mean_euclidean_px", "without labels, golden mouse"),
        )
        if any(row["set"] == name and key in row and row["share"] for row in rows)
    ]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.6 * len(panels), 3.2), layout="constrained", squeeze=False
    )
    for axis, (name, key, title) in zip(axes[0], panels, strict=True):
        found = summarise([row for row in rows if row["set"] == name], key)
        images = {row["share"]: row["images"] for row in rows if row["set"] == name}
        for number, method in enumerate(METHODS):
            shares = [s for s in SHARES if (name, method, s) in found]
            if shares:
                mean, spread, _ = np.array([found[name, method, s] for s in shares]).T
                axis.errorbar(
                    [images[s] for s in shares], mean, spread, marker="o", ms=4, capsize=2,
                    color=f"C{number}", label=method,
                )  # fmt: skip
        if (name, "zero-shot", 0.0) in found:
            axis.axhline(found[name, "zero-shot", 0.0][0], ls="--", color="0.4", label="zero-shot")
        ticks = sorted(set(images.values()) - {0})
        axis.set(xscale="log", title=f"{name}\n{title}", xlabel="labelled images", ylabel="mean error (px)")
        axis.set_xticks(ticks, [str(n) for n in ticks], minor=False)
        axis.minorticks_off()
        axis.set_ylim(0, None)
    handles = {h.get_label(): h for axis in axes[0] for h in axis.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(target, dpi=110)


def fewer_labels(rows: list[dict[str, Any]], name: str) -> list[str]:
    """Say with how many labels each method is as good as ImageNet transfer with all of them."""
    found = summarise(rows, "mean_euclidean_px")
    images = {row["share"]: row["images"] for row in rows if row["set"] == name}
    most = found[name, "ImageNet transfer", 1.0][0]
    lines = []
    for method in METHODS:
        enough = [s for s in SHARES if found.get((name, method, s), (np.inf,))[0] <= most]
        if method == "ImageNet transfer" or (name, method, 1.0) not in found:
            continue
        if enough:
            ratio = images[1.0] / images[enough[0]]
            fewer = f" ({ratio:.0f} times fewer)" if ratio > 1 else ""
            lines.append(f"{method} is as good with {images[enough[0]]} of the labels{fewer}")
        else:
            lines.append(f"{method} never is")
    return [f"* Against ImageNet transfer with all {images[1.0]} labels ({most:.2f} px): {'; '.join(lines)}."]


def forgotten(rows: list[dict[str, Any]], name: str) -> list[str]:
    """Say how much worse keypoints without labels become, as the range over the shares of labels.

    Each run is compared with the model as it was, on the same test images.
    """
    mine = [row for row in rows if row["set"] == name]
    before = {row["seed"]: row for row in mine if not row["share"]}
    lines = []
    for key, what in (
        ("unlabelled_mean_euclidean_px", "Keypoints without labels, mean error"),
        ("other_mean_euclidean_px", "Keypoints without labels on the golden mouse, mean error"),
        ("other_p50_px", "The same, median error"),
    ):
        changed = [
            {**row, "change": row[key] / before[row["seed"]][key] - 1}
            for row in mine
            if row["share"] and key in row
        ]
        parts = []
        for method in dict.fromkeys(row["method"] for row in changed):
            found = summarise([row for row in changed if row["method"] == method], "change")
            means = [mean for mean, _, _ in found.values()]
            parts.append(f"{method} {min(means):+.0%} to {max(means):+.0%}")
        if parts:
            lines.append(f"* {what}, change against the model before: {', '.join(parts)}.")
    return lines


def cell(value: tuple[float, float, int] | None, text: str) -> str:
    """Return mean and spread as text; the number of seeds too where it is not three."""
    if value is None:
        return "–"
    mean, spread, seeds = value
    shown = text.format(mean, spread) if seeds > 1 else text.split(" ")[0].format(mean)
    return shown if seeds == 3 else f"{shown} (n={seeds})"


def report(rows: list[dict[str, Any]], steps: int) -> str:
    """Return the section for RESULTS.md, of the runs of one data set."""
    texts = [
        f"`{MODEL}` (weights {rows[0]['weights']}), {steps} steps of {BATCH} crops per run "
        f"({2 * steps} for a new head), the encoder's first two stages frozen, last weights, "
        "one quarter of the images held out at random "
        "(neighbouring frames of one video: easier than a new video). Mean ± standard deviation over "
        "seeds; openfield with the model's own detector, AP with the paper's area (keypoints + 20 px). "
        f"Dropped: of the 23 keypoints without labels, how many per animal have a confidence below {SURE:g}."
    ]
    columns = (
        ("mean_euclidean_px", "mean error px", "{:.2f} ± {:.2f}"),
        ("AP", "AP", "{:.3f} ± {:.3f}"),
        ("unlabelled_mean_euclidean_px", "error px, unlabelled keypoints", "{:.2f} ± {:.2f}"),
        ("unlabelled_dropped", "dropped, unlabelled", "{:.2f} ± {:.2f}"),
        ("other_mean_euclidean_px", "error px, golden mouse's unlabelled", "{:.2f} ± {:.2f}"),
    )
    used = [c for c in columns if any(c[0] in row for row in rows)]
    found = {key: summarise(rows, key) for key, _, _ in used}
    name = rows[0]["set"]
    lines = []
    for share, method in sorted({(row["share"], row["method"]) for row in rows}):
        many = next(row for row in rows if (row["share"], row["method"]) == (share, method))
        cells = [cell(found[key].get((name, method, share)), text) for key, _, text in used]
        lines.append([method, str(many["images"]), *cells])
    texts.append(f"{rows[0]['pool']} images to learn from, {rows[0]['test']} to test on.")
    texts.append(table(["method", "labelled images", *(title for _, title, _ in used)], lines))
    texts.append("\n".join([*fewer_labels(rows, name), *forgotten(rows, name)]))
    return "\n\n".join(texts)


def main() -> None:
    """Run what is missing, print the tables, draw the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/data_efficiency"))
    parser.add_argument("--sets", nargs="+", default=["openfield", "mirror-mouse", "rendered"])
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--backwards", action="store_true", help="last run first: a second process helps")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md and the figures of the docs")
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    rows = measure(options)
    for name in dict.fromkeys(row["set"] for row in rows):
        mine = [row for row in rows if row["set"] == name]
        text = report(mine, options.steps)
        print(text)
        if options.write:
            picture = Path(__file__).parents[1] / "docs" / "images" / f"data_efficiency_{name}.png"
            draw(mine, picture)
            figure = f"![curves](../docs/images/{picture.name})"
            write_section(f"Data efficiency and forgetting: {name}", f"{text}\n\n{figure}")


if __name__ == "__main__":
    main()
