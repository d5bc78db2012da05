"""What the four scene checks cost: `python -m tests.benchmarks.scene PHOTO...`.

Every photograph is scaled to one million pixels. Prints JSON: milliseconds of one core, best of five, of the looks at
lines, mirror axes, traces and balls together (they share the grey picture and the key points), of the faces' light
(beyond finding the faces, which the faces check does anyhow), of finding the faces, and of the four checkers.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from pathlib import Path

PARTS = ("lines", "mirror", "ground", "balls")


def main() -> None:
    """Measure and print."""
    import cv2
    from PIL import Image

    from imgaudit.pictures import decode
    from imgaudit.registry import checkers, perceivers
    from imgaudit.types import Case, Look, Percepts, Query

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("photos", nargs="+", type=Path)
    given = options.parse_args()
    cv2.setNumThreads(1)
    scene, landmarks = perceivers.get("scene")(), perceivers.get("landmarks")()
    built = [checkers.get(name)() for name in ("perspective", "symmetry", "lighting", "background")]
    faces = Query("landmarks", {"parts": ["faces"]})
    queries = [Query("scene", {"part": part}) for part in PARTS]
    light = Query("scene", {"part": "faces"}, (faces,))
    result = {}
    for path in given.photos:
        image = Image.open(path).convert("RGB")
        scale = (1e6 / (image.width * image.height)) ** 0.5
        held = io.BytesIO()
        image.resize((round(image.width * scale), round(image.height * scale))).save(held, "PNG")
        best: dict[str, float] = {}
        for _ in range(5):
            picture, _ = decode(held.getvalue(), "x")
            marks = [time.process_time()]
            seen = dict(zip(queries, scene.perceive([Look(picture, query) for query in queries]), strict=True))
            marks.append(time.process_time())
            seen[faces] = landmarks.perceive([Look(picture, faces)])[0]
            marks.append(time.process_time())
            seen[light] = scene.perceive([Look(picture, light, (seen[faces],))])[0]
            marks.append(time.process_time())
            for checker in built:
                checker.measure(Case(id="x"), Percepts(seen))
            marks.append(time.process_time())
            for name, start, end in zip(("looks", "finding faces", "light on faces", "checkers"), marks, marks[1:],
                                        strict=False):  # fmt: skip
                best[name] = min(best.get(name, 1e9), 1000 * (end - start))
        result[path.name] = {name: round(value, 1) for name, value in best.items()}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
