"""Numbers, hashes and colours that are computed from the pixels alone, without any model.

Edges and noise are looked at with the longest side at 512, exposure and colours at 256, traces of compression in the
middle of the picture at its own size. Every number is explained in `imgaudit.kernels.quality`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import ClassVar, Literal

from imgaudit.kernels import color, hashes, quality
from imgaudit.percepts import Pixels
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Picture, Sight


@perceiver
class PixelPerceiver:
    """Looks at the pixels: sharpness, exposure, noise, blocks, bands, hashes, named colours."""

    name: ClassVar[str] = "pixels"
    title: ClassVar[str] = "Pixel statistics and hashes"
    version: ClassVar[str] = "3"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def identity(self) -> Mapping[str, str]:
        """The libraries whose arithmetic reaches the numbers; Pillow's resampling is part of the pHash."""
        import cv2

        packages = ("numpy", "scipy", "pillow", "imagehash", "pdqhash")
        return {"opencv": str(cv2.__version__), **{package: version(package) for package in packages}}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a picture; one that could not be decoded has none."""
        return [self._sight(look.picture) for look in looks]

    def _sight(self, picture: Picture) -> Sight:
        if picture.rgb is None or picture.pixels is None:
            return Abstained("the picture could not be decoded")
        try:
            return _seen(picture, picture.pixels)
        except (ValueError, ArithmeticError, MemoryError) as error:
            return Failed(f"the pixels could not be measured: {error or type(error).__name__}")


def _seen(picture: Picture, digest: str) -> Pixels:
    rgb = picture.rgb
    assert rgb is not None
    working = quality.shrunk(rgb, quality.WORKING_SIDE)
    square = working if working.shape[:2] == (hashes.SIDE, hashes.SIDE) != rgb.shape[:2] else hashes.square(rgb)
    glance = quality.shrunk(working, quality.GLANCE_SIDE)
    lab = color.to_lab(glance)
    bits, confidence, turned = hashes.pdq_turned(square)
    numbers = {**quality.statistics(rgb, working, glance, lab), "transparent_share": picture.transparent}
    return Pixels(
        digest=digest,
        numbers={name: round(value, 6) for name, value in numbers.items()},
        phash=hashes.phash(square),
        pdq=bits,
        pdq_quality=confidence,
        turned=turned,
        grid=hashes.colour_grid(square),
        palette=tuple((name, round(share, 6)) for name, share in color.palette(glance)),
        subject=color.subject_name(glance, lab),
    )
