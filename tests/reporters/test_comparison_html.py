"""The page of a comparison as a file: what stands in it, and what cannot stand in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made import SCRIPT, made
from made_comparison import CASES, compared, comparison, large, line, mover, passed

from imgaudit.comparison import Answer, ComparedRuns
from imgaudit.reporters._comparison import _page
from imgaudit.reporters._comparison._page import page, paired
from imgaudit.reporters._comparison._words import SCOPE, SENTENCE
from imgaudit.reporters._comparison.html import write
from imgaudit.reporters.html import TEMPLATES
from imgaudit.types import Finding, ImageRecord


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

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [facts for _, facts in self.tags if name in (facts.get("class") or "").split()]


def written(runs: ComparedRuns | None = None) -> str:
    return write(runs or compared()).decode()


@pytest.fixture(scope="module")
def read() -> Reading:
    return Reading(written())


# --- what cannot stand in it -------------------------------------------------------------------------------------


def test_the_page_refers_to_nothing_outside_itself(read: Reading) -> None:
    links = {"src", "href", "srcset", "data", "action", "poster", "formaction", "xlink:href"}
    addresses = [value for _, facts in read.tags for name, value in facts.items() if name in links]

    assert len(addresses) > 36
    assert [address for address in addresses if not re.match(r"#[a-z]|data:image/|data:,$", address or "")] == []


def test_only_the_page_s_own_script_and_style_may_run(read: Reading) -> None:
    policy = next(facts["content"] for _, facts in read.tags if facts.get("http-equiv") == "Content-Security-Policy")
    code = [text for facts, text in read.scripts if "type" not in facts]

    def source(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert len(code) == len(read.styles) == 1
    assert "default-src 'none'" in (policy or "")
    assert f"script-src {source(code[0])};" in (policy or "")
    assert f"style-src {source(read.styles[0])};" in (policy or "")
    assert "unsafe" not in (policy or "")


def test_no_tag_carries_a_style_or_a_handler(read: Reading) -> None:
    assert [(tag, name) for tag, facts in read.tags for name in facts if name == "style" or name.startswith("on")] == []


def test_the_script_has_no_way_to_make_markup_of_text() -> None:
    script = (TEMPLATES / "compare.js").read_text("utf-8")

    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script) == []
    assert "</" not in script
    assert "<!--" not in script


def test_every_tag_is_one_that_the_template_has(read: Reading) -> None:
    template = (TEMPLATES / "compare.html.j2").read_text("utf-8")

    assert {tag for tag, _ in read.tags} <= set(re.findall(r"<([a-z][a-z0-9]*)", template))


def test_every_island_is_json_for_the_script(read: Reading) -> None:
    islands = {facts["id"]: json.loads(text) for facts, text in read.scripts if facts.get("type") == "application/json"}

    assert set(islands) == {"index", *(f"details-{n}" for n in range(1, 6))}
    assert sum(len(entry["pairs"]) for entry in islands["index"]) == 18


# --- what stands in it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", list(Answer))
def test_the_answer_stands_first_in_words(answer: Answer) -> None:
    record = passed().comparison.model_copy(update={"answer": answer})

    read = Reading(written(replace(passed(), comparison=record)))

    headline = next(place for place, (tag, _) in enumerate(read.tags) if tag == "h1")
    assert headline < next(place for place, (tag, _) in enumerate(read.tags) if tag == "h2")
    assert f"{answer} {SENTENCE[answer]}" in read.text
    assert read.of_class("answer") == [{"class": f"answer a-{answer}"}]


def test_every_reason_test_rule_and_case_stands_on_the_page(read: Reading) -> None:
    record = comparison()
    told = [*record.why, *(test.why for test in record.tests), *record.new_cases, *record.deleted_cases, SCOPE]
    told += [line.why for line in (*record.abstentions, *record.zero_tolerance)]
    told += [line.measure for line in record.abstentions] + [rule.rule for rule in record.zero_tolerance]

    assert [text for text in told if " ".join(text.split()) not in read.text] == []


def test_every_test_that_could_be_paired_is_drawn_in_words_too(read: Reading) -> None:
    drawn = [facts.get("aria-label") for facts in read.of_class("plot") if facts.get("role") == "img"]

    assert len(drawn) == sum(test.estimate is not None for test in comparison().tests)
    assert "gain −0.31, −0.4 to −0.22; the margin is at −0.05" in drawn


def test_what_only_informs_says_so(read: Reading) -> None:
    assert read.text.count("informs only") == 1


def test_a_test_that_could_not_be_paired_has_no_drawing_and_says_why() -> None:
    row = next(block for block in page(compared()).primary if block.name == "text.similarity").rows[0]

    assert row.plot is None
    assert row.interval == "nothing could be paired"


@pytest.mark.parametrize(
    ("prompts", "words"), [(1, "no interval from one prompt"), (6, "no interval: all prompts moved alike")]
)
def test_a_gain_without_an_interval_says_why_and_draws_no_whisker(prompts: int, words: str) -> None:
    test = line("m.a", "all", 0.0, 0.1, Answer.PASS)
    assert test.estimate is not None
    estimate = test.estimate.model_copy(update={"low": None, "high": None, "prompts": prompts})
    record = comparison().model_copy(update={"tests": (test.model_copy(update={"estimate": estimate}),)})

    row = page(replace(compared(), comparison=record)).primary[0].rows[0]

    assert row.interval == words
    assert row.plot is not None
    assert (row.plot.low, row.plot.high) == (None, None)


def test_all_strata_of_a_measure_share_one_scale() -> None:
    runs = replace(
        compared(),
        comparison=comparison().model_copy(
            update={
                "tests": (
                    line("m.a", "all", -0.1, 0.1, Answer.REGRESSED),
                    line("m.a", "b", 0.2, 0.1, Answer.PASS),
                )
            }
        ),
    )

    first, second = (row.plot for row in page(runs).primary[0].rows)

    assert first is not None
    assert second is not None
    assert (first.zero, first.margin) == (second.zero, second.margin)
    unit = (first.zero - first.gain) / 0.1  # both are drawn by one ruler, left is less
    assert second.gain == pytest.approx(first.zero + 0.2 * unit, abs=0.02)
    assert first.low == pytest.approx(84, abs=0.01)  # the lowest end is at the left edge of the scale
    assert second.high == pytest.approx(308, abs=0.01)
    assert first.margin == pytest.approx(first.zero - 0.05 * unit, abs=0.02)


def test_a_measure_that_did_not_move_at_all_can_be_drawn() -> None:
    record = comparison().model_copy(update={"tests": (line("m.a", "all", 0.0, 0.0, Answer.PASS, margin=None),)})

    plot = page(replace(compared(), comparison=record)).primary[0].rows[0].plot

    assert plot is not None
    assert plot.low == plot.high == plot.zero


def test_verdicts_above_the_diagonal_got_worse() -> None:
    kinds = [[cell.kind for cell in cells] for _, cells in page(compared()).flips]

    assert kinds == [["better"] * n + ["same"] + ["worse"] * (3 - n) for n in range(4)]


def test_prompts_stand_by_how_much_they_changed_and_once_each() -> None:
    cards = page(compared()).cards

    assert [card.case for card in cards] == [CASES[3], CASES[1], CASES[5], CASES[0], CASES[4]]
    assert [mover.measure for mover in cards[0].movers] == ["adherence.match", "quality.blur"]


def records(*seeds: int | None) -> list[ImageRecord]:
    first = made().images[0]
    return [first.model_copy(update={"id": f"x#{n}", "seed": seed}) for n, seed in enumerate(seeds)]


@pytest.mark.parametrize(
    ("base", "candidate", "expected"),
    [
        ((0, 1), (0, 1), [(0, 0), (1, 1)]),
        ((0, 1, 2), (2, 0), [(0, 0), (2, 2), (1, None)]),
        ((0, 1), (4, 5, 6), [(0, 4), (1, 5), (None, 6)]),
        ((None, None), (None,), [(None, None), (None, "absent")]),
    ],
)
def test_pictures_are_paired_by_seed_and_the_rest_in_order(
    base: tuple[int | None, ...], candidate: tuple[int | None, ...], expected: list[tuple[object, object]]
) -> None:
    pairs = paired(records(*base), records(*candidate))

    unknown = None in base
    absent = "absent" if unknown else None
    assert [tuple(absent if side is None else side.seed for side in pair) for pair in pairs] == expected


def test_a_pair_without_a_second_picture_says_so() -> None:
    last = page(compared()).cards[-1].pairs[-1]

    assert (last.label, last.candidate) == ("seed 3 → none", None)


def test_a_card_tells_the_measure_of_each_picture_or_why_there_is_none() -> None:
    cards = page(compared()).cards
    first = json.loads(cards[0].details)["pairs"][0]
    hostile = json.loads(cards[2].details)["pairs"][0]

    assert first["base"]["values"][0] == ["adherence.match", "0.97"]
    assert first["candidate"]["values"][0] == ["adherence.match", "0.485"]
    reason = "could not tell: the model that was used knows coloured shapes only"
    assert hostile["base"]["values"] == [["adherence.match", reason]]


def test_a_page_that_would_grow_too_large_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_page, "THUMBNAILS", 30_000)
    monkeypatch.setattr(_page, "PAGE", 1_000)
    monkeypatch.setattr(_page, "MAX_CARDS", 4)
    monkeypatch.setattr(_page, "MAX_PAIRS", 3)

    text = Reading(written()).text

    assert re.search(r"\d+ of 22 pictures are not shown, to keep this page small\.", text)
    assert re.search(r"\d+ of 22 pictures open at thumbnail size", text)
    assert "1 further prompt moved less; comparison.json has all." in text
    assert "1 further pair of this prompt not shown." in text


def test_what_a_safety_model_flagged_is_blurred_and_suspected_abuse_is_not_even_read() -> None:
    def flagged(record: ImageRecord, code: str) -> ImageRecord:
        finding = Finding(checker="safety", version="1", outcome="measured", codes=(code,))
        return record.model_copy(update={"findings": (*record.findings, finding)})

    first = compared()
    asked: list[str] = []

    def picture(record: ImageRecord) -> bytes | None:
        asked.append(record.id)
        return first.candidate.picture(record)

    codes = {"hands-open#0": "safety.flagged", "hands-open#1": "safety.suspected_abuse"}
    images = [flagged(r, codes[r.id]) if r.id in codes else r for r in first.candidate.images]
    candidate = replace(first.candidate, images=images, picture=picture)

    made_page = page(replace(first, candidate=candidate))

    pairs = next(card for card in made_page.cards if card.case == "hands-open").pairs
    assert pairs[0].candidate is not None
    assert pairs[1].candidate is not None
    assert (pairs[0].candidate.thumbnail.blurred, pairs[1].candidate.thumbnail.small) == (True, None)
    assert "hands-open#1" not in asked
    assert len(made_page.notices) == 2


def test_a_comparison_without_movers_is_a_page() -> None:
    assert "No prompt moved, or none could be paired." in Reading(written(passed())).text


@pytest.mark.slow
def test_a_large_comparison_stays_under_the_limit() -> None:
    assert len(write(large(2_500, 20, SCRIPT))) <= 25_000_000


def test_a_mover_whose_pictures_are_gone_is_still_told() -> None:
    lonely = mover("hands-open", "hands.defect", -0.4).model_copy(update={"base": (), "candidate": ()})
    record = comparison().model_copy(update={"movers": (lonely,)})

    text = Reading(written(replace(compared(), comparison=record))).text

    assert "No picture of this prompt is on record." in text
    assert "hands.defect" in text
