"""Technical quality against labelled pictures, against cleanvision on the same pictures, and what both cost.

    python -m tests.benchmarks.quality CORPORA [--cleanvision PYTHON] [PART...]

CORPORA is the folder of labelled pictures (see tests/conftest.py), PYTHON an interpreter that has cleanvision
installed, in an environment of its own: it is no dependency. PART is one of agreement, cost, curves, alarms, medium,
drawn; all unless some are named. Prints the tables of docs/quality.md. For the cost set OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1.

The operating points were found on `FITTED`; the rates of `alarms` are told of the other photographs alone.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import spearmanr

from imgaudit.checkers.duplicates import DuplicatesChecker
from imgaudit.checkers.quality import FILE, PIXELS, QualityChecker
from imgaudit.checkers.sizes import SizesChecker
from imgaudit.kernels.quality import SCALES
from imgaudit.kernels.spread import wilson
from imgaudit.perceivers.file import FilePerceiver
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.pictures import decode
from imgaudit.types import Case, GroupOutcome, Look, Measured, Member, Percepts
from tests.kernels import test_quality as worsen

CASE = Case(id="a")
CLEAN = ("astronaut", "chelsea", "coffee", "rocket", "camera")
FITTED = "the photographs of scikit-image, hands/real*, and the half of hands_real whose name has an even digest"
OURS: Mapping[str, tuple[str, ...]] = {
    "dark": ("quality.dark",),
    "light": ("quality.bright",),
    "blurry": ("quality.blur",),
    "low_information": ("quality.low_information",),
    "grayscale": ("quality.grayscale",),
    "odd_aspect_ratio": ("quality.aspect",),
    "odd_size": ("sizes.odd",),
    "exact_duplicates": ("duplicates.exact",),
    "near_duplicates": ("duplicates.near",),
}
"""cleanvision's nine issue types and our codes for them."""

LABELLED = {"grayscale": "grayscale", "light": "light", "blurry": "blurry", "exact duplicate": "exact_duplicates"}
FACTS = ("grayscale", "aspect", "profile", "orientation", "transparent", "animated", "cmyk", "tiny")

# fmt: off
PHOTOGRAPHS: Mapping[str, tuple[str, ...]] = {
    "generic": (
        "houses_out.jpeg", "t2v_metrics/0.png", "1/DeepFloyd.jpg", "demo_image.jpg", "a_car_000003.png",
        "crocodile_sweater.jpg", "cloud.png", "sample_inappropriate.png", "clear_example.png", "preview_7_1.png",
        "preview_7_2.png", "inscription_2.png", "inscription_4.png", "inscription_6.png", "printed_2.png",
        "printed_3.png", "printed_5.png", "printed_6.png",
    ),
    "text": (
        "easyocr/example3.png", "french.jpg", "check_return_word_len.jpeg", "return_word_debug.jpg",
        "test_without_det.jpg", "edit12.png", "edit13.png", "edit3.png", "edit4.png", "ref12.png", "ref13.jpg",
        "ref3.jpg", "ref4.jpg", "ad-olive-oil.png", "guacamole-recipe.png", "incense-kit.png", "ketchup-ad.png",
        "parking-poster.png",
    ),
}
"""Pictures of those topics that are photographs or pass as such, by eye; the other topics hold nothing else."""

DRAWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "flat": {
        "generic": ("1/SDXL.jpg", "blue_vase_000001.png", "example_pokemon_strawbit.png"),
        "text": ("width_ths.png", "ch_doc_server.png", "edit15.png", "edit7.png", "ref15.jpeg", "ref7.jpg",
                 "album-cover.png"),
        "defects": ("autoflip/", "horse.png"),
    },
    "line": {
        "text": ("black_font_color_transparent.png", "cyrillic.png", "en_rec.jpg", "eslav.jpg",
                 "img_exif_orientation.jpg", "issue_170.png", "latin.jpg", "short.png", "text_vertical_words.png"),
        "defects": ("image_588.png",),
    },
    "night": {"text": ("edit5.png", "ref5.jpg")},
    "painting": {
        "generic": ("1/Midjourney.jpg", "imagereward/", "_realistic.png", "couple_box.png", "polaroid_breakout.png",
                    "racoon_apple.jpg", "convergence.png", "preview_5_1.png", "preview_6_1.png", "preview_5_2.png",
                    "preview_6_2.png", "a-watercolor"),
    },
}
"""Medium -> topic -> parts of the names of pictures of it, by eye. Paintings and renders have continuous tone."""
# fmt: on


# --- pictures ----------------------------------------------------------------------------------


def names(corpora: Path, topic: str) -> list[str]:
    """Files of a topic that its manifest lists and that a browser shows."""
    with (corpora / topic / "MANIFEST.tsv").open(encoding="utf-8") as stream:
        listed = [row["file"] for row in csv.DictReader(stream, delimiter="\t")]
    return [name for name in listed if name.lower().endswith((".png", ".jpg", ".jpeg", ".webp"))]


def even(name: str) -> bool:
    """Which half of hands_real a file belongs to."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 0


def reported(corpora: Path) -> Iterator[tuple[str, Path]]:
    """Photographs that no operating point was found on: topic and path."""
    for name in names(corpora, "faces"):
        if not name.endswith(("_mask.png", "alien.png")):
            yield "faces", corpora / "faces" / name
    for topic, parts in PHOTOGRAPHS.items():
        for name in names(corpora, topic):
            if name.endswith(parts):
                yield topic, corpora / topic / name
    for name in names(corpora, "defects"):
        if not name.startswith(("autoflip", "cleanvision", "exif")) and not name.endswith(("horse.png", "corrupt.jpg")):
            yield "defects", corpora / "defects" / name
    for name in names(corpora, "hands_real"):
        if not even(name):
            yield f"hands_real/{name.split('/')[0]}", corpora / "hands_real" / name


def look(data: bytes) -> tuple[Percepts, Measured] | None:
    """What is seen and measured of a file; None when it cannot be decoded."""
    picture, error = decode(data, "a")
    if error:
        return None
    sights = Percepts(
        {
            PIXELS: PixelPerceiver().perceive([Look(picture, PIXELS)])[0],
            FILE: FilePerceiver().perceive([Look(picture, FILE)])[0],
        }
    )
    outcome = QualityChecker().measure(CASE, sights)
    assert isinstance(outcome, Measured)
    return sights, outcome


def encoded(rgb: np.ndarray, format: str = "PNG", **options: object) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format, **options)
    return buffer.getvalue()


# --- agreement ---------------------------------------------------------------------------------


def make_defects(folder: Path) -> dict[str, set[str]]:
    """Clean pictures and what was made of them, each with the issues it has; the same ones every time."""
    made: dict[str, set[str]] = {}

    def put(name: str, data: bytes, *issues: str) -> None:
        (folder / name).write_bytes(data)
        made[name] = set(issues)

    for name in CLEAN:
        rgb = worsen.photograph(name)
        grey = {"grayscale"} if name == "camera" else set()
        clean = Image.fromarray(rgb).convert("L") if grey else Image.fromarray(rgb)
        buffer = io.BytesIO()
        clean.save(buffer, "PNG")
        put(f"{name}.png", buffer.getvalue(), *grey, "exact_duplicates")
        put(f"{name}-again.png", buffer.getvalue(), *grey, "exact_duplicates")
        put(f"{name}-near.jpg", encoded(worsen.scaled(rgb, 0.9), "JPEG", quality=80), *grey, "near_duplicates")
        put(f"{name}-dark.png", encoded(worsen.exposed(rgb, -4)), *grey, "dark")
        put(f"{name}-light.png", encoded(255 - (255 - rgb) // 25), *grey, "light")
        put(f"{name}-blurry.png", encoded(worsen.blurred(rgb[::-1], 5)), *grey, "blurry")
        empty = worsen.noisy(np.full_like(rgb, rgb.mean(axis=(0, 1)).astype(np.uint8)), 1)
        put(f"{name}-empty.png", encoded(empty), *grey, "low_information")
        put(f"{name}-long.png", encoded(rgb[200:260]), *grey, "odd_aspect_ratio")
        put(f"{name}-tiny.png", encoded(worsen.scaled(rgb[:, ::-1], 0.08)), *grey, "odd_size")
        put(f"{name}-grey.png", _grey(rgb[::-1, ::-1]), "grayscale")
        for number, (top, left) in enumerate(((0, 0), (0, 90), (40, 0), (40, 90))):
            part = np.rot90(rgb[top : top + 340, left : left + 380], number)
            put(f"{name}-clean{number}.jpg", encoded(np.ascontiguousarray(part), "JPEG", quality=92), *grey)
    return made


def _grey(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).convert("L").save(buffer, "PNG")
    return buffer.getvalue()


def our_issues(folder: Path) -> dict[str, set[str]]:
    """Our answers, in cleanvision's words."""
    codes: dict[str, set[str]] = {}
    sights: dict[str, Percepts] = {}
    for path in sorted(folder.iterdir()):
        found = look(path.read_bytes())
        if found is not None:
            sights[path.name], codes[path.name] = found[0], set(found[1].codes)
    for checker in (DuplicatesChecker(), SizesChecker()):
        members = [Member(name, CASE, False, checker.project(CASE, seen)) for name, seen in sights.items()]
        outcome: GroupOutcome = checker.aggregate(members)
        for name, finding in outcome.pictures.items():
            codes[name] |= set(finding.codes)
    return {name: {issue for issue, ours in OURS.items() if set(ours) & found} for name, found in codes.items()}


THEIRS = """
import contextlib, io, json, sys, time, warnings
warnings.filterwarnings("ignore")
from cleanvision import Imagelab
began = time.process_time()
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    lab = Imagelab(data_path=sys.argv[1])
    lab.find_issues(n_jobs=1)
seconds = time.process_time() - began
found = {path.rsplit("/", 1)[1]: [c[3:-6] for c in lab.issues.columns if c.startswith("is_") and row[c]]
         for path, row in lab.issues.iterrows()}
print(json.dumps({"seconds": seconds, "found": found}))
"""


def theirs(python: str, folder: Path) -> dict[str, object]:
    """What cleanvision says of a folder, and the CPU seconds that its own work took (not its start)."""
    done = subprocess.run([python, "-c", THEIRS, str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"cleanvision gave up on {folder.name}: {done.stderr.strip().splitlines()[-1]}")
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def agreement(corpora: Path, python: str | None) -> None:
    """Found and falsely called, of each of the nine types, by both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = make_defects(folder)
        _add_labelled(corpora, folder, wanted)
        answers = {"imgaudit": our_issues(folder)}
        if python:
            found = theirs(python, folder)["found"]
            assert isinstance(found, dict)
            answers["cleanvision"] = {file: set(issues) for file, issues in found.items()}
    print(f"\n### Agreement: {len(wanted)} pictures\n\n| issue | pictures |", end="")
    print("".join(f" {who}: found | false |" for who in answers))
    print("| --- | --- |" + " --- | --- |" * len(answers))
    missed: list[str] = []
    for issue in OURS:
        having = {file for file, issues in wanted.items() if issue in issues}
        # an exact copy is near, too, and so is what a near copy was made of
        excused = {f for f, i in wanted.items() if i & {"exact_duplicates"}} if issue == "near_duplicates" else set()
        line = f"| {issue} | {len(having)} |"
        for found_by in answers.values():
            called = {file for file, issues in found_by.items() if issue in issues}
            line += f" {len(called & having)} | {len(called - having - excused)} |"
            missed += [f"{issue} {file}" for file in sorted(having - called)] if found_by is answers["imgaudit"] else []
        print(line)
    print(f"\nmissed by imgaudit: {', '.join(missed) or 'nothing'}")
    for who, found_by in answers.items():
        more = {f: sorted(found_by.get(f, set()) - issues) for f, issues in wanted.items()}
        print(f"{who} also says: " + "; ".join(f"{f} {', '.join(i)}" for f, i in more.items() if i))
    for who, found_by in answers.items():
        controls = [f for f, issues in sorted(wanted.items()) if not issues - {"grayscale"}]
        called_so = {f: sorted(found_by.get(f, set()) - wanted[f]) for f in controls}
        wrong = {f: issues for f, issues in called_so.items() if issues}
        print(f"\n{who} on {len(controls)} clean controls: {wrong or 'no false alarm'}")


def _add_labelled(corpora: Path, folder: Path, wanted: dict[str, set[str]]) -> None:
    with (corpora / "defects" / "MANIFEST.tsv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            path = corpora / "defects" / row["file"]
            if row["label"] not in {*LABELLED, "clean"} or not path.is_file():
                continue
            name = f"labelled-{path.name}"
            (folder / name).write_bytes(path.read_bytes())
            issues = {LABELLED[row["label"]]} if row["label"] in LABELLED else set()
            if name.endswith(("horse.png", "image_588.png")):
                issues.add("grayscale")
            wanted[name] = issues | ({"near_duplicates"} if name.endswith("rocket.jpg") else set())


# --- cost --------------------------------------------------------------------------------------


def cost(corpora: Path, python: str | None) -> None:
    """CPU milliseconds a picture of one megapixel, both in turn, the best of five."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(20):
            rgb = np.roll(worsen.scaled(worsen.photograph("astronaut"), 1000 / 512), 37 * number, axis=1)
            (folder / f"{number}.jpg").write_bytes(encoded(rgb, "JPEG", quality=90))
        times: dict[str, list[float]] = defaultdict(list)
        for _ in range(5):
            began = time.process_time()
            our_issues(folder)
            times["imgaudit"].append(time.process_time() - began)
            if python:
                times["cleanvision"].append(float(str(theirs(python, folder)["seconds"])))
    print("\n### Cost of one megapixel, decoding included\n\n| | CPU ms a picture |\n| --- | --- |")
    for who, seconds in times.items():
        print(f"| {who} | {min(seconds) * 1000 / 20:.1f} |")
    if python:
        print(f"\nratio {min(times['imgaudit']) / min(times['cleanvision']):.2f}")


# --- curves ------------------------------------------------------------------------------------


def curves(corpora: Path, python: str | None) -> None:
    """Levels over eight steps of each degradation: the median of the pictures, and the least rank correlation."""
    print("\n### Degradation curves\n\n| measure | made worse by | " + " | ".join(map(str, range(1, 9))), end="")
    print(" | least Spearman |\n" + "| --- " * 11 + "|")
    steps: list[tuple[str, Callable[[np.ndarray, float], np.ndarray], tuple[float, ...]]] = list(worsen.WORSE)
    steps += [
        ("motion_blur", _moved, (1, 2, 4, 6, 8, 12, 16, 24)),
        ("halos", _sharpened, (0, 50, 100, 150, 200, 300, 400, 600)),
        ("chroma_bleeding", worsen.bled, (0, 1, 2, 3, 4, 6, 8, 12)),
        ("upscaling", _enlarged, (1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4)),
    ]
    for measure, worse, values in steps:
        found = [[worsen.levels(worse(worsen.photograph(n), v)).get(measure) for v in values] for n in CLEAN]
        told = [[(i, v) for i, v in enumerate(row) if v is not None] for row in found]
        least = min(float(spearmanr(*zip(*row, strict=True)).statistic) for row in told if len(row) > 2)
        columns = [[row[i] for row in found if row[i] is not None] for i in range(8)]
        medians = [f"{np.median(c):.2f}" if c else "-" for c in columns]
        scale = ", ".join(f"{v:g}" for v in values)
        print(f"| {measure} | {worse.__name__.lstrip('_')} {scale} | " + " | ".join(medians) + f" | {least:.3f} |")


def _moved(rgb: np.ndarray, length: float) -> np.ndarray:
    return worsen.moved(rgb, int(length), 30)


def _sharpened(rgb: np.ndarray, percent: float) -> np.ndarray:
    return worsen.sharpened(rgb, int(percent))


def _enlarged(rgb: np.ndarray, factor: float) -> np.ndarray:
    small = worsen.scaled(rgb, 1 / factor, Image.Resampling.BOX) if factor > 1 else rgb
    size = (rgb.shape[1], rgb.shape[0])
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


# --- false alarms ------------------------------------------------------------------------------


def alarms(corpora: Path, python: str | None) -> None:
    """How often each code is given on photographs that no operating point was found on."""
    codes: dict[str, list[tuple[str, Path, set[str]]]] = defaultdict(list)
    for topic, path in reported(corpora):
        found = look(path.read_bytes())
        if found is not None:
            codes[topic].append((topic, path, {code.split(".")[1] for code in found[1].codes}))
    every = [one for some in codes.values() for one in some]
    print(f"\n### Alarms on {len(every)} photographs; fitted on others ({FITTED})\n")
    print("| code | alarms | rate, % | 95 % interval | where |\n| --- | --- | --- | --- | --- |")
    for code in [c.split(".")[1] for c in QualityChecker.codes]:
        hits = [(topic, path) for topic, path, given in every if code in given]
        low, high = wilson(len(hits), len(every))
        where = ", ".join(f"{topic} {count}" for topic, count in Counter(topic for topic, _ in hits).most_common(4))
        kind = " (fact)" if code in FACTS else ""
        rate = 100 * len(hits) / len(every)
        print(f"| {code}{kind} | {len(hits)} | {rate:.1f} | {100 * low:.1f} to {100 * high:.1f} | {where} |")
    print("\nby topic, any fault: ", end="")
    for topic, some in codes.items():
        bad = sum(bool(given - set(FACTS)) for *_, given in some)
        print(f"{topic} {bad}/{len(some)}; ", end="")
    print("\n\nwhich: ")
    for topic, path, given in every:
        if given - set(FACTS) and not topic.startswith("hands_real"):
            print(f"  {topic} {path.name}: {sorted(given - set(FACTS))}")


# --- medium ------------------------------------------------------------------------------------


def medium(corpora: Path, python: str | None) -> None:
    """What each labelled medium is called."""
    called: dict[str, Counter[str]] = defaultdict(Counter)
    for _, path in reported(corpora):
        _count(called["photo"], path)
    for label, topics in DRAWN.items():
        for topic, parts in topics.items():
            for name in names(corpora, topic):
                if any(part in name for part in parts):
                    _count(called[label], corpora / topic / name)
    for label, make in {"flat": worsen.poster, "line": worsen.drawing, "night": worsen.night}.items():
        for seed in range(30):
            found = look(encoded(make(seed), "JPEG", quality=90))
            assert found is not None
            called[f"{label}, made here"][found[1].labels["medium"]] += 1
    kinds = ("photo", "flat", "line", "night", "unknown")
    print("\n### Medium\n\n| labelled | n | called " + " | ".join(kinds) + " |\n" + "| --- " * 7 + "|")
    for label, counts in called.items():
        print(f"| {label} | {counts.total()} | " + " | ".join(str(counts[kind]) for kind in kinds) + " |")


def _count(counts: Counter[str], path: Path) -> None:
    found = look(path.read_bytes())
    if found is not None:
        counts[found[1].labels["medium"]] += 1


# --- drawings ----------------------------------------------------------------------------------


def drawn(corpora: Path, python: str | None) -> None:
    """How many drawings, labelled ones and made ones of all sizes, are called blurred or moved."""
    called: dict[str, Counter[bool]] = defaultdict(Counter)
    for label in ("flat", "line"):
        for topic, parts in DRAWN[label].items():
            for name in names(corpora, topic):
                if any(part in name for part in parts):
                    _count_blur(called[f"{label}, labelled"], (corpora / topic / name).read_bytes())
    for make in (worsen.poster, worsen.drawing, worsen.cards, worsen.page):
        for side in (64, 128, 256, 400, 800, 1600):
            for seed in range(100, 108):
                rgb = make(seed, side)
                for data in (encoded(rgb), encoded(rgb, "JPEG", quality=75), encoded(rgb, "JPEG", quality=92)):
                    _count_blur(called[f"{make.__name__}, made here"], data)
    print("\n### Drawings\n\n| drawn | n | called blurred or moved |\n| --- | --- | --- |")
    for label, counts in called.items():
        print(f"| {label} | {counts.total()} | {counts[True]} |")


def _count_blur(counts: Counter[bool], data: bytes) -> None:
    found = look(data)
    if found is not None:
        counts[bool({"quality.blur", "quality.motion_blur"} & set(found[1].codes))] += 1


PARTS = {"agreement": agreement, "cost": cost, "curves": curves, "alarms": alarms, "medium": medium, "drawn": drawn}


def main() -> None:
    """Print the tables."""
    import cv2

    cv2.setNumThreads(1)
    options = argparse.ArgumentParser(description="Technical quality: tables.")
    options.add_argument("corpora", type=Path)
    options.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    options.add_argument("--cleanvision", default=None, metavar="PYTHON")
    chosen = options.parse_args()
    assert set(SCALES) <= {measure.name for measure in QualityChecker.measures}
    for part in chosen.parts or PARTS:
        PARTS[part](chosen.corpora, chosen.cleanvision)


if __name__ == "__main__":
    main()
