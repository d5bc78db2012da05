"""What each PDF claims, checked as far as a reader of PDF objects can: no validator is bundled."""

from __future__ import annotations

import io
import itertools
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from compliance.small_run import small_run

from imgaudit.compliance.result import ComplianceReport
from imgaudit.compliance.schema import load_pack
from imgaudit.comply import comply
from imgaudit.reporters._comply.pdf import pdf

weasyprint = pytest.importorskip(
    "weasyprint", reason="the extra `pdf` is not installed", exc_type=(ImportError, OSError)
)
pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")

RECORD = b'{"format": "imgaudit-report/1"}'


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ComplianceReport:
    run = small_run(tmp_path_factory.mktemp("runs") / "run")
    return comply(run, [load_pack("eu-art50"), load_pack("cn-gb45438")], date(2026, 12, 2), "deployer")


@pytest.fixture(scope="module")
def kept(report: ComplianceReport) -> Any:
    return pypdf.PdfReader(io.BytesIO(pdf(report, "a-3b", {"report.json": RECORD})))


@pytest.fixture(scope="module")
def accessible(report: ComplianceReport) -> Any:
    return pypdf.PdfReader(io.BytesIO(pdf(report, "ua-1", {"report.json": RECORD})))


def xmp(reader: Any) -> str:
    return reader.trailer["/Root"]["/Metadata"].get_data().decode()


def test_a_3b_claims_pdf_a_and_nothing_else(kept: Any):
    root = kept.trailer["/Root"]

    assert "<pdfaid:part>3</pdfaid:part>" in xmp(kept) or 'pdfaid:part="3"' in xmp(kept)
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in xmp(kept) or 'pdfaid:conformance="B"' in xmp(kept)
    assert "pdfuaid" not in xmp(kept)
    (intent,) = root["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"
    assert len(intent.get_object()["/DestOutputProfile"].get_data()) > 100
    assert "/Encrypt" not in kept.trailer
    assert kept.trailer["/ID"]


def test_a_3b_carries_the_record_as_an_associated_file(kept: Any):
    root = kept.trailer["/Root"]

    assert kept.attachments == {"report.json": [RECORD]}
    file, *others = (one.get_object() for one in root["/AF"])
    assert all(one == file for one in others)  # WeasyPrint names it twice
    assert file["/AFRelationship"] == "/Source"
    assert file["/EF"]["/F"].get_object()["/Subtype"] == "/application/json"


def test_every_font_of_both_is_embedded(kept: Any, accessible: Any):
    for reader in (kept, accessible):
        fonts = {key: font.get_object() for page in reader.pages for key, font in page["/Resources"]["/Font"].items()}
        assert fonts
        for font in fonts.values():
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)
            assert "/ToUnicode" in font


def test_ua_1_claims_pdf_ua_and_nothing_else(accessible: Any, report: ComplianceReport):
    root = accessible.trailer["/Root"]

    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp(accessible) or 'pdfuaid:part="1"' in xmp(accessible)
    assert "pdfaid:" not in xmp(accessible)
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert accessible.metadata.title.startswith("Compliance report: made by brush")
    assert not accessible.attachments


def tags(node: Any, found: list[Any]) -> list[Any]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for child in node:
            tags(child, found)
    elif isinstance(node, dict) and "/S" in node:
        found.append(node)
        if "/K" in node:
            tags(node["/K"], found)
    return found


def test_ua_1_is_tagged_with_headings_in_order_and_headed_tables(accessible: Any):
    found = tags(accessible.trailer["/Root"]["/StructTreeRoot"]["/K"], [])
    names = [str(node["/S"]) for node in found]

    headings = [int(name[2:]) for name in names if name in ("/H1", "/H2", "/H3")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(headings))
    assert {"/Table", "/TR", "/TH", "/TD", "/L", "/LI", "/P", "/Link"} <= set(names)
    known = {node["/ID"] for node in found if node["/S"] == "/TH"}
    cells = [node for node in found if node["/S"] == "/TD"]
    assert all(set(cell["/A"]["/Headers"]) and set(cell["/A"]["/Headers"]) <= known for cell in cells)
    assert names.count("/Figure") == 0  # there is no picture, so none lacks a text


def test_every_page_of_ua_1_has_its_tab_order_and_is_part_of_the_structure(accessible: Any):
    linked = 0
    for page in accessible.pages:
        assert "/StructParents" in page
        for annotation in page.get("/Annots", []):
            linked += 1
            assert page["/Tabs"] == "/S"
            assert annotation.get_object()["/Contents"]
            assert "/StructParent" in annotation.get_object()
    assert linked


def test_the_same_report_gives_the_same_text_and_identifier(report: ComplianceReport, kept: Any):
    again = pypdf.PdfReader(io.BytesIO(pdf(report, "a-3b", {"report.json": RECORD})))

    assert again.trailer["/ID"][0] == kept.trailer["/ID"][0]
    assert [page.extract_text() for page in again.pages] == [page.extract_text() for page in kept.pages]


def test_nothing_is_fetched_whatever_a_string_asks_for(report: ComplianceReport, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    hostile = report.model_copy(update={"title": f'<link rel="attachment" href="{secret.as_uri()}">', "generator": "x"})

    reader = pypdf.PdfReader(io.BytesIO(pdf(hostile, "a-3b", {})))

    assert not reader.attachments
    assert "link rel" in reader.pages[0].extract_text()


@pytest.mark.parametrize("claim", ["a-3b", "ua-1"])
def test_links_of_evidence_lead_to_the_pages_beside_it(claim: Any, tmp_path: Path):
    report = comply(small_run(tmp_path / "run"), [load_pack("eu-code-of-practice")], date(2026, 12, 2), "any")

    reader = pypdf.PdfReader(io.BytesIO(pdf(report, claim, {})))

    notes = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    found = [note["/A"]["/URI"] for note in notes if "/A" in note]
    assert "report.html#dimension-deepfakes" in found
    assert any(address.startswith("report.html#at-") for address in found)
    assert all(address.startswith(("report.html#", "https://")) for address in found)
    assert not any(".invalid" in str(note) for note in notes)
