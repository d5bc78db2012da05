"""Whether detected things are there in number, colour and place, by the rules of published benchmarks.

What a detector saw is a list of boxes with scores and two thresholds a noun: from `sure` on a thing counts, below
`floor` it does not, and between the two nobody knows. So every answer is yes, no, or None for "cannot be told": it is
None exactly where it would change as the threshold of some noun moves from `sure` down to `floor`.

**GenEval** (Ghosh et al. 2023, `evaluation/evaluate_images.py`). The surest boxes of a noun, as many as are asked for,
stand for the object; too few fail. They must all have the colour. Of a place, the centres of every kept box and of
every box of the target are compared: `offset = a - b`, shortened on each axis by a tenth of both sizes; what is left is
divided by the length of the whole offset, and beyond 0.5 on an axis the relation holds (two may hold). More things than
asked for are wrong only where the file excludes them, which it does in its counting prompts and nowhere else; so two
or more are an exact number here, and one is at least one. GenEval keeps boxes above 0.3, in counting prompts above 0.9;
these are thresholds of its Mask2Former, and every other detector has its own.

**T2I-CompBench** (Huang et al. 2023): `t2i_spatial` and `t2i_numeracy`. **HEIM** (Lee et al. 2023, after DALL-Eval):
`heim_object`, `heim_count` and `heim_spatial`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from imgaudit.percepts import Detected, Detections
from imgaudit.types import Box, ExpectedObject

Relation = Literal["left of", "right of", "above", "below"]
Truth = bool | None

MOST = 16
"""Boxes of one noun that GenEval keeps at most."""
SLACK = 0.1
"""Share of both sizes by which GenEval shortens the distance of two centres."""
GENEVAL_BAND = (math.nextafter(0.3, 1), math.nextafter(0.3, 1))
"""GenEval's own threshold, which a score must exceed; for scores of Mask2Former."""
GENEVAL_COUNTING_BAND = (math.nextafter(0.9, 1), math.nextafter(0.9, 1))
"""The same in its counting prompts."""
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
"""The colours among which GenEval's CLIP chooses."""
COLOUR_TEMPLATES = (
    "a photo of a {colour} {noun}",
    "a photo of a {colour}-colored {noun}",
    "a photo of a {colour} object",
)
SKILLS = ("presence", "count", "colour", "position", "absence")

_LEAST_OFFSET = 1e-3
_DIRECTION = 0.5
_NEAR_PIXELS = 150.0
_OVERLAP = 0.1
_SAME = 0.9
_AXES: dict[str, tuple[int, int]] = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of one noun: at least `count` things, fewer than `below`, their colour, and their place.

    `to` is the index, in the same list, of what the place is relative to.
    """

    noun: str
    count: int = 1
    below: int | None = None
    colour: str | None = None
    relation: Relation | None = None
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision: right, wrong or None, the same for each skill that was asked for, and why it is not right."""

    correct: Truth
    skills: Mapping[str, Truth] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def wanted_of(expected: Iterable[ExpectedObject]) -> tuple[Wanted, ...]:
    """What a suite expects, as GenEval would ask for it: 0 excludes, 1 is at least one, more is exactly so many."""
    return tuple(
        Wanted(one.name, one.count, one.count + 1 if one.count != 1 else None, one.color, one.relation, one.to)
        for one in expected
    )


# --- three values -------------------------------------------------------------------------------


def both(truths: Iterable[Truth]) -> Truth:
    """No where one is no, yes where all are yes, None in between.

    >>> both([True, None]), both([None, False]), both([])
    (None, False, True)
    """
    held = list(truths)
    if False in held:
        return False
    return None if None in held else True


def _at_least(sure: int, most: int, count: int) -> Truth:
    if sure >= count:
        return True
    return False if most < count else None


# --- what was seen ------------------------------------------------------------------------------


def band(seen: Detections, noun: str) -> tuple[float, float]:
    """Floor and sure threshold of a noun."""
    return seen.bands.get(noun, (seen.floor, seen.sure))


def things(seen: Detections, noun: str) -> list[Detected]:
    """Everything of a noun above its floor, the surest first, at most 16."""
    floor, _ = band(seen, noun)
    found = [one for one in seen.objects if one.label == noun and one.score >= floor]
    return sorted(found, key=lambda one: -one.score)[:MOST]


def is_told(seen: Detections, noun: str) -> bool:
    """Whether the detector can speak of this noun in this picture at all."""
    return seen.knows and noun in seen.nouns


def _sure(seen: Detections, noun: str, found: Iterable[Detected]) -> int:
    _, sure = band(seen, noun)
    return sum(one.score >= sure for one in found)


def count_told(seen: Detections, noun: str) -> tuple[int, int]:
    """How many there are, from what is sure to what is possible; (0, 16) where the detector cannot speak of it."""
    if not is_told(seen, noun):
        return 0, MOST
    found = things(seen, noun)
    return _sure(seen, noun, found), len(found)


def colour_told(seen: Detections, noun: str, colour: str, count: int = 1) -> Truth:
    """Whether the surest `count` things of a noun have a colour; no where there are fewer."""
    return _told(seen, (Wanted(noun, count, colour=colour),))


def relation_told(
    seen: Detections, noun: str, relation: Relation, to: str, colour: str | None = None, to_colour: str | None = None
) -> Truth:
    """Whether the surest of a noun lies so relative to the surest of another; no where one of them is missing.

    Two things of one noun are told apart by their colours; without these the answer is None.
    """
    if noun == to and (colour is None or to_colour is None or colour == to_colour):
        return None
    return _told(seen, (Wanted(to, colour=to_colour), Wanted(noun, colour=colour, relation=relation, to=0)))


def _told(seen: Detections, wanted: Sequence[Wanted]) -> Truth:
    return decide(wanted, seen).correct


# --- GenEval ------------------------------------------------------------------------------------


def relations(one: Box, other: Box) -> frozenset[str]:
    """How a box lies relative to another, by GenEval's rule; empty where their centres are too near.

    >>> sorted(relations((0, 0, 10, 10), (30, 0, 40, 10)))
    ['left of']
    """
    offset = [(one[i] + one[i + 2] - other[i] - other[i + 2]) / 2 for i in (0, 1)]
    sizes = [abs(one[i + 2] - one[i]) + abs(other[i + 2] - other[i]) for i in (0, 1)]
    left = [max(abs(o) - SLACK * s, 0.0) * math.copysign(1, o) for o, s in zip(offset, sizes, strict=True)]
    if all(abs(value) < _LEAST_OFFSET for value in left):
        return frozenset()
    length = math.hypot(*offset)
    return frozenset(name for name, (axis, sign) in _AXES.items() if sign * left[axis] / length > _DIRECTION)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The things that stand for one wanted object, and what is known of them."""

    boxes: tuple[Box, ...]
    enough: Truth
    coloured: Truth
    few: Truth
    exact: Truth
    reasons: tuple[str, ...]

    @property
    def right(self) -> Truth:
        return both((self.enough, self.coloured))


def decide(wanted: Sequence[Wanted], seen: Detections) -> Decided:
    """GenEval's decision over a list of wanted objects.

    Where one noun is wanted more than once, or excluded in a colour, which no file of GenEval does, each takes the
    things of its own colour. The target of a place may stand before or after it. A noun that the detector cannot speak
    of leaves None.
    """
    kept = [_kept(one, wanted, seen) for one in wanted]
    placed: dict[int, tuple[Truth, str]] = {}
    for index in range(len(wanted)):
        _place(index, wanted, kept, placed)
    correct = both(truth for index, one in enumerate(kept) for truth in (one.right, one.few, placed[index][0]))
    reasons = [reason for index, one in enumerate(kept) for reason in (*one.reasons, placed[index][1]) if reason]
    return Decided(correct, _skills(wanted, kept, placed), () if correct else tuple(reasons))


def _kept(one: Wanted, wanted: Sequence[Wanted], seen: Detections) -> _Kept:
    if not is_told(seen, one.noun):
        return _Kept((), None, None if one.colour else True, None, None, (f"{one.noun} cannot be told",))
    found = things(seen, one.noun)
    shared = sum(other.noun == one.noun and other.count > 0 for other in wanted) > 1
    if one.colour and (shared or one.count == 0):
        found = [thing for thing in found if thing.color in (one.colour, None)]
        sure = _sure(seen, one.noun, (thing for thing in found if thing.color is not None))
    else:
        sure = _sure(seen, one.noun, found)
    most = len(found)
    enough = _at_least(sure, most, one.count)
    few = True if one.below is None else _not(_at_least(sure, most, one.below))
    exact = both((enough, _not(_at_least(sure, most, one.count + 1))))
    top = found[: one.count] if enough is not False else []
    coloured = _coloured(one, top, enough)
    return _Kept(tuple(thing.box for thing in top), enough, coloured, few, exact,
                 _why(one, (sure, most), (enough, coloured, few), top))  # fmt: skip


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _coloured(one: Wanted, top: Sequence[Detected], enough: Truth) -> Truth:
    if one.colour is None or one.count == 0:
        return True
    if enough is False:
        return False
    return both(None if thing.color is None else thing.color == one.colour for thing in top)


def _why(
    one: Wanted, counts: tuple[int, int], told: tuple[Truth, Truth, Truth], top: Sequence[Detected]
) -> tuple[str, ...]:
    """GenEval's wording of what is wrong, and the like of what cannot be told."""
    sure, most = counts
    enough, coloured, few = told
    found = f"found {sure}" if sure == most else f"found {sure} to {most}"
    reasons = []
    if enough is not True:
        reasons.append(f"expected {one.noun}>={one.count}, {found}")
    elif coloured is not True:
        colours = [thing.color or "no telling" for thing in top]
        listed = ", ".join(f"{colours.count(colour)} {colour}" for colour in dict.fromkeys(colours))
        reasons.append(f"expected {one.colour} {one.noun}>={one.count}, found {listed}")
    if few is not True:
        reasons.append(f"expected {one.noun}<{one.below}, {found}")
    return tuple(reasons)


def _place(
    index: int, wanted: Sequence[Wanted], kept: Sequence[_Kept], placed: dict[int, tuple[Truth, str]]
) -> Truth:
    """Whether one wanted object, and what it is placed by, lies where it should; remembers the answer."""
    if index in placed:
        return placed[index][0]
    one = wanted[index]
    if one.relation is None or one.to is None:
        placed[index] = True, ""
        return True
    if not 0 <= one.to < len(wanted) or one.to == index:
        placed[index] = None, f"{one.noun}: {one.relation} nothing in the list"
        return None
    placed[index] = True, ""  # two objects placed by each other are each compared with where the other was found
    target = both((kept[one.to].right, _place(one.to, wanted, kept, placed)))
    if target is False:
        placed[index] = False, f"no target for {one.noun} to be {one.relation}"
    elif not kept[index].boxes or not kept[one.to].boxes:
        placed[index] = kept[index].enough and None, ""
    else:
        placed[index] = _related(one, kept[index], kept[one.to], target)
    return placed[index][0]


def _related(one: Wanted, own: _Kept, target: _Kept, sure: Truth) -> tuple[Truth, str]:
    for box in own.boxes:
        for other in target.boxes:
            true = relations(box, other)
            if one.relation not in true:
                found = " and ".join(sorted(true)) or "no side of"
                return False, f"expected {one.noun} {one.relation} target, found {found} target"
    return both((own.enough, sure)), ""


def _skills(
    wanted: Sequence[Wanted], kept: Sequence[_Kept], placed: Mapping[int, tuple[Truth, str]]
) -> dict[str, Truth]:
    shown = [(one, mine) for one, mine in zip(wanted, kept, strict=True) if one.count > 0]
    absent = [mine for one, mine in zip(wanted, kept, strict=True) if one.count == 0]
    coloured = [mine.right for one, mine in shown if one.colour]
    positions = [placed[index][0] for index, one in enumerate(wanted) if one.relation is not None]
    asked: dict[str, list[Truth]] = {
        "presence": [mine.enough for _, mine in shown],
        "count": [mine.exact for _, mine in shown],
        "colour": coloured,
        "position": positions,
        "absence": [mine.few for mine in absent],
    }
    return {name: both(truths) for name, truths in asked.items() if truths}


def colour_texts(noun: str) -> tuple[str, ...]:
    """The thirty texts by which GenEval's CLIP names the colour of a crop: three a colour, in `COLOURS`' order."""
    return tuple(template.format(colour=colour, noun=noun) for colour in COLOURS for template in COLOUR_TEMPLATES)


def colour_chosen(cosines: Sequence[float]) -> str:
    """The colour whose three texts are nearest on average, of cosines in the order of `colour_texts`.

    GenEval averages the three text vectors and makes the mean a unit vector; the mean of the cosines differs from that
    by how alike the three texts of a colour are, which hardly changes from colour to colour.
    """
    step = len(COLOUR_TEMPLATES)
    means = [math.fsum(cosines[start : start + step]) / step for start in range(0, step * len(COLOURS), step)]
    return COLOURS[max(range(len(COLOURS)), key=means.__getitem__)]


# --- T2I-CompBench and HEIM ---------------------------------------------------------------------


def overlap(one: Box, other: Box) -> tuple[float, float]:
    """Intersection over union of two boxes, and over the smaller one's area."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    common = max(wide, 0.0) * max(high, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    union = sum(areas) - common
    return (common / union if union > 0 else 0.0), (common / min(areas) if min(areas) > 0 else 0.0)


def without_doubles(found: Sequence[Detected], most_overlap: float, most_inside: float = _SAME) -> list[Detected]:
    """Things of one noun, the surest first, without those that lie over a surer one or within it."""
    kept: list[Detected] = []
    for one in sorted(found, key=lambda thing: -thing.score):
        shares = [overlap(one.box, other.box) for other in kept]
        if all(union <= most_overlap and inside <= most_inside for union, inside in shares):
            kept.append(one)
    return kept


def sure_things(seen: Detections, noun: str) -> list[Detected]:
    """The things of a noun that count, the surest first."""
    _, sure = band(seen, noun)
    return [one for one in things(seen, noun) if one.score >= sure]


def t2i_position(relation: str, one: Box, other: Box) -> float:
    """T2I-CompBench's score of a place, 0..1: its axis must dominate, and overlap lowers it.

    `next to`, `near` and `on side of` compare distances with 150 pixels whatever the picture's size, as the benchmark
    does.
    """
    across = (other[0] + other[2] - one[0] - one[2]) / 2
    down = (other[1] + other[3] - one[1] - one[3]) / 2
    if relation in ("next to", "near", "on side of"):
        if min(abs(across), abs(down)) < _NEAR_PIXELS:
            return 1.0
        return _NEAR_PIXELS / max(abs(across), abs(down))
    if relation not in _AXES:
        return 0.0
    axis, sign = _AXES[relation]
    own, crosswise = (across, down) if axis == 0 else (down, across)
    if own * sign >= 0 or abs(own) <= abs(crosswise):
        return 0.0
    union, _ = overlap(one, other)
    return 1.0 if union < _OVERLAP else _OVERLAP / union


def t2i_spatial(noun: str, relation: str, to: str, seen: Detections) -> float:
    """T2I-CompBench's two-dimensional spatial score: a quarter of each score and half of the place; below 0.5 none."""
    first, second = (next(iter(sure_things(seen, name)), None) for name in (noun, to))
    score = 0.25 * (first.score if first else 0.0) + 0.25 * (second.score if second else 0.0)
    if first and second:
        score += 0.5 * t2i_position(relation, first.box, second.box)
    return score if score >= 0.5 else 0.0


def t2i_numeracy(counts: Mapping[str, int], seen: Detections) -> float:
    """T2I-CompBench's numeracy: of each noun half for being there and half for the exact number, then the mean."""
    scores = []
    for noun, count in counts.items():
        found = len(without_doubles(sure_things(seen, noun), _SAME))
        scores.append(0.5 * (found > 0) + 0.5 * (found == count))
    return math.fsum(scores) / len(scores)


def heim_object(noun: str, seen: Detections) -> bool:
    """HEIM's object skill: the surest of all that was looked for and found is of this noun."""
    found = [one for name in seen.nouns for one in sure_things(seen, name)]
    return bool(found) and max(found, key=lambda one: one.score).label == noun


def heim_count(noun: str, count: int, seen: Detections) -> bool:
    """HEIM's counting skill: exactly so many boxes."""
    return len(sure_things(seen, noun)) == count


def heim_spatial(noun: str, relation: Relation, to: str, seen: Detections) -> bool:
    """HEIM's spatial skill: exactly one box of each; of their upper left corners the farther axis names the place."""
    first, second = sure_things(seen, noun), sure_things(seen, to)
    if len(first) != 1 or len(second) != 1:
        return False
    (x, y, _, _), (other_x, other_y, _, _) = first[0].box, second[0].box
    across, down = x - other_x, y - other_y
    if abs(across) > abs(down):
        return relation == ("left of" if across < 0 else "right of")
    return relation == ("above" if down < 0 else "below")
