"""Is the writing right, and is it writing at all?

Expected strings come from the suite (`expect.text`) or are parsed from the prompt's quotations. Each is looked for
among the lines that were read, as words in a row, and is exact, misspelt, missing or there more than once. What stands
in the picture beside them is extra.

Without any expectation two things are still told. `gibberish` is how likely the visible writing is no writing: glyphs
that look like letters and are none. It is fitted on rendered lines and scrambled glyphs (`calibration/text.json`), a
number a line, and reported as the value that a tenth of the text's area reaches, so that one bad block of a page shows
and one odd corner of it does not. `misspelt` is how likely a word is a slip for an English word near it.

Every line that was read stands in the evidence, right or wrong, with its place.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, ClassVar

from imgaudit.kernels import strings, writing
from imgaudit.percepts import TextLine, Writing
from imgaudit.prompts.quotes import quotes
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
    Case,
    Evidence,
    Failed,
    Line,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Query,
    Region,
)

QUERY = Query("ocr", {"side": 960, "limit": 300, "upscale": True, "turn": True})
"""First look in 960 pixels, at most 300 places, a larger look at small writing, a turned one at what is not read."""

CARD = "text.json"

_TRUSTED = 0.5
_OPERATING = 0.5
_AREA = 0.1
_ENGLISH_WORDS = 4
_ENGLISH_SHARE = 0.5
_LARGE = 24.0
_CONTRAST = (4.5, 3.0)
_MOST_REGIONS = 100
# fmt: off
_SCRIPTS = {
    "ar": "ARABIC", "fa": "ARABIC", "ur": "ARABIC", "he": "HEBREW", "yi": "HEBREW", "ru": "CYRILLIC", "uk": "CYRILLIC",
    "be": "CYRILLIC", "bg": "CYRILLIC", "sr": "CYRILLIC", "mk": "CYRILLIC", "mn": "CYRILLIC", "kk": "CYRILLIC",
    "hi": "DEVANAGARI", "mr": "DEVANAGARI", "ne": "DEVANAGARI", "sa": "DEVANAGARI", "bn": "BENGALI", "as": "BENGALI",
    "pa": "GURMUKHI", "gu": "GUJARATI", "ta": "TAMIL", "te": "TELUGU", "kn": "KANNADA", "ml": "MALAYALAM",
    "si": "SINHALA", "th": "THAI", "lo": "LAO", "km": "KHMER", "my": "MYANMAR", "ka": "GEORGIAN", "hy": "ARMENIAN",
    "am": "ETHIOPIC", "bo": "TIBETAN", "ko": "HANGUL", "el": "GREEK", "zh": "CJK", "ja": "CJK",
}
# fmt: on


@cache
def lexicon() -> writing.Lexicon:
    """The packaged English word list."""
    return writing.Lexicon.parse(_read("words_en.txt.xz"))


@cache
def card() -> Mapping[str, Any]:
    """The fitted weights of both measures, and the digest of the word list that they were fitted with."""
    fitted: dict[str, Any] = json.loads(_read(CARD))
    return fitted


def _read(name: str) -> bytes:
    return (resources.files("imgaudit") / "calibration" / name).read_bytes()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be written: the phrases (None when nothing is known), and who says so."""

    phrases: tuple[str, ...] | None
    source: str
    known: frozenset[str]


@dataclass
class _Notes:
    """What is collected on the way to a `Measured`."""

    measures: dict[str, float] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    regions: list[Region] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def fault(self, code: str, region: Region | None = None) -> None:
        self.codes.add(code)
        if region is not None and len(self.regions) < _MOST_REGIONS:
            self.regions.append(region)


@checker
class Text:
    """Expected strings, gibberish, spelling and contrast of the writing in a picture."""

    name: ClassVar[str] = "text"
    title: ClassVar[str] = "Writing"
    version: ClassVar[str] = "1"
    calibration: ClassVar[str] = CARD
    dimensions: ClassVar[tuple[str, ...]] = ("text",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("similarity", "0..1", "up", "how near the writing is to the expected strings, weighed by length"),
        Measure("cer", "share", "down", "wrong characters per expected character; a missing string counts whole"),
        Measure("word_recall", "share", "up", "expected words that are there"),
        Measure("word_precision", "share", "up", "words in the picture that are expected"),
        Measure("gibberish", "0..1", "down", "how likely visible writing is no writing; 0.5 is the operating point"),
        Measure("misspelt", "0..1", "down", "how likely some word is a slip for an English word"),
        Measure("contrast", "1..21", "up", "WCAG contrast of the faintest line"),
        Measure("lines", "count", "none", "lines that were read"),
        Measure("unread", "count", "none", "text-shaped places that could not be read"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "expected_from": "who says what should be written: suite or prompt",
        "engine": "what read the writing",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "text.misspelt": "an expected string has wrong characters, or a word is a slip",
        "text.missing": "an expected string is not there",
        "text.duplicated": "an expected string is there more often than asked",
        "text.extra": "something is written that was not asked for",
        "text.unexpected": "there is writing, and none was wanted",
        "text.gibberish": "letters that are no letters",
        "text.low_contrast": "a line is fainter than WCAG AA asks (4.5, or 3 from 24 pixels of height)",
    }
    limits: ClassVar[str] = (
        "Spelling and plausibility know English only; other languages are read and compared, not judged. Slips that "
        "make another word (FIR for FIRE) are seen only against an expected string. Scripts the engine cannot read are "
        "unmeasured where the case names them by language or expected string; without that, they can look like "
        "gibberish. What an engine misreads and what a model misdraws look alike. Writing below about 1 % of the "
        "picture's height may not be found."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One reading of the whole picture."""
        return (QUERY,)

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """What was read, against what was asked and by itself."""
        seen = percepts.seen(QUERY, Writing)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        wanted = expected(case)
        notes = _Notes(labels={"engine": seen.engine})
        notes.measures |= {"lines": float(len(seen.lines)), "unread": float(len(seen.unread))}
        unreadable = unread_scripts(case, wanted, seen)
        _against(wanted, seen, notes, unreadable)
        _by_itself(case, wanted, seen, notes, unreadable)
        _legible(seen, notes)
        if seen.left_out:
            notes.said.append(f"{seen.left_out} smaller places were not read")
        return Measured(
            measures=notes.measures,
            labels=notes.labels,
            unmeasured=notes.unmeasured,
            codes=tuple(sorted(notes.codes)),
            regions=tuple(notes.regions),
            evidence=Evidence(lines=tuple(Line(text=w.text, polygon=w.polygon, score=w.score) for w in seen.lines)),
            message=_message(seen, notes),
        )


def expected(case: Case) -> Wanted:
    """The suite's strings, else those quoted in the prompt, if it is likely that they are to be written."""
    prompt = case.prompt or ""
    known = frozenset(word.lower() for word in writing.words_of(prompt))
    if case.expect.text is not None:
        phrases = tuple(text for text in case.expect.text if strings.loose(text))
        known |= {word.lower() for text in phrases for word in writing.words_of(text)}
        return Wanted(phrases, "suite", known)
    found = tuple(quote.text for quote in quotes(prompt) if quote.confidence >= _TRUSTED)
    return Wanted(found or None, "prompt", known)


def unread_scripts(case: Case, wanted: Wanted, seen: Writing) -> tuple[str, ...]:
    """Scripts that the case speaks of and the engine cannot read."""
    spoken = {_SCRIPTS.get(case.lang.lower().split("-")[0].split("_")[0], "LATIN")}
    for phrase in wanted.phrases or ():
        spoken |= writing.scripts_in(phrase)
    return tuple(sorted(spoken - {*seen.scripts, "LATIN"} if seen.scripts else ()))


def _against(wanted: Wanted, seen: Writing, notes: _Notes, unreadable: Sequence[str]) -> None:
    """Expected strings: what became of each, and what stands beside them."""
    if wanted.phrases is None:
        return
    notes.labels["expected_from"] = wanted.source
    if not wanted.phrases:
        for line in seen.lines:
            notes.fault("text.unexpected", _region(line, f"unexpected: {line.text}"))
        return
    if unreadable:
        reason = f"the engine {seen.engine} cannot read {_names(unreadable)}"
        notes.unmeasured |= dict.fromkeys(("similarity", "cer", "word_recall", "word_precision"), reason)
        return
    matching = strings.match(wanted.phrases, [line.text for line in seen.lines])
    notes.measures |= {
        "similarity": matching.similarity,
        "cer": matching.cer,
        "word_recall": matching.word_recall,
    }
    if matching.word_precision is not None:
        notes.measures["word_precision"] = matching.word_precision
    for found in matching.found:
        _judge(found, seen, notes)
    for index, text in matching.extra:
        notes.fault("text.extra", _region(seen.lines[index], f"extra: {text}"))


def _judge(found: strings.Found, seen: Writing, notes: _Notes) -> None:
    """Codes, regions and words of one expected string."""
    if found.span is None:
        notes.fault("text.missing")
        notes.said.append(f"{found.phrase!r} is missing")
    elif found.outcome == "misspelt":
        wrong = strings.differences(found.phrase.casefold(), found.span.text.casefold())
        notes.said.append(f"{found.span.text!r} stands for {found.phrase!r}: {wrong}")
        for index in found.span.lines:
            notes.fault("text.misspelt", _region(seen.lines[index], f"should read: {found.phrase}"))
    elif found.outcome == "duplicated":
        notes.said.append(f"{found.phrase!r} is there {1 + len(found.again)} times")
        for index in sorted({line for span in found.again for line in span.lines}):
            notes.fault("text.duplicated", _region(seen.lines[index], f"again: {found.phrase}"))


def _by_itself(case: Case, wanted: Wanted, seen: Writing, notes: _Notes, unreadable: Sequence[str]) -> None:
    """Gibberish and spelling, which need no expected string."""
    if unreadable:
        reason = f"the writing may be {_names(unreadable)}, which the engine {seen.engine} cannot read"
        notes.unmeasured |= {"gibberish": reason, "misspelt": reason}
        return
    words = lexicon() if case.lang.lower().startswith("en") else None
    _gibberish(seen, words, wanted.known, notes)
    if words is None:
        notes.unmeasured["misspelt"] = f"there is no word list for the language {case.lang!r}, only for English"
    else:
        _spelling(seen, words, wanted.known, notes)


def gibberish_of(line: TextLine, words: writing.Lexicon | None, known: Collection[str] = ()) -> float:
    """How likely one place holds glyphs that are no letters, 0..1."""
    fitted = card()["gibberish"]
    read = writing.Read(line.text, line.score, line.characters, line.found)
    return writing.logistic(writing.line_features(read, words, known), fitted["weights"], fitted["bias"])


def _gibberish(seen: Writing, words: writing.Lexicon | None, known: Collection[str], notes: _Notes) -> None:
    places = [*seen.lines, *seen.unread]
    if not places:
        return
    chances = [gibberish_of(line, words, known) for line in places]
    areas = [writing.area_of(line.polygon) + 1.0 for line in places]
    notes.measures["gibberish"] = writing.upper_quantile(chances, areas, _AREA)
    if notes.measures["gibberish"] < _OPERATING:
        return
    for line, chance in zip(places, chances, strict=True):
        if chance >= _OPERATING:
            notes.fault("text.gibberish", _region(line, "no writing", chance))


def misspelt_of(word: str, line: TextLine, words: writing.Lexicon) -> float:
    """How likely a word that is in no list is a slip, 0..1: the fitted chance times the engine's doubtful letter."""
    fitted = card()["misspelt"]
    lower = any(w.islower() for w in writing.words_of(line.text) if w != word)
    chance = writing.logistic(
        writing.word_features(word, words, lower_case_line=lower), fitted["weights"], fitted["bias"]
    )
    return chance * _certainty(word, line)


def _certainty(word: str, line: TextLine) -> float:
    """The lowest character probability of a word: a letter that is hard to read is no proof of a slip."""
    start = line.text.find(word)
    letters = line.characters[start : start + len(word)] if start >= 0 else ()
    return min(letters, default=line.score)


def _spelling(seen: Writing, words: writing.Lexicon, known: Collection[str], notes: _Notes) -> None:
    judged = [(word, line) for line in seen.lines for word in writing.spelled_words(line.text)]
    if not judged:
        return
    strange = [(word, line) for word, line in judged if not words.knows(word.lower(), known)]
    if len(judged) >= _ENGLISH_WORDS and len(strange) > _ENGLISH_SHARE * len(judged):
        notes.unmeasured["misspelt"] = (
            f"of {len(judged)} words {len(judged) - len(strange)} are English; other languages' spelling is not known"
        )
        return
    chances = [misspelt_of(word, line, words) for word, line in strange]
    notes.measures["misspelt"] = max(chances, default=0.0)
    for (word, line), chance in zip(strange, chances, strict=True):
        if chance >= _OPERATING:
            near = writing.nearest(word.lower(), words)
            meant = f"; meant may be {near[0]!r}" if near else ""
            notes.said.append(f"{word!r} is no English word{meant}")
            notes.fault("text.misspelt", _word_region(word, line, chance))


def _legible(seen: Writing, notes: _Notes) -> None:
    """The faintest line, and every line below WCAG's level AA."""
    known = [(line, line.contrast) for line in seen.lines if line.contrast is not None]
    if not known:
        return
    notes.measures["contrast"] = min(contrast for _, contrast in known)
    for line, contrast in known:
        if contrast < _CONTRAST[writing.height_of(line.polygon) >= _LARGE]:
            notes.fault("text.low_contrast", _region(line, f"faint: contrast {contrast:.1f}"))


def _names(scripts: Sequence[str]) -> str:
    return " and ".join(script.capitalize() for script in scripts)


def _region(line: TextLine, label: str, score: float | None = None) -> Region:
    return Region(label=label, box=writing.box_of(line.polygon), polygon=line.polygon, score=score)


def _word_region(word: str, line: TextLine, score: float) -> Region:
    """The word's part of its line, as if letters were equally wide."""
    start = max(line.text.find(word), 0)
    polygon = writing.part_of(line.polygon, start / len(line.text), (start + len(word)) / len(line.text))
    return Region(label=f"misspelt: {word}", box=writing.box_of(polygon), polygon=polygon, score=score)


def _message(seen: Writing, notes: _Notes) -> str:
    """The faults in words; without any, what was read in brief."""
    if notes.said:
        return "; ".join(notes.said[:8])
    if not seen.lines:
        return "no writing was read"
    return f"{len(seen.lines)} lines were read"
