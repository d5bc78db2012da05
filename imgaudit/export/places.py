"""The places of a picture that were found: boxes, outlines, points and masks, each with its category, inside the frame.

A category is the code of a finding (`hands.extra_finger`), or the checker's name where a place is evidence without a
code. A finding with several codes gives a place the code that its label names, and else the first one. What lies
outside the picture is cut off; what is left without any area is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from imgaudit.export.tables import findings_of
from imgaudit.types import Box, Finding, ImageRecord, Point

MAX_RUNS = 1 << 20


@dataclass(frozen=True)
class Place:
    """Something found somewhere, in pixels of the upright picture.

    Attributes:
        category: a code, or a checker's name.
        label: the finding's own words.
        box: x0, y0, x1, y1 with an area.
        outline: corners of a polygon, or None where the box is all that is known.
        score: how sure it is, or None.
        text: what was read there, or None.
    """

    checker: str
    category: str
    label: str
    box: Box
    outline: tuple[Point, ...] | None = None
    score: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Landmarks:
    """Joined points of a hand, a face or a body. `closed` ones go round."""

    checker: str
    category: str
    label: str
    points: tuple[Point, ...]
    closed: bool


@dataclass(frozen=True)
class Mask:
    """Pixels that a finding is about: lengths of runs of 0 and 1 in turn, down the columns, starting with 0."""

    checker: str
    category: str
    counts: tuple[int, ...]


def categories(records: Iterable[ImageRecord], left_out: frozenset[str]) -> list[str]:
    """All codes of the findings and all checkers that point at a place, sorted."""
    found: set[str] = set()
    for record in records:
        for finding in findings_of(record, left_out):
            found.update(finding.codes)
            if finding.regions or finding.evidence.polylines or finding.evidence.masks or finding.evidence.lines:
                found.add(finding.checker)
    return sorted(found)


def places(record: ImageRecord, left_out: frozenset[str]) -> Iterator[Place]:
    """Regions of all findings, then lines of writing that were read."""
    size = (record.width or 0, record.height or 0)
    for finding in findings_of(record, left_out):
        for region in finding.regions:
            box = clipped(region.box, size)
            if box is not None:
                outline = None if region.polygon is None else _outline(region.polygon, size)
                category = _category(finding, region.label)
                yield Place(finding.checker, category, region.label, box, outline, region.score)
        for line in finding.evidence.lines:
            outline = _outline(line.polygon, size)
            around = _around(outline) if outline is not None else None
            if around is not None:
                yield Place(finding.checker, finding.checker, "writing", around, outline, line.score, line.text)


def landmarks(record: ImageRecord, left_out: frozenset[str]) -> Iterator[Landmarks]:
    """Polylines of all findings, their points moved into the frame."""
    size = (record.width or 0, record.height or 0)
    for finding in findings_of(record, left_out):
        for line in finding.evidence.polylines:
            points = tuple(_moved(point, size) for point in line.points)
            if points and min(size) > 0:
                yield Landmarks(finding.checker, finding.checker, line.label, points, line.closed)


def masks(record: ImageRecord, left_out: frozenset[str]) -> Iterator[Mask]:
    """Masks of all findings whose runs fill the picture exactly."""
    area = (record.width or 0) * (record.height or 0)
    for finding in findings_of(record, left_out):
        for text in finding.evidence.masks:
            pieces = text.replace(",", " ").split()
            if not 0 < len(pieces) <= MAX_RUNS or not all(one.isdecimal() and len(one) <= 10 for one in pieces):
                continue
            counts = tuple(map(int, pieces))
            if sum(counts) == area and sum(counts[1::2]) > 0:
                yield Mask(finding.checker, _category(finding, ""), counts)


def _category(finding: Finding, label: str) -> str:
    words = label.casefold()
    for code in finding.codes:
        if words.startswith(code.partition(".")[2].replace("_", " ")):
            return code
    return finding.codes[0] if finding.codes else finding.checker


def clipped(box: Box, size: tuple[int, int]) -> Box | None:
    """The part of a box that lies in the frame; None where nothing of it does.

    >>> clipped((-5, 2, 8, 4), (6, 6))
    (0, 2, 6, 4)
    """
    x0, y0 = max(0, min(box[0], box[2])), max(0, min(box[1], box[3]))
    x1, y1 = min(size[0], max(box[0], box[2])), min(size[1], max(box[1], box[3]))
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _moved(point: Point, size: tuple[int, int]) -> Point:
    return min(max(point[0], 0), size[0]), min(max(point[1], 0), size[1])


def _outline(points: Iterable[Point], size: tuple[int, int]) -> tuple[Point, ...] | None:
    """The corners moved into the frame; None where they enclose nothing."""
    moved = tuple(_moved(point, size) for point in points)
    return moved if len(moved) >= 3 and area_of(moved) > 0 else None


def _around(points: tuple[Point, ...]) -> Box | None:
    across, down = [x for x, _ in points], [y for _, y in points]
    box = (min(across), min(down), max(across), max(down))
    return box if box[2] > box[0] and box[3] > box[1] else None


def area_of(points: tuple[Point, ...]) -> float:
    """Area of a polygon, by the shoelace formula.

    >>> area_of(((0, 0), (4, 0), (4, 3), (0, 3)))
    12.0
    """
    twice = sum(
        x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True)
    )
    return abs(twice) / 2
