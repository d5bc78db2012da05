"""Who is asked about a clause, and what the answer says of it. Pure: questions and percepts in, scores out.

- detector, by GenEval's rules (`kernels.objects`): object, count, colour, left, right, above, below, absence
- ocr: writing, and that there is none
- clip, against foils and unrelated texts: style, and scenes and properties with a known opposite
- vqa: people, doings, other relations, `not red`, and whatever the first route could not tell
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from imgaudit.checkers._clause_sources import WRITING
from imgaudit.checkers.adherence import EMBEDDED, unrelated
from imgaudit.checkers.objects import colour_queries, with_colours
from imgaudit.checkers.text import QUERY as OCR
from imgaudit.checkers.text import Wanted, unread_scripts
from imgaudit.kernels import match, objects, questions, strings
from imgaudit.percepts import Answers, Detections, Match, Writing
from imgaudit.prompts.clauses import ABSENT, colour_of, noun_of, number_of, opposites, place_of
from imgaudit.types import Abstained, Case, Clause, Failed, Percepts, Query

Route = Literal["clip", "detector", "ocr", "vqa", "none"]
_NOUNS = 100
_WORDS = 40
_FOIL_WINDOW = 60
_STYLES = "styles.txt"


@dataclass(frozen=True, slots=True)
class Told:
    """One route's word on a clause: a score, or why there is none."""

    route: Route
    score: float | None
    reason: str | None = None


def untold(route: Route, reason: str) -> Told:
    """No score, and why."""
    return Told(route, None, reason)


class Judge(Protocol):
    """One route for a set of clauses."""

    def queries(self, percepts: Percepts) -> Sequence[Query]:
        """What is to be looked at, given what is known."""
        ...

    def told(self, percepts: Percepts) -> Mapping[str, Told]:
        """Clause id -> its word, for every clause of the set."""
        ...


def first_route(clause: Clause, case: Case) -> Route:
    """Who is asked first."""
    subject, value = clause.subject, clause.value
    if (clause.kind == "text" and value) or (clause.kind == "negation" and subject == WRITING):
        return "ocr"
    if subject and _detectable(clause):
        return "detector"
    if clause.kind in ("style", "scene", "attribute") and _compared(clause, case) is not None:
        return "clip"
    return "vqa"


def _detectable(clause: Clause) -> bool:
    value = clause.value or ""
    if clause.kind == "people":
        return noun_of(clause.subject or "")[0] == "person"
    wants = {
        "object": True, "count": number_of(value) is not None, "colour": bool(value),
        "relation": place_of(value) is not None and bool(clause.to), "negation": value in ("", ABSENT),
    }  # fmt: skip
    return wants.get(clause.kind, False)


def judges(clauses: Sequence[Clause], case: Case) -> list[Judge]:
    """The first routes, each with its clauses; those that go to the second at once are in none."""
    by_route: dict[Route, list[Clause]] = {}
    for clause in clauses:
        by_route.setdefault(first_route(clause, case), []).append(clause)
    found: list[Judge] = []
    if "detector" in by_route:
        found.append(ByDetector(by_route["detector"], clauses))
    if "ocr" in by_route:
        found.append(ByReading(by_route["ocr"], case))
    if "clip" in by_route:
        found.append(ByEmbedding(by_route["clip"], case))
    return found


# --- detector ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByDetector:
    """Things that are looked for by name; `around` are all clauses of the case, which tell things apart by colour."""

    clauses: Sequence[Clause]
    around: Sequence[Clause]

    @property
    def _query(self) -> Query:
        nouns = {noun_of(name)[0] for clause in self.clauses for name in (clause.subject, clause.to) if name}
        return Query("detector", {"nouns": sorted(nouns)[:_NOUNS]})

    def queries(self, percepts: Percepts) -> Sequence[Query]:
        """One look for all nouns; then the colours of what was found, where the detector does not tell them."""
        seen = percepts.seen(self._query, Detections)
        further = colour_queries(self._coloured(), seen) if isinstance(seen, Detections) and seen.knows else []
        return [self._query, *further]

    def _coloured(self) -> list[objects.Wanted]:
        """Things whose colour matters, in the ten colours that crops are compared with."""
        wanted = []
        for clause in self.around:
            colour = colour_of(clause.value or "")
            if clause.kind == "colour" and clause.subject and colour in objects.COLOURS:
                wanted.append(objects.Wanted(noun_of(clause.subject)[0], self._number(clause.subject), colour=colour))
        return wanted

    def told(self, percepts: Percepts) -> Mapping[str, Told]:
        """By GenEval's rules, with an undetermined band."""
        seen = percepts.seen(self._query, Detections)
        if not isinstance(seen, Detections):
            return {clause.id: untold("detector", reason_of(seen)) for clause in self.clauses}
        if not seen.knows:
            why = seen.why_not or f"{seen.model} does not know such pictures"
            return {clause.id: untold("detector", why) for clause in self.clauses}
        painted, _ = with_colours(self._coloured(), seen, percepts)
        return {clause.id: self._told(clause, painted if self._in_ten(clause) else seen) for clause in self.clauses}

    def _in_ten(self, clause: Clause) -> bool:
        """Whether crops can tell the colours of a clause; of other colours only the detector's own word counts."""
        own = clause.value if clause.kind == "colour" else None
        named = (own, self._colour(clause.subject), self._colour(clause.to))
        return all(colour_of(colour) in objects.COLOURS for colour in named if colour)

    def _told(self, clause: Clause, seen: Detections) -> Told:
        noun, colour = noun_of(clause.subject or "")
        if not objects.is_told(seen, noun):
            return untold("detector", f"{seen.model} does not look for {noun[:60]!r}")
        truth = self._truth(clause, seen, noun, colour)
        if truth is None:
            return untold("detector", f"{seen.model} is not sure")
        return Told("detector", float(truth))

    def _truth(self, clause: Clause, seen: Detections, noun: str, colour: str | None) -> bool | None:
        value = clause.value or ""
        if clause.kind == "relation":
            return self._placed(clause, seen)
        if clause.kind == "colour":
            sure, _ = objects.count_told(seen, noun)
            wanted = min(self._number(clause.subject), max(sure, 1))
            return _has_colour(seen, noun, colour_of(value), wanted, alone=len(self._colours(clause.subject)) == 1)
        if colour is not None:
            return _has_colour(seen, noun, colour, 1, alone=False)
        sure, most = objects.count_told(seen, noun)
        if clause.kind == "count":
            number = number_of(value) or 0
            return True if sure == most == number else None if sure <= number <= most else False
        there = True if sure else None if most else False
        return None if there is None else there != (clause.kind == "negation")

    def _placed(self, clause: Clause, seen: Detections) -> bool | None:
        relation = place_of(clause.value or "")
        (noun, colour), (other, to_colour) = noun_of(clause.subject or ""), noun_of(clause.to or "")
        if relation is None or not objects.is_told(seen, other):
            return None
        return objects.relation_told(
            seen, noun, relation, other, colour or self._colour(clause.subject), to_colour or self._colour(clause.to)
        )

    def _colours(self, subject: str | None) -> set[str]:
        return {
            colour_of(one.value)
            for one in self.around
            if one.kind == "colour" and one.value and one.subject == subject
        }

    def _colour(self, subject: str | None) -> str | None:
        """The one colour that the clauses give a thing."""
        found = self._colours(subject)
        return found.pop() if len(found) == 1 else None

    def _number(self, subject: str | None) -> int:
        found = [number_of(one.value or "") for one in self.around if one.kind == "count" and one.subject == subject]
        return next((number for number in found if number), 1)


def _has_colour(seen: Detections, noun: str, colour: str, count: int, *, alone: bool) -> bool | None:
    """Whether so many things of a noun have a colour: the surest where it is the only one asked for, else any."""
    if alone:
        return objects.colour_told(seen, noun, colour, count)
    of_colour = [thing for thing in objects.sure_things(seen, noun) if thing.color == colour]
    if of_colour:
        return True
    return None if any(thing.color in (None, colour) for thing in objects.things(seen, noun)) else False


# --- ocr ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByReading:
    """Strings that are to be written, or that nothing is."""

    clauses: Sequence[Clause]
    case: Case

    def queries(self, percepts: Percepts) -> Sequence[Query]:
        """The same look as the check of writing."""
        return [OCR]

    def told(self, percepts: Percepts) -> Mapping[str, Told]:
        """How near the nearest words are to each string, 0..1."""
        seen = percepts.seen(OCR, Writing)
        if not isinstance(seen, Writing):
            return {clause.id: untold("ocr", reason_of(seen)) for clause in self.clauses}
        told: dict[str, Told] = {}
        wanted: list[tuple[str, str]] = []
        for clause in self.clauses:
            phrase = clause.value or ""
            if clause.kind == "negation":
                told[clause.id] = Told("ocr", float(not seen.lines))
            elif not strings.loose(phrase):
                told[clause.id] = untold("ocr", "it has no letter or digit that could be read")
            elif missing := unread_scripts(self.case, Wanted((phrase,), "suite", frozenset()), seen):
                told[clause.id] = untold("ocr", f"{seen.engine} cannot read {' and '.join(missing).lower()}")
            else:
                wanted.append((clause.id, phrase))
        if wanted:
            found = strings.match([phrase for _, phrase in wanted], [line.text for line in seen.lines]).found
            told |= {name: Told("ocr", round(one.similarity, 6)) for (name, _), one in zip(wanted, found, strict=True)}
        return told


# --- clip --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """A text, and those that are false where it is true."""

    own: str
    foils: tuple[str, ...]
    embedded_knows: bool = True

    def anchors(self, model: str) -> tuple[str, ...]:
        """Texts that have nothing to do with it."""
        return unrelated("anchors-shapes.txt" if model == EMBEDDED else "anchors.txt", self.own)

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return (self.own, *self.foils, *self.anchors(EMBEDDED), *self.anchors(""))


def _compared(clause: Clause, case: Case) -> Compared | None:
    """What a clause is compared with; None where no text is known that is false where it is true."""
    value = clause.value or ""
    if clause.kind == "style":
        others = unrelated(_STYLES, value)
        return Compared(value, others, embedded_knows=False) if value and others else None
    if clause.kind == "scene" and value.endswith("background"):
        given = case.foils.get("background", ())
        if given and case.prompt:
            return Compared(case.prompt, tuple(given))
    if clause.kind == "attribute" and (given := _given(case, value)) and case.prompt:
        return Compared(case.prompt, given)
    others = opposites(clause.kind, value)
    if not others:
        return None
    own, word = _context(clause, case)
    return Compared(own, tuple(_swapped(own, word, other, clause.subject) for other in others))


def _given(case: Case, value: str) -> tuple[str, ...]:
    """The suite's own foils of a size, where the prompt names that size once."""
    if value not in ("small", "large") or len(re.findall(r"\b(?:small|large)\b", case.prompt or "")) != 1:
        return ()
    return case.foils.get("size", ())


def _context(clause: Clause, case: Case) -> tuple[str, str]:
    """The text that a clause is told from, a short prompt or else the clause's own words, and the word at stake."""
    value = clause.value or ""
    word = value.removesuffix(" background").split()[-1] if value.split() else value
    prompt = (case.prompt or "").strip()
    if len(prompt.split()) <= _WORDS and re.search(rf"\b{re.escape(word)}\b", prompt, re.IGNORECASE):
        return prompt, word
    if clause.kind == "attribute":
        return f"a {value} {clause.subject or 'thing'}", word
    return f"a picture on a {value}" if value.endswith("background") else f"a picture of {value}", word


def _swapped(text: str, word: str, other: str, subject: str | None) -> str:
    """The text with one word changed; of several, the one that stands nearest before its subject."""
    places = [found.span() for found in re.finditer(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)]
    head = noun_of(subject)[0].split()[-1] if subject and noun_of(subject)[0] else ""

    def distance(span: tuple[int, int]) -> int:
        found = text.lower().find(head, span[1], span[1] + _FOIL_WINDOW) if head else -1
        return found - span[1] if found >= 0 else _FOIL_WINDOW

    start, end = min(places, key=distance, default=(0, 0))
    changed = text[:start] + other + text[end:]
    article = re.search(r"\ban? $", changed[:start], re.IGNORECASE)
    if article is None:
        return changed
    right = f"{article[0][0]}{'n' if other[:1] in 'aeiou' else ''} "
    return changed[: article.start()] + right + changed[start:]


@dataclass(frozen=True)
class ByEmbedding:
    """Style, scene and properties, each against texts that are false where it is true."""

    clauses: Sequence[Clause]
    case: Case

    def _wanted(self) -> dict[str, Compared]:
        found = {clause.id: _compared(clause, self.case) for clause in self.clauses}
        return {name: one for name, one in found.items() if one is not None}

    @property
    def _query(self) -> Query:
        texts = dict.fromkeys(text for one in self._wanted().values() for text in one.texts)
        return Query("clip", {"texts": list(texts)})

    def queries(self, percepts: Percepts) -> Sequence[Query]:
        """One look with all texts."""
        return [self._query]

    def told(self, percepts: Percepts) -> Mapping[str, Told]:
        """Probabilities, as `adherence` computes them."""
        query = self._query
        seen = percepts.seen(query, Match)
        wanted = self._wanted()
        if not isinstance(seen, Match):
            return {name: untold("clip", reason_of(seen)) for name in wanted}
        if not seen.knows:
            why = seen.why_not or f"{seen.model} does not know such pictures"
            return {name: untold("clip", why) for name in wanted}
        texts = query.parameters["texts"]
        cosines = dict(zip(texts, seen.cosines, strict=True))
        cut = dict(zip(texts, seen.truncated, strict=True))
        return {name: _likely(one, seen, cosines, cut) for name, one in wanted.items()}


def _likely(one: Compared, seen: Match, cosines: Mapping[str, float], cut: Mapping[str, int]) -> Told:
    if seen.model == EMBEDDED and not one.embedded_knows:
        return untold("clip", "the embedded model knows no styles")
    foils = [text for text in one.foils if not (cut[one.own] and cosines[text] == cosines[one.own])]
    if not foils:
        return untold("clip", "the words that differ lie beyond the model's window")
    found = match.compare(
        cosines[one.own],
        {"foils": [cosines[text] for text in foils]},
        [cosines[text] for text in one.anchors(seen.model)],
        seen.scale,
    )
    return Told("clip", round(found.match, 6)) if found else untold("clip", "there is nothing to compare it with")


# --- vqa ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByAnswer:
    """Whatever no other route could tell, asked in words."""

    clauses: Sequence[Clause]
    case: Case

    def queries(self, percepts: Percepts) -> Sequence[Query]:
        """A case with clauses of its own is asked all that `questions` asks too, in one look."""
        if self.case.clauses:
            whole = [questions.whole(self.case.prompt)] if self.case.prompt and self.case.prompt.strip() else []
            texts = [*whole, *(questions.asked(clause).text for clause in self.case.clauses)]
        else:
            texts = [questions.asked(clause).text for clause in self.clauses]
        return [Query("vqa", {"questions": list(dict.fromkeys(texts))})]

    def told(self, percepts: Percepts) -> Mapping[str, Told]:
        """P(yes) of each question, or P(no) of one that is put the other way round."""
        seen = percepts.seen(self.queries(percepts)[0], Answers)
        if not isinstance(seen, Answers):
            return {clause.id: untold("vqa", reason_of(seen)) for clause in self.clauses}
        yes = dict(zip(seen.questions, seen.yes, strict=True))
        told = {}
        for clause in self.clauses:
            question = questions.asked(clause)
            answer = yes.get(question.text)
            told[clause.id] = (
                untold("vqa", f"{seen.model} left the question out")
                if answer is None
                else Told("vqa", question.score(answer))
            )
        return told


def reason_of(sight: Abstained | Failed) -> str:
    """Why a model said nothing."""
    return sight.reason if isinstance(sight, Abstained) else f"it failed: {sight.error}"


def without_score(told: Iterable[tuple[Clause, Told | None]]) -> list[Clause]:
    """The clauses that a first route did not tell, or that have none."""
    return [clause for clause, one in told if one is None or one.score is None]
