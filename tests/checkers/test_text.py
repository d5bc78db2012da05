from __future__ import annotations

from importlib import resources

import pytest

from imgaudit.checkers import text
from imgaudit.checkers.text import QUERY, Text, expected
from imgaudit.digest import digest_bytes
from imgaudit.percepts import TextLine, Writing
from imgaudit.types import Abstained, Case, Expect, Measured, Outcome, Percepts

SCRIPTS = ("LATIN", "CJK")


def line(words: str, y: float = 0.0, score: float = 0.99, contrast: float = 12.0, found: float = 0.85) -> TextLine:
    width = 20.0 * max(len(words), 1)
    return TextLine(
        text=words,
        polygon=((10, y), (10 + width, y), (10 + width, y + 40), (10, y + 40)),
        score=score,
        characters=(score,) * len(words),
        found=found,
        contrast=contrast,
    )


def measured(case: Case, *lines: TextLine, unread: tuple[TextLine, ...] = ()) -> Measured:
    writing = Writing(engine="rapidocr", scripts=SCRIPTS, width=640, height=480, lines=lines, unread=unread)
    outcome: Outcome = Text().measure(case, Percepts({QUERY: writing}))
    assert isinstance(outcome, Measured), outcome
    return outcome


def wanting(*texts: str) -> Case:
    return Case(id="c", expect=Expect(text=texts))


def test_right_writing_has_no_fault_and_all_of_it_stands_in_the_evidence():
    outcome = measured(wanting("OPEN LATE"), line("OPEN"), line("LATE", 60))

    assert outcome.codes == ()
    assert (outcome.measures["similarity"], outcome.measures["cer"], outcome.measures["word_recall"]) == (1.0, 0.0, 1.0)
    assert outcome.measures["gibberish"] < 0.5
    assert outcome.measures["misspelt"] == 0.0
    assert [entry.text for entry in outcome.evidence.lines] == ["OPEN", "LATE"]
    assert outcome.labels == {"engine": "rapidocr", "expected_from": "suite"}


def test_a_slip_in_an_expected_string_is_shown_where_it_stands_and_said_letter_by_letter():
    outcome = measured(wanting("FIRE EXIT"), line("FIIRE EXIT"))

    assert outcome.codes == ("text.misspelt",)
    assert "'i' too many" in outcome.message
    assert outcome.regions[0].label == "should read: FIRE EXIT"
    assert 0.8 < outcome.measures["similarity"] < 1.0


def test_missing_duplicated_and_extra_have_their_own_codes():
    assert measured(wanting("OPEN", "CLOSED"), line("OPEN")).codes == ("text.missing",)
    assert measured(wanting("OPEN"), line("OPEN"), line("OPEN", 60)).codes == ("text.duplicated",)
    assert measured(wanting("OPEN"), line("OPEN"), line("market", 60)).codes == ("text.extra",)


def test_nothing_read_misses_all_and_leaves_nothing_to_judge():
    outcome = measured(wanting("OPEN"))

    assert outcome.measures["similarity"] == 0.0
    assert "gibberish" not in outcome.measures
    assert "misspelt" not in outcome.measures
    assert "contrast" not in outcome.measures


def test_writing_where_none_is_wanted_is_unexpected():
    outcome = measured(wanting(), line("OPEN"))

    assert outcome.codes == ("text.unexpected",)
    assert "similarity" not in outcome.measures
    assert measured(wanting()).codes == ()


def test_quoted_strings_of_the_prompt_are_expected_when_the_suite_says_nothing():
    case = Case(id="c", prompt='a sign that says "OPEN", in the style of "Alien"')

    assert expected(case).phrases == ("OPEN",)
    assert measured(case, line("OPEN")).labels["expected_from"] == "prompt"
    assert "similarity" not in measured(Case(id="c", prompt="a red cube"), line("OPEN")).measures


def test_words_of_the_prompt_are_never_called_misspelt():
    strange = line("ZALANDDO STORE")

    assert "text.misspelt" not in measured(Case(id="c", prompt="a ZALANDDO storefront"), strange).codes


@pytest.mark.parametrize("word", ["RESTUARANT", "Moodels", "GENERATIIVE", "coffeee"])
def test_a_slip_for_a_common_word_is_misspelt_without_any_expectation(word: str):
    outcome = measured(Case(id="c"), line(f"BEST {word} HERE"))

    assert outcome.measures["misspelt"] >= 0.5
    assert outcome.codes == ("text.misspelt",)
    x0, _, x1, _ = next(r for r in outcome.regions if r.label == f"misspelt: {word}").box
    assert 10 + 20 * 4 < x0 < x1 < 10 + 20 * 18


def test_a_slip_counts_less_where_the_letters_are_hard_to_read():
    clear, dim = (measured(Case(id="c"), line("RESTUARANT", score=s)).measures["misspelt"] for s in (0.99, 0.7))

    assert dim < clear


def test_badly_read_places_are_gibberish_and_clear_codes_are_not():
    assert measured(Case(id="c"), line("XK-4471 $19.99")).measures["gibberish"] < 0.5
    scrambled = line("⊥NN lqo zx", score=0.35)
    outcome = measured(Case(id="c"), unread=(scrambled,))

    assert outcome.measures["gibberish"] >= 0.5
    assert "text.gibberish" in outcome.codes
    assert outcome.evidence.lines == ()


def test_one_small_odd_corner_of_a_page_does_not_make_it_gibberish():
    page = [line("these words are all plain and clear", y) for y in range(0, 480, 60)]

    assert measured(Case(id="c"), *page, unread=(line("q", score=0.3),)).measures["gibberish"] < 0.5
    assert measured(Case(id="c"), *page[:2], unread=(line("l⊥q ooz qxk", score=0.3),)).measures["gibberish"] >= 0.5


@pytest.mark.parametrize(
    ("case", "name"),
    [(Case(id="c", lang="hi"), "Devanagari"), (Case(id="c", lang="ar-EG"), "Arabic"),
     (Case(id="c", expect=Expect(text=("привет",))), "Cyrillic"), (Case(id="c", lang="ko"), "Hangul")],
)  # fmt: skip
def test_a_script_that_the_engine_cannot_read_is_unmeasured_and_named(case: Case, name: str):
    outcome = measured(case, unread=(line("nnp", score=0.3),))

    assert name in outcome.unmeasured["gibberish"]
    assert name in outcome.unmeasured["misspelt"]
    assert not {"gibberish", "misspelt", "similarity"} & set(outcome.measures)
    assert not {"text.gibberish", "text.missing"} & set(outcome.codes)


def test_other_languages_are_compared_but_not_spelled():
    french = line("le palais du louvre et ses jardins royaux")

    assert "word list" in measured(Case(id="c", lang="fr"), french).unmeasured["misspelt"]
    assert "are English" in measured(Case(id="c"), french, line("musée des arts décoratifs", 60)).unmeasured["misspelt"]


def test_faint_lines_are_marked_by_wcags_bounds():
    faint, large = line("faint", contrast=2.0), line("large", 60, contrast=3.5)

    outcome = measured(Case(id="c"), faint, large)
    assert outcome.measures["contrast"] == 2.0
    assert outcome.codes == ("text.low_contrast",)
    assert len(outcome.regions) == 1


def test_an_engine_that_is_not_there_is_an_abstention_not_a_score():
    assert isinstance(Text().measure(wanting("OPEN"), Percepts({QUERY: Abstained("no weights")})), Abstained)
    assert isinstance(Text().measure(wanting("OPEN"), Percepts()), Abstained)
    assert Text().ask(wanting("OPEN"), Percepts()) == (QUERY,)


def test_every_code_and_measure_is_declared():
    declared = {measure.name for measure in Text.measures}
    outcome = measured(wanting("OPEN", "CLOSED"), line("OPEN"), line("OPEN", 60), line("coffeee", 120, contrast=1.5))

    assert set(outcome.measures) <= declared
    assert set(outcome.codes) <= set(Text.codes)


def test_the_card_says_what_it_rests_on_and_its_weights_are_those_of_the_features():
    card = text.card()
    words = (resources.files("imgaudit") / "calibration" / "words_en.txt.xz").read_bytes()

    assert card["data"]["words_sha256"] == digest_bytes(words)
    assert set(card["gibberish"]["weights"]) == set(text.writing.LINE_FEATURES)
    assert set(card["misspelt"]["weights"]) == set(text.writing.WORD_FEATURES)
    assert not set(card["data"]["fitting_families"]) & set(card["data"]["held_out_families"])
