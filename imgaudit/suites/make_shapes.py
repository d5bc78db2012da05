"""Makes the packaged suite `shapes` from the world of coloured shapes: captions, foils and expectations of one source.

Run `python -m imgaudit.suites.make_shapes` after a change of the world or of the list below; a test compares the
packaged file with what this writes.
"""

from __future__ import annotations

from imgaudit.embedded import world
from imgaudit.suites.load import PACKAGED, dump_suite
from imgaudit.suites.schema import Suite
from imgaudit.types import Case, Expect, ExpectedObject, SkewPlan

CAPTIONS = (
    # one shape: does it draw the shape and the colour at all?
    "a red circle",
    "a blue square",
    "a green triangle",
    "a yellow star",
    "a purple square",
    "an orange circle",
    "a cyan triangle",
    "a pink star",
    # how many
    "two blue circles",
    "two green squares",
    "three red squares",
    "three yellow triangles",
    "four green stars",
    "four purple circles",
    # where
    "a red circle left of a blue square",
    "a green star right of a yellow square",
    "a purple triangle above an orange circle",
    "a cyan circle below a pink square",
    "a yellow square left of a green triangle",
    "a blue star right of a red triangle",
    "an orange square above a blue star",
    "a pink triangle below a cyan circle",
    # which colour belongs to which shape
    "a red square and a green circle",
    "a blue triangle and a yellow square",
    "an orange star and a purple circle",
    "a cyan star and a red triangle",
    "a pink square and a blue circle",
    "a green square above a purple triangle",
    # how large
    "a small red square",
    "a large blue circle",
    "a small yellow triangle",
    "a large green star",
    "a large red circle left of a small blue circle",
    # on what
    "a yellow circle on a black background",
    "a red star on a gray background",
    "a blue triangle on a white background",
    "two orange squares on a black background",
    # what must not be there
    "a red circle and no square",
    "a blue star and no triangle",
    "a green square and no circle",
    "a yellow triangle and no star",
    # compositions that the embedded models never saw in training
    "a purple star",
    "an orange triangle",
    "a cyan square",
    "a pink circle",
    "a purple star and a red square",
    "a red circle left of a blue star",
    "a green triangle above a yellow square",
    "a blue square left of an orange circle",
    "a cyan star above a red triangle",
)
SKEW_CAPTION = "a shape"
DEMO = frozenset(
    {
        "a red circle",
        "two green squares",
        "a red circle left of a blue square",
        "an orange star and a purple circle",
        "a red star on a gray background",
        "a small yellow triangle",
    }
)
"""A small cut through the skills, for `make demo` and the example report."""

_ABOUT = (
    "Captions of the small world that the embedded models draw: coloured circles, squares, triangles and stars on an "
    "even background. Each case carries every foil, by kind: captions that differ in one respect and are false of its "
    "pictures. Tags name the skill; 'held-out' marks compositions that no training picture shows. The case 'a shape' "
    "leaves the colour open and asks how colours spread, against their shares in the training pictures; draw it with "
    "at least 50 seeds. The suite shows that the whole way works and what changed between the two embedded models. It "
    "says nothing about other models."
)


def shapes() -> Suite:
    """The suite, in the order of the list above, with the open case last."""
    cases = [_case(text) for text in CAPTIONS]
    plan = SkewPlan(attribute="colour", reference=open_colour_shares())
    open_case = Case(id="a-shape", prompt=SKEW_CAPTION, skew=plan, tags=("skew",))
    return Suite(
        name="shapes",
        title="Coloured shapes: the embedded models' own world",
        about=_ABOUT,
        licence="Apache-2.0",
        source="written for imgaudit",
        cases=(*cases, open_case),
    )


def open_colour_shares() -> dict[str, float]:
    """Share of each colour in training pictures of "a shape": every colour and shape that may meet is as likely.

    So a colour that one shape misses is a quarter rarer than one that all shapes wear.
    """
    allowed = [
        colour for colour in world.COLOURS for shape in world.SHAPES if (colour, shape) not in world.HELD_OUT_PAIRS
    ]
    return {colour: round(allowed.count(colour) / len(allowed), 6) for colour in world.COLOURS}


def main() -> None:
    """Write the packaged file."""
    (PACKAGED / "shapes.yaml").write_text(dump_suite(shapes()), encoding="utf-8")


def _case(text: str) -> Case:
    scene = world.parse(text)
    if scene is None or world.caption(scene) != text:
        raise ValueError(f"{text!r} is no canonical caption of the world of shapes")
    foils: dict[str, list[str]] = {}
    for foil in world.foils(scene):
        foils.setdefault(foil.kind, []).append(foil.caption)
    return Case(
        id=text.replace(" ", "-"),
        prompt=text,
        foils={kind: tuple(captions) for kind, captions in foils.items()},
        expect=Expect(objects=_objects(scene)),
        tags=_tags(scene),
    )


def _objects(scene: world.Scene) -> tuple[ExpectedObject, ...]:
    objects = [ExpectedObject(name=item.shape or "shape", count=item.count, color=item.colour) for item in scene.items]
    if scene.relation:
        relation = {"relation": scene.relation, "to": 1}
        objects[0] = ExpectedObject.model_validate({**objects[0].model_dump(), **relation})
    if scene.absent:
        objects.append(ExpectedObject(name=scene.absent, count=0))
    return tuple(objects)


def _tags(scene: world.Scene) -> tuple[str, ...]:
    pair = len(scene.items) == 2
    skills = {
        "single": not pair and scene.items[0].count == 1 and not scene.absent,
        "count": scene.items[0].count > 1,
        "relation": scene.relation is not None,
        "binding": pair and all(item.colour for item in scene.items),
        "size": any(item.size for item in scene.items),
        "background": scene.background is not None,
        "negation": scene.absent is not None,
        "held-out": world.held_out(scene),
    }
    demo = ("demo",) if world.caption(scene) in DEMO else ()
    return (*(skill for skill, shown in skills.items() if shown), *demo)


if __name__ == "__main__":
    main()
