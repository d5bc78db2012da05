"""Does the picture keep to the brand's colours, shapes and margins, and does it show the logo?

Everything is compared with a brand file that the user gives (`--brand`). Colours: each colour of the picture may pick
the nearest of the brand's; `off_palette` is the mean CIEDE2000 distance, weighed by area. Where the file says how much
of each colour there should be, `palette_distance` is the earth mover's distance to that mixture as well. Logos are
found by their own reference pictures. Margins: no line of writing, face or logo may stand in them.

Known limits: whether the picture has the brand's spirit is put to a person. Light and shade shift colours, so
photographs lie farther from a palette than graphics do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.checkers.text import QUERY as WRITING
from imgaudit.digest import rounded
from imgaudit.percepts import BrandLook, Landmarks, LogoSeen, Writing
from imgaudit.registry import checker
from imgaudit.types import Abstained, Box, Case, Failed, Measure, Measured, Outcome, Percepts, Query, Region

BRAND = Query("brand")
FACES = Query("landmarks", {"parts": ["faces"]})
ASPECT_SLACK = 0.01
"""A side may be off by one in a hundred: generators draw in steps of 8 or 64 pixels."""
CLOSE = 1.0
"""Pixels by which a thing may reach into a margin: boxes are no more exact."""


@checker
class BrandChecker:
    """Compares a picture with a brand file."""

    name: ClassVar[str] = "brand"
    title: ClassVar[str] = "Brand fit"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("brand-fit", "logos")
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("off_palette", "CIEDE2000", "down", "mean distance of the picture's colours to the brand's nearest"),
        Measure("on_palette", "share 0..1", "up", "of the picture, within the brand's tolerance of one of its colours"),
        Measure("palette_distance", "CIEDE2000", "down", "earth mover's distance to the brand's mixture of colours"),
        Measure("logos", "logos", "none", "of the brand's, found by their shapes"),
        Measure("aspect", "ratio", "down", "of the sides to the nearest allowed shape's; 1 where it is one of them"),
        Measure("outside", "things", "down", "lines of writing, faces and logos that reach into the margins"),
    )
    labels: ClassVar[Mapping[str, str]] = {"brand": "name in the brand file", "found": "logos that were found"}
    codes: ClassVar[Mapping[str, str]] = {
        "brand.off_palette": "most of the picture has colours that are none of the brand's",
        "brand.no_logo": "the brand wants its logo in every picture, and none was found",
        "brand.aspect": "the picture has none of the brand's shapes",
        "brand.margin": "writing, a face or a logo stands in the margins that the brand keeps free",
    }
    limits: ClassVar[str] = (
        "Needs a brand file. Plain logos and logos drawn anew are not found; colours are those of the whole picture; "
        "whether the picture suits the brand is put to a person."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The brand's look; writing and faces once it is known that margins matter."""
        seen = percepts.get(BRAND)
        if isinstance(seen, BrandLook) and seen.margins is not None:
            return [BRAND, WRITING, FACES]
        return [BRAND]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """What can be told of colours, logos, shape and margins."""
        seen = percepts.seen(BRAND, BrandLook)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        found = _Found(seen)
        _colours(found)
        _logos(found)
        _shape(found)
        _margins(found, percepts)
        if not found.measures:
            why = "; ".join(found.unmeasured.values()) or "the brand file names no colour, logo, shape or margin"
            return Abstained(why, "add colours with their hex, logos, aspects or safe_area to the brand file")
        shown = [logo.name for logo in seen.logos if logo.found]
        return Measured(
            measures=found.measures,
            labels={"brand": seen.brand, **({"found": ", ".join(shown)} if shown else {})},
            unmeasured=found.unmeasured,
            codes=tuple(found.codes),
            regions=tuple(found.regions),
            message="; ".join(found.words),
        )


class _Found:
    """What is put together for one picture."""

    def __init__(self, seen: BrandLook) -> None:
        self.seen = seen
        self.measures: dict[str, float] = {}
        self.unmeasured: dict[str, str] = {}
        self.codes: list[str] = []
        self.regions: list[Region] = []
        self.words: list[str] = []


def _colours(found: _Found) -> None:
    import numpy as np

    from imgaudit.kernels import palettes

    seen = found.seen
    if not seen.colours or not seen.palette:
        return
    rows = np.array([(*swatch.lab, swatch.share) for swatch in seen.palette])
    wanted = np.array([lab for _, lab in seen.colours])
    off, share = palettes.nearest(rows, wanted, seen.tolerance)
    found.measures |= {"off_palette": rounded(off), "on_palette": rounded(share)}
    found.words.append(f"{share:.0%} of it in the colours of {seen.brand}")
    if share < 0.5:
        found.codes.append("brand.off_palette")
    if seen.shares:
        mixture = np.column_stack([wanted, seen.shares])
        found.measures["palette_distance"] = rounded(palettes.earth_movers(rows, mixture))


def _logos(found: _Found) -> None:
    seen = found.seen
    told = [logo for logo in seen.logos if logo.why_not is None]
    if seen.logos and not told:
        found.unmeasured["logos"] = "; ".join(f"{logo.name}: {logo.why_not}" for logo in seen.logos)
        return
    if not told:
        return
    shown = [logo for logo in told if logo.found]
    found.measures["logos"] = float(len(shown))
    found.regions += [Region(label=logo.name, box=_box(logo), polygon=logo.polygon) for logo in shown]
    found.words.append(f"shows {', '.join(logo.name for logo in shown)}" if shown else "shows none of the logos")
    if seen.logo_required and not shown and len(told) == len(seen.logos):
        found.codes.append("brand.no_logo")


def _shape(found: _Found) -> None:
    seen = found.seen
    if not seen.aspects:
        return
    own = math.log(seen.width / seen.height)
    pairs = [aspect.split(":") for aspect in seen.aspects]
    off, nearest = min(
        (abs(own - math.log(int(wide) / int(high))), aspect)
        for (wide, high), aspect in zip(pairs, seen.aspects, strict=True)
    )
    fits = math.expm1(off) <= ASPECT_SLACK
    found.measures["aspect"] = 1.0 if fits else rounded(math.exp(off))
    if not fits:
        found.codes.append("brand.aspect")
        found.words.append(f"{seen.width} x {seen.height} is none of the shapes; {nearest} is nearest")


def _margins(found: _Found, percepts: Percepts) -> None:
    seen = found.seen
    if seen.margins is None:
        return
    left, top, right, bottom = seen.margins
    safe = (left, top, seen.width - right, seen.height - bottom)
    writing, faces = percepts.seen(WRITING, Writing), percepts.seen(FACES, Landmarks)
    looked = {"writing": writing, "faces": faces}
    missing = [name for name, sight in looked.items() if isinstance(sight, (Abstained, Failed))]
    things = [Region(label=logo.name, box=_box(logo), polygon=logo.polygon) for logo in seen.logos if logo.found]
    if isinstance(writing, Writing):
        things += [Region(label="writing", box=_around(line.polygon), polygon=line.polygon) for line in writing.lines]
    if isinstance(faces, Landmarks):
        things += [Region(label="face", box=face.box) for face in faces.faces]
    outside = [thing for thing in things if _reaches_out(thing.box, safe)]
    if missing and not outside:
        found.unmeasured["outside"] = f"{' and '.join(missing)} could not be looked for"
        return
    found.measures["outside"] = float(len(outside))
    if outside:
        found.codes.append("brand.margin")
        found.regions += outside
        found.words.append(f"{', '.join(dict.fromkeys(thing.label for thing in outside))} in the margins")


def _reaches_out(box: Box, safe: Box) -> bool:
    return (
        box[0] < safe[0] - CLOSE or box[1] < safe[1] - CLOSE or box[2] > safe[2] + CLOSE or box[3] > safe[3] + CLOSE
    )


def _box(logo: LogoSeen) -> Box:
    return _around(logo.polygon or ((0.0, 0.0),))


def _around(polygon: Sequence[tuple[float, float]]) -> Box:
    xs, ys = zip(*polygon, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
