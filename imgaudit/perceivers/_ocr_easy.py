"""EasyOCR: CRAFT and a recurrent recogniser, with weights that lie in a local folder.

Its weights are pickles, which can run code when they are loaded. They are compared with the digests that the project
publishes before anything opens them, and nothing is ever downloaded.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from imgaudit.digest import digest_file
from imgaudit.errors import ModelUnavailable
from imgaudit.perceivers._ocr_common import Page, Reading, Views, cleaned, per_character

if TYPE_CHECKING:
    import numpy as np

DIGESTS = {
    "craft_mlt_25k.pth": "2f8227d2def4037cdb3b34389dcf9ec1",
    "english_g2.pth": "5864788e1821be9e454ec108d61b887d",
}
"""Published md5 digests (easyocr 1.7.2, config.py). md5 resists a forged second file, which is what is asked of it."""

RELEASES = "https://github.com/JaidedAI/EasyOCR/releases/download"
ARCHIVES = {"craft_mlt_25k.pth": "pre-v1.1.6/craft_mlt_25k.zip", "english_g2.pth": "v1.3/english_g2.zip"}

_SMALLEST = 8
_PIECE = 1 << 20


class EasyOcr:
    """Finds and reads English letters, digits and punctuation.

    Known limits: slow on a CPU (boxes are read one by one); no single character probabilities; the detector's own
    score is not told; nothing is turned, so writing upside down is not read.
    """

    name: ClassVar[str] = "easyocr"
    scripts: ClassVar[tuple[str, ...]] = ("LATIN",)

    def __init__(self, folder: str | None = None) -> None:
        self._folder = _weights_folder(folder)
        self._files = [checked(self._folder, name) for name in sorted(DIGESTS)]
        self._reader = self._built()

    def identity(self) -> Mapping[str, str]:
        """Digests of both models, and the versions of what runs them."""
        return {
            "engine": self.name,
            "easyocr": version("easyocr"),
            "torch": version("torch"),
            **{file.name: digest_file(file) for file in self._files},
        }

    def read(self, rgb: np.ndarray, views: Views) -> Page:
        """All places, by the greedy decoder: others correct spellings in silence."""
        longest = max(rgb.shape[:2])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._reader.readtext(
                rgb,
                decoder="greedy",
                min_size=_SMALLEST,
                canvas_size=2 * views.side if views.upscale else views.side,
                mag_ratio=2.0 if views.upscale and 2 * longest <= views.side else 1.0,
            )
        readings = []
        for polygon, raw, confidence in found:
            text, _ = cleaned(raw, ())
            corners = tuple((float(x), float(y)) for x, y in polygon)
            readings.append(Reading(text, per_character(float(confidence), len(raw)), corners))
        return Page(readings[: views.limit], max(len(readings) - views.limit, 0))

    def _built(self) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import easyocr
        except ImportError as error:
            raise ModelUnavailable(
                f"easyocr cannot be imported ({error})", "Install it with: pip install easyocr"
            ) from error
        path = list(sys.path)
        with tempfile.TemporaryDirectory() as networks, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return easyocr.Reader(
                    ["en"],
                    gpu=False,
                    model_storage_directory=str(self._folder),
                    user_network_directory=networks,  # it would be made in the home folder
                    download_enabled=False,
                    verbose=False,
                )
            finally:
                sys.path[:] = path  # it appends the folder of networks, from which code would be imported


def _weights_folder(given: str | None) -> Path:
    """The folder of the weights: the one given, or EasyOCR's own place for them."""
    if given:
        root = Path(given)
    elif os.environ.get("EASYOCR_MODULE_PATH"):
        root = Path(os.environ["EASYOCR_MODULE_PATH"])
    else:
        root = Path.home() / ".EasyOCR"
    return root / "model" if (root / "model").is_dir() else root


def checked(folder: Path, name: str) -> Path:
    """The file of a model, once its digest was found right. Nothing has opened it as a pickle before."""
    file = folder / name
    if not file.is_file():
        raise ModelUnavailable(
            f"easyocr's weights {name} are not in {folder}",
            f"Unpack {RELEASES}/{ARCHIVES[name]} there, or name its folder: --ocr easyocr:DIR or EASYOCR_MODULE_PATH",
        )
    state = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            state.update(piece)
    if state.hexdigest() != DIGESTS[name]:
        raise ModelUnavailable(
            f"{file} is not the published {name}: its md5 is {state.hexdigest()}, expected {DIGESTS[name]}",
            f"It was not loaded. Delete it and unpack {RELEASES}/{ARCHIVES[name]} there",
        )
    return file
