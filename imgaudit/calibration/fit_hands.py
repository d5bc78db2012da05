"""Fits the reference of good hands: `python -m imgaudit.calibration.fit_hands FOLDER` writes `hands.json`.

FOLDER holds photographs of good hands and a MANIFEST.tsv with the columns `file`, `label` (`no` means: not malformed),
`licence`, `path` and `repo`. Only rows under Apache-2.0 or MIT are read. No picture, crop or landmark is kept: the card
holds medians, deviations, one threshold, and the counts and licences they rest on.

Pictures of one sequence (a video, a session) stay together in five-fold cross-validation: the operating point comes
from hands that were scored against a reference fitted without their sequence. Each picture is also read smaller and as
JPEG, because what is normal depends on size.
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
SCALES = (1.0, 0.6, 0.36)
PRESENCE = 0.5
FALSE_ALARMS = 0.01
"""One in a hundred of these posed hands, because hands of everyday pictures (holding, resting, seen from the side) are
read less alike: a rule at one in twenty raised false alarms on about one in six photographs of people."""

FOLDS = 5
KNOTS = 5
SMALLEST_RADIUS = 3.5
TYPICAL = 0.05
"""What the link says of a hand with the reference's median score."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one good hand."""

    source: str
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
                yield Sample(row["repo"], sequence(row), radius, hand_cues.cues(hand))


def _surest(sight: object) -> Hand | None:
    hands = sight.hands if isinstance(sight, Landmarks) else ()
    if not hands or (hands[0].presence or 0.0) < PRESENCE or hands[0].views is None:
        return None
    return hands[0]


def fold(sample: Sample) -> int:
    """One of five parts, by a hash of the sequence's name."""
    return int.from_bytes(hashlib.sha256(sample.sequence.encode()).digest()[:4], "big") % FOLDS


def reference_of(found: Sequence[Sample]) -> dict[str, Any]:
    """Centres and deviations at a few radii, and an open link."""
    usable = sorted((s for s in found if s.radius >= SMALLEST_RADIUS), key=lambda s: s.radius)
    bins = [usable[len(usable) * k // KNOTS : len(usable) * (k + 1) // KNOTS] for k in range(KNOTS)]
    pairs = {
        cue: [hand_cues.robust([hand_cues.logged(s.cues[cue]) for s in part]) for part in bins]
        for cue in hand_cues.CUES
    }
    return {
        "radii": [round(float(np.median([s.radius for s in part])), 3) for part in bins],
        "centres": {cue: [round(centre, 5) for centre, _ in pair] for cue, pair in pairs.items()},
        "deviations": {cue: [round(deviation, 5) for _, deviation in pair] for cue, pair in pairs.items()},
        "halves": [0.0] * KNOTS,
        "slope": 1.0,
        "smallest_radius": SMALLEST_RADIUS,
    }


def means(card: dict[str, Any], found: Sequence[Sample]) -> list[float]:
    """The mean z-score of every sample that is large enough."""
    reference = hand_cues.Reference.from_card(card)
    scores = [reference.z_scores(s.cues, s.radius).values() for s in found if s.radius >= SMALLEST_RADIUS]
    return [sum(values) / len(values) for values in scores]


@dataclass(frozen=True, slots=True)
class Scored:
    """The mean z-score of a good hand, against a reference that was fitted without its sequence."""

    sample: Sample
    mean: float


def held_out(found: Sequence[Sample]) -> list[Scored]:
    """Every sample that is large enough, scored by a reference that was fitted without its fold."""
    scored: list[Scored] = []
    for part in range(FOLDS):
        card = reference_of([s for s in found if fold(s) != part])
        usable = [s for s in found if fold(s) == part and s.radius >= SMALLEST_RADIUS]
        scored.extend(Scored(sample, mean) for sample, mean in zip(usable, means(card, usable), strict=True))
    return scored


def quantile(values: Sequence[float]) -> float:
    """The value that at most `FALSE_ALARMS` of the values pass, rounded up."""
    return math.ceil(float(np.quantile(values, 1 - FALSE_ALARMS, method="higher")) * 1e5) / 1e5


def operating_points(card: dict[str, Any], scored: Sequence[Scored]) -> list[float]:
    """For each radius of the card, a mean z-score that at most 1 % of the held-out hands of any source pass.

    The shape over the radius comes from the hands nearest in size; all points are then raised together until the
    source with the most unusual hands passes them no more often than that.
    """
    width = len(scored) // KNOTS
    points = []
    for radius in card["radii"]:
        nearest = sorted(scored, key=lambda one: abs(math.log(one.sample.radius / radius)))[:width]
        points.append(quantile([one.mean for one in nearest]))
    above: dict[str, list[float]] = {}
    for one in scored:
        here = float(np.interp(math.log(one.sample.radius), np.log(card["radii"]), points))
        above.setdefault(one.sample.source, []).append(one.mean - here)
    lift = max(0.0, *(quantile(values) for values in above.values()))
    return [round(point + lift, 5) for point in points]


def fitted(found: Sequence[Sample]) -> dict[str, Any]:
    """The reference of all sequences, the operating points of held-out hands, and the share that passes them."""
    card = reference_of(found)
    scored = held_out(found)
    card["halves"] = operating_points(card, scored)
    middle = float(np.mean(card["halves"])) - float(np.median(means(card, found)))
    card["slope"] = round(math.log(1 / TYPICAL - 1) / middle, 5)
    reference = hand_cues.Reference.from_card(card)
    alarms: dict[str, list[bool]] = {}
    for one in scored:
        alarm = reference.probability({"mean": one.mean}, one.sample.radius) > 0.5
        alarms.setdefault(one.sample.source, []).append(alarm)
    card["false_alarms"] = {
        source: {"readings": len(flags), "share": round(sum(flags) / len(flags), 4)}
        for source, flags in sorted(alarms.items())
    }
    return card


def provenance(folder: Path, found: Sequence[Sample]) -> dict[str, Any]:
    """What the card rests on."""
    used = rows(folder)
    return {
        "about": "Reference of good hands for the check 'hands': robust centre and spread of the logarithm of each "
        "cue, by palm radius in pixels, and the link to 0..1. At most 1 % of held-out posed hands pass 0.5.",
        "sources": sorted({f"https://github.com/{row['repo']} ({row['licence']})" for row in used}),
        "pictures": len(used),
        "manifest": hashlib.sha256("\n".join(sorted(row["sha256"] for row in used)).encode()).hexdigest(),
        "sequences": len({s.sequence for s in found}),
        "readings": len(found),
        "limits": "real photographs of single hands, light to medium skin, few subjects and plain rooms",
        "command": "python -m imgaudit.calibration.fit_hands FOLDER",
    }


def main() -> None:
    """Write the card beside this file."""
    parser = argparse.ArgumentParser(description="Fit the reference of good hands.")
    parser.add_argument("folder", type=Path, help="photographs of good hands with a MANIFEST.tsv")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("hands.json"))
    arguments = parser.parse_args()
    found = list(samples(arguments.folder))
    card = {**provenance(arguments.folder, found), **fitted(found)}
    arguments.out.write_text(json.dumps(card, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {arguments.out}: operating points {card['halves']}, slope {card['slope']}")


if __name__ == "__main__":
    main()
