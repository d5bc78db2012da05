"""What reading and validating all marks of a picture costs beside decoding it, and beside sd-parsers.

    python -m tests.benchmarks.marks FOLDER [--sd-parsers PYTHON]

FOLDER holds PNG, JPEG and WebP files; it is searched. PYTHON is an interpreter that has sd-parsers installed (in an
environment of its own: it is no dependency). Prints JSON: medians over the files of the best of three, in
milliseconds. sd-parsers reads the generation metadata alone; ours are also XMP, IPTC, EXIF, the AIGC label, hidden
texts, and the C2PA manifest with its validation.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
OTHERS = """
import json, sys, time
from sd_parsers import ParserManager
manager, times, read = ParserManager(), [], 0
for name in json.load(sys.stdin):
    best = 1e9
    for _ in range(3):
        began = time.perf_counter()
        try:
            found = manager.parse(name)
        except Exception:
            found = None
        best = min(best, time.perf_counter() - began)
    times.append(best * 1000)
    read += bool(found and found.prompts)
print(json.dumps({"times": times, "prompts": read}))
"""


def best(work: Callable[[], object]) -> float:
    """Milliseconds of the best of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1000 * min(times)


def main() -> None:
    """Measure and print."""
    from imgaudit.checkers.provenance import CREDENTIALS, METADATA, Provenance
    from imgaudit.perceivers.metadata import metadata
    from imgaudit.pictures import decode
    from imgaudit.provenance.c2pa import ManifestReader
    from imgaudit.types import Case, Percepts

    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--sd-parsers", default=None)
    chosen = options.parse_args()
    files = [path for path in sorted(chosen.folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    reader, checker = ManifestReader(), Provenance()

    def all_marks(data: bytes) -> object:
        sights = {METADATA: metadata(data), CREDENTIALS: reader.read(data)}
        return checker.measure(Case(id="a"), Percepts(sights))

    contents = [path.read_bytes() for path in files]
    ours = [best(lambda data=data: all_marks(data)) for data in contents]
    unsigned = [best(lambda data=data: metadata(data)) for data in contents]
    decoding = [best(lambda data=data: decode(data, "a")) for data in contents]
    result = {
        "files": len(files),
        "all_marks_ms": statistics.median(ours),
        "all_marks_p90_ms": sorted(ours)[int(0.9 * len(ours))],
        "all_marks_worst_ms": max(ours),
        "metadata_alone_ms": statistics.median(unsigned),
        "decoding_ms": statistics.median(decoding),
        "prompts": sum(metadata(data).source.prompt is not None for data in contents),
    }
    if chosen.sd_parsers:
        names = json.dumps([str(path) for path in files])
        command = [chosen.sd_parsers, "-c", OTHERS]
        told = subprocess.run(command, input=names, capture_output=True, text=True, check=True)
        others = json.loads(told.stdout)
        result |= {"sd_parsers_ms": statistics.median(others["times"]), "sd_parsers_prompts": others["prompts"]}
    json.dump({name: round(value, 3) for name, value in result.items()}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
