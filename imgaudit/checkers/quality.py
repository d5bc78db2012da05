"""Is the picture sharp, well exposed, not empty, and free of the traces of what was done to it?

A level goes from 0 to 1 with 0.5 at its operating point, where the code of its name is given; how each was found stands
in `imgaudit.kernels.quality`, and the tables in docs/quality.md. A level is no probability: it says how far beyond the
point a picture is. Mode, profile, orientation, frames and quantisation come from the file and not from the pixels.

The kind of picture is guessed first, by a few statistics that one can look at: flat art, line drawings, night scenes
and shallow focus are no faults. Blur is that of the part in focus; what a drawing has by choice is not measured.

Known limits: blur of which the sharpest fifth of the picture is free (a sharp caption on a blurred picture) is no
blur; soft brushwork may be. Bands under noise or JPEG, blocks and enlarging of a picture that was scaled or sharpened
afterwards are not seen; texture without any smooth place counts as noise. Whether a grey, long, transparent or animated
picture is a fault, the rubric decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.digest import rounded
from imgaudit.kernels.quality import SCALES, medium
from imgaudit.percepts import FileFacts, Pixels
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query

PIXELS, FILE = Query("pixels"), Query("file")
OPERATING_POINT = 0.5
LONGEST_RATIO = 3.0
LEAST_COLOUR = 0.001
LEAST_SIDE = 64
LEAST_JPEG = 40
LEAST_TRANSPARENT = 0.001
PRINT_CM_A_PIXEL = 2.54 / 300

SENTENCES: Mapping[str, str] = {
    "blur": "even the part in focus is blurred, or drawn out by motion",
    "blur_whole": "most of its edges are blurred, which shallow focus does too",
    "motion_blur": "it is blurred by motion",
    "noise": "noise hides detail",
    "dark": "so dark that hardly anything can be seen",
    "bright": "so bright that hardly anything can be seen",
    "highlights": "a large part is burnt out to white",
    "shadows": "a large part has sunk to black",
    "low_contrast": "it has hardly any contrast",
    "low_information": "there is next to nothing in it",
    "banding": "gradients fall into bands",
    "blocking": "8 by 8 blocks of strong JPEG compression show",
    "chroma_bleeding": "colours run over the edges",
    "halos": "edges have halos of sharpening",
    "upscaling": "it has less detail than its pixels could hold: enlarged or softened",
}
FACTS: Mapping[str, str] = {
    "jpeg": "it went through JPEG at a quality below 40",
    "aspect": "more than three times as long as it is wide",
    "tiny": "a side has fewer than 64 pixels",
    "grayscale": "it has no colour",
    "transparent": "parts are transparent; it was judged on white",
    "profile": "its colours are not declared as its kind of file needs, or its profile cannot be used",
    "cmyk": "its colours are CMYK, which browsers show wrongly",
    "orientation": "it lies on its side or upside down unless EXIF is read",
    "animated": "it has several frames; the first was judged",
}
UNTOLD: Mapping[str, str] = {
    "blur": "no edge to judge sharpness by",
    "blur_whole": "no edge to judge sharpness by",
    "motion_blur": "too few edges, or all in one direction",
    "noise": "too small, or clipped to black and white everywhere",
    "highlights": "white all around: a white ground, or burnt out altogether",
    "shadows": "black all around: a black ground, or dark altogether",
    "blocking": "smaller than four blocks of JPEG",
    "chroma_bleeding": "too few edges where colours change",
    "halos": "too few strong edges",
    "upscaling": "too small, or without any detail",
}
BY_CHOICE: Mapping[str, Mapping[str, str]] = {
    "flat": {
        **dict.fromkeys(("highlights", "shadows", "low_contrast"), "flat art: its tones are chosen"),
        **dict.fromkeys(("upscaling", "motion_blur"), "flat art: it has too little detail to tell"),
    },
    "line": {
        **dict.fromkeys(("highlights", "shadows", "low_contrast"), "a line drawing: its tones are ink and paper"),
        **dict.fromkeys(("upscaling", "motion_blur"), "a line drawing: it has too little detail to tell"),
    },
    "night": {"shadows": "a night scene: most of it is black"},
}
"""Medium -> measures that say nothing about it, with the reason."""


@checker
class QualityChecker:
    """Sharpness, exposure, emptiness, compression, noise, size and shape of the picture, and facts of its file."""

    name: ClassVar[str] = "quality"
    title: ClassVar[str] = "Technical quality"
    version: ClassVar[str] = "2"
    dimensions: ClassVar[tuple[str, ...]] = ("quality",)
    measures: ClassVar[tuple[Measure, ...]] = (
        *(Measure(name, "level 0..1", "down", f"{SENTENCES[name]}; 0.5 is the operating point") for name in SCALES),
        Measure("motion_angle", "degrees", "none", "direction of motion blur, 0 level and 90 upright; where there is"),
        Measure("jpeg_quality", "1..100", "up", "the lowest JPEG quality that its tables or its pixels show, if any"),
        Measure("transparent_share", "share 0..1", "none", "pixels that are not opaque"),
        Measure("frames", "count", "none", "frames or pages; 2 stands for two or more in a file above a mebibyte"),
        Measure("megapixels", "million pixels", "up", "width times height"),
        Measure("aspect_ratio", "ratio", "none", "longer side by shorter side"),
        Measure("print_long_cm", "cm", "up", "longer side in print at 300 pixels an inch"),
        Measure("print_short_cm", "cm", "up", "shorter side in print at 300 pixels an inch"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "medium": "photo (anything of continuous tone), flat, line, night or unknown; a guess",
        "mode": "Pillow's name of how the file stores a pixel: RGB, CMYK, L, I;16, ...",
        "profile": "none, srgb, other, undeclared (EXIF says: not sRGB), unfit (for another mode), or unusable",
        "profile_name": "the profile's own description",
        "subsampling": "how a JPEG stores chroma: 4:4:4, 4:2:2, 4:2:0",
    }
    codes: ClassVar[Mapping[str, str]] = {
        f"quality.{name}": sentence for name, sentence in {**SENTENCES, **FACTS}.items() if name != "blur_whole"
    }
    limits: ClassVar[str] = (
        "A blurred picture with a sharp fifth is not called blurred, and soft brushwork may be. Bands under noise, and "
        "blocks and enlarging of a picture that was scaled afterwards are not seen. Texture without a smooth place "
        "counts as noise. Grey, long, transparent or animated pictures are reported, which need not be a fault. The "
        "medium is a guess; docs/quality.md says how often it is right."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look at the pixels and one at the file's header."""
        return [PIXELS, FILE]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Every level and fact that can be told, and the codes."""
        seen, facts = percepts.seen(PIXELS, Pixels), percepts.seen(FILE, FileFacts)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        kind = medium(seen.numbers)
        chosen = BY_CHOICE.get(kind, {})
        levels = {
            name: rounded(scale.level(seen.numbers[scale.statistic]))
            for name, scale in SCALES.items()
            if scale.statistic in seen.numbers and name not in chosen
        }
        moved = levels.get("motion_blur", 0.0)
        if "blur" in levels or moved >= OPERATING_POINT:  # moved is blurred, however sharp it is across the motion
            levels["blur"] = max(levels.get("blur", 0.0), moved)
        faults = [name for name, level in levels.items() if level >= OPERATING_POINT and name != "blur_whole"]
        measures = {**levels, **_sizes(seen.numbers)}
        if "motion_blur" in faults:
            measures["motion_angle"] = rounded(seen.numbers["motion_angle"])
        quality = _jpeg_quality(seen, facts)
        if quality is not None:
            measures["jpeg_quality"] = quality
        labels: dict[str, str] = {"medium": kind}
        unmeasured = {name: chosen.get(name) or UNTOLD[name] for name in SCALES if name not in levels}
        if isinstance(facts, FileFacts):
            measures["frames"] = float(facts.frames)
            labels |= _file_labels(facts)
        else:
            unmeasured["frames"] = facts.reason if isinstance(facts, Abstained) else facts.error
        faults += _pixel_facts(seen.numbers, quality) + (_file_faults(facts) if isinstance(facts, FileFacts) else [])
        return Measured(
            measures=measures,
            labels=labels,
            unmeasured=unmeasured,
            codes=tuple(f"quality.{name}" for name in faults),
            message="; ".join({**SENTENCES, **FACTS}[name] for name in faults) or "no technical fault",
        )


def _sizes(numbers: Mapping[str, float]) -> dict[str, float]:
    shorter, longer = sorted((numbers["width"], numbers["height"]))
    return {
        "megapixels": rounded(shorter * longer / 1e6),
        "aspect_ratio": rounded(longer / shorter),
        "print_long_cm": rounded(longer * PRINT_CM_A_PIXEL),
        "print_short_cm": rounded(shorter * PRINT_CM_A_PIXEL),
        "transparent_share": rounded(numbers.get("transparent_share", 0.0)),
    }


def _jpeg_quality(seen: Pixels, facts: FileFacts | Abstained | Failed) -> float | None:
    """The lower of what the file's own tables say and what the pixels went through before."""
    found = [seen.numbers["compressed_quality"]] if "compressed_quality" in seen.numbers else []
    if isinstance(facts, FileFacts) and facts.jpeg_quality is not None:
        found.append(float(facts.jpeg_quality))
    return min(found, default=None)


def _pixel_facts(numbers: Mapping[str, float], quality: float | None) -> list[str]:
    width, height = numbers["width"], numbers["height"]
    told = {
        "jpeg": quality is not None and quality < LEAST_JPEG,
        "aspect": max(width, height) / min(width, height) >= LONGEST_RATIO,
        "tiny": min(width, height) < LEAST_SIDE,
        "grayscale": numbers["coloured_share"] < LEAST_COLOUR,
        "transparent": numbers.get("transparent_share", 0.0) >= LEAST_TRANSPARENT,
    }
    return [name for name, is_so in told.items() if is_so]


def _file_faults(facts: FileFacts) -> list[str]:
    wrong = facts.profile in ("undeclared", "unfit", "unusable")
    told = {
        "profile": wrong or (facts.mode in ("CMYK", "LAB") and facts.profile == "none"),
        "cmyk": facts.mode == "CMYK",
        "orientation": facts.orientation != 1,
        "animated": facts.frames > 1,
    }
    return [name for name, is_so in told.items() if is_so]


def _file_labels(facts: FileFacts) -> dict[str, str]:
    labels = {"mode": facts.mode, "profile": facts.profile}
    optional = {"profile_name": facts.profile_name, "subsampling": facts.subsampling}
    return labels | {name: text for name, text in optional.items() if text}
