"""The HTML page as a file: what stands in it, and what cannot stand in it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made import HOSTILE_CASE, SCRIPT, made, many

from imgaudit.record import FinishedRun
from imgaudit.reporters import _page
from imgaudit.reporters._details import MAX_POINTS, details, island
from imgaudit.reporters._page import page
from imgaudit.reporters._shared import PERCEIVED, SCOPE
from imgaudit.reporters.html import TEMPLATES, HtmlReporter
from imgaudit.types import Evidence, Polyline, Region


def written(run: FinishedRun | None = None) -> str:
    stream = io.BytesIO()
    HtmlReporter().write(run or made(), stream)
    return stream.getvalue().decode()


class Reading(HTMLParser):
    """Every tag with its attributes, and the text of the page outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.pieces: list[str] = []
        self._within: str | None = None
        self.feed(text)
        self.text = " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._within = tag
            (self.scripts if tag == "script" else self.styles).append((dict(attrs), "") if tag == "script" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = None

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            facts, text = self.scripts[-1]
            self.scripts[-1] = (facts, text + data)
        elif self._within == "style":
            self.styles[-1] += data
        else:
            self.pieces.append(data)


@pytest.fixture(scope="module")
def read() -> Reading:
    return Reading(written())


def test_the_same_run_gives_the_same_bytes() -> None:
    assert written() == written()


def test_the_page_refers_to_nothing_outside_itself(read: Reading) -> None:
    addresses = [
        value
        for tag, facts in read.tags
        for name, value in facts.items()
        if name in {"src", "href", "srcset", "data", "action", "poster", "formaction", "xlink:href"}
    ]

    assert len(addresses) > 24
    assert [address for address in addresses if not re.match(r"#[a-z]|data:image/|data:,$", address or "")] == []


def test_only_the_page_s_own_script_and_style_may_run(read: Reading) -> None:
    policy = next(facts["content"] for tag, facts in read.tags if facts.get("http-equiv") == "Content-Security-Policy")
    code = [text for facts, text in read.scripts if "type" not in facts]

    def source(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert len(code) == len(read.styles) == 1
    assert "default-src 'none'" in policy
    assert f"script-src {source(code[0])};" in policy
    assert f"style-src {source(read.styles[0])};" in policy
    assert "unsafe" not in policy


def test_no_tag_carries_a_style_or_a_handler(read: Reading) -> None:
    assert [(tag, name) for tag, facts in read.tags for name in facts if name == "style" or name.startswith("on")] == []


def test_the_script_has_no_way_to_make_markup_of_text() -> None:
    script = (TEMPLATES / "report.js").read_text("utf-8")

    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script) == []
    assert "</" not in script
    assert "<!--" not in script


def test_every_tag_is_one_that_the_template_has(read: Reading) -> None:
    names = ("report.html.j2", "sprite.html.j2", "people.html.j2")
    template = "".join((TEMPLATES / name).read_text("utf-8") for name in names)
    written_there = set(re.findall(r"<([a-z][a-z0-9]*)", template))

    assert {tag for tag, _ in read.tags} <= written_there
    assert len([facts for facts, _ in read.scripts if "type" not in facts]) == 1


def test_every_island_is_json_for_the_script(read: Reading) -> None:
    islands = {facts["id"]: json.loads(text) for facts, text in read.scripts if facts.get("type") == "application/json"}

    assert len(islands["index"]) == 24
    assert {f"details-{number}" for number in range(1, 25)} <= set(islands)


def test_an_island_cannot_be_closed_from_within() -> None:
    text = island({SCRIPT: ["</script>", "<!--", "]]>", "\u2028", "\x1b"]})

    assert not re.search(r"[<>&\u2028\x00-\x1f]", text)
    assert json.loads(text)[SCRIPT][0] == "</script>"


def test_every_picture_dimension_and_sentence_stands_on_the_page(read: Reading) -> None:
    report = made().report

    for line in report.dimensions:
        assert line.title in read.text
        assert line.text in read.text
    for sentence in (*report.not_checked, SCOPE, PERCEIVED):
        assert " ".join(sentence.split()) in read.text
    articles = [facts for tag, facts in read.tags if tag == "article"]
    assert [facts["data-final"] for facts in articles][:5] == ["reject"] * 5
    assert len(articles) == 24


def test_scores_stand_with_their_interval_and_what_they_stand_on(read: Reading) -> None:
    assert "hands.defect lower 0.6067 0.3757 to 0.8376 3 of 24" in re.sub(r"\s+", " ", read.text)


def test_groups_that_concern_people_show_counts_and_no_picture(read: Reading) -> None:
    assert "dark 1, light 1, medium 1" in read.text
    assert all(not group.members for group in made().groups if group.checker == "skew")


def test_both_verdicts_stand_where_they_differ(read: Reading) -> None:
    assert "The final verdict is not that of the checks on 2 pictures." in read.text
    assert "portrait-office#1 : edit by the checks, reject" in read.text


def test_the_contact_sheet_has_a_row_a_case_and_a_column_a_seed() -> None:
    sheet = page(made()).sheet

    assert sheet.by_seed
    assert sheet.columns == ("0", "1", "2", "3")
    assert [row.case for row in sheet.rows] == sorted(
        [HOSTILE_CASE, "hands-open", "landscape-dawn", "portrait-office", "poster-market", "shapes-red-square"]
    )
    assert all(cell[0].record.seed == seed for seed, cell in enumerate(sheet.rows[1].cells))


def test_cases_whose_seeds_differ_are_laid_out_by_place() -> None:
    images = [r.model_copy(update={"seed": n * 1000 + 7}) for n, r in enumerate(many(48).images) if r.case]

    sheet = page(replace(made(), images=images)).sheet

    assert not sheet.by_seed
    assert sheet.columns[:2] == ("1", "2")


def test_a_page_that_would_grow_too_large_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_page, "PAGE", 1_000)
    monkeypatch.setattr(_page, "THUMBNAILS", 20_000)

    read = Reading(written())
    text = read.text

    assert re.search(r"\d+ of 24 pictures are not shown, to keep this page small\.", text)
    reduced = [facts for tag, facts in read.tags if tag == "article" and "data-reduced" in facts]
    assert f"{len(reduced)} of 24 pictures open at thumbnail size" in text
    assert reduced


def test_a_run_without_pictures_is_a_page() -> None:
    report = made().report.model_copy(update={"pictures": 0, "counts": {}, "final_counts": {}, "scores": ()})

    text = Reading(written(replace(made(), images=[], groups=(), report=report))).text

    assert "No picture was audited." in text


def test_shapes_beyond_the_limit_are_counted_and_not_drawn() -> None:
    points = tuple((float(n), 1.0) for n in range(MAX_POINTS))
    evidence = Evidence(polylines=(Polyline(label="mesh", points=points), Polyline(label="more", points=points)))
    record = made().images[4]
    finding = record.findings[0].model_copy(update={"evidence": evidence, "regions": ()})

    told = details(record.model_copy(update={"findings": (finding,)}))

    assert len(told["findings"][0]["shapes"]) == 1
    assert told["left_out"] == 1


def test_coordinates_without_measure_are_brought_near() -> None:
    record = made().images[4]
    region = Region(label="far", box=(-1e308, 0.04, 1e308, 2.0))
    finding = record.findings[0].model_copy(update={"regions": (region,), "evidence": Evidence()})

    shape = details(record.model_copy(update={"findings": (finding,)}))["findings"][0]["shapes"][0]

    assert shape["points"] == "-100000,0 100000,0 100000,2 -100000,2"


def test_nothing_is_drawn_over_a_picture_of_unknown_size() -> None:
    record = made().images[5].model_copy(update={"width": None, "height": None})

    told = details(record)

    assert all(finding["shapes"] == [] for finding in told["findings"])
    assert told["left_out"] == 0


# --- colours -------------------------------------------------------------------------------------------------------


def _palettes() -> dict[str, dict[str, str]]:
    style = (TEMPLATES / "report.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root {(.*?)}", style, re.S)[:2]
    )
    return {"light": light, "dark": {**light, **dark}}


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: str, second: str) -> float:
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_the_contrast_formula_knows_the_two_ends() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tone", ["ink", "soft", "accent", "publish", "edit", "hold", "reject"])
def test_text_can_be_read_on_every_ground(scheme: str, tone: str) -> None:
    palette = _palettes()[scheme]
    grounds = [palette[name] for name in ("ground", "paper", "wash")]
    grounds += [palette[f"{tone}-wash"]] if f"{tone}-wash" in palette else []

    assert min(_contrast(palette[tone], ground) for ground in grounds) >= 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_edges_of_controls_can_be_seen(scheme: str) -> None:
    palette = _palettes()[scheme]

    assert min(_contrast(palette["strong"], palette[name]) for name in ("ground", "paper")) >= 3  # WCAG 2.2, 1.4.11


@pytest.mark.slow
def test_a_thousand_pictures_stay_under_the_limit() -> None:
    assert len(written(many(1000)).encode()) <= 25_000_000
