"""PP-OCRv6 small through rapidocr and onnxruntime; its weights are in rapidocr's wheel.

rapidocr's own reader hides low scores, gives boxes and their scores in different orders and upscales every picture.
Here its detector and recogniser are used one by one, so that a picture without writing costs one small look.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from imgaudit.digest import digest_file
from imgaudit.errors import ModelUnavailable
from imgaudit.kernels.writing import area_of, box_of, height_of
from imgaudit.perceivers._ocr_common import Page, Reading, Views, cleaned
from imgaudit.types import Box, Point

if TYPE_CHECKING:
    import numpy as np

REMEDY = "Install it with: pip install rapidocr onnxruntime"
DETECTOR = "PP-OCRv6_det_small.onnx"
RECOGNISER = "PP-OCRv6_rec_small.onnx"

_THREADS = 2
_SMALLEST_LOOK = 640
_LARGEST_LOOK = 1920
_MOST_ENLARGED = 3.0
_COMFORTABLE = 22.0
"""Height, in pixels of the look, below which the detector begins to miss lines."""
_WORTH_IT = 1.25
_UNSURE = 0.9
"""Mean probability below which a place is read upside down, too: letters on their head reach 0.85."""

_BETTER = 0.05
_COVERED = 0.5
_TALL = 1.5
_THIN = 6.0
_STRIDE = 32


class RapidOcr:
    """Finds and reads Latin, Greek, Chinese and Japanese writing.

    Known limits: writing that is smaller than about 8 pixels when the picture is laid into 960 pixels is not found
    unless larger writing stands beside it; spaces get lost; vertical Latin letters, stacked, are not read.
    """

    name: ClassVar[str] = "rapidocr"
    scripts: ClassVar[tuple[str, ...]] = ("LATIN", "GREEK", "CJK", "HIRAGANA", "KATAKANA")

    def __init__(self) -> None:
        spec = find_spec("rapidocr")
        if spec is None or spec.origin is None:
            raise ModelUnavailable("rapidocr is not installed", REMEDY)
        folder = Path(spec.origin).parent / "models"
        self._files = [folder / DETECTOR, folder / RECOGNISER]
        for file in self._files:
            if not file.is_file():
                raise ModelUnavailable(
                    f"rapidocr {version('rapidocr')} carries no {file.name}",
                    "Install it with: pip install 'rapidocr==3.10.*'",
                )

    # built at the first look, so that a run whose percepts are all cached loads no model
    @cached_property
    def _engine(self) -> Any:
        return _built(*self._files)

    def identity(self) -> Mapping[str, str]:
        """Digests of both models, and the versions of what runs them."""
        return {
            "engine": self.name,
            "rapidocr": version("rapidocr"),
            "onnxruntime": version("onnxruntime"),
            **{file.name: digest_file(file) for file in self._files},
        }

    def read(self, rgb: np.ndarray, views: Views) -> Page:
        """One small look for places, a larger one if what was found is small, then every place is read."""
        import numpy as np

        image, (left, top) = _padded(np.ascontiguousarray(rgb[:, :, ::-1]))
        places = sorted(self._places(image, views), key=lambda place: -area_of(place[0]))
        kept = places[: views.limit]
        crops = [_crop(image, polygon) for polygon, _ in kept]
        read = self._recognised(crops, views.turn)
        readings = []
        for (polygon, found), (text, characters) in zip(kept, read, strict=True):
            text, characters = cleaned(text, characters)
            score = float(np.mean(characters)) if characters else 0.0
            moved = tuple((_inside(x - left, rgb.shape[1]), _inside(y - top, rgb.shape[0])) for x, y in polygon)
            readings.append(Reading(text, score, moved, characters, found))
        return Page(readings, len(places) - len(kept))

    def _places(self, image: np.ndarray, views: Views) -> list[_Place]:
        longest = max(image.shape[:2])
        look = min(max(longest, min(_SMALLEST_LOOK, views.side)), views.side, round(longest * _MOST_ENLARGED))
        places = self._found(image, look / longest)
        if not places or not views.upscale:
            return places
        heights = sorted(height_of(polygon) * look / longest for polygon, _ in places)
        wanted = look * min(_COMFORTABLE / max(heights[len(heights) // 4], 1.0), _MOST_ENLARGED)
        larger = min(wanted, _LARGEST_LOOK, longest * _MOST_ENLARGED)
        return _joined(self._found(image, larger / longest), places) if larger > _WORTH_IT * look else places

    def _found(self, image: np.ndarray, scale: float) -> list[_Place]:
        """Text-shaped places of an image looked at in `scale`, in the image's own pixels, with the detector's score."""
        import cv2
        import numpy as np

        height, width = image.shape[:2]
        size = [max(round(side * scale / _STRIDE), 1) * _STRIDE for side in (width, height)]
        resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        tensor = ((resized.astype(np.float32) / 255.0 - 0.5) / 0.5).transpose(2, 0, 1)[None]
        detector = self._engine.text_det
        boxes, scores = detector.postprocess_op(detector.session(tensor), (height, width))
        return [
            (tuple((float(x), float(y)) for x, y in box), float(score))
            for box, score in zip(boxes, scores, strict=True)
        ]

    def _recognised(self, crops: Sequence[np.ndarray], turn: bool) -> list[tuple[str, tuple[float, ...]]]:
        """Text and character probabilities of each crop; unsure crops are read in other directions, too."""
        import numpy as np

        read = self._read(crops)
        unsure = [i for i, (_, p) in enumerate(read) if not p or sum(p) / len(p) < _UNSURE] if turn else []
        again = self._read([np.ascontiguousarray(np.rot90(crops[i], 2)) for i in unsure])
        for index, other in zip(unsure, again, strict=True):
            if _mean(other) > _mean(read[index]) + _BETTER:
                read[index] = other
        return read

    def _read(self, crops: Sequence[np.ndarray]) -> list[tuple[str, tuple[float, ...]]]:
        from rapidocr.ch_ppocr_rec import TextRecInput

        if not crops:
            return []
        output = self._engine.text_rec(TextRecInput(img=list(crops), return_word_box=True))
        return [
            (text, tuple(info.confs) if text else ())
            for text, info in zip(output.txts, output.word_results, strict=True)
        ]


_Place = tuple[tuple[Point, ...], float]
"""Four corners, and the detector's score."""


def _joined(fine: Sequence[_Place], coarse: Sequence[_Place]) -> list[_Place]:
    """The places of the larger look, and those of the first that it missed: thin small letters get lost enlarged."""
    boxes = [box_of(polygon) for polygon, _ in fine]
    missed = [place for place in coarse if not any(_share(box_of(place[0]), box) >= _COVERED for box in boxes)]
    return [*fine, *missed]


def _share(box: Box, other: Box) -> float:
    """The part of a box that another covers."""
    width = max(min(box[2], other[2]) - max(box[0], other[0]), 0.0)
    height = max(min(box[3], other[3]) - max(box[1], other[1]), 0.0)
    return width * height / max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)


def _built(detector: Path, recogniser: Path) -> Any:
    """The engine with explicit model files, so that no code path can download one."""
    import numpy as np

    try:
        import rapidocr
    except ImportError as error:
        raise ModelUnavailable(f"rapidocr cannot be imported ({error})", REMEDY) from error
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    parameters = {
        "Global.text_score": 0,
        "Global.log_level": "critical",
        "Global.use_cls": False,
        "EngineConfig.onnxruntime.intra_op_num_threads": min(_THREADS, os.cpu_count() or 1),
        "Det.model_path": str(detector),
        "Rec.model_path": str(recogniser),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine = rapidocr.RapidOCR(params=parameters)
        blank = np.full((64, 256, 3), 255, np.uint8)
        engine(blank, use_cls=False)  # both models are loaded at their first use
        engine(blank, use_det=False, use_cls=False)
    return engine


def _padded(image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The image with a rim in the colour of its border if it is small or thin, and the rim's width and height.

    The detector does not find a line that touches the border on all sides.
    """
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    thin = max(height, width) > _THIN * min(height, width)
    rim = max(32, min(height, width)) if thin else 32 if min(height, width) < 96 else 0
    if not rim:
        return image, (0, 0)
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    colour = [int(c) for c in np.median(border, axis=0)]
    return cv2.copyMakeBorder(image, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=colour), (rim, rim)


def _crop(image: np.ndarray, polygon: Sequence[Point]) -> np.ndarray:
    """The upright picture of a four-cornered place; tall ones are laid on their side."""
    import cv2
    import numpy as np

    corners = np.array(polygon, np.float32)
    top, right, bottom, left = (float(np.linalg.norm(corners[i] - corners[(i + 1) % 4])) for i in range(4))
    width, height = max(round(max(top, bottom)), 1), max(round(max(left, right)), 1)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    crop = cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.rot90(crop)) if height >= _TALL * width else crop


def _mean(read: tuple[str, tuple[float, ...]]) -> float:
    return sum(read[1]) / len(read[1]) if read[1] else 0.0


def _inside(value: float, size: int) -> float:
    return min(max(value, 0.0), float(size))
