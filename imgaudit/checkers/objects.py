"""Are the things that the prompt names there, in number, colour and place, by GenEval's rules?

A detector looks for the nouns that the suite expects (`expect.objects`), and `imgaudit.kernels.objects` applies the
rules of the benchmark that every model paper reports: the surest boxes stand for the object, they must all have the
colour, and centres further apart than a tenth of the sizes tell the place. Two or more is an exact number, one is at
least one, none is none.

A detector is never quite sure. Scores between its two thresholds are undetermined, and where taking or leaving such a
box would change an answer, that answer is not told: `correct` is then unmeasured, with what it hangs on.

Where the detector tells no colours, CLIP does, as in GenEval: the crop of each box against ten colours in three
wordings. GenEval paints what is not the object gray before it crops, for its detector has masks; a box has none, and
GenEval's own code then takes the crop as it is, as is done here.

Beside it stand two older definitions of the same skills, by their names: T2I-CompBench's spatial and numeracy scores,
and HEIM's three, which compare what is sure alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.kernels import objects as kernel
from imgaudit.percepts import Detected, Detections, Match
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query, Region

REMEDY = "name a detector that knows more: --detector hf:google/owlv2-base-patch16-ensemble"
EMBEDDED = "embedded"
"""`Detections.model` of the packaged detector, which tells colours by itself."""
NOT_EXPECTED = "the suite expects no objects"
_CODES = {
    "presence": "objects.missing",
    "count": "objects.count",
    "colour": "objects.colour",
    "position": "objects.position",
    "absence": "objects.unwanted",
}
_LONGEST = 300


def detector_query(case: Case) -> Query | None:
    """What is asked of the detector about a case; None where nothing is expected."""
    nouns = sorted({one.name for one in case.expect.objects})
    return Query("detector", {"nouns": nouns}) if nouns else None


def colour_query(noun: str, one: Detected) -> Query:
    """What is asked of CLIP about the colour of one find."""
    return Query("clip", {"texts": list(kernel.colour_texts(noun)), "box": [round(side, 1) for side in one.box]})


def colour_queries(wanted: Sequence[kernel.Wanted], seen: Detections) -> list[Query]:
    """A query for each find whose colour matters and that the detector did not tell."""
    nouns = dict.fromkeys(one.noun for one in wanted if one.colour)
    return [colour_query(noun, one) for noun in nouns for one in _coloured_ones(noun, wanted, seen)]


def _coloured_ones(noun: str, wanted: Sequence[kernel.Wanted], seen: Detections) -> list[Detected]:
    """Finds whose colour decides something: the surest, as many as are asked for; all where colours part them."""
    mine = [one for one in wanted if one.noun == noun]
    found = kernel.things(seen, noun)
    if seen.model == EMBEDDED:
        return []
    parted = len(mine) > 1 or any(one.count == 0 for one in mine)
    return found if parted else found[: max((one.count for one in mine), default=0)]


def with_colours(
    wanted: Sequence[kernel.Wanted], seen: Detections, percepts: Percepts
) -> tuple[Detections, str | None]:
    """What was seen, with the colours that CLIP tells; and why some were not told, if so."""
    chosen: dict[Detected, str | None] = {}
    why = None
    for noun in dict.fromkeys(one.noun for one in wanted if one.colour):
        for one in _coloured_ones(noun, wanted, seen):
            answer = percepts.seen(colour_query(noun, one), Match)
            chosen[one], problem = _colour_of(answer)
            why = why or problem
    painted = tuple(one.model_copy(update={"color": chosen[one]}) if one in chosen else one for one in seen.objects)
    return seen.model_copy(update={"objects": painted}), why


def _colour_of(answer: Match | Abstained | Failed) -> tuple[str | None, str | None]:
    """The colour that CLIP tells, or why it tells none."""
    match answer:
        case Abstained(reason, _):
            return None, f"no colours: {reason}"
        case Failed(error):
            return None, f"no colours: {error}"
        case _ if not answer.knows:
            return None, f"no colours: {answer.why_not or 'the CLIP model does not know such pictures'}"
        case _ if len(answer.cosines) != len(kernel.COLOURS) * len(kernel.COLOUR_TEMPLATES):
            return None, "no colours: clip answered for another number of texts"
    return kernel.colour_chosen(answer.cosines), None


@checker
class Objects:
    """Looks for the expected objects with a detector and applies GenEval's rules."""

    name: ClassVar[str] = "objects"
    title: ClassVar[str] = "Objects, counts, colours, places"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("objects", "relations")
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("correct", "0 or 1", "up", "whether all that is expected is there, by GenEval's rules"),
        Measure("presence", "0 or 1", "up", "whether every object is there, as often as is asked for or oftener"),
        Measure("count", "0 or 1", "up", "whether every object is there in exactly its number, one included"),
        Measure("colour", "0 or 1", "up", "whether every object with an expected colour is there and has it"),
        Measure("position", "0 or 1", "up", "whether every object with an expected place is there and in it"),
        Measure("absence", "0 or 1", "up", "whether what must not be there is not"),
        Measure("found", "objects", "none", "boxes of the expected nouns that count"),
        Measure("unsure", "objects", "none", "boxes of the expected nouns that are undetermined"),
        Measure("t2i_spatial", "0..1", "up", "T2I-CompBench's spatial score, mean over the places asked for"),
        Measure("t2i_numeracy", "0..1", "up", "T2I-CompBench's numeracy score"),
        Measure("heim_object", "0 or 1", "up", "HEIM: the surest box is of the only noun that is expected"),
        Measure("heim_count", "0 or 1", "up", "HEIM: exactly so many boxes of the only noun that is expected"),
        Measure("heim_spatial", "0 or 1", "up", "HEIM: one box of each, and their upper left corners lie as asked"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "detector": "the detector that looked",
        "thresholds": "scores below which nothing is kept, and from which on a box counts",
        "reason": "what is wrong or hangs in the balance, in GenEval's words",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "objects.missing": "an expected object is not there, or not often enough",
        "objects.count": "an object is there in another number than expected",
        "objects.colour": "an object has another colour than expected, or is missing",
        "objects.position": "an object is elsewhere than expected, or is missing",
        "objects.unwanted": "something is there that must not be",
    }
    limits: ClassVar[str] = (
        "It judges what the suite expects, not what the prompt says. The embedded detector knows nothing but coloured "
        "shapes; detectors of the hub come with thresholds of their authors' examples, not with GenEval's Mask2Former, "
        "so that scores are comparable within one detector only, and they see no difference between a thing and its "
        "picture. Sizes, materials and numbers above 16 are not told. GenEval itself counts a second object that "
        "nobody asked for as right; `count` does not."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The detector first; then CLIP for the colours of what it found, where it told none."""
        query = detector_query(case)
        if query is None:
            return []
        seen = percepts.get(query)
        if not isinstance(seen, Detections) or not seen.knows:
            return [query]
        return [query, *colour_queries(kernel.wanted_of(case.expect.objects), seen)]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """GenEval's decision, skill by skill, and the other benchmarks' scores."""
        query = detector_query(case)
        if query is None:
            return Abstained(NOT_EXPECTED, "say what it should show in the suite: `expect.objects` of a case")
        seen = percepts.seen(query, Detections)
        if not isinstance(seen, Detections):
            return seen
        if not seen.knows:
            return Abstained(seen.why_not or f"{seen.model} does not know such pictures", REMEDY)
        wanted = kernel.wanted_of(case.expect.objects)
        coloured, why = with_colours(wanted, seen, percepts)
        return _measured(wanted, coloured, why)


def _measured(wanted: Sequence[kernel.Wanted], seen: Detections, why: str | None) -> Measured:
    decided = kernel.decide(wanted, seen)
    nouns = list(dict.fromkeys(one.noun for one in wanted))
    reason = "; ".join(decided.reasons) or "all there"
    told = {"correct": decided.correct, **decided.skills}
    open_ones = f"{reason}{f' ({why})' if why else ''}"[:_LONGEST]
    found = [one for noun in nouns for one in kernel.things(seen, noun)]
    sure = [one for noun in nouns for one in kernel.sure_things(seen, noun)]
    return Measured(
        measures={
            **{name: float(truth) for name, truth in told.items() if truth is not None},
            "found": float(len(sure)),
            "unsure": float(len(found) - len(sure)),
            **_others(wanted, seen),
        },
        labels={"detector": seen.model, "thresholds": _thresholds(seen, nouns), "reason": reason[:_LONGEST]},
        unmeasured={name: f"undetermined: {open_ones}" for name, truth in told.items() if truth is None},
        codes=tuple(_CODES[name] for name, truth in decided.skills.items() if truth is False),
        # a right picture needs no boxes: what is drawn over a picture asks for a look
        regions=() if decided.correct == 1 else tuple(_region(one, one in sure) for one in found),
        message=_message(decided, open_ones),
    )


def _others(wanted: Sequence[kernel.Wanted], seen: Detections) -> dict[str, float]:
    """The other benchmarks' scores, each where its own question is asked and the detector can speak of the nouns."""
    shown = [one for one in wanted if one.count > 0 and kernel.is_told(seen, one.noun)]
    nouns = {one.noun for one in shown}
    if len(shown) < len(wanted) or len(nouns) < len(shown):
        return {}
    scores = {"t2i_numeracy": kernel.t2i_numeracy({one.noun: one.count for one in shown}, seen)}
    if len(shown) == 1:
        (only,) = shown
        scores["heim_object"] = float(kernel.heim_object(only.noun, seen))
        scores["heim_count"] = float(kernel.heim_count(only.noun, only.count, seen))
    places = [
        (one.noun, one.relation, wanted[one.to].noun)
        for one in shown
        if one.relation is not None and one.to is not None and 0 <= one.to < len(wanted)
    ]
    if places:
        scores["t2i_spatial"] = sum(kernel.t2i_spatial(*place, seen) for place in places) / len(places)
        scores["heim_spatial"] = float(all(kernel.heim_spatial(*place, seen) for place in places))
    return scores


def _region(one: Detected, sure: bool) -> Region:
    words = f"{one.color} {one.label}" if one.color else one.label
    return Region(label=words if sure else f"{words}?", box=one.box, score=one.score)


def _thresholds(seen: Detections, nouns: Sequence[str]) -> str:
    own = [f"{noun} {low:g} {high:g}" for noun, (low, high) in sorted(seen.bands.items()) if noun in nouns]
    return ", ".join([f"{seen.floor:g} {seen.sure:g}", *own])[:_LONGEST]


def _message(decided: kernel.Decided, open_ones: str) -> str:
    if decided.correct:
        return "everything that is expected is there"
    return open_ones if decided.correct is False else f"cannot be told: {open_ones}"
