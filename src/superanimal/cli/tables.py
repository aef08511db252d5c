"""``superanimal tables``: list, show, check and draft conversion tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from superanimal.errors import InputError

app = typer.Typer(
    help="Conversion tables between the keypoints of data sets and keypoint spaces.", no_args_is_help=True
)


@app.command("list")
def list_tables() -> None:
    """List the built-in tables and the data sets they cover."""
    from superanimal.keypoints.conversion_table import load_table, table_names

    console = Console(highlight=False)
    for name in table_names():
        table = load_table(name)
        console.print(f"{name}: {len(table.masters)} keypoints", markup=False)
        for source, cells in table.columns.items():
            console.print(f"  {source}: {len(cells)} mapped", markup=False)


@app.command("show")
def show(table: Annotated[str, typer.Argument(help="Name of a built-in table, or CSV file.")]) -> None:
    """Show a table and the notes on it."""
    from superanimal.keypoints.conversion_table import load_table, table_names, table_notes

    found = load_table(table)
    console = Console(highlight=False)
    grid = Table("MasterName", *found.columns)
    for master in found.masters:
        grid.add_row(master, *(str(cells.get(master, "")) for cells in found.columns.values()))
    console.print(grid)
    if table in table_names():
        console.print(table_notes(table), markup=False)


@app.command("check")
def check(
    table: Annotated[str, typer.Argument(help="CSV file, or name of a built-in table.")],
    sources: Annotated[
        list[str] | None, typer.Argument(help="Data sets to check it against: PATH or COLUMN=PATH.")
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(help="Keypoint space: built-in name or YAML file; inferred from the names by default."),
    ] = None,
) -> None:
    """Check a table against a keypoint space and data sets; list every fault with its row and column."""
    from superanimal.keypoints.conversion_table import MASTER, check_table, load_table
    from superanimal.keypoints.convert import read_source
    from superanimal.poses import load_space, space_for

    found = load_table(table)
    data_sets = {column: part.keypoints for part, column in map(read_source, sources or [])}
    chosen = load_space(space) if space else space_for(found.masters)
    if chosen is None:
        raise InputError(
            f"{table}: its keypoints are not those of one shipped space",
            f"{MASTER} lists keypoints of the space",
            "name the space: --space NAME or --space FILE.yaml",
        )
    problems = check_table(found, chosen, data_sets)
    console = Console(highlight=False)
    for problem in sorted(problems, key=lambda p: not p.serious):
        console.print(f"{'fault' if problem.serious else 'note'}: {problem}", soft_wrap=True, markup=False)
    faults = sum(problem.serious for problem in problems)
    if faults:
        raise InputError(f"{table}: {faults} fault{'s' if faults > 1 else ''}", remedy="see the lines above")
    mapped = ", ".join(f"{source} {len(cells)}" for source, cells in found.columns.items())
    console.print(f"{table} is valid; mapped keypoints: {mapped}", soft_wrap=True, markup=False)


@app.command("draft")
def draft(
    source: Annotated[str, typer.Argument(help="Data set as PATH or COLUMN=PATH.")],
    out: Annotated[Path, typer.Argument(help="Target CSV file.")],
    space: Annotated[str, typer.Option(help="Keypoint space: built-in name or YAML file.")] = "topviewmouse",
) -> None:
    """Draft a table from names and synonyms, for you to check and complete."""
    from superanimal.keypoints.conversion_table import draft_table, save_table
    from superanimal.keypoints.convert import read_source
    from superanimal.poses import load_space

    if out.exists():
        raise InputError(
            f"{out} already exists", "an existing table is not overwritten", "choose another name"
        )
    part, column = read_source(source)
    table = draft_table(column, part.keypoints, load_space(space))
    save_table(table, out)
    console = Console(highlight=False)
    cells = table.columns[column]
    used = {name for cell in cells.values() for name in cell.names}
    console.print(f"{out}: {len(cells)} of {len(part.keypoints)} keypoints found by name", markup=False)
    if missing := [name for name in part.keypoints if name not in used]:
        console.print(f"  not found: {', '.join(missing)}", soft_wrap=True, markup=False)
