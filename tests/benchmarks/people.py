"""What is told of drawn faces under casts and exposures, and of labelled photographs of faces.

    python -m tests.benchmarks.people [CORPORA]

Prints the tables of docs/people.md. Drawn faces are those of tests/lit_faces.py, drawn anew for each row; CORPORA is
the folder of labelled pictures (see tests/conftest.py). What photographs say chose no threshold.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from imgaudit.checkers.faces import FACES, FacesChecker
from imgaudit.kernels import skin
from imgaudit.kernels.color import from_lab, from_linear, to_lab, to_linear
from imgaudit.percepts import Landmarks
from imgaudit.pictures import decode
from imgaudit.types import Case, Look, Measured, Percepts, Picture
from tests import lit_faces

DRAWN, SEED = 400, 21
STOPS = (-1.5, -1.0, -0.5, 0.5, 1.0)
BOUNDS = (80.0, 60.0, 50.0, 44.0, 38.0, 30.0, 20.0, 13.0, 7.0, 0.0, -20.0, -50.0)
"""Typology angles of swatches on both sides of the bounds at 41 and 10 degrees."""


def read(picture: np.ndarray, mesh: np.ndarray, boxes: np.ndarray) -> skin.Lab | skin.Refusal:
    """One face as the perceiver reads it."""
    light = skin.light_of(picture, boxes)
    return light if isinstance(light, skin.Refusal) else skin.face_tone(picture, mesh, light)


def outcome(scene: lit_faces.Scene, seed: int) -> str:
    """Right, wrong or refused."""
    told = read(lit_faces.draw(scene, seed), lit_faces.mesh(), lit_faces.box())
    if isinstance(told, skin.Refusal):
        return "refused"
    return "right" if skin.tone_group(told) == skin.tone_group(scene.tone) else "wrong"


def groups() -> Iterator[str]:
    """In neutral light, by the group that a face was drawn in."""
    counts: Counter[tuple[str, str]] = Counter()
    for seed, scene in enumerate(lit_faces.drawn_at_random(DRAWN, SEED)):
        counts[skin.tone_group(scene.tone), outcome(scene, seed)] += 1
    yield "| drawn in | right | wrong | refused |\n| --- | --- | --- | --- |"
    for group in skin.GROUPS:
        yield f"| {group} | " + " | ".join(str(counts[group, word]) for word in ("right", "wrong", "refused")) + " |"


def table(rows: Iterable[tuple[str, Iterable[lit_faces.Scene]]]) -> Iterator[str]:
    """A row a condition."""
    yield "| light | right | wrong | refused |\n| --- | --- | --- | --- |"
    for name, scenes in rows:
        counts = Counter(outcome(scene, seed) for seed, scene in enumerate(scenes))
        yield f"| {name} | {counts['right']} | {counts['wrong']} | {counts['refused']} |"


def drawn_rows() -> Iterator[tuple[str, Iterable[lit_faces.Scene]]]:
    """Neutral light, six casts, and exposures."""
    yield "neutral", lit_faces.drawn_at_random(DRAWN, SEED)
    for name, cast in lit_faces.CASTS.items():
        yield name, lit_faces.drawn_at_random(DRAWN, SEED, cast=cast)
    for stops in STOPS:
        yield f"{stops:+g} stops", lit_faces.drawn_at_random(DRAWN, SEED, stops=stops)


def swatch_rows(tones: dict[str, tuple[float, float, float]]) -> Iterator[str]:
    """Each swatch on a face in neutral light and under six casts: how it was told."""
    lights = {"neutral": (1.0, 1.0, 1.0), **lit_faces.CASTS}
    yield "| swatch | group | " + " | ".join(lights) + " |"
    yield "| --- " * (len(lights) + 2) + "|"
    for name, tone in tones.items():
        told = []
        for gains in lights.values():
            picture = lit_faces.draw(lit_faces.Scene(tone, ground="tiles", lids=0.8, sheen=0.0, ambient=1.0))
            light = from_linear(to_linear(picture / 255) * gains)
            seen = read(np.round(light * 255).astype(np.uint8), lit_faces.mesh(), lit_faces.box())
            told.append("-" if isinstance(seen, skin.Refusal) else skin.tone_group(seen))
        yield f"| {name} | {skin.tone_group(tone)} | " + " | ".join(told) + " |"


def monk() -> dict[str, tuple[float, float, float]]:
    """The Monk swatches in CIELAB."""
    found = {}
    for number, code in enumerate(skin.MONK, start=1):
        lightness, a, b = (float(v) for v in to_lab(np.array(list(bytes.fromhex(code)))))
        found[f"MST {number}"] = (lightness, a, b)
    return found


def angles() -> dict[str, tuple[float, float, float]]:
    """Swatches of chosen typology angles, b* 15 to 20 and the hue of skin, that sRGB can show."""
    found = {}
    for angle in BOUNDS:
        b = 18.0 if abs(angle) < 60 else 8.0
        tone = (50 + b * float(np.tan(np.radians(angle))), 0.6 * b, b)
        lightness, a, b = (float(v) for v in to_lab(np.round(from_lab(np.array(tone)))))
        found[f"ITA {skin.ita((lightness, a, b)):.0f}"] = (lightness, a, b)
    return found


def photographs(corpora: Path) -> Iterator[str]:
    """Counts against the labels, and what is told of each face that is large enough."""
    from imgaudit.perceivers.landmarks import LandmarkPerceiver

    finder, checker = LandmarkPerceiver(), FacesChecker()
    right = of = 0
    yield "| about | faces (label) | tones |\n| --- | --- | --- |"
    with (corpora / "faces/MANIFEST.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    for row in rows:
        picture = _decoded(corpora / "faces" / row["file"])
        if picture is None or picture.rgb is None:
            continue
        (seen,) = finder.perceive([Look(picture, FACES)])
        assert isinstance(seen, Landmarks)
        found = checker.measure(Case(id="x"), Percepts({FACES: seen}))
        count = int(found.measures["count"]) if isinstance(found, Measured) else -1
        if row["label"] != "skip":
            of, right = of + 1, right + (count == int(row["label"]))
        yield f"| {row['about']} | {count} ({row['label']}) | {'; '.join(_tones(picture.rgb, seen))} |"
    yield f"\ncount right {right} of {of}"


def _decoded(path: Path) -> Picture | None:
    return None if path.suffix == ".json" else decode(path.read_bytes(), path.name)[0]


def _tones(rgb: np.ndarray, seen: Landmarks) -> Iterator[str]:
    boxes = np.array([face.box for face in seen.faces]).reshape(-1, 4)
    told: Counter[str] = Counter()
    for face in seen.faces:
        tone = skin.Refusal("no mesh") if face.mesh is None else read(rgb, np.array(face.mesh), boxes)
        told[tone.reason if isinstance(tone, skin.Refusal) else skin.tone_group(tone)] += 1
    yield from (f"{count} x {what}" if count > 1 else what for what, count in told.most_common())


def main() -> None:
    """Print all tables."""
    for title, lines in (
        ("Drawn faces", table(drawn_rows())), ("By group", groups()),
        ("Monk swatches", swatch_rows(monk())), ("Angles", swatch_rows(angles())),
    ):  # fmt: skip
        print(f"\n## {title}\n")
        for line in lines:
            print(line, flush=True)
    if len(sys.argv) > 1:
        print("\n## Photographs\n")
        for line in photographs(Path(sys.argv[1])):
            print(line)


if __name__ == "__main__":
    main()
