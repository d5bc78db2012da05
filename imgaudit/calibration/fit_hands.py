"""Fits the reference of good hands: `python -m imgaudit.calibration.fit_hands FOLDER` writes `hands.json`.

FOLDER holds photographs of good hands and a MANIFEST.tsv with the columns `file`, `label` (`no` means: not malformed),
`licence`, `path` and `repo`. Only rows under Apache-2.0 or MIT are read. No picture, crop or landmark is kept: the card
holds medians, deviations, one threshold, and the counts and licences they rest on.

Pictures of one sequence (a video, a session) go to one side only: three fifths of the sequences give the reference, two
fifths the operating point. Each picture is also read smaller and as JPEG, because what is normal depends on size.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from imgaudit.kernels import hand_cues, hand_geometry
from imgaudit.percepts import Hand, Landmarks
from imgaudit.registry import perceivers
from imgaudit.types import Look, Picture, Query

LICENCES = ("Apache-2.0", "MIT")
SCALES = (1.0, 0.6, 0.36, 0.22)
PRESENCE = 0.5
FALSE_ALARMS = 0.05
KNOTS = 5
SMALLEST_RADIUS = 5.0
TYPICAL = 0.05
"""What the link says of a hand with the reference's median score."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one good hand."""

    sequence: str
    radius: float
    cues: dict[str, float]


def rows(folder: Path) -> list[dict[str, str]]:
    """The usable rows of the manifest, in file order."""
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream, delimiter="\t"))
    kept = [row for row in table if row["label"] == "no" and row["licence"] in LICENCES]
    return sorted(kept, key=lambda row: row["file"])


def sequence(row: dict[str, str]) -> str:
    """The session a picture belongs to: the file's original name up to its number in the sequence.

    Names that are only a number are sessions of forty consecutive pictures.
    """
    stem = Path(row["path"]).stem
    numbered = re.fullmatch(r"IMG_(\d+)", stem)
    if numbered:
        return f"{row['repo']}:{int(numbered[1]) // 40}"
    return f"{row['repo']}:{re.sub(r'_?(pic)?[0-9]*$', '', stem)}" if "pic" in stem else row["repo"]


def shrunk(picture: Image.Image, scale: float) -> Image.Image:
    """A smaller copy that went through JPEG, as pictures on the way to an audit do."""
    if scale == 1.0:
        return picture
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    buffer = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=80)
    return Image.open(buffer).convert("RGB")


def samples(folder: Path) -> Iterator[Sample]:
    """The surest hand of every picture at every size, where one was found."""
    perceiver = perceivers.get("landmarks")()
    for row in rows(folder):
        picture = ImageOps.exif_transpose(Image.open(folder / row["file"])).convert("RGB")
        for scale in SCALES:
            rgb = np.asarray(shrunk(picture, scale))
            look = Look(Picture(id=row["file"], data=b"", file=row["sha256"], rgb=rgb), Query("landmarks"))
            (sight,) = perceiver.perceive([look])
            hand = _surest(sight)
            if hand is not None:
                radius = hand_geometry.palm_radius(np.array(hand.points))
                yield Sample(sequence(row), radius, hand_cues.cues(hand))


def _surest(sight: object) -> Hand | None:
    hands = sight.hands if isinstance(sight, Landmarks) else ()
    if not hands or (hands[0].presence or 0.0) < PRESENCE or hands[0].views is None:
        return None
    return hands[0]


def split(found: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Three fifths of the sequences and the rest, by a hash of the sequence's name."""
    first: list[Sample] = []
    second: list[Sample] = []
    for sample in found:
        drawn = hashlib.sha256(sample.sequence.encode()).digest()[0] / 256
        (first if drawn < 0.6 else second).append(sample)
    return first, second


def fitted(reference: Sequence[Sample], held_out: Sequence[Sample]) -> dict[str, Any]:
    """Radii, centres, deviations, operating point and slope."""
    usable = sorted((s for s in reference if s.radius >= SMALLEST_RADIUS), key=lambda s: s.radius)
    bins = [usable[len(usable) * k // KNOTS : len(usable) * (k + 1) // KNOTS] for k in range(KNOTS)]
    pairs = {cue: [hand_cues.robust([hand_cues.logged(s.cues[cue]) for s in b]) for b in bins] for cue in hand_cues.CUES}
    card: dict[str, Any] = {
        "radii": [round(float(np.median([s.radius for s in b])), 3) for b in bins],
        "centres": {cue: [round(centre, 5) for centre, _ in pair] for cue, pair in pairs.items()},
        "deviations": {cue: [round(deviation, 5) for _, deviation in pair] for cue, pair in pairs.items()},
        "half": 0.0,
        "slope": 1.0,
        "smallest_radius": SMALLEST_RADIUS,
    }
    centre = float(np.median(means(card, usable)))
    card["half"] = round(float(np.quantile(means(card, held_out), 1 - FALSE_ALARMS, method="higher")), 5)
    card["slope"] = round(math.log(1 / TYPICAL - 1) / (card["half"] - centre), 5)
    return card


def means(card: dict[str, Any], found: Sequence[Sample]) -> list[float]:
    """The mean z-score of every sample that is large enough."""
    reference = hand_cues.Reference.from_card(card)
    scores = [reference.z_scores(s.cues, s.radius).values() for s in found if s.radius >= SMALLEST_RADIUS]
    return [sum(values) / len(values) for values in scores]


def provenance(folder: Path, reference: Sequence[Sample], held_out: Sequence[Sample]) -> dict[str, Any]:
    """What the card rests on."""
    used = rows(folder)
    return {
        "about": "Reference of good hands for the check 'hands': robust centre and spread of the logarithm of each cue, by "
        "palm radius in pixels, and the link to 0..1. 0.5 is passed by at most 5 % of held-out good hands.",
        "sources": sorted({f"https://github.com/{row['repo']} ({row['licence']})" for row in used}),
        "pictures": len(used),
        "manifest": hashlib.sha256("\n".join(sorted(row["sha256"] for row in used)).encode()).hexdigest(),
        "sequences": {"reference": _sequences(reference), "operating_point": _sequences(held_out)},
        "readings": {"reference": len(reference), "operating_point": len(held_out)},
        "limits": "real photographs of one or two hands, light to medium skin, mostly one subject and plain rooms",
        "command": "python -m imgaudit.calibration.fit_hands FOLDER",
    }


def _sequences(found: Sequence[Sample]) -> int:
    return len({s.sequence for s in found})


def main() -> None:
    """Write the card beside this file."""
    parser = argparse.ArgumentParser(description="Fit the reference of good hands.")
    parser.add_argument("folder", type=Path, help="photographs of good hands with a MANIFEST.tsv")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("hands.json"))
    arguments = parser.parse_args()
    reference, held_out = split(list(samples(arguments.folder)))
    card = {**provenance(arguments.folder, reference, held_out), **fitted(reference, held_out)}
    arguments.out.write_text(json.dumps(card, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {arguments.out}: operating point {card['half']}, slope {card['slope']}")


if __name__ == "__main__":
    main()
