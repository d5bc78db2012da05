"""What a brand file asks of a picture, and what the picture has: colours, logos, room at its edges.

The option is the path of a brand file (`--brand FILE`, format imgaudit-brand/1). Without one this perceiver is not
there, and the checker abstains. Logos are picture files beside the brand file.

Known limits: a logo is found by its own shapes, so one with few of them cannot be told (it is said to be too plain),
and one drawn anew by a generator with other shapes is not the logo and is not found; colours are those of the whole
picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import ConfigError, ModelUnavailable, PictureError
from imgaudit.percepts import BrandLook, Swatch
from imgaudit.prompts.brand import Brand, load_brand
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Sight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgaudit.perceivers._brand_logos import Reference

    Image8 = NDArray[np.uint8]

SIDE = 256
"""Longest side at which colours are counted."""


@perceiver
class BrandPerceiver:
    """Colours, logos and margins of a picture beside those of one brand."""

    name: ClassVar[str] = "brand"
    title: ClassVar[str] = "Brand colours, logos and margins"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        if option is None:
            raise ModelUnavailable("no brand file was given", "give one: --brand FILE.yaml")
        path = Path(option)
        self._brand = load_brand(path)
        self._logos = {name: _logo_bytes(path, name) for name in self._brand.logos}

    def identity(self) -> Mapping[str, str]:
        """Digest of everything in the brand file, digests of its logos, and the libraries that look."""
        import cv2
        import numpy as np

        logos = {name: digest_bytes(data) for name, data in self._logos.items()}
        return {
            "brand": digest(self._brand.model_dump(mode="json")),
            "logos": digest(logos),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
        }

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        return [self._guarded(look) for look in looks]

    # built at the first look, so that a run whose percepts are all cached reads no logo
    @cached_property
    def _references(self) -> tuple[Reference, ...]:
        from imgaudit.perceivers._brand_logos import Reference, reference_of
        from imgaudit.pictures import decode

        found = []
        for name, data in self._logos.items():
            picture, error = decode(data, name)
            if picture.rgb is None:
                found.append(Reference(name, (0, 0), _nowhere(), None, f"its picture cannot be read: {error}"))
            else:
                found.append(reference_of(name, picture.rgb))
        return tuple(found)

    def _guarded(self, look: Look) -> Sight:
        rgb = look.picture.rgb
        if rgb is None:
            return Abstained("the picture could not be decoded")
        try:
            return self._seen(rgb)
        except Exception as error:  # one bad picture never ends a batch
            return Failed(f"brand: {type(error).__name__}: {error}")

    def _seen(self, rgb: Image8) -> BrandLook:
        from imgaudit.kernels.color import to_lab
        from imgaudit.kernels.palettes import extracted
        from imgaudit.kernels.quality import shrunk
        from imgaudit.perceivers._brand_logos import looked_for

        brand, (height, width) = self._brand, rgb.shape[:2]
        area = brand.safe_area
        rows = extracted(to_lab(shrunk(rgb, SIDE)).reshape(-1, 3), most=12)
        return BrandLook(
            brand=brand.name,
            palette=tuple(Swatch(lab=_lab(row[:3]), share=round(float(row[3]), 4)) for row in rows),
            colours=_colours(brand),
            shares=tuple(colour.share for colour in brand.colours if colour.share is not None),
            tolerance=brand.tolerance,
            logos=tuple(looked_for(self._references, rgb)),
            logo_required=brand.logo_required,
            aspects=brand.aspects,
            margins=None
            if area is None
            else (area.left * width, area.top * height, area.right * width, area.bottom * height),
            width=width,
            height=height,
        )


def _logo_bytes(path: Path, name: str) -> bytes:
    """The bytes of a logo, which must lie below the brand file's folder."""
    from imgaudit.pictures import read

    folder = path.resolve().parent
    place = (folder / name).resolve()
    if not place.is_relative_to(folder):
        raise ConfigError(f"{path}: logos: {name[:80]!r} leaves the brand file's folder; put the picture beside it")
    try:
        return read(place)
    except PictureError as error:
        raise ConfigError(f"{path}: logos: {name[:80]!r}: {error}; expected a picture beside the brand file") from error


def _colours(brand: Brand) -> tuple[tuple[str, tuple[float, float, float]], ...]:
    """The brand's colours that have a number, in CIELAB."""
    from imgaudit.kernels.color import to_lab

    with_number = [(colour.name, bytes.fromhex(colour.hex[1:])) for colour in brand.colours if colour.hex]
    return tuple((name, _lab(to_lab(list(rgb)))) for name, rgb in with_number)


def _lab(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return (round(float(values[0]), 2), round(float(values[1]), 2), round(float(values[2]), 2))


def _nowhere() -> NDArray[np.float64]:
    import numpy as np

    return np.empty((0, 2))
