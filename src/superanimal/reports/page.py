"""A report as one self-contained HTML page: no scripts, light and dark, suitable for printing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from superanimal.poses.provenance import software, timestamp

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Card:
    """One key figure at the top of a page."""

    title: str
    value: str
    unit: str = ""
    range: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes
    ----------
    title
        Heading.
    body
        HTML, such as from :func:`table` or :func:`superanimal.reports.figures.svg`.
    note
        Introductory note for the reader; plain text.
    """

    title: str
    body: Markup
    note: str = ""


@dataclass
class Page:
    """The content of a report.

    Attributes
    ----------
    title, subtitle
        Plain text.
    cards
        The most important figures.
    warnings
        Limitations of the figures; plain text.
    sections
        Everything else.
    """

    title: str
    subtitle: str = ""
    cards: list[Card] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def add(self, title: str, *parts: str, note: str = "") -> None:
        """Append a section with these pieces of HTML as its body."""
        self.sections.append(Section(title, Markup("").join(parts), note))

    def render(self) -> str:
        """Return the page as HTML."""
        template = _environment().get_template("page.html")
        return template.render(page=self, footer=f"{software()} · {timestamp()}")


def table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], *, text: int = 1, kind: str = "figures"
) -> Markup:
    """Return an HTML table.

    Parameters
    ----------
    head
        Column titles; omitted if all are empty.
    rows
        Cells; plain text is escaped, ``Markup`` is inserted unchanged, a :class:`Cell` may be shaded.
    text
        Number of leading text columns; the others are numeric.
    kind
        ``"figures"``, or ``"facts"`` for long words that may wrap.
    """
    template = _environment().get_template("table.html")
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    return Markup(template.render(head=head if any(head) else (), rows=cells, text=text, kind=kind))


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    value
        Text, or ``Markup``.
    below
        A smaller second line.
    shade
        0..1, strength of the cell colour; None for none.
    """

    value: Any
    below: str = ""
    shade: float | None = None


def beside(*parts: str) -> Markup:
    """Return pieces of HTML side by side, if the page is wide enough."""
    return Markup("<div class='beside'>{}</div>").format(Markup("").join(parts))


def bullets(items: Iterable[str]) -> Markup:
    """Return plain texts as an HTML list."""
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(item) for item in items))


def gallery(pictures: Iterable[tuple[str, str, str]]) -> Markup:
    """Return pictures with captions.

    Parameters
    ----------
    pictures
        For each picture its URI (see :func:`superanimal.video.drawing.data_uri`), a name and a sentence;
        plain text.
    """
    figures = Markup("").join(
        Markup(
            "<figure><div class='frame'><img src='{}' alt='{}'></div>"
            "<figcaption><b>{}</b><br>{}</figcaption></figure>"
        ).format(source, name, name, words)
        for source, name, words in pictures
    )
    return Markup("<div class='gallery'>{}</div>").format(figures)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("superanimal.reports", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


__all__ = ["Card", "Cell", "Markup", "Page", "Section", "beside", "bullets", "escape", "gallery", "table"]
