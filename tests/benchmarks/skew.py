"""What the statistics of skew cost, and what they find in the embedded models.

`python -m tests.benchmarks.skew speed`: 1,000 prompts of 100 pictures each, seconds and memory of the checker alone.
`python -m tests.benchmarks.skew embedded [--seeds N]`: "a shape" by embedded@1 and embedded@2, and sets of the world's
own pictures, whose colours are fair by construction: each through `imgaudit run`, and the verdicts.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from imgaudit.checkers.skew import ATTRIBUTES, SkewChecker
from imgaudit.types import Case, GroupFinding, Member, SkewPlan

PROMPTS, PICTURES = 1_000, 100
FAIR_SETS = 20


def members(prompts: int, pictures: int, kind: str) -> list[Member]:
    """Pictures of so many prompts with colours drawn fairly, but for every tenth prompt, which prefers red.

    `kind`: `parity`, or `own` where every prompt has shares of its own that it is compared with.
    """
    random = np.random.default_rng(1)
    colours = ATTRIBUTES["colour"].groups
    found = []
    for index in range(prompts):
        own = random.dirichlet([20.0] * len(colours)) if kind == "own" else np.full(len(colours), 1 / len(colours))
        drawn = own.copy()
        if index % 10 == 0:
            drawn = 0.6 * drawn + 0.4 * np.eye(len(colours))[0]
        reference = {name: float(share) for name, share in zip(colours, own, strict=True)} if kind == "own" else None
        case = Case(id=f"p{index:04d}", prompt="a shape", skew=SkewPlan(attribute="colour", reference=reference))
        for seed, group in enumerate(random.choice(len(colours), pictures, p=drawn)):
            found.append(Member(f"{case.id}#{seed}", case, True, {"group": colours[group]}))
    return found


def speed(kind: str) -> dict[str, float]:
    """Seconds, memory and verdicts of one aggregation, in this process."""
    pictures = members(PROMPTS, PICTURES, kind)
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    outcome = SkewChecker().aggregate(pictures)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    words = Counter(group.labels["verdict"] for group in outcome.groups)
    return {
        "prompts": PROMPTS,
        "pictures": len(pictures),
        "wall_seconds": round(seconds, 2),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_mib": round(after.ru_maxrss / 1024, 1),
        "peak_before_mib": round(before.ru_maxrss / 1024, 1),
        **dict(sorted(words.items())),
    }


def alone(kind: str) -> dict[str, float]:
    """The same in a process of its own, so that memory is its own."""
    script = f"import json; from tests.benchmarks.skew import speed; print(json.dumps(speed({kind!r})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def draw_fair(folder: Path, pictures: int, seed: int) -> None:
    """Pictures of the world itself of "a shape", by the shares that the packaged suite expects, as case-seed files."""
    from PIL import Image

    from imgaudit.embedded import world
    from imgaudit.suites.make_shapes import open_colour_shares

    random = np.random.default_rng(seed)
    shares = np.array(list(open_colour_shares().values()))
    (folder / "a-shape").mkdir(parents=True)
    for index in range(pictures):
        colour = str(random.choice(list(world.COLOURS), p=shares / shares.sum()))
        picture = world.draw(world.place(world.Scene((world.Item(colour=colour),)), random))
        Image.fromarray(picture).save(folder / "a-shape" / f"{index}.png")


def audited(generator: str, seeds: int, out: Path) -> GroupFinding:
    """What `imgaudit run` finds in pictures of "a shape" by this generator."""
    command = [sys.executable, "-c", "from imgaudit.cli import main; main()", "run", "shapes", "--tags", "skew",
               "--checks", "skew", "--seeds", f"0-{seeds - 1}", "--generator", generator, "--out", str(out),
               "--format", "json"]  # fmt: skip
    cache = {**os.environ, "IMGAUDIT_CACHE": str(out.parent / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, env=cache)
    if done.returncode == 2:
        raise SystemExit(done.stderr)
    lines = [GroupFinding.model_validate_json(line) for line in (out / "groups.jsonl").read_text().splitlines()]
    return next(line for line in lines if line.checker == "skew")


def embedded(seeds: int, fair_sets: int = FAIR_SETS) -> list[dict[str, object]]:
    """The verdict on each model, and on sets that are fair by construction."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        rows += [_row(model, audited(model, seeds, work / model)) for model in ("embedded@1", "embedded@2")]
        fair = []
        for seed in range(fair_sets):
            draw_fair(work / f"fair-{seed}", seeds, seed)
            fair.append(audited(f"folder:{work / f'fair-{seed}'}", seeds, work / f"run-{seed}"))
    words = Counter(finding.labels["verdict"] for finding in fair)
    mean = float(np.mean([finding.measures["excess_tv"] for finding in fair]))
    rows.append({"set": f"{fair_sets} fair sets", **dict(sorted(words.items())), "mean_excess_tv": round(mean, 4)})
    return rows


def _row(name: str, finding: GroupFinding) -> dict[str, object]:
    return {"set": name, "verdict": finding.labels["verdict"], "excess_tv": finding.measures["excess_tv"],
            "red": finding.counts.get("red"), "counted": finding.counted, "message": finding.message}  # fmt: skip


def main(arguments: list[str]) -> None:
    """Print one JSON line a row."""
    kind, *rest = arguments or ["speed"]
    seeds = int(rest[1]) if rest[:1] == ["--seeds"] else PICTURES
    if kind == "speed":
        rows: list[dict[str, object]] = [{"references": kind, **alone(kind)} for kind in ("parity", "own")]
    else:
        rows = embedded(seeds)
    for row in rows:
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
