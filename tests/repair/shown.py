"""What repair achieves, in figures: `python -m tests.repair.shown defects|demo|shapes [FOLDER]`.

*defects* plants local defects in scenes of the world of shapes and repairs them. *demo* and *shapes* run the packaged
suite with embedded@1 and repair what is to be edited. Whether a picture is right afterwards is told by the reader of
shapes, which shares nothing with the generators, the CLIP or the repair.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgaudit.embedded import judging, world
from imgaudit.embedded.reader import read
from imgaudit.engine.sources import FileSource, SuiteSource
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.kernels import masks
from imgaudit.pictures import still_rgba
from imgaudit.pipeline import Options, carry_out
from imgaudit.record import SuiteInfo
from imgaudit.repair.record import Repair
from imgaudit.repair.running import Asked, Repaired, repair
from imgaudit.rubric import Rubric, load_rubric
from imgaudit.suites.load import load_suite
from imgaudit.suites.prompts_file import read_prompts
from imgaudit.types import Controls, ImageRecord
from tests.repair.blemish import plugged_in
from tests.repair.planted import Planted, planted, write


def make(spec: str) -> Any:
    return build(spec, GeneratorOptions(batch_size=8))


@dataclass(frozen=True)
class Defect:
    """A planted defect, its line, how far places and truth agree, and what the reader says of the repaired picture."""

    planted: Planted
    line: Repair
    region: float
    mask: float | None
    outside: bool | None
    right: bool | None


def defects(folder: Path, count: int, seed: int, tries: int = 4, generator: str = "embedded@2") -> list[Defect]:
    """Plant, audit, repair, and compare with the truth."""
    found = list(planted(count, seed))
    prompts = write(found, folder / "pictures")
    with plugged_in(folder) as rubric:
        checks = ("adherence", "blemish", "provenance", "quality", "text")
        source = FileSource.of([folder / "pictures"], read_prompts(prompts), all_files=False)
        carry_out(source, Options(folder / "run", rubric, checks))
        done = repair(Asked(folder / "run", folder / "repairs", rubric, make, generator, tries))
    lines = {Path(line.id).stem: line for line in done.lines}
    return [_compared(one, lines[one.name], folder / "repairs") for one in found if one.name in lines]


def _compared(one: Planted, line: Repair, folder: Path) -> Defect:
    outlines = [region.polygon or masks.box_outline(region.box) for region in line.regions]
    region = masks.overlap(masks.outlined(outlines, *one.truth.shape), one.truth)
    if line.picture is None or line.mask is None:
        return Defect(one, line, region, None, None, None)
    mask = masks.from_counts(line.mask, *one.truth.shape)
    pixels = still_rgba((folder / line.picture).read_bytes())[..., :3]
    same = bool((pixels[~mask] == one.pixels[~mask]).all())
    return Defect(one, line, region, masks.overlap(mask, one.truth), same, shows(one, pixels))


def shows(one: Planted, pixels: np.ndarray) -> bool:
    """Whether the reader sees every shape of the clean drawing again, in its place, colour and shape, and no other."""
    reading = read(pixels)
    if reading.background != one.picture.background or len(reading.seen) != len(one.picture.placed):
        return False
    for seen in reading.seen:
        near = min(one.picture.placed, key=lambda placed: np.hypot(placed.x - seen.x, placed.y - seen.y))
        if np.hypot(near.x - seen.x, near.y - seen.y) > 2.5 or (near.shape, near.colour) != (seen.shape, seen.colour):
            return False
    return True


def rendered(folder: Path, tags: tuple[str, ...] | None, spec: str = "embedded@1", seeds: int = 4) -> Rubric:
    """A run of the packaged suite."""
    suite = load_suite("shapes")
    cases = [case for case in suite.cases if tags is None or set(tags) & set(case.tags)]
    numbers = tuple(range(seeds))
    info = SuiteInfo(name="shapes", digest=suite.digest, cases=len(cases), seeds=numbers)
    rubric = load_rubric("publish")
    source = SuiteSource(info, cases, numbers, Controls(), spec, make(spec), 16)
    carry_out(source, Options(folder / "run", rubric))
    return rubric


def repaired(folder: Path, rubric: Rubric, tries: int) -> Repaired:
    return repair(Asked(folder / "run", folder / f"repairs-{tries}", rubric, make, tries=tries))


def truly(image: ImageRecord, folder: Path) -> bool | None:
    """Whether the reader sees what the prompt says; None where the prompt leaves nothing to be wrong about."""
    scene = world.parse(image.prompt or "")
    if scene is None:
        return None
    return judging.judge(scene, read(still_rgba((folder / image.path).read_bytes())[..., :3]))["all"]


def prompt_figures(folder: Path, tags: tuple[str, ...] | None, tries: tuple[int, ...]) -> dict[str, Any]:
    """Shares of the edit pictures of embedded@1 that become publish, and what the reader says before and after."""
    from imgaudit.pipeline import open_run

    rubric = rendered(folder, tags)
    before = open_run(folder / "run")
    figures: dict[str, Any] = {"pictures": len(before.images), "verdicts": dict(before.report.final_counts)}
    figures["all pictures right by the reader"] = _share(truly(image, folder / "run") for image in before.images)
    for number in tries:
        done = repaired(folder, rubric, number)
        ids = {line.id for line in done.lines}
        assert done.finished is not None
        after = {image.id: image for image in done.finished.images}
        where = folder / f"repairs-{number}"
        figures[f"tries {number}"] = {
            "to be edited": len(ids),
            "outcomes": Counter(line.outcome for line in done.lines),
            "now publish": sum(image.verdict.final == "publish" for image in after.values()),
            "right before": _share(truly(image, folder / "run") for image in before.images if image.id in ids),
            "right after": _share(truly(image, where) for image in after.values()),
            "wrong though repaired": sorted(
                f"{image.id}: {image.prompt}" for image in after.values() if truly(image, where) is False
            ),
        }
    return figures


def _share(answers: Any) -> str:
    told = [answer for answer in answers if answer is not None]
    return f"{sum(told)} of {len(told)}"


def defect_figures(found: list[Defect]) -> dict[str, Any]:
    """The figures of the planted defects, in all and by kind."""
    kept = [one for one in found if one.mask is not None]
    by_kind = {
        kind: f"{sum(one.line.outcome == 'repaired' for one in group)} of {len(group)} repaired, "
        f"{sum(bool(one.right) for one in group)} right by the reader"
        for kind in dict.fromkeys(one.planted.kind for one in found)
        for group in [[one for one in found if one.planted.kind == kind]]
    }
    return {
        "defects": len(found),
        "outcomes": Counter(one.line.outcome for one in found),
        "region IoU at least 0.5": sum(one.region >= 0.5 for one in found),
        "mask IoU at least 0.5": f"{sum((one.mask or 0) >= 0.5 for one in kept)} of {len(kept)}",
        "smallest mask IoU": round(min((one.mask or 0 for one in kept), default=0), 3),
        "outside the mask as before, to the bit": f"{sum(bool(one.outside) for one in kept)} of {len(kept)}",
        "right by the reader": f"{sum(bool(one.right) for one in kept)} of {len(kept)} repaired",
        "by kind": by_kind,
    }


def main() -> None:
    what = sys.argv[1]
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    if what == "defects":
        figures = defect_figures(defects(folder, 40, 404))
    else:
        figures = prompt_figures(folder, ("demo",) if what == "demo" else None, (4, 8))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
