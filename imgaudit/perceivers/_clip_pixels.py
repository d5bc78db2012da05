"""What a joint embedding is given of a picture: our own preprocessing, by the numbers that belong to a checkpoint.

A checkpoint documents its size, how a picture is brought to it (`resize_mode`: the shortest side fitted and the middle
cut out, the longest side fitted and the rest filled, or squashed), the interpolation, and the mean and standard
deviation that it was trained with. The numbers that come out are open_clip's to the last bit of 8-bit pixels, which
`check_agreement` tries whenever a model is built. Only of a strip, more than `STRIP` times as long as wide, the middle
alone is resampled where the rest would be cut off anyway (a few pixels then differ by one level of 255): otherwise a
picture of one pixel by a hundred thousand would be blown up to gigabytes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgaudit.errors import ModelUnavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MODES = ("shortest", "longest", "squash")
STRIP = 8
_TOLERANCE = 1e-4
_LARGEST = 4096
_REMEDY = "install the locked versions of open_clip, torchvision and Pillow, or use another model"


@dataclass(frozen=True, slots=True)
class Preparation:
    """A checkpoint's way from 8-bit pixels to its input.

    Attributes:
        high, wide: of the model's input, in pixels.
        mean, std: of the channels red, green and blue, on 0..1.
        bilinear: bilinear resampling in place of bicubic, both with a filter that grows when a picture shrinks.
        mode: one of `MODES`.
        fill: 0..255, what stands beside a picture that was fitted by its longest side.
    """

    high: int
    wide: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bilinear: bool
    mode: str
    fill: int

    @classmethod
    def of(cls, documented: Mapping[str, Any], label: str) -> Preparation:
        """The numbers that open_clip keeps for a checkpoint. Raises ModelUnavailable for what is no preprocessing."""
        try:
            size = documented["size"]
            high, wide = (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1]))
            mean, std = _three(documented["mean"]), _three(documented["std"])
            mode, how = documented.get("resize_mode") or "shortest", documented.get("interpolation") or "bicubic"
            fill = int(documented.get("fill_color") or 0)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelUnavailable(f"{label}: its preprocessing is incomplete: {error}", "use another model") from error
        if not (min(std) > 0 and all(map(math.isfinite, (*mean, *std)))):
            raise ModelUnavailable(f"{label}: mean and std of the preprocessing are no three channels", _REMEDY)
        # open_clip resamples with bicubic where a configuration says "random"
        known = mode in MODES and how in ("bicubic", "bilinear", "random") and 0 <= fill <= 255
        if not known or not (0 < high <= _LARGEST and 0 < wide <= _LARGEST):
            raise ModelUnavailable(f"{label}: its preprocessing ({mode}, {how}, {high}x{wide}) is unknown", _REMEDY)
        oblong = mode == "shortest" and high != wide  # which open_clip always resamples with bicubic
        return cls(high, wide, mean, std, how == "bilinear" and not oblong, mode, fill)

    def fitted(self, rgb: Pixels) -> Pixels:
        """A picture, uint8 (height, width, 3), at the size of the model's input, uint8 (high, wide, 3)."""
        import numpy as np
        from PIL import Image

        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"expected three channels of 8 bits, got {rgb.shape} of {rgb.dtype}")
        image = Image.fromarray(np.ascontiguousarray(rgb))
        resample = Image.Resampling.BILINEAR if self.bilinear else Image.Resampling.BICUBIC
        if self.mode == "squash":
            return np.asarray(image.resize((self.wide, self.high), resample))
        height, width = self._scaled(image.height, image.width)
        if self.mode == "longest":
            return self._padded(np.asarray(image.resize((width, height), resample)))
        left, top = round((width - self.wide) / 2), round((height - self.high) / 2)
        if max(height / self.high, width / self.wide) > STRIP:
            across, down = image.width / width, image.height / height
            right, bottom = min(image.width, (left + self.wide) * across), min(image.height, (top + self.high) * down)
            box = (left * across, top * down, right, bottom)
            return np.asarray(image.resize((self.wide, self.high), resample, box=box))
        return np.asarray(image.resize((width, height), resample))[top : top + self.high, left : left + self.wide]

    def _scaled(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the whole picture once it is scaled, proportions kept."""
        ratios = height / self.high, width / self.wide
        if self.mode == "longest":
            ratio = max(ratios)
            return max(1, round(height / ratio)), max(1, round(width / ratio))
        if self.high == self.wide:  # the longer side is rounded down here
            short, long = min(height, width), max(height, width)
            other = int(self.high * long / short)
            return (self.high, other) if height <= width else (other, self.wide)
        ratio = min(ratios)
        return max(self.high, round(height / ratio)), max(self.wide, round(width / ratio))

    def _padded(self, pixels: Pixels) -> Pixels:
        import numpy as np

        padded = np.full((self.high, self.wide, 3), self.fill, np.uint8)
        top, left = (self.high - pixels.shape[0]) // 2, (self.wide - pixels.shape[1]) // 2
        padded[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        return padded

    def batch(self, fitted: Sequence[Pixels], device: Any = "cpu") -> Any:
        """Fitted pictures as the model's input: a float32 tensor (n, 3, high, wide) on its device.

        The pixels travel as bytes and are scaled once, there.
        """
        import numpy as np
        import torch

        pixels = torch.from_numpy(np.stack(fitted)).to(device).permute(0, 3, 1, 2).float().div_(255)
        mean, std = (torch.tensor(numbers, device=device)[:, None, None] for numbers in (self.mean, self.std))
        return pixels.sub_(mean).div_(std).contiguous()

    def __call__(self, rgb: Pixels) -> Any:
        """One picture as the model's input, a float32 tensor (3, high, wide)."""
        return self.batch([self.fitted(rgb)])[0]


def _three(numbers: Any) -> tuple[float, float, float]:
    values = (numbers,) * 3 if isinstance(numbers, (int, float)) else tuple(numbers)
    first, second, third = (float(value) for value in values)
    return first, second, third


def check_preprocessing(prepare: Callable[[Pixels], Any], documented: Mapping[str, Any], label: str) -> None:
    """Refuse a preprocessing that does not take 8-bit black and white to the checkpoint's documented range.

    Black must become `(0 - mean) / std` and white `(1 - mean) / std` in each channel. Pixels that are scaled twice,
    the fault that once had public harnesses score almost black pictures, or normalised with other numbers do not.
    """
    import numpy as np

    told = Preparation.of(documented, label)
    for value in (0, 255):
        made = np.asarray(prepare(np.full((told.high, told.wide, 3), value, np.uint8)), dtype=float)
        colour = (value / 255 - np.asarray(told.mean)) / np.asarray(told.std)
        wanted = np.broadcast_to(colour[:, None, None], (3, told.high, told.wide))
        if made.shape != wanted.shape or np.abs(made - wanted).max() > _TOLERANCE:
            raise ModelUnavailable(
                f"{label}: the preprocessing does not give the model what it was trained on: a picture of value "
                f"{value} becomes {made.mean():.3f} on average, expected {wanted.mean():.3f}",
                _REMEDY,
            )


def check_agreement(prepare: Callable[[Pixels], Any], theirs: Callable[[Any], Any], label: str) -> None:
    """Refuse a preprocessing that differs from the library's own on pictures that are no squares."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for height, width in ((53, 91), (300, 211)):
        rgb = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        apart = np.abs(np.asarray(prepare(rgb)) - np.asarray(theirs(Image.fromarray(rgb)))).max()
        if apart > _TOLERANCE:
            raise ModelUnavailable(f"{label}: its preprocessing differs from open_clip's by {apart:.3f}", _REMEDY)
