"""Papers as PDF: any text, the same bytes for the same paper, and small enough together."""

import re
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.kernel.evidence import LARGEST_DOCUMENTS, Document
from refunds.evidence.pack import assembling, pdf
from refunds.evidence.pack.papers import Section
from tests.refunds.evidence.cases import CASE

PAPER = assembling.assemble(CASE).papers[Document.SERVICE]
ALPHABETS = "Žluťoučký Привет Ελληνικά עברית العربية ไทย ქართული हिन्दी 中文 \U0001f600 \ufffe \u202e"


def pages(document: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", document))


def test_sets_every_document_of_a_case() -> None:
    made = pdf.documents(assembling.assemble(CASE).papers)

    assert set(made) == set(Document)
    assert all(one.startswith(b"%PDF-1.") and one.rstrip().endswith(b"%%EOF") for one in made.values())
    assert sum(map(len, made.values())) <= LARGEST_DOCUMENTS


def test_the_same_paper_is_the_same_to_the_byte() -> None:
    assert pdf.render(PAPER) == pdf.render(PAPER)


def test_numbers_its_pages() -> None:
    long = replace(PAPER, sections=(Section("Timeline", tuple(f"entry {number}" for number in range(150))),))

    assert pages(pdf.render(PAPER)) == 1
    assert pages(pdf.render(long)) == 3


def test_a_character_without_a_glyph_stands_there_by_its_number() -> None:
    known = frozenset(map(ord, "Ada Žluťoučká"))

    assert pdf.spelled("Ada Žluťoučká 中\U0001f600", known) == "Ada Žluťoučká [U+4E2D][U+1F600]"


@pytest.mark.parametrize("text", [ALPHABETS, "x" * 5000, "https://example.com/" + "a" * 900, "", " ", "\n\t\0"])
def test_takes_any_text(text: str) -> None:
    shown = replace(PAPER, title=text or "-", sections=(Section(text or "-", (text, f"    {text}")),))

    assert zlib.crc32(pdf.render(shown))


@given(st.text(max_size=200))
@settings(max_examples=8, deadline=None)
def test_takes_whatever_people_write(text: str) -> None:
    case = replace(CASE, messages=(replace(CASE.messages[0], text=text, about=text),))

    assert pdf.render(assembling.assemble(case).papers[Document.COMMUNICATION])


def test_the_largest_paper_gives_way_when_all_are_too_large() -> None:
    lines = tuple(f"entry {number}: {hash((number, 'salt')) & 0xFFFFFFFF:x}" for number in range(600))
    papers = {
        Document.SERVICE: replace(PAPER, sections=(Section("Timeline", lines),)),
        Document.RECEIPT: PAPER,
    }
    whole = {document: len(pdf.render(paper)) for document, paper in papers.items()}
    most = sum(whole.values()) - 3_000

    made = pdf.documents(papers, most=most)

    assert sum(map(len, made.values())) <= most
    assert len(made[Document.SERVICE]) < whole[Document.SERVICE]
    assert len(made[Document.RECEIPT]) == whole[Document.RECEIPT]


def test_leaves_a_paper_out_that_can_get_no_smaller() -> None:
    assert pdf.documents({Document.RECEIPT: PAPER}, most=100) == {}
