"""How often a picture that shows another character is named, and how often a right one is, in the world of shapes.

    python -m tests.benchmarks.characters [--trials N] [--first SEED]

A character is one colour and one shape, drawn in eight pictures of other sizes, places and backgrounds. In half of the
trials one picture is replaced by one with another shape or another colour. Prints JSON: trials in which the planted
picture was named, and right pictures that were named, with 95 % intervals; and the same with two characters in a run,
where one picture of each was exchanged. Seeds below 1,000 were used while the limits were chosen.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import Any

import numpy as np

from imgaudit.checkers.consistency import FIGURE, ConsistencyChecker
from imgaudit.embedded.world import BACKGROUNDS, COLOURS, SHAPES, Item, Scene, draw, place
from imgaudit.kernels.spread import wilson
from imgaudit.perceivers.clip import Clip
from imgaudit.perceivers.figure import FigurePerceiver
from imgaudit.types import Abstained, Case, Look, Member, Percepts, Picture

PICTURES = 8


def drawn(colour: str, shape: str, random: np.random.Generator) -> np.ndarray:
    """One picture of a character: uint8 RGB."""
    size = random.choice(["small", "large"])
    background = str(random.choice(list(BACKGROUNDS)))
    return draw(place(Scene((Item(shape, colour, str(size)),), background=background), random))


def member(id: str, name: str, rgb: np.ndarray, clip: Clip) -> Member:
    """A picture as the checker sees it."""
    case, picture, checker = Case(id=id, character=name), Picture(id, b"", "", rgb, id), ConsistencyChecker()
    look = Look(picture, FIGURE, (Abstained("nobody is in the world of shapes"),))
    percepts = Percepts({FIGURE: FigurePerceiver().perceive([look])[0]})
    parts = [query for query in checker.ask(case, percepts) if query != FIGURE]
    seen = dict(zip(parts, clip.perceive([Look(picture, query) for query in parts]), strict=True))
    return Member(id, case, True, checker.project(case, percepts.merged(seen)))


def trial(seed: int, clip: Clip) -> dict[str, Any]:
    """One character, with a stranger among its pictures or without."""
    random = np.random.default_rng(seed)
    colour, shape = str(random.choice(list(COLOURS))), str(random.choice(list(SHAPES)))
    kind = ("none", "none", "shape", "colour")[seed % 4]
    stranger = int(random.integers(PICTURES))
    members = []
    for number in range(PICTURES):
        planted = number == stranger
        other_shape = str(random.choice([name for name in SHAPES if name != shape]))
        other_colour = str(random.choice([name for name in COLOURS if name != colour]))
        shown = other_shape if planted and kind == "shape" else shape
        painted = other_colour if planted and kind == "colour" else colour
        members.append(member(f"{seed}-{number}", "one", drawn(painted, shown, random), clip))
    named = ConsistencyChecker().aggregate(members).pictures
    planted_id = f"{seed}-{stranger}" if kind != "none" else None
    return {"kind": kind, "found": planted_id in named, "false": sum(id != planted_id for id in named)}


def exchange(seed: int, clip: Clip) -> dict[str, Any]:
    """Two characters whose fourth pictures were exchanged."""
    random = np.random.default_rng(seed)
    colours = random.choice(list(COLOURS), 2, replace=False)
    shapes = random.choice(list(SHAPES), 2, replace=False)
    members = []
    for number in range(PICTURES):
        for who in (0, 1):
            shown = 1 - who if number == 3 else who
            rgb = drawn(str(colours[shown]), str(shapes[shown]), random)
            members.append(member(f"{seed}-{who}-{number}", f"c{who}", rgb, clip))
    outcome = ConsistencyChecker().aggregate(members)
    confused = {id for id, found in outcome.pictures.items() if "consistency.confused" in found.codes}
    wrong = {f"{seed}-{who}-3" for who in (0, 1)}
    return {"found": len(confused & wrong), "false": len(confused - wrong)}


def share(found: int, of: int) -> dict[str, Any]:
    """A share with its interval."""
    low, high = wilson(found, of)
    return {"found": found, "of": of, "interval": [round(low, 3), round(high, 3)]}


def main() -> None:
    """Run the trials and print their table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--first", type=int, default=1000)
    given = parser.parse_args()
    clip = Clip()
    seeds = range(given.first, given.first + given.trials)
    trials = [trial(seed, clip) for seed in seeds]
    pairs = [exchange(seed, clip) for seed in seeds[: given.trials // 2]]
    number = Counter(one["kind"] for one in trials)
    right = given.trials * PICTURES - number["shape"] - number["colour"]
    table = {kind: share(sum(one["found"] for one in trials if one["kind"] == kind), number[kind])
             for kind in ("shape", "colour")}  # fmt: skip
    table["right pictures named"] = share(sum(one["false"] for one in trials), right)
    table["exchanged"] = share(sum(one["found"] for one in pairs), 2 * len(pairs))
    table["right pictures called confused"] = share(sum(one["false"] for one in pairs), 14 * len(pairs))
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
