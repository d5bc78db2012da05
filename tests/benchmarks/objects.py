"""What the embedded detector finds and costs: `python -m tests.benchmarks.objects [--generated] [--photos FOLDER]`.

Prints JSON lines. `drawn`: share of scenes, of seeds that nothing was fitted on, whose counts, colours, shapes and
places are right by the drawn truth, with Wilson's 95 % intervals. `cost`: milliseconds of one core a picture, the best
of five, beside decoding the same picture as PNG; and of asking and measuring by the check `objects` through the whole
perceiver. `generated`: what two embedded models drew of the packaged suite, decided by the check and by the independent
reader. `photos`: how many pictures of a folder it takes for its own world.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from imgaudit.embedded import detector, world
from imgaudit.embedded.evaluate import Share
from imgaudit.kernels.objects import relations

SEED, SCENES = 20_261_124, 5000
TIMED = 200


def _scenes(count: int, seed: int) -> Iterator[tuple[world.Scene, world.Picture]]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        scene = world.sample_scene(random, allow_held_out=True)
        yield scene, world.place(scene, random)


def _shapes(sighting: detector.Sighting) -> list[str]:
    return sorted(max(one.shapes, key=one.shapes.__getitem__) for one in sighting.things)


def drawn() -> dict[str, str]:
    """Right answers over drawn scenes, held-out compositions among them."""
    right: dict[str, list[bool]] = {"known": [], "count": [], "colours": [], "shapes": [], "relation": []}
    for scene, picture in _scenes(SCENES, SEED):
        found = detector.detect(world.draw(picture))
        placed = picture.placed
        right["known"].append(found.why_not is None)
        right["count"].append(len(found.things) == len(placed))
        right["colours"].append(sorted(str(t.colour) for t in found.things) == sorted(p.colour for p in placed))
        right["shapes"].append(_shapes(found) == sorted(p.shape for p in placed))
        if scene.relation:
            right["relation"].append(_placed(scene.relation, placed, found))
    return {name: str(Share(sum(told), len(told))) for name, told in right.items()}


def _placed(relation: str, placed: tuple[world.Placed, ...], found: detector.Sighting) -> bool:
    """Whether what was found where the first and the second were drawn lies as the scene says."""
    if not found.things:
        return False
    boxes = [
        min(found.things, key=lambda t: abs(sum(t.box[::2]) / 2 - p.x) + abs(sum(t.box[1::2]) / 2 - p.y)).box
        for p in placed
    ]
    return relation in relations(boxes[0], boxes[1])


def cost() -> dict[str, float]:
    """Milliseconds a picture of 64 and of 512 pixels a side."""
    from imgaudit.checkers.objects import Objects, detector_query
    from imgaudit.perceivers.detector import Detector
    from imgaudit.pictures import decode
    from imgaudit.types import Case, Expect, ExpectedObject, Look, Percepts

    case = Case(id="x", expect=Expect(objects=(ExpectedObject(name="circle", color="red"),)))
    query, check, eyes = detector_query(case), Objects(), Detector()
    assert query is not None
    figures: dict[str, float] = {}
    for side in (64, 512):
        drawings = [world.draw(picture, side) for _, picture in _scenes(TIMED, SEED + 1)]
        files = [_png(pixels) for pixels in drawings]
        looks = [Look(decode(data, "x")[0], query) for data in files]

        def check_all(looks: list[Look] = looks) -> None:
            for look, sight in zip(looks, eyes.perceive(looks), strict=True):
                check.measure(case, Percepts({look.query: sight}))

        decoding = _best(lambda files=files: [decode(data, "x") for data in files])
        detecting = _best(lambda drawings=drawings: [detector.detect(pixels) for pixels in drawings])
        figures |= {
            f"decode_{side}_ms": decoding,
            f"detect_{side}_ms": detecting,
            f"check_{side}_ms": _best(check_all),
            f"detect_{side}_to_decode": detecting / decoding,
        }
    return {name: round(value, 3) for name, value in figures.items()}


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()


def _best(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(5):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1000 * min(times) / TIMED


def generated(seeds: int) -> dict[str, Any]:
    """What the check says of pictures that the embedded models drew, beside the reader's word on them.

    The reader calls a second shape that nobody asked for wrong, so here the check's `count` is asked as well.
    """
    from imgaudit.checkers.objects import Objects, detector_query
    from imgaudit.embedded.judging import judge
    from imgaudit.embedded.reader import read
    from imgaudit.generators._spec import GeneratorOptions, build
    from imgaudit.perceivers.detector import Detector
    from imgaudit.suites.load import load_suite
    from imgaudit.types import Controls, Job, Look, Measured, Percepts, Picture, Rendered

    cases = [case for case in load_suite("shapes").cases if case.expect.objects]
    result: dict[str, Any] = {}
    eyes, check = Detector(), Objects()
    for revision in (1, 2):
        maker = build(f"embedded@{revision}", GeneratorOptions(batch_size=16, device="cpu", adapter=None))
        jobs = [Job(case, k, 100 * k + n, Controls()) for n, case in enumerate(cases) for k in range(seeds)]
        table: Counter[str] = Counter()
        for start in range(0, len(jobs), 16):
            for made in maker.render(jobs[start : start + 16]):
                assert isinstance(made, Rendered)
                pixels, case = np.asarray(made.image), made.job.case
                query, scene = detector_query(case), world.parse(case.prompt or "")
                assert query is not None
                assert scene is not None
                (sight,) = eyes.perceive([Look(Picture("x", b"", "", pixels, "x"), query)])
                outcome = check.measure(case, Percepts({query: sight}))
                measures = outcome.measures if isinstance(outcome, Measured) else {}
                told = [measures.get(name) for name in ("correct", "count")]
                mine = "wrong" if 0.0 in told else "untold" if None in told else "right"
                asked = ("count", "colour", "shape", "binding", "relation", "negation")
                judged = judge(scene, read(pixels))
                theirs = "right" if all(judged.get(name, True) for name in asked) else "wrong"
                table[f"detector {mine}, reader {theirs}"] += 1
        same = table["detector right, reader right"] + table["detector wrong, reader wrong"]
        told_of = same + table["detector right, reader wrong"] + table["detector wrong, reader right"]
        result[f"embedded@{revision}"] = {**dict(sorted(table.items())), "agree": str(Share(same, told_of))}
    return result


def photos(folder: Path) -> dict[str, Any]:
    """Which pictures of a folder are taken for pictures of the world of shapes."""
    from imgaudit.pictures import decode

    taken, total = [], 0
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp"):
            continue
        picture, _ = decode(path.read_bytes(), path.name)
        if picture.rgb is not None:
            total += 1
            side = min(picture.rgb.shape[:2])
            taken += [path.name] if detector.detect(picture.rgb[:side, :side]).why_not is None else []
    return {"pictures": total, "taken": len(taken), "which": taken[:20]}


def main() -> None:
    """Measure and print."""
    import cv2

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--generated", type=int, metavar="SEEDS", help="draw the suite so often with both models")
    options.add_argument("--photos", type=Path)
    given = options.parse_args()
    cv2.setNumThreads(1)
    print(json.dumps({"drawn": drawn()}))
    print(json.dumps({"cost": cost()}))
    if given.generated:
        print(json.dumps({"generated": generated(given.generated)}))
    if given.photos:
        print(json.dumps({"photos": photos(given.photos)}))


if __name__ == "__main__":
    main()
