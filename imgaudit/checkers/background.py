"""Are there traces of the picture's making: frames, seams, copied patches, faint patterns?

A frame or bars are borders of one colour that end at once along a straight line; this is exact. Seams are steps that
run through the whole picture along one column or row and that no neighbouring line has; only those that cross or
repeat at one distance are reported, as tiles leave them. A copied patch is a group of key points that comes again,
moved, with the same fine detail. A faint pattern repeats at one distance in all parts of the picture, as a watermark
does. The tile that differs most from all others, and how many distances things come again at, are measured and mean
no fault by themselves.

Known limits: blurred or graded borders, blended seams and copies that were turned, scaled or redrawn are not seen. Text
and signatures in a corner are the text check's. Of flat art only borders are told, since it repeats and lines up on
purpose. Melted texture is not told: of smeared tiles, the one that differs most differs no more than in photographs.
Lines that break behind an object and people who merge are not looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.checkers._scene import Found
from imgaudit.digest import rounded
from imgaudit.kernels import borders
from imgaudit.percepts import Copied, Ground
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
    Box,
    Case,
    Evidence,
    Failed,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Polyline,
    Query,
    Region,
)

GROUND = Query("scene", {"part": "ground"})
COPY_POINTS = 6
COPY_LIKENESS = 0.88
PATTERN_LIMIT = 2.1
FAINTEST = 0.02
FLAT_ART = 0.5
FLAT_EDGE = 0.95
FLAT_REASON = "flat art repeats and lines up on purpose"


@checker
class BackgroundChecker:
    """Looks for frames, seams of tiles, copied patches and faint repeated patterns.

    Validation (docs/scene.md): of what was planted into photographs 95 of 98 bars, 91 of 98 frames, 32 of 62
    tilings of 256 pixels and more, 43 of 89 copies and 68 of 98 stamps were found. Of 130 photographs held back one
    alarmed for bars (it has some), one for seams, one for a pattern (a net), none for a frame or a copy (95 %
    intervals up to 4.2 %).
    """

    name: ClassVar[str] = "background"
    title: ClassVar[str] = "Background artefacts"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("background",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("frame", "share 0..1", "down", "of the picture: what a border of one colour fills"),
        Measure("seam", "share 0..1", "down", "of the picture's length: where its plainest straight seam shows"),
        Measure("seams", "seams", "down", "straight seams that cross, or repeat at one distance"),
        Measure("copied", "correlation", "down", "likeness in fine detail of the largest patch that comes again"),
        Measure("repeats", "distances", "none", "distances at which key points come again; many in bricks or print"),
        Measure("pattern", "deviations", "down", "height of the strongest repetition that is in all parts of it"),
        Measure("odd_tile", "deviations", "none", "how far the tile that differs most is from the others"),
        Measure("confidence", "share 0..1", "up", "of what is reported, if anything is; 1 for a frame, which is exact"),
    )
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {
        "background.bars": "bars of one colour at two opposite sides",
        "background.frame": "a border of one colour all round",
        "background.seams": "straight seams through the picture, as between tiles",
        "background.copied": "a patch comes again, the same in its fine detail",
        "background.pattern": "one pattern repeats over the whole picture, as a watermark does",
    }
    limits: ClassVar[str] = (
        "Blurred borders, blended seams, and copies that were turned, scaled or redrawn are not seen. Melted texture, "
        "lines that break behind an object, merged people and corner signatures are not told; of flat art only borders."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look at the traces."""
        return [GROUND]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Every trace, and the codes of those beyond their operating points."""
        seen = percepts.seen(GROUND, Ground)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        found = Found()
        sure = _of_frame(found, seen)
        if seen.flat >= FLAT_ART:
            found.unmeasured.update(dict.fromkeys(("seam", "seams", "copied", "pattern"), FLAT_REASON))
        else:
            sure = max(sure, _of_seams(found, seen), _of_copies(found, seen), _of_pattern(found, seen))
        bordered = found.measures["frame"] > 0
        regions = found.regions[:1] if bordered else found.regions  # what is to be cropped stands alone
        found.measures["repeats"] = float(seen.shifts)
        if seen.oddness is not None:  # not drawn: every picture has a tile that differs most
            found.measures["odd_tile"] = rounded(seen.oddness)
        if found.codes:
            found.measures["confidence"] = rounded(sure)
        return Measured(
            measures=found.measures,
            unmeasured=found.unmeasured,
            codes=tuple(found.codes),
            regions=tuple(regions),
            evidence=Evidence(polylines=tuple(found.lines)),
            message="; ".join(found.words) or "no frame, seam, copy or pattern is found",
        )


def _of_frame(found: Found, seen: Ground) -> float:
    frame = seen.frame
    if frame is None or (seen.flat >= FLAT_ART and frame.edge < FLAT_EDGE):  # shapes in a row end a ground as well
        found.measures["frame"] = 0.0
        return 0.0
    x0, y0, x1, y1 = frame.box
    found.measures["frame"] = rounded(1 - (x1 - x0) * (y1 - y0) / (seen.width * seen.height))
    found.codes.append(f"background.{frame.kind}")
    found.regions.append(Region(label="picture inside the border", box=frame.box, score=1.0))
    colour = "#{:02x}{:02x}{:02x}".format(*frame.colour)
    where = "all round" if frame.kind == "frame" else "at two opposite sides"
    found.words.append(f"a border of the colour {colour} {where}")
    return 1.0


def _of_seams(found: Found, seen: Ground) -> float:
    if seen.seam is None:
        found.unmeasured["seam"] = found.unmeasured["seams"] = f"smaller than {borders.SMALLEST_SIDE} pixels"
        return 0.0
    found.measures["seam"] = rounded(seen.seam)
    tiling = borders.is_tiling(seen.columns, seen.rows, seen.width, seen.height)
    found.measures["seams"] = float(len(seen.columns) + len(seen.rows)) if tiling else 0.0
    if not tiling:
        return 0.0
    width, height = float(seen.width), float(seen.height)
    lines = [((float(x), 0.0), (float(x), height)) for x in seen.columns]
    lines += [((0.0, float(y)), (width, float(y))) for y in seen.rows]
    found.lines += [Polyline(label="seam", points=ends) for ends in lines]
    found.codes.append("background.seams")
    found.regions.append(Region(label="seams", box=(0.0, 0.0, width, height), score=seen.seam))
    found.words.append(f"{len(lines)} straight seams run through the picture")
    return seen.seam


def _of_copies(found: Found, seen: Ground) -> float:
    largest = max((copy for copy in seen.copies if copy.pairs >= COPY_POINTS), key=_likeness, default=None)
    found.measures["copied"] = rounded(max(0.0, largest.likeness)) if largest else 0.0
    if largest is None or largest.likeness < COPY_LIKENESS:
        return 0.0
    found.codes.append("background.copied")
    found.regions += [
        Region(label="patch", box=largest.box, score=largest.likeness),
        Region(label="the same patch again", box=largest.again, score=largest.likeness),
    ]
    ends = (_middle(largest.box), _middle(largest.again))
    found.lines.append(Polyline(label="copied from here to there", points=ends))
    found.words.append(f"a patch with {largest.pairs} key points comes again, the same in its fine detail")
    return largest.likeness


def _likeness(copy: Copied) -> float:
    return copy.likeness


def _of_pattern(found: Found, seen: Ground) -> float:
    if seen.repetition is None or seen.faint is None or seen.period is None:
        found.unmeasured["pattern"] = "too small to look for a repeated pattern"
        return 0.0
    found.measures["pattern"] = rounded(seen.repetition)
    if seen.repetition < PATTERN_LIMIT or seen.faint < FAINTEST:
        return 0.0
    found.codes.append("background.pattern")
    found.regions.append(Region(label="pattern", box=(0.0, 0.0, float(seen.width), float(seen.height))))
    across, down = seen.period
    middle = (seen.width / 2, seen.height / 2)
    found.lines.append(Polyline(label="period", points=(middle, (middle[0] + across, middle[1] + down))))
    found.words.append(f"one pattern repeats every {max(abs(across), abs(down))} pixels over the whole picture")
    return rounded(1 - PATTERN_LIMIT / (2 * seen.repetition))


def _middle(box: Box) -> tuple[float, float]:
    return ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
