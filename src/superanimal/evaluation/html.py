"""The report as one HTML page: no script, no other file, prints well."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from superanimal.bootstrap import Interval
from superanimal.evaluation import plots
from superanimal.evaluation.reliability import TOLERANCE
from superanimal.evaluation.worst import data_uri, draw_image, spread_colors
from superanimal.poses import load_space
from superanimal.poses.provenance import timestamp

if TYPE_CHECKING:
    from superanimal.evaluation.evaluation import Evaluation

GROUP_COLUMNS = {
    "AP": "AP, %",
    "mean_euclidean_px": "mean, px",
    "p50_px": "median, px",
    "p95_px": "95 %, px",
    "mean_euclidean_animal": "mean, % of length",
    "PCK@0.1": "PCK@0.1, %",
    "missed_keypoints": "missed, %",
}


def render(result: Evaluation, worst: int) -> str:
    """Return the page.

    Parameters
    ----------
    result
        The evaluation.
    worst
        So many of the worst images are drawn.
    """
    colors = keypoint_colors(result)
    sections = [
        _section("How far off", plots.pck_curve(result) + _error_table(result), _HOW_FAR),
        _section(
            "Keypoint by keypoint", plots.keypoint_plot(result, colors) + _keypoint_table(result), _KEYPOINTS
        ),
    ]
    if "share_right" in result.curves:
        body = f"<div class='beside'>{plots.reliability_diagram(result)}{_confidence_table(result)}</div>"
        sections.append(_section("Does confidence mean anything", body, _CONFIDENCE))
    for kind, groups in result.groups.items():
        members = result.cases.videos if kind == "video" else result.cases.sources
        body = plots.group_plot(groups) + _group_table(groups, members)
        sections.append(_section(f"By {kind}", body, ""))
    for video in result.videos:
        plot = plots.stability_plot(video["series"], _predicted_keypoints(result))
        sections.append(_section(f"Steadiness of {video['name']}", _stability_table(video) + plot, _STEADY))
    sections.append(_section("The worst images", _gallery(result, worst, colors), _WORST))
    sections.append(_section("What was compared", _facts(result), ""))
    page = Template((resources.files(__package__) / "page.html").read_text("utf-8"))
    return page.substitute(
        title=escape(_title(result)),
        subtitle=escape(_subtitle(result)),
        cards=_cards(result),
        warnings="".join(f"<li>{escape(text)}</li>" for text in result.facts["warnings"]),
        sections="".join(sections),
        footer=escape(f"{result.facts['provenance']['software']} · {timestamp()}"),
    )


def keypoint_colors(result: Evaluation) -> dict[str, str]:
    """Return a colour for every scored keypoint: the space's own, else one spread over the hues."""
    names = list(result.cases.keypoints)
    colors = dict(zip(names, spread_colors(len(names)), strict=True))
    if result.facts["space"]:
        space = load_space(result.facts["space"])
        own = dict(zip(space.keypoints, space.colors, strict=True))
        for label, name in result.facts["keypoint_map"].items():
            colors[label] = own.get(name, own.get(label, colors[label]))
    return colors


def _title(result: Evaluation) -> str:
    first = result.facts["predictions"][0]
    what = first["model"] or first["file"] or first["video"] or "predictions"
    return f"{what} on {result.facts['labels']['name']}"


def _subtitle(result: Evaluation) -> str:
    labels, settings = result.facts["labels"], result.facts["settings"]
    text = f"{_plural(labels['images'], 'image')}, {_plural(labels['animals'], 'animal')}, "
    text += _plural(result.facts["labelled_keypoints"], "labelled keypoint")
    if settings["samples"]:
        text += f"; ranges are {100 * settings['level']:g} % intervals over {settings['draw']}s"
    return text


def _cards(result: Evaluation) -> str:
    wanted = [
        ("AP", "Average precision", 100, " %", "OKS 0.50–0.95"),
        ("mean_euclidean_px", "Mean distance", 1, " px", "the SuperAnimal paper calls it RMSE"),
        ("root_mean_square_px", "Root mean square", 1, " px", "large errors weigh more"),
        ("PCK@0.1", "Correct keypoints", 100, " %", "within 10 % of the animal's length"),
        ("normalised_error", "Normalised error", 1, "", "mean distance ÷ reference length"),
        ("missed_keypoints", "Missed keypoints", 100, " %", "labelled, not predicted"),
        ("left_right_swaps", "Left–right swaps", 100, " %", "of the pairs that can be told apart"),
        ("calibration_error", "Calibration error", 100, " %", "confidence against share right"),
        ("p50_px", "Median distance", 1, " px", "half of the keypoints are nearer"),
        ("AR", "Average recall", 100, " %", "OKS 0.50–0.95"),
    ]
    known = [card for card in wanted if card[0] in result.figures and math.isfinite(result[card[0]])]
    return "".join(
        f"<div class='card'><h3>{title}</h3>"
        f"<p class='big'>{_number(factor * result[name])}<span>{unit}</span></p>"
        f"<p class='range'>{_range(result.figures[name], factor)}</p><p class='note'>{note}</p></div>"
        for name, title, factor, unit, note in known[:8]
    )


def _error_table(result: Evaluation) -> str:
    rows: list[Sequence[str]] = []
    names = [
        ("mean Euclidean distance", "mean_euclidean"),
        ("root mean square", "root_mean_square"),
        *((f"{p} % of keypoints nearer than", f"p{p}") for p in (50, 75, 90, 95, 99)),
    ]
    for title, name in names:
        pixel, unit = result.figures[f"{name}_px"], result.figures[f"{name}_animal"]
        rows.append(
            [title, _number(pixel.value), _range(pixel), _number(100 * unit.value), _range(unit, 100)]
        )
    if "mean_euclidean_confident_px" in result.figures:
        cutoff, figure = result.facts["settings"]["cutoff"], result.figures["mean_euclidean_confident_px"]
        share = _number(100 * result["confident_keypoints"])
        rows.append(
            [
                f"mean of the {share} % with confidence ≥ {cutoff:g}",
                _number(figure.value),
                _range(figure),
                "",
                "",
            ]
        )
    if "normalised_error" in result.figures:
        figure, ends = result.figures["normalised_error"], "–".join(result.facts["reference"])
        rows.append([f"normalised error (÷ {ends})", "", "", _number(figure.value), _range(figure)])
    precision = [
        [name, _number(100 * result[name]), _range(result.figures[name], 100)]
        for name in ("AP", "AP50", "AP75", "AR", "AR50", "AR75")
    ]
    return (
        "<div class='beside'>"
        + _table(["distance to the label", "px", "", "% of length", ""], rows)
        + _table(["OKS", "%", ""], precision)
        + "</div>"
    )


def _keypoint_table(result: Evaluation) -> str:
    rows = [
        [
            row["keypoint"],
            result.facts["keypoint_map"][row["keypoint"]],
            str(row["labelled"]),
            _number(100 * (1 - row["predicted"] / row["labelled"]) if row["labelled"] else math.nan),
            *(
                _number(row[name])
                for name in ("mean_euclidean_px", "root_mean_square_px", "p50_px", "p95_px")
            ),
            _number(100 * row["p50_animal"]),
            _number(100 * row["PCK@0.1"]),
            f"{_signed(row['mean_offset_x_px'])}, {_signed(row['mean_offset_y_px'])}",
            _number(row["mean_confidence"]),
        ]
        for row in result.keypoints
    ]
    head = [
        "label",
        "prediction",
        "n",
        "missed, %",
        "mean, px",
        "root mean square, px",
        "median, px",
        "95 %, px",
    ]
    return _table([*head, "median, % of length", "PCK@0.1, %", "mean offset, px", "confidence"], rows, text=2)


def _confidence_table(result: Evaluation) -> str:
    names = [
        ("expected calibration error", "calibration_error", 100, " %"),
        ("Brier score (0 is best)", "brier_score", 1, ""),
        ("AUROC, right over wrong", "confidence_AUROC", 1, ""),
    ]
    return _table(
        ["", "", ""],
        [[t, _number(f * result[n]) + unit, _range(result.figures[n], f)] for t, n, f, unit in names],
    )


def _group_table(groups: dict[str, dict[str, Interval]], members: Sequence[str]) -> str:
    rows = []
    for name, figures in groups.items():
        cells = [escape(name), str(members.count(name))]
        for key in GROUP_COLUMNS:
            factor = 1 if key.endswith("_px") else 100
            value = _number(factor * float(figures[key].value))
            cells.append(f"{value}<div class='range'>{_range(figures[key], factor)}</div>")
        rows.append(cells)
    return _table(["", "images", *GROUP_COLUMNS.values()], rows, raw=True)


def _stability_table(video: dict[str, Any]) -> str:
    figures = video["figures"]
    rows = [
        ["jitter, mean", _number(figures["jitter_mean_px"]) + " px per frame"],
        ["jitter, median", _number(figures["jitter_median_px"]) + " px per frame"],
        ["jitter, 95 % below", _number(figures["jitter_p95_px"]) + " px per frame"],
        [
            "change of body size",
            f"{_number(figures['body_size_change_px'])} px per frame "
            f"({_number(100 * figures['body_size_change_relative'])} % of the median size)",
        ],
        [
            "dropped keypoints per animal and frame",
            f"{_number(figures['dropped_keypoints_mean'])} (most {figures['dropped_keypoints_max']:.0f})",
        ],
        ["frames without an animal", f"{figures['frames_without_animal']:.0f} of {figures['frames']:.0f}"],
    ]
    return _table(["", ""], rows)


def _gallery(result: Evaluation, worst: int, colors: dict[str, str]) -> str:
    order = sorted(range(len(result.images)), key=lambda i: -result.images[i]["badness"])[:worst]
    cards = ""
    for i in order:
        row = result.images[i]
        picture, has_pixels = draw_image(
            result.labels, result.cases, result.pairs, i, [colors[name] for name in result.cases.keypoints]
        )
        parts = []
        if math.isfinite(row["mean_euclidean_px"]):
            parts = [f"mean {_number(row['mean_euclidean_px'])} px", f"worst: {row['worst_keypoint']}"]
        for what in ("missed keypoint", "missed animal", "extra animal"):
            if count := row[what.replace(" ", "_") + "s"]:
                parts.append(_plural(count, what))
        if not has_pixels:
            parts.append("image not found")
        name = "/".join(row["image"].split("/")[-2:])
        alt = escape(name, quote=True)
        cards += (
            f"<figure><div class='frame'><img src='{data_uri(picture)}' alt='{alt}'></div>"
            f"<figcaption><b>{escape(name)}</b><br>{escape(' · '.join(parts))}</figcaption></figure>"
        )
    return f"<div class='gallery'>{cards}</div>"


def _facts(result: Evaluation) -> str:
    facts = result.facts
    rows = [
        ["labels", f"{facts['labels']['name']}: {_subtitle(result).split(';')[0]}"],
        *(
            [
                "predictions",
                ", ".join(str(v) for v in (p["model"], p["file"], p["software"], f"{p['rows']} rows") if v),
            ]
            for p in facts["predictions"]
        ),
        ["keypoint space", facts["space"] or "none"],
        ["labels not scored", ", ".join(facts["labels_without_prediction"]) or "none"],
        ["predictions not scored", ", ".join(facts["predictions_without_label"]) or "none"],
        ["left–right pairs", ", ".join("–".join(pair) for pair in facts["left_right_pairs"]) or "none"],
        ["OKS sigmas", ", ".join(f"{name} {sigma:g}" for name, sigma in facts["sigmas"].items())],
        ["settings", ", ".join(f"{key} {value}" for key, value in facts["settings"].items())],
    ]
    return _table(["", ""], rows, text=2, kind="facts")


def _predicted_keypoints(result: Evaluation) -> int:
    return len(result.facts["keypoint_map"]) + len(result.facts["predictions_without_label"])


def _section(title: str, body: str, note: str) -> str:
    paragraph = f"<p class='lead'>{note}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{paragraph}{body}</section>"


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    text: int = 1,
    raw: bool = False,
    kind: str = "figures",
) -> str:
    """Return a table; the first ``text`` columns are words, the others numbers."""

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=w' if i < text else ''}>{v if raw else escape(v)}</{tag}>"
            for i, v in enumerate(values)
        )

    header = f"<thead><tr>{cells('th', head)}</tr></thead>" if any(head) else ""
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<div class='scroll'><table class='{kind}'>{header}<tbody>{body}</tbody></table></div>"


def _number(value: Any) -> str:
    """Return three significant digits without exponents."""
    number = float(value)
    if not math.isfinite(number):
        return "–"
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:.{min(digits, 4)}f}"


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−") if math.isfinite(value) else "–"


def _range(figure: Interval, factor: float = 1) -> str:
    low, high = float(figure.low) * factor, float(figure.high) * factor
    return f"{_number(low)} – {_number(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_HOW_FAR = (
    "Distances are over all labelled and predicted keypoints. An animal's length is the largest distance "
    "between two of its labelled keypoints in that image. A keypoint that was not predicted is within no "
    "distance. Bands are bootstrap intervals."
)
_KEYPOINTS = (
    "A mean offset that is large against the median distance hints at another definition of the point "
    "rather than at noise."
)
_CONFIDENCE = (
    f"A keypoint is right when it lies within {100 * TOLERANCE:g} % of the animal's length. Points below "
    f"the dashed line: more confident than right. Hollow: fewer than {plots.FEW} keypoints."
)
_STEADY = (
    "Needs no labels. Jitter: mean over keypoints and both axes of the change from frame to frame; the "
    "animal's own movement is in it, so compare models on the same video."
)
_WORST = "Rings are labels, dots are predictions, lines join what belongs together."
