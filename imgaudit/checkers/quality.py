"""Is the picture sharp, well exposed, not empty, and free of the traces of compression?

Every measure is a level from 0 to 1 with 0.5 at its operating point, where the code of its name is given; how each was
found stands in `imgaudit.kernels.quality`. A level is no probability: it says how far beyond the point a picture is.

Known limits: sharpness is that of the strongest edges with the longest side scaled to 1024, so a picture of which less
than about a third of the edges is in focus is called blurry, and soft brushwork may be; bands under noise or JPEG and
blocks of a picture that was scaled afterwards are not seen; texture without any smooth place counts as noise. Whether a
grey, very dark or very long picture is a fault, the rubric decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.digest import rounded
from imgaudit.kernels.quality import SCALES
from imgaudit.percepts import Pixels
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query

PIXELS = Query("pixels")
OPERATING_POINT = 0.5
LONGEST_RATIO = 3.0
LEAST_COLOUR = 0.001

STATISTICS: Mapping[str, str] = {
    "blur": "edge_blur",
    "dark": "brightest_part",
    "bright": "inkiest_part",
    "low_information": "occupied_share",
    "blocking": "block_share",
    "banding": "band_share",
    "noise": "noise_level",
}
UNTOLD: Mapping[str, str] = {
    "blur": "no edge to judge sharpness by",
    "blocking": "smaller than four blocks of JPEG",
    "noise": "too small, or clipped to black and white everywhere",
}
SENTENCES: Mapping[str, str] = {
    "blur": "even the strongest edges are blurred",
    "dark": "so dark that hardly anything can be seen",
    "bright": "so bright that hardly anything can be seen",
    "low_information": "there is next to nothing in it",
    "blocking": "8 by 8 blocks of strong JPEG compression show",
    "banding": "gradients fall into bands",
    "noise": "noise hides detail",
    "aspect": "more than three times as long as it is wide",
    "grayscale": "it has no colour",
}


@checker
class QualityChecker:
    """Sharpness, exposure, emptiness, compression, noise, size and shape of the picture."""

    name: ClassVar[str] = "quality"
    title: ClassVar[str] = "Technical quality"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("quality",)
    measures: ClassVar[tuple[Measure, ...]] = (
        *(Measure(name, "level 0..1", "down", f"{SENTENCES[name]}; 0.5 is the operating point") for name in STATISTICS),
        Measure("megapixels", "million pixels", "up", "width times height"),
        Measure("aspect_ratio", "ratio", "none", "longer side by shorter side"),
    )
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {f"quality.{name}": sentence for name, sentence in SENTENCES.items()}
    limits: ClassVar[str] = (
        "A picture with less than about a third of its edges in focus is called blurry, and soft brushwork may be. "
        "Bands under noise and blocks of a rescaled picture are not seen. Texture without a smooth place counts as "
        "noise. Grey, dark or long pictures are reported, which need not be a fault."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look at the pixels."""
        return [PIXELS]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Every level that can be told, and the codes of those at or beyond the operating point."""
        seen = percepts.seen(PIXELS, Pixels)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        levels = {
            name: rounded(SCALES[name].level(seen.numbers[statistic]))
            for name, statistic in STATISTICS.items()
            if statistic in seen.numbers
        }
        width, height = seen.numbers["width"], seen.numbers["height"]
        ratio = max(width, height) / min(width, height)
        faults = [name for name, level in levels.items() if level >= OPERATING_POINT]
        faults += ["aspect"] * (ratio >= LONGEST_RATIO)
        faults += ["grayscale"] * (seen.numbers["coloured_share"] < LEAST_COLOUR)
        return Measured(
            measures={**levels, "megapixels": rounded(width * height / 1e6), "aspect_ratio": rounded(ratio)},
            unmeasured={name: why for name, why in UNTOLD.items() if name not in levels},
            codes=tuple(f"quality.{name}" for name in faults),
            message="; ".join(SENTENCES[name] for name in faults) or "no technical fault",
        )
