"""A brand file is compared with the picture: colours, logos, shapes and margins, each where the file asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from imgaudit.checkers.brand import BRAND, FACES, WRITING, BrandChecker
from imgaudit.percepts import BrandLook, Face, Landmarks, LogoSeen, Swatch, TextLine, Writing
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Measured, Outcome, Percepts, Sight

CASE = Case(id="a")
RED, WHITE, GREEN = (53.2, 80.1, 67.2), (100.0, 0.0, 0.0), (46.2, -51.7, 49.9)
PLACE = ((10.0, 10.0), (60.0, 10.0), (60.0, 40.0), (10.0, 40.0))


def look(**changes: Any) -> BrandLook:
    facts: dict[str, Any] = {"brand": "Solmint", "palette": (Swatch(lab=RED, share=1.0),), "colours": (),
                             "tolerance": 10.0, "width": 400, "height": 300}  # fmt: skip
    return BrandLook(**{**facts, **changes})


def measured(seen: Sight, **others: Sight) -> Outcome:
    sights = {BRAND: seen, **{{"writing": WRITING, "faces": FACES}[name]: sight for name, sight in others.items()}}
    return BrandChecker().measure(CASE, Percepts(sights))


def told(seen: Sight, **others: Sight) -> Measured:
    outcome = measured(seen, **others)
    assert isinstance(outcome, Measured)
    return outcome


def line(x0: float, y0: float, x1: float, y1: float) -> Writing:
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return Writing(engine="e", lines=(TextLine(text="hi", polygon=corners, score=0.9),))


def test_it_is_registered_and_abstains_without_a_brand_file():
    assert checkers.get("brand") is BrandChecker
    assert measured(Abstained("no brand file was given")) == Abstained("no brand file was given")


def test_an_empty_brand_file_says_nothing():
    assert isinstance(measured(look()), Abstained)


def test_colours_of_the_brand_are_on_its_palette_and_others_are_not():
    right = told(look(colours=(("red", RED), ("white", WHITE))))
    wrong = told(look(colours=(("green", GREEN), ("white", WHITE))))

    assert right.measures == {"off_palette": 0.0, "on_palette": 1.0}
    assert wrong.measures["on_palette"] == 0.0
    assert wrong.measures["off_palette"] > 40
    assert (right.codes, wrong.codes) == ((), ("brand.off_palette",))


def test_a_mixture_is_compared_only_where_the_file_gives_shares():
    picture = (Swatch(lab=RED, share=0.5), Swatch(lab=WHITE, share=0.5))
    mixture = told(look(palette=picture, colours=(("red", RED), ("white", WHITE)), shares=(0.5, 0.5)))
    lopsided = told(look(palette=picture, colours=(("red", RED), ("white", WHITE)), shares=(0.9, 0.1)))

    assert mixture.measures["palette_distance"] == pytest.approx(0, abs=1e-6)
    assert lopsided.measures["palette_distance"] > 5
    assert lopsided.measures["on_palette"] == 1.0


def test_a_logo_that_was_found_is_shown_with_its_place():
    found = told(look(logos=(LogoSeen(name="mark.png", found=True, points=40, polygon=PLACE),)))

    assert found.measures == {"logos": 1.0}
    assert found.regions[0].box == (10, 10, 60, 40)
    assert found.labels["found"] == "mark.png"


def test_a_missing_logo_is_a_code_only_where_the_brand_wants_one_and_it_could_be_told():
    missing = (LogoSeen(name="mark.png", found=False, points=3),)
    plain = (LogoSeen(name="disc.png", found=False, points=0, why_not="too plain"),)

    assert told(look(logos=missing)).codes == ()
    assert told(look(logos=missing, logo_required=True)).codes == ("brand.no_logo",)
    assert told(look(logos=(*missing, *plain), logo_required=True)).codes == ()
    outcome = measured(look(logos=plain, logo_required=True))
    assert isinstance(outcome, Abstained)
    assert "too plain" in outcome.reason


@pytest.mark.parametrize(("size", "codes"), [((400, 300), ()), ((1024, 768), ()), ((512, 512), ("brand.aspect",))])
def test_the_shape_must_be_one_of_the_brands(size: tuple[int, int], codes: tuple[str, ...]):
    found = told(look(aspects=("4:3", "16:9"), width=size[0], height=size[1]))

    assert found.codes == codes
    assert (found.measures["aspect"] == 1.0) is not bool(codes)


def test_margins_are_kept_free_of_writing_faces_and_logos():
    asked = look(margins=(40.0, 30.0, 40.0, 30.0), logos=(LogoSeen(name="m", found=True, points=40, polygon=PLACE),))
    inside = Landmarks(faces=(Face(box=(100, 100, 150, 160), score=0.9, mesh=None),))
    found = told(asked, writing=line(340, 200, 380, 220), faces=inside)

    assert found.measures["outside"] == 2.0
    assert found.codes == ("brand.margin",)
    assert {region.label for region in found.regions} == {"m", "writing"}
    clear = told(asked.model_copy(update={"logos": ()}), writing=line(100, 200, 300, 220), faces=inside)
    assert clear.measures["outside"] == 0.0
    assert clear.codes == ()


def test_writing_and_faces_are_asked_for_only_where_margins_matter():
    checker = BrandChecker()

    assert list(checker.ask(CASE, Percepts({BRAND: look()}))) == [BRAND]
    assert WRITING in checker.ask(CASE, Percepts({BRAND: look(margins=(1.0, 1.0, 1.0, 1.0))}))


def test_margins_are_unmeasured_where_nobody_could_look():
    asked = look(margins=(40.0, 30.0, 40.0, 30.0), aspects=("4:3",))
    outcome = told(asked, writing=Abstained("no engine"), faces=Landmarks())

    assert "outside" not in outcome.measures
    assert outcome.unmeasured["outside"] == "writing could not be looked for"
