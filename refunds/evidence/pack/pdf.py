"""Set papers as PDF: A4, headed, numbered pages, the same bytes for the same paper.

The fonts come from an installed package (FiraGO: Latin, Cyrillic, Greek, Arabic, Hebrew, Thai, Georgian, Devanagari).
A character that they lack stands there by its number, `[U+4E2D]`: nothing is dropped, and nothing fails.
"""

import functools
import io
import tempfile
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.fonts import TTFFont
from pymupdf_fonts import fontbuffers

from panel.kernel.evidence import LARGEST_DOCUMENTS, Document
from refunds.evidence.pack import fitting
from refunds.evidence.pack.papers import Paper, Section

_FAMILY: Final = "figo"
_STYLES: Final = {"": "figo", "B": "figbo"}
_LAYOUT: Final = frozenset({"GDEF", "GPOS", "GSUB", "DSIG"})
_LINE: Final = 4.6  # millimeters


def documents(papers: Mapping[Document, Paper], *, most: int = LARGEST_DOCUMENTS) -> dict[Document, bytes]:
    """Set papers whose files together are at most `most` bytes; the largest lose their oldest lines first."""
    shown = dict(papers)
    made = {document: render(paper) for document, paper in shown.items()}
    while sum(map(len, made.values())) > most:
        largest = max(made, key=lambda document: len(made[document]))
        shorter = _shorter(shown[largest])
        if shorter is None:
            del shown[largest], made[largest]
        else:
            shown[largest], made[largest] = shorter, render(shorter)
    return made


def render(paper: Paper) -> bytes:
    """Return a paper as PDF."""
    page = _Pages(paper)
    page.add_page()
    page.set_font(_FAMILY, "B", 15)
    page.write_lines(paper.title, height=7)
    page.set_font(_FAMILY, "", 9)
    page.write_lines(paper.subtitle)
    for section in paper.sections:
        page.ln(3)
        page.set_font(_FAMILY, "B", 11)
        page.write_lines(section.heading, height=6)
        page.set_font(_FAMILY, "", 9)
        for line in section.lines:
            page.write_lines(line)
    return bytes(page.output())


class _Pages(FPDF):
    """Pages with a footer that numbers them."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4")
        self._title = paper.title
        self.set_creation_date(paper.as_of)
        self.set_title(paper.title)
        self.set_margin(18)
        self.set_auto_page_break(auto=True, margin=18)
        with tempfile.TemporaryDirectory() as folder:  # the library reads fonts from files only, and at once
            for style, name in _STYLES.items():
                file = Path(folder) / f"{name}.ttf"
                file.write_bytes(_font(name))
                self.add_font(_FAMILY, style, file)
        fonts = [font for font in self.fonts.values() if isinstance(font, TTFFont)]
        self._known = frozenset.intersection(*(frozenset(font.cmap) for font in fonts))

    def footer(self) -> None:
        """Number the page."""
        self.set_y(-13)
        self.set_font(_FAMILY, "", 8)
        self.cell(0, 5, self._shown(f"{self._title}, page {self.page_no()} of {{nb}}"), align="C")

    def write_lines(self, text: str, *, height: float = _LINE) -> None:
        """Write a text over as many lines as it takes; an indented one stays so."""
        indent = (len(text) - len(text.lstrip(" "))) * 1.2
        for row in self._rows(self._shown(text.strip()), self.epw - indent - 2 * self.c_margin):
            self.set_x(self.l_margin + indent)
            self.cell(0, height, row, align="L", new_x="LMARGIN", new_y="NEXT")

    def _rows(self, text: str, width: float) -> Iterator[str]:
        """Break a text between words, and a word that is wider than a line within it.

        The library's own breaking adds every character's width up again for each one that follows: too slow for this.
        """
        row, left = "", width
        for word in text.split():
            size = self._width(f" {word}" if row else word)
            if row and size <= left:
                row, left = f"{row} {word}", left - size
                continue
            if row:
                yield row
            *full, row = self._pieces(word, width)
            yield from full
            left = width - self._width(row)
        if row:
            yield row

    def _pieces(self, word: str, width: float) -> Iterator[str]:
        start, left = 0, width
        for place, character in enumerate(word):
            size = self._width(character)
            if size > left and place > start:
                yield word[start:place]
                start, left = place, width
            left -= size
        yield word[start:]

    def _width(self, text: str) -> float:
        assert isinstance(self.current_font, TTFFont)  # noqa: S101 - set before anything is written
        return self.current_font.get_text_width(text, self.font_size_pt, None)[1] / self.k

    def _shown(self, text: str) -> str:
        return spelled(text, self._known)


def spelled(text: str, known: Container[int]) -> str:
    """Write characters without a glyph by their numbers; `known` are the ones that have one."""
    return "".join(c if ord(c) in known else f"[U+{ord(c):04X}]" for c in text)


@functools.cache
def _font(name: str) -> bytes:
    """Return a font without its layout tables: nothing is shaped here, and reading them takes a second each time."""
    font = TTFont(io.BytesIO(fontbuffers[name]()))
    for table in _LAYOUT & set(font.keys()):
        del font[table]
    made = io.BytesIO()
    font.save(made)
    font.close()
    return made.getvalue()


def _shorter(paper: Paper) -> Paper | None:
    """Return a paper whose longest section has half of its lines, the older ones gone; None if there is none left."""
    longest = max(paper.sections, key=lambda section: sum(map(len, section.lines)), default=None)
    if longest is None or len(longest.lines) < 4:  # noqa: PLR2004 - not worth a halving
        return None
    half = sum(len(line) + 1 for line in longest.lines) // 2
    kept = fitting.newest(longest.lines, most=half, entries="older lines")
    changed = Section(longest.heading, tuple(kept.lines))
    sections = tuple(changed if section is longest else section for section in paper.sections)
    return Paper(paper.name, paper.title, paper.subtitle, paper.as_of, sections)
