"""``superanimal models``: list, download, import and check models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from superanimal.zoo import ModelEntry

app = typer.Typer(help="List, download, import and check models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Model name; see superanimal models list.")]
Accept = Annotated[
    bool, typer.Option("--accept-license", "--accept-licence", help="Accept the licence of the weights.")
]


@app.command("list")
def list_models(
    kind: Annotated[str, typer.Option(help="List only 'pose' or only 'detector' models.")] = "",
    plain: Annotated[bool, typer.Option(help="Print names only, one per line.")] = False,
) -> None:
    """List all models and whether their weights are on this computer."""
    from superanimal.errors import InputError
    from superanimal.zoo import load_catalog

    if kind not in ("", "pose", "detector"):
        raise InputError(f"--kind {kind!r}", "kinds are 'pose' and 'detector'")
    entries = [entry for entry in load_catalog().values() if kind in ("", entry.kind)]
    if plain:
        for entry in entries:
            print(entry.name)
        return
    out = _out()
    for space in dict.fromkeys(entry.space for entry in entries):
        members = [entry for entry in entries if entry.space == space]
        points = max(entry.num_keypoints for entry in members)
        out.print(
            f"[bold]{space or 'own keypoints'}[/bold]{f' ({points} keypoints)' if points and space else ''}"
        )
        for entry in members:
            out.print(f"  {entry.kind:<9}{entry.name:<57} {_state(entry)}", soft_wrap=True)
    out.print("\nremote: superanimal models download NAME; details: superanimal models info NAME")


@app.command("info")
def info(name: Name) -> None:
    """Show a model's keypoints, licence, citation and model card."""
    from superanimal.zoo import load_catalog
    from superanimal.zoo.folder import is_model_folder, read_entry
    from superanimal.zoo.weights import find_file, record_of

    catalog, folder = load_catalog(), Path(name).expanduser()
    trained = name not in catalog and is_model_folder(folder)
    entry = read_entry(folder, catalog.licences) if trained else catalog[name]
    out = _out()
    out.print(f"[bold]{entry.name}[/bold]: {entry.title}")
    facts: dict[str, Any] = {
        "kind": entry.kind,
        "architecture": entry.architecture,
        "input": f"{entry.input_size[0]} x {entry.input_size[1]} pixels" if any(entry.input_size) else "",
        "keypoints": f"{len(entry.keypoints)}: {', '.join(entry.keypoints)}" if entry.keypoints else "",
        "detectors": ", ".join(entry.detectors),
        "default detector": entry.default_detector,
        "source": f"https://huggingface.co/{entry.repo} ({entry.filename})" if entry.repo else entry.url,
        "weights": _state(entry),
        "file": find_file(entry),
        "SHA-256": (record_of(entry) or {}).get("sha256", ""),
        "licence": f"{entry.licence.title}. {entry.licence.text} {entry.licence.url}",
        "citation": entry.citation,
        "paper": entry.paper,
    }
    for title, value in facts.items():
        if value:
            out.print(f"  [cyan]{title}[/cyan]: ", end="")
            out.print(str(value), markup=False, soft_wrap=True)
    if entry.card:
        out.print("\n[bold]Model card[/bold]")
        _print_card(out, entry.card, indent=1)


@app.command("download")
def download(
    name: Name,
    accept_license: Accept = False,
    folder: Annotated[
        Path | None, typer.Option("--from", help="Copy the file from this folder instead of downloading it.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Download again even if the file exists.")] = False,
) -> None:
    """Download the weights of a model; an interrupted download resumes."""
    from superanimal.cli.progress import RichProgress
    from superanimal.zoo import download as fetch
    from superanimal.zoo import get_entry

    agreed = accept_license or _ask_licence(get_entry(name))
    with RichProgress() as progress:
        path = fetch(name, accept_license=agreed, folder=folder, force=force, progress=progress)
    print(path)


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="Weight file (released, or trained with DeepLabCut 3), or folder of a trained model."
        ),
    ],
    name: Annotated[str | None, typer.Option("--as", help="Model name.")] = None,
    accept_license: Accept = False,
    replace: Annotated[
        bool, typer.Option(help="Replace a model of the same name that has other weights.")
    ] = False,
) -> None:
    """Import a model from disk after checking every tensor."""
    from superanimal.zoo import import_model
    from superanimal.zoo.catalog import shipped_catalog

    shipped = shipped_catalog()
    known = shipped[name] if name is not None and name in shipped else shipped.by_file(file.name)
    agreed = accept_license or (known is not None and name in (None, known.name) and _ask_licence(known))
    entry = import_model(file, name, accept_license=agreed, replace_model=replace)
    points = f", {entry.num_keypoints} keypoints" if entry.kind == "pose" else ""
    _out().print(f"imported as {entry.name}: {entry.kind} model, {entry.architecture}{points}")
    if entry.kind == "pose" and not entry.keypoint_names and not entry.space:
        _out().print(
            "The names of its keypoints are unknown, so they are numbered. Put the pytorch_config.yaml of "
            "the training next to the file and import it again to name them."
        )


@app.command("verify")
def verify(
    name: Annotated[
        str | None, typer.Argument(help="Model name; all models on this computer by default.")
    ] = None,
) -> None:
    """Check the SHA-256 and every tensor of the weights on this computer."""
    from superanimal.errors import ModelError, SuperAnimalError
    from superanimal.zoo import get_entry, load_catalog
    from superanimal.zoo.checkpoint import read_checkpoint
    from superanimal.zoo.load import build
    from superanimal.zoo.weights import find_file, locate

    entries = [get_entry(name)] if name else [e for e in load_catalog().values() if find_file(e)]
    out, bad = _out(), []
    for entry in entries:
        try:
            weights = locate(entry)
            build(entry, read_checkpoint(weights.path))
        except SuperAnimalError as error:
            if name:
                raise
            bad.append(entry.name)
            out.print(f"[red]bad[/red]  {entry.name}: ", end="")
            out.print(error.text("shell"), markup=False, soft_wrap=True)
        else:
            out.print(f"[green]good[/green] {entry.name}  sha256 {weights.sha256}", soft_wrap=True)
    if bad:
        raise ModelError(f"{len(bad)} of {len(entries)} models are bad: {', '.join(bad)}")


@app.command("path")
def path(name: Annotated[str | None, typer.Argument(help="Model name.")] = None) -> None:
    """Print the path of a model's weight file, or the folder of all models."""
    from superanimal.zoo import get_entry
    from superanimal.zoo.home import models_home
    from superanimal.zoo.weights import locate

    print(locate(get_entry(name)).path if name else models_home())


def _ask_licence(entry: ModelEntry) -> bool:
    """Show the terms of a model at the terminal and ask for acceptance; False if not interactive."""
    from superanimal.zoo.licence import is_accepted, notice

    if is_accepted(entry.licence) or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    out = _out()
    out.print(f"\n[bold]Terms of the weights of {entry.name}[/bold]")
    out.print(notice(entry), markup=False)
    return typer.confirm("\nDo you accept these terms?", default=False)


def _state(entry: ModelEntry) -> str:
    from superanimal.zoo.weights import find_file

    if find_file(entry) is None:
        return "missing" if not entry.released else "remote"
    return "embedded" if entry.embedded else "here" if entry.released else "imported"


def _print_card(out: Console, card: Any, indent: int) -> None:
    """Print nested mappings and lists of a model card, indented."""
    pad = "  " * indent
    items = card.items() if isinstance(card, dict) else (("-", item) for item in card)
    for key, value in items:
        title = key if key == "-" else f"{key}:"
        if isinstance(value, (dict, list, tuple)):
            out.print(f"{pad}{title}", markup=False)
            _print_card(out, value, indent + 1)
        else:
            out.print(f"{pad}{title} {value}", markup=False, soft_wrap=True)


def _out() -> Console:
    return Console(highlight=False)
