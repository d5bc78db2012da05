"""Fits both measures of writing: `python -m imgaudit.calibration.fit_text FONTS...` writes `text.json`.

FONTS are folders with .ttf or .otf files. Gibberish is fitted on pictures rendered here: words, names, codes and empty
textures against glyphs that are mirrored, cut up and joined anew, bent, or invented from strokes; both sides in the
same fonts, sizes, grounds, blurs and JPEG levels. Font families are dealt to two sides: the weights come from one, the
reported figures from the other. Misspelling is fitted on words alone: slips made in listed words against names, as what
is right and in no list, half of each for fitting, half for the figures.

No corpus of pictures goes in, and no rendered picture is kept.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.optimize import minimize

from imgaudit.digest import digest_file
from imgaudit.kernels import writing
from imgaudit.percepts import TextLine, Writing
from imgaudit.registry import perceivers
from imgaudit.types import Look, Picture, Query

TARGET = Path(__file__).parent / "text.json"
WORDS = Path(__file__).parent / "words_en.txt.xz"
SIZE = (640, 224)
FALSE_ALARMS = 0.03
RIDGE = 1e-3
AREA = 0.1
LETTERS = "abcdefghijklmnopqrstuvwxyz"

# fmt: off
NAMES = (
    "Nikon", "Toyota", "Lufthansa", "Spotify", "Zalando", "Heineken", "Ikea", "Adidas", "Reykjavik", "Oaxaca",
    "Szczecin", "Nguyen", "Kowalski", "Bjork", "Xiaomi", "Huawei", "Renault", "Peugeot", "Michelin", "Haribo",
    "Ritz", "Hublot", "Omega", "Cartier", "Versace", "Gucci", "Zara", "Uniqlo", "Lego", "Sony",
)
FOREIGN = (
    "maison", "jardin", "toujours", "fenêtre", "liberté", "musée", "château", "bonjour", "lumière", "église", "straße",
    "bäckerei", "freiheit", "schule", "geöffnet", "bahnhof", "zwischen", "fenster", "mañana", "corazón", "pescado",
    "ciudad", "iglesia", "abierto", "también", "libreria", "gelato", "chiuso", "mercato", "stazione", "aperto",
    "veritas", "omnia", "semper", "gloria", "amicitia", "scientia", "temporibus", "gaudium", "lingua",
)
# fmt: on
GOOD, TEXTURE = ("words", "names", "codes", "foreign"), "texture"
BAD = ("mirrored", "joined", "bent", "strokes")


@dataclass(frozen=True, slots=True)
class Sample:
    """One rendered picture and what was read in it."""

    kind: str
    family: str
    places: tuple[TextLine, ...]
    lines: tuple[TextLine, ...]


class Renderer:
    """Draws one picture of a kind; everything random comes from `rng`."""

    def __init__(self, fonts: Sequence[Path], lexicon: writing.Lexicon, rng: np.random.Generator) -> None:
        self.fonts, self.rng = list(fonts), rng
        self.vocabulary = sorted(w for w in lexicon.common if 3 <= len(w) <= 10)
        self.lexicon = lexicon

    def draw(self, kind: str) -> tuple[NDArray[np.uint8], str]:
        """The picture, uint8 (height, width, 3), and the family of its font."""
        ground = self._ground(strong=kind == TEXTURE)
        path = self.fonts[self.rng.integers(len(self.fonts))]
        if kind != TEXTURE:
            self._write(ground, kind, path)
        return self._worn(ground), family(path)

    def _write(self, ground: Image.Image, kind: str, path: Path) -> None:
        """One or two lines of a kind, in one colour that stands out."""
        level = float(np.asarray(ground.convert("L")).mean())
        far = (self.rng.integers(0, 100, 3) if level > 127 else self.rng.integers(155, 256, 3)).astype(int)
        ink = tuple(int(c) for c in far)
        y = 12
        for _ in range(int(self.rng.integers(1, 3))):
            font = ImageFont.truetype(str(path), int(self.rng.integers(20, 80)))
            mask = self._line(kind, font)
            if y + mask.height > ground.height:
                break
            ground.paste(ink, (12, y), mask)
            y += mask.height + 8

    def _line(self, kind: str, font: ImageFont.FreeTypeFont) -> Image.Image:
        """The mask of a line, not wider than the picture."""
        if kind == "strokes":
            return self._strokes(int(font.size))
        text = self._text("words" if kind in BAD else kind, font)
        if kind in GOOD or kind == "misspelt":
            return _mask(text, font)
        if kind == "bent":
            return self._bent(_mask(text, font))
        change = self._mirrored if kind == "mirrored" else self._joined
        return _beside([change(_mask(c, font), font) if c != " " else _mask(" ", font) for c in text])

    def _text(self, kind: str, font: ImageFont.FreeTypeFont) -> str:
        make: dict[str, Callable[[], str]] = {
            "words": lambda: self._word(),
            "misspelt": lambda: slip(self._word(), self.lexicon, self.rng),
            "names": lambda: NAMES[self.rng.integers(len(NAMES))],
            "foreign": lambda: FOREIGN[self.rng.integers(len(FOREIGN))],
            "codes": self._code,
        }
        case = (str.upper, str.title, str.lower)[self.rng.integers(3)] if kind != "names" else str
        text = case(make[kind]())
        while font.getlength(text) < 200 or self.rng.random() < 0.6:
            longer = f"{text} {case(make['words' if kind == 'misspelt' else kind]())}"
            if font.getlength(longer) > SIZE[0] - 30:
                break
            text = longer
        return text

    def _word(self) -> str:
        return self.vocabulary[self.rng.integers(len(self.vocabulary))]

    def _code(self) -> str:
        pieces = ("{:d}", "{:02d}:30", "${:d}.99", "XK-{:d}", "No. {:d}", "{:d}%", "BX{:d}T", "+49 {:d}")
        return pieces[self.rng.integers(len(pieces))].format(int(self.rng.integers(1, 9999)))

    def _mirrored(self, glyph: Image.Image, font: ImageFont.FreeTypeFont) -> Image.Image:
        """A glyph turned or mirrored, so that it mostly is no letter."""
        turns = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)
        turned = glyph.transpose(turns[self.rng.integers(3)])
        return turned if self.rng.random() < 0.7 else turned.rotate(90 * int(self.rng.integers(1, 4)))

    def _joined(self, glyph: Image.Image, font: ImageFont.FreeTypeFont) -> Image.Image:
        """One half of a glyph beside or above one half of another."""
        other = _mask(LETTERS[self.rng.integers(26)].upper(), font).resize(glyph.size)
        joined = glyph.copy()
        if self.rng.random() < 0.5:
            box = (glyph.width // 2, 0, glyph.width, glyph.height)
        else:
            box = (0, glyph.height // 2, glyph.width, glyph.height)
        joined.paste(other.crop(box).transpose(Image.Transpose.ROTATE_180), box[:2])
        return joined

    def _bent(self, mask: Image.Image) -> Image.Image:
        """A line whose points are moved by a smooth field of a sixth of its height."""
        import cv2

        height, width = mask.height, mask.width
        field = self.rng.normal(0, 1, (2, height, width)).astype(np.float32)
        sigma = height / 12
        moves = [cv2.GaussianBlur(f, (0, 0), sigma) for f in field]
        dx, dy = (m / (float(m.std()) + 1e-6) * height / 8 for m in moves)
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        return Image.fromarray(cv2.remap(np.asarray(mask), x + dx, y + dy, cv2.INTER_LINEAR))

    def _strokes(self, size: int) -> Image.Image:
        """Invented letters: two to four straight or round strokes each."""
        glyphs = []
        most = (SIZE[0] - 40) * 4 // (size * 3)
        for _ in range(min(int(self.rng.integers(4, 16)), most)):
            glyph = Image.new("L", (max(round(size * 0.7), 8), round(size * 1.2)))
            pen = ImageDraw.Draw(glyph)
            for _ in range(int(self.rng.integers(2, 5))):
                x, y = self.rng.integers(1, glyph.width, 2), self.rng.integers(round(size * 0.15), size, 2)
                box = [int(min(x)), int(min(y)), int(max(x)) + 1, int(max(y)) + 1]
                if self.rng.random() < 0.5:
                    pen.line([int(x[0]), int(y[0]), int(x[1]), int(y[1])], 255, max(size // 10, 2))
                else:
                    pen.arc(box, int(self.rng.integers(360)), int(self.rng.integers(360, 640)), 255, max(size // 10, 2))
            glyphs.append(glyph)
        return _beside(glyphs)

    def _ground(self, *, strong: bool) -> Image.Image:
        """An even, graded or textured ground; strong ones stand alone, as pictures without writing."""
        low, high = (0, 256) if strong else (160, 256) if self.rng.random() < 0.5 else (0, 80)
        base = self.rng.integers(low, high, 3)
        height, width = SIZE[1], SIZE[0]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        kind = int(self.rng.integers(1 if strong else 0, 5))
        amount = 90.0 if strong else 16.0
        period = float(self.rng.uniform(6, 40))
        coarse = self.rng.integers(0, 256, (height // 8, width // 8)).astype(np.uint8)
        noise = np.asarray(Image.fromarray(coarse).resize(SIZE)).astype(np.float32)
        patterns = (
            np.zeros_like(x),
            np.sign(np.sin(2 * np.pi * (x * math.cos(period) + y * math.sin(period)) / period)),
            np.where((y % period < 2) | ((x + (y // period % 2) * period) % (2 * period) < 2), 1.0, -0.3),
            noise / 127.5 - 1.0,
            np.sin(np.hypot(x - width / 2, y - height / 2) / period * 3),
        )
        field = base[None, None, :] + amount * patterns[kind][:, :, None]
        return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))

    def _worn(self, picture: Image.Image) -> NDArray[np.uint8]:
        """Turned a little, made smaller, blurred, with noise, through JPEG."""
        fill = tuple(int(c) for c in np.median(np.asarray(picture).reshape(-1, 3), axis=0))
        turned = picture.rotate(float(self.rng.normal(0, 2.0)), Image.Resampling.BICUBIC, fillcolor=fill)
        scale = float(self.rng.uniform(0.6, 1.0))
        smaller = turned.resize((round(turned.width * scale), round(turned.height * scale)), Image.Resampling.BOX)
        blurred = np.asarray(smaller.filter(ImageFilter.GaussianBlur(float(self.rng.uniform(0, 1.5))))).astype(float)
        noisy = blurred + self.rng.normal(0, float(self.rng.uniform(0, 14)), blurred.shape)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(
            buffer, "JPEG", quality=int(self.rng.integers(30, 96))
        )
        return np.asarray(Image.open(buffer).convert("RGB"))


def _mask(text: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    ascent, descent = font.getmetrics()
    mask = Image.new("L", (max(math.ceil(font.getlength(text)), 1), ascent + descent))
    ImageDraw.Draw(mask).text((0, 0), text, 255, font)
    return mask


def _beside(glyphs: Sequence[Image.Image]) -> Image.Image:
    line = Image.new("L", (sum(g.width for g in glyphs), max(g.height for g in glyphs)))
    x = 0
    for glyph in glyphs:
        line.paste(glyph, (x, 0))
        x += glyph.width
    return line


def family(path: Path) -> str:
    """The font's family: the first word of its file name, so that Sans and Serif of one design stay together."""
    name = re.match(r"[A-Z]*[a-z]+|.+", path.stem)
    return name[0] if name else path.stem


def slip(word: str, lexicon: writing.Lexicon, rng: np.random.Generator) -> str:
    """The word with one or two slips (double, drop, swap, replace), such that it is no word."""
    for _ in range(100):
        made = word
        for _ in range(1 + int(rng.random() < 0.3)):
            made = _slipped(made, rng)
        if made != word and len(made) >= 4 and not lexicon.knows(made):
            return made
    return f"{word[:2]}q{word[2:]}x"


def _slipped(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(len(word)))
    kind = int(rng.integers(4))
    if kind == 0:
        return word[:at] + word[at] + word[at:]
    if kind == 1:
        return word[:at] + word[at + 1 :] or word
    if kind == 2:
        return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    return word[:at] + LETTERS[rng.integers(26)] + word[at + 1 :]


def sampled(fonts: Sequence[Path], each: int, lexicon: writing.Lexicon, rng: np.random.Generator) -> list[Sample]:
    """Render and read `each` pictures of every kind."""
    ocr = perceivers.get("ocr")()
    renderer = Renderer(fonts, lexicon, rng)
    samples = []
    for kind in (*GOOD, TEXTURE, *BAD, "misspelt"):
        for index in range(each):
            rgb, name = renderer.draw(kind)
            picture = Picture(id=f"{kind}{index}", data=b"", file="", rgb=rgb)
            sight = ocr.perceive([Look(picture, Query("ocr"))])[0]
            if not isinstance(sight, Writing):
                raise RuntimeError(f"{picture.id}: {sight}")
            samples.append(Sample(kind, name, (*sight.lines, *sight.unread), sight.lines))
    return samples


def fitted(
    names: Sequence[str],
    good: Sequence[Mapping[str, float]],
    bad: Sequence[Mapping[str, float]],
    free: Sequence[str] = (),
) -> tuple[dict[str, float], float]:
    """Logistic regression with balanced classes and a small ridge.

    A feature speaks against writing or not at all (weight >= 0), unless it is `free`.
    """
    rows = np.array([[f[n] for n in names] for f in (*good, *bad)])
    label = np.array([-1.0] * len(good) + [1.0] * len(bad))
    share = np.where(label > 0, 0.5 / len(bad), 0.5 / len(good))

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = label * (rows @ theta[:-1] + theta[-1])
        slope = -label * share / (1.0 + np.exp(np.clip(margin, -60, 60)))
        value = float(share @ np.logaddexp(0.0, -margin)) + RIDGE * float(theta[:-1] @ theta[:-1])
        return value, np.append(rows.T @ slope + 2 * RIDGE * theta[:-1], slope.sum())

    bounds = [(None, None) if n in free else (0.0, None) for n in names] + [(None, None)]
    result = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=bounds)
    return {n: float(w) for n, w in zip(names, result.x, strict=False)}, float(result.x[-1])


def auroc(bad: Sequence[float], good: Sequence[float], rng: np.random.Generator) -> dict[str, float]:
    """Area under the ROC curve with a 95 % bootstrap interval; ties count half."""
    b, g = np.array(bad), np.array(good)

    def area(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        return float((x[:, None] > y).mean() + 0.5 * (x[:, None] == y).mean())

    draws = sorted(area(rng.choice(b, len(b)), rng.choice(g, len(g))) for _ in range(500))
    return {
        "auroc": round(area(b, g), 4),
        "low": round(draws[12], 4),
        "high": round(draws[487], 4),
        "bad": len(b),
        "good": len(g),
    }


def _features(line: TextLine, lexicon: writing.Lexicon) -> dict[str, float]:
    return writing.line_features(writing.Read(line.text, line.score, line.characters, line.found), lexicon)


def gibberish(
    samples: Sequence[Sample], held: frozenset[str], lexicon: writing.Lexicon, rng: np.random.Generator
) -> dict[str, Any]:
    """The weights, from the fitting families, and the figures of the held-out ones."""
    fitting = [s for s in samples if s.family not in held]
    good = [_features(p, lexicon) for s in fitting if s.kind in (*GOOD, TEXTURE) for p in s.places]
    bad = [_features(p, lexicon) for s in fitting if s.kind in BAD for p in s.places]
    weights, bias = fitted(writing.LINE_FEATURES, good, bad, free=("found",))

    def score(sample: Sample) -> float:
        chances = [writing.logistic(_features(p, lexicon), weights, bias) for p in sample.places]
        return writing.upper_quantile(chances, [writing.area_of(p.polygon) + 1.0 for p in sample.places], AREA)

    seen = [s for s in fitting if s.kind in GOOD and s.places]
    edge = float(np.quantile([score(s) for s in seen], 1 - FALSE_ALARMS))
    bias -= max(math.log(edge / (1 - edge)), 0.0)  # 0.5 flags no larger share of right writing than this
    rest = [s for s in samples if s.family in held and s.places]
    right = [score(s) for s in rest if s.kind in GOOD]
    figures = {kind: auroc([score(s) for s in rest if s.kind == kind], right, rng) for kind in BAD}
    figures["all"] = auroc([score(s) for s in rest if s.kind in BAD], right, rng)
    flagged = {kind: _share([score(s) >= 0.5 for s in rest if s.kind == kind]) for kind in (*GOOD, TEXTURE, *BAD)}
    return {
        "weights": {n: round(w, 4) for n, w in weights.items()},
        "bias": round(bias, 4),
        "held_out": figures,
        "flagged_at_0.5": flagged,
        "without_a_place": {k: _share([not s.places for s in samples if s.kind == k]) for k in (*GOOD, TEXTURE, *BAD)},
        "read_on_textures": _share([bool(s.lines) for s in samples if s.kind == TEXTURE]),
    }


def _share(flags: Sequence[bool]) -> float:
    return round(sum(flags) / max(len(flags), 1), 4)


def misspelt(lexicon: writing.Lexicon, each: int, rng: np.random.Generator) -> dict[str, Any]:
    """The weights of the words' features, from one half, and the figures of the other."""
    names = sorted(w for w in lexicon.names if 4 <= len(w) <= 14)
    common = sorted(w for w in lexicon.common | lexicon.medium if 4 <= len(w) <= 14)
    good_words = [str(w) for w in rng.choice(names, 2 * each, replace=False)]
    bad_words = [slip(str(w), lexicon, rng) for w in rng.choice(common, 2 * each, replace=False)]
    good = [_named(w, lexicon, rng.random() < 0.5) for w in good_words]
    bad = [_named(w, lexicon, rng.random() < 0.15) for w in bad_words]
    weights, bias = fitted(
        writing.WORD_FEATURES, good[:each], bad[:each], free=("rare", "odd", "capitalised", "length")
    )

    def chances(rows: Sequence[Mapping[str, float]]) -> list[float]:
        return [writing.logistic(row, weights, bias) for row in rows]

    return {
        "weights": {n: round(w, 4) for n, w in weights.items()},
        "bias": round(bias, 4),
        "held_out_unlisted_words": auroc(chances(bad[each:]), chances(good[each:]), rng),
        "flagged_at_0.5": {
            "slips": _share([c >= 0.5 for c in chances(bad[each:])]),
            "names_as_if_unknown": _share([c >= 0.5 for c in chances(good[each:])]),
        },
        "assumed": "half of the names stand capitalised among small letters, 15 % of the slips",
    }


def _named(word: str, lexicon: writing.Lexicon, capital: bool) -> dict[str, float]:
    return writing.word_features(word.title() if capital else word, lexicon, lower_case_line=capital)


def main() -> None:
    """Render, read, fit, write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", nargs="+", type=Path)
    parser.add_argument("--each", type=int, default=200, help="pictures of each kind")
    options = parser.parse_args()
    lexicon = writing.Lexicon.parse(WORDS.read_bytes())
    found = sorted((p for f in options.fonts for p in f.rglob("*.[ot]tf")), key=lambda p: p.name)
    families = sorted({family(path) for path in found})
    held = frozenset(families[1::2])
    rng = np.random.default_rng(20240)
    samples = sampled(found, options.each, lexicon, rng)
    card = {
        "format": "imgaudit-calibration/1",
        "of": "text",
        "gibberish": gibberish(samples, held, lexicon, rng),
        "misspelt": misspelt(lexicon, 1500, rng),
        "data": {
            "pictures_of_each_kind": options.each,
            "kinds": {"right": [*GOOD], "none": [TEXTURE], "wrong": [*BAD]},
            "fitting_families": [f for f in families if f not in held],
            "held_out_families": sorted(held),
            "words": "SCOWL 2020.12.07, levels 10 to 50; see words_en.LICENSE.txt",
            "words_sha256": digest_file(WORDS),
        },
        "engine": {"rapidocr": version("rapidocr"), "onnxruntime": version("onnxruntime")},
        "seed": 20240,
        "command": f"python -m imgaudit.calibration.fit_text FONTS --each {options.each}",
        "operating_point": f"0.5 of gibberish flags at most {FALSE_ALARMS:.0%} of the right renders in fitting fonts",
        "limits": "Rendered writing, Latin letters, one engine. A generator's pseudo-writing can be closer to letters.",
    }
    TARGET.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(card, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
