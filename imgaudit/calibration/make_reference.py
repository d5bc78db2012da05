"""Score a set of pictures with a learned model, for percentiles of later scores.

    python -m imgaudit.calibration.make_reference MODEL FOLDER... --out FILE [--name WORDS]

MODEL is an option of the perceiver `aesthetics` without a reference, such as laion:FILE. FILE then goes behind it:
`--aesthetics 'laion:FILE;reference=FILE'`. A percentile means what the set means: take pictures that you publish.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from imgaudit.errors import PictureError
from imgaudit.perceivers.aesthetics import Reference, ScoreModel, load, parts_of
from imgaudit.pictures import decode, find_files, read
from imgaudit.types import Picture

BATCH = 16


def reference(option: str, paths: Sequence[Path], name: str) -> dict[str, object]:
    """The content of a reference file. Pictures that cannot be read or scored are left out."""
    model = load(*parts_of(option))
    scores: list[float] = []
    batch: list[Picture] = []
    for picture in _pictures(paths):
        batch.append(picture)
        if len(batch) == BATCH:
            scores += _scored(model, batch)
            batch = []
    scores += _scored(model, batch)
    return Reference.of(name, scores, model)


def _scored(model: ScoreModel, pictures: Sequence[Picture]) -> list[float]:
    found = model.scores(pictures) if pictures else []
    return [score for score in found if isinstance(score, float)]


def _pictures(paths: Sequence[Path]) -> Iterator[Picture]:
    for file in find_files(paths).files:
        try:
            picture, error = decode(read(file.path), file.display)
        except PictureError:
            continue
        if error is None:
            yield picture


def main() -> None:
    """Write the file."""
    options = argparse.ArgumentParser(description="Score a reference set.")
    options.add_argument("model")
    options.add_argument("folders", type=Path, nargs="+")
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--name", default=None)
    chosen = options.parse_args()
    content = reference(chosen.model, chosen.folders, chosen.name or chosen.out.stem)
    chosen.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{chosen.out}: {content['count']} pictures")


if __name__ == "__main__":
    main()
