"""Figures of docs/editing.md: `python tests/generators/measure_editing.py`, some minutes.

Pictures are drawn by the world's own rules, edited by the packaged model, and read by the independent reader.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from imgaudit.digest import digest_pixels
from imgaudit.embedded import world
from imgaudit.embedded.evaluate import Share, asked
from imgaudit.embedded.judging import judge
from imgaudit.embedded.reader import read
from imgaudit.embedded.world import Scene
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.types import Case, Controls, Given, Job, Rendered

COUNT = 32
MODEL = "embedded@2"
Pixels = np.ndarray


def scenes() -> list[Scene]:
    """One shape each, on a background that is said."""
    return [replace(scene, background=scene.background or "white") for scene in asked("single", COUNT, held_out=False)]


def recoloured(scene: Scene, random: np.random.Generator) -> Scene:
    others = [colour for colour in world.COLOURS if colour != scene.items[0].colour]
    return replace(scene, items=(replace(scene.items[0], colour=str(random.choice(others))),))


def drawn(mode: str, prompts: list[Scene], given: list[Given], seeds: list[int], **controls: float) -> list[Pixels]:
    generator = build(f"{mode}:{MODEL}", GeneratorOptions(batch_size=16, device="cpu"))
    jobs = [
        Job(Case(id="x", prompt=world.caption(scene)), 0, seed, Controls(**controls), start)  # type: ignore[arg-type]
        for scene, start, seed in zip(prompts, given, seeds, strict=True)
    ]
    made = list(generator.render(jobs))
    assert all(isinstance(one, Rendered) for one in made), made
    return [np.asarray(one.image) for one in made if isinstance(one, Rendered)]


def start(rgb: Pixels, **facts: object) -> Given:
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    return Given(rgb, digest_pixels(np.dstack([rgb, alpha])), **facts)  # type: ignore[arg-type]


def right(prompts: list[Scene], pictures: list[Pixels]) -> Share:
    return Share(sum(judge(s, read(p))["all"] for s, p in zip(prompts, pictures, strict=True)), len(prompts))


def towards(random: np.random.Generator) -> None:
    """Image to image from a picture of another colour."""
    before = scenes()
    given = [start(world.draw(world.place(scene, random))) for scene in before]
    wanted = [recoloured(scene, random) for scene in before]
    for strength in (0.2, 0.4, 0.6, 0.8, 1.0):
        made = drawn("img2img", wanted, given, list(range(COUNT)), strength=strength)
        away = np.mean([np.abs(a.astype(int) - b.rgb).mean() for a, b in zip(made, given, strict=True)])
        print(f"| img2img, strength {strength} | shows the new colour | {right(wanted, made)} |")
        print(f"| | still the old one | {right(before, made)}; {away:.1f} of 255 away on the mean |")


def variants(random: np.random.Generator) -> None:
    """Four variations of each picture."""
    before = scenes()[: COUNT // 4]
    given = [start(world.draw(world.place(scene, random))) for scene in before]
    fourfold, starts = [s for s in before for _ in range(4)], [g for g in given for _ in range(4)]
    for strength in (0.5, 0.9):
        made = drawn("variation", fourfold, starts, list(range(COUNT)), strength=strength)
        apart = np.mean([np.abs(made[i].astype(int) - made[i + 1]).mean() for i in range(0, COUNT, 4)])
        still = right(fourfold, made)
        print(f"| variation, strength {strength} | still shows the prompt | {still}; seeds {apart:.1f} of 255 apart |")


def inside(random: np.random.Generator) -> None:
    """A shape of the wrong colour drawn anew under a round mask, one try each."""
    wanted, given = scenes(), []
    for scene in wanted:
        placed = world.place(recoloured(scene, random), random)
        rows, columns = np.mgrid[: world.CANVAS, : world.CANVAS]
        shape = placed.placed[0]
        mask = np.hypot(columns - shape.x, rows - shape.y) < 1.4 * shape.radius + 3
        given.append(start(world.draw(placed), mask=mask))
    made = drawn("inpaint", wanted, given, list(range(COUNT)))
    kept = sum(bool((p[~g.mask] == g.rgb[~g.mask]).all()) for p, g in zip(made, given, strict=True))
    print(f"| inpaint | right in one try | {right(wanted, made)} |")
    print(f"| | outside the mask equal to the bit | {Share(kept, COUNT)} |")


def beyond(random: np.random.Generator) -> None:
    """64 pixels wide to 96, and 16 more at every side."""
    before = scenes()
    for words, extend in (("32 to the right", (0, 0, 32, 0)), ("16 left and right", (16, 0, 16, 0)),
                          ("16 at each side", (16, 16, 16, 16))):  # fmt: skip
        given = [start(world.draw(world.place(scene, random)), extend=extend) for scene in before]
        made = drawn("outpaint", before, given, list(range(COUNT)))
        left, top = extend[:2]
        same = sum(bool((p[top : top + 64, left : left + 64] == g.rgb).all()) for p, g in zip(made, given, strict=True))
        readings = [read(picture) for picture in made]
        one = sum(len(reading.seen) == 1 for reading in readings)
        ground = sum(reading.background == scene.background for reading, scene in zip(readings, before, strict=True))
        print(f"| outpaint, {words} | inside equal to the bit | {Share(same, COUNT)} |")
        print(f"| | background goes on | {Share(ground, COUNT)} |")
        print(f"| | no second shape in the border | {Share(one, COUNT)} |")


def main() -> None:
    """Print all figures as rows of a table."""
    warnings.simplefilter("ignore")
    print("| mode | measured | share |\n| --- | --- | --- |")
    for number, part in enumerate((towards, variants, inside, beyond)):
        part(np.random.default_rng(number))


if __name__ == "__main__":
    main()
