"""What comparing whole sets costs: `python -m tests.benchmarks.sets [NAME...] [--imagededup PYTHON]`.

    hashing     10,000 pictures of 512 pixels through everything that copies are found by: pictures a second
    checker     the checker of copies over 100,000 pictures, near and turned: what a run's last step costs
    near        near copies among 100,000 synthetic PDQ hashes, beside comparing every pair
    million     the same among 1,000,000
    turned      mirrored and turned copies among 100,000
    vendi       the Vendi score of 100,000 embeddings of 768 numbers
    semantic    all pairs of 20,000 embeddings of 768 numbers above a cosine

Each runs in a process of its own, so that its peak memory is its own. PYTHON is an interpreter that has imagededup (in
an environment of its own: it is no dependency); it is given the pHash of the same 512-pixel pictures and 64-bit hashes
of 20,000 pictures to search, which is what it has. One in a hundred synthetic hashes has a copy 20 bits away, and the
number of pairs found is checked.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BITS = 20
PEER = """
import json, sys, time
from imagededup.methods import PHash
what, where = sys.argv[1:3]
method = PHash(verbose=False)
if what == "hashing":
    began = time.perf_counter()
    found = len(method.encode_images(image_dir=where, num_enc_workers=1))
else:
    with open(where) as stream:
        hashes = json.load(stream)
    began = time.perf_counter()
    table = method.find_duplicates(encoding_map=hashes, max_distance_threshold=10, num_dist_workers=1)
    found = sum(map(len, table.values())) // 2
print(json.dumps({"seconds": time.perf_counter() - began, "found": found}))
"""


def synthetic(count: int, words: int = 16, seed: int = 0) -> np.ndarray:
    """Random hashes as 16-bit words; one in a hundred is a copy of another one with `BITS` bits turned over."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 1 << 16, (count, words), dtype=np.uint16)
    copies = count // 100
    hashes[-copies:] = hashes[:copies]
    bits = min(BITS, words)
    for row in range(count - copies, count):
        for place in random.choice(words * 16, bits, replace=False):
            hashes[row, place // 16] ^= np.uint16(1 << (place % 16))
    return hashes


def hashing(work: Path, peer: str | None, count: int = 10_000) -> dict[str, float]:
    """Decode and hash pictures, one process; a thousand different files, each ten times."""
    from imgaudit.kernels import hashes
    from imgaudit.pictures import decode
    from tests.benchmarks.pictures import draw_pictures

    folder = draw_pictures(work / "pictures", 1000, 512)
    contents = [path.read_bytes() for path in sorted(folder.iterdir())]
    decoding = hashed = 0.0
    for number in range(count):
        began = time.perf_counter()
        picture, _ = decode(contents[number % len(contents)], "a")
        decoded = time.perf_counter()
        assert picture.rgb is not None
        small = hashes.square(picture.rgb)
        hashes.pdq_turned(small), hashes.phash(small), hashes.colour_grid(small)
        decoding, hashed = decoding + decoded - began, hashed + time.perf_counter() - decoded
    found = {"pictures": count, "decoding_s": decoding, "hashing_s": hashed, "a_second": count / (decoding + hashed)}
    if peer:
        theirs = _peer(peer, "hashing", folder)
        found |= {"imagededup_phash_a_second": theirs["found"] / theirs["seconds"]}
        found["times_imagededup"] = found["a_second"] / found["imagededup_phash_a_second"]
    return found


def near(work: Path, peer: str | None, count: int = 100_000) -> dict[str, float]:
    """The index, beside comparing every pair of a part of them, scaled to all."""
    from imgaudit.kernels.neighbours import near_pairs

    hashes = synthetic(count)
    began = time.perf_counter()
    pairs = sum(len(first) for first, _, _ in near_pairs(hashes, 31))
    seconds = time.perf_counter() - began
    assert pairs == count // 100, pairs
    part = hashes[:1000].view(np.uint64)
    whole = hashes.view(np.uint64)
    began = time.perf_counter()
    for row in part[:200]:
        (np.bitwise_count(whole ^ row).sum(axis=1) <= 31).sum()
    brute = (time.perf_counter() - began) / 200 * count / 2
    found = {"hashes": count, "seconds": seconds, "pairs": pairs, "all_pairs_seconds": brute, "times": brute / seconds}
    if peer and count <= 100_000:
        found |= _searched_by_both(work, peer)
    return found


def _searched_by_both(work: Path, peer: str, count: int = 20_000) -> dict[str, float]:
    """64-bit hashes within 10 bits, which is imagededup's own search; more than these take it very long."""
    from imgaudit.kernels.neighbours import near_pairs

    short = synthetic(count, words=4, seed=1)
    began = time.perf_counter()
    ours = sum(len(first) for first, _, _ in near_pairs(short, 10))
    seconds = time.perf_counter() - began
    named = {f"{number}.png": row.astype(">u2").tobytes().hex() for number, row in enumerate(short)}
    (work / "hashes.json").write_text(json.dumps(named))
    theirs = _peer(peer, "search", work / "hashes.json")
    return {
        "short_hashes": count, "short_pairs": ours, "short_seconds": seconds, "imagededup_pairs": theirs["found"],
        "imagededup_seconds": theirs["seconds"], "times_imagededup": theirs["seconds"] / seconds,
    }  # fmt: skip


def _peer(python: str, what: str, where: Path) -> dict[str, float]:
    command = [python, "-c", PEER, what, str(where)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(told.stdout.strip().splitlines()[-1])
    return answer


def checker(work: Path, peer: str | None, count: int = 100_000) -> dict[str, float]:
    """From the projections of all pictures to findings; a thousand pictures have a near copy."""
    from imgaudit.checkers.duplicates import DuplicatesChecker
    from imgaudit.types import Case, Member

    random, case = np.random.default_rng(0), Case(id="a")

    def projection() -> dict[str, object]:
        sizes = {"digest": 32, "pdq": 32, "phash": 8, "grid": 768}
        made: dict[str, object] = {name: random.bytes(size).hex() for name, size in sizes.items()}
        return made | {"quality": 100, "turned": [random.bytes(32).hex() for _ in range(7)], "no_vector": "none named"}

    kept = [projection() for _ in range(count - 1000)]
    kept += [{**kept[number], "digest": random.bytes(32).hex()} for number in range(1000)]
    members = [Member(f"{number:07d}", case, True, one) for number, one in enumerate(kept)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    found = DuplicatesChecker().aggregate(members).groups[0]
    seconds = time.perf_counter() - began
    assert found.counts["near"] == 2000, found.counts
    return {"pictures": count, "seconds": seconds, "before_mib": before}


def million(work: Path, peer: str | None) -> dict[str, float]:
    """A million hashes."""
    return near(work, None, 1_000_000)


def turned(work: Path, peer: str | None, count: int = 100_000) -> dict[str, float]:
    """The six searches that mirrored and turned copies take; synthetic hashes have none."""
    from imgaudit.kernels.neighbours import matches

    hashes, others = synthetic(count), synthetic(count, seed=2)
    began = time.perf_counter()
    pairs = sum(len(first) for _ in range(6) for first, _, _ in matches(others, hashes, 31))
    return {"hashes": count, "seconds": time.perf_counter() - began, "pairs": pairs}


def vendi(work: Path, peer: str | None, count: int = 100_000, width: int = 768) -> dict[str, float]:
    """The effective number of pictures of a whole run."""
    from imgaudit.kernels.diversity import vendi_of_vectors

    vectors = np.random.default_rng(0).standard_normal((count, width), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    began = time.perf_counter()
    score = vendi_of_vectors(vectors)
    return {"vectors": count, "seconds": time.perf_counter() - began, "score": score}


def semantic(work: Path, peer: str | None, count: int = 20_000, width: int = 768) -> dict[str, float]:
    """All pairs of embeddings, in blocks."""
    from imgaudit.kernels.neighbours import similar_pairs

    vectors = np.random.default_rng(0).standard_normal((count, width), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[-100:] = vectors[:100]
    began = time.perf_counter()
    pairs = sum(len(first) for first, _, _ in similar_pairs(vectors, 0.75))
    assert pairs == 100, pairs
    return {"vectors": count, "seconds": time.perf_counter() - began, "pairs": pairs}


BENCHMARKS: dict[str, Callable[[Path, str | None], dict[str, float]]] = {
    "hashing": hashing, "checker": checker, "near": near, "million": million, "turned": turned, "vendi": vendi,
    "semantic": semantic,
}  # fmt: skip


def main() -> None:
    """Run each benchmark in a process of its own and print one JSON line each."""
    options = argparse.ArgumentParser()
    options.add_argument("names", nargs="*", choices=[[], *BENCHMARKS])
    options.add_argument("--imagededup", default=None)
    options.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    for name in chosen.names or list(BENCHMARKS):
        if chosen.here:
            with tempfile.TemporaryDirectory() as folder:
                found: dict[str, Any] = BENCHMARKS[name](Path(folder), chosen.imagededup)
            found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps({"benchmark": name, **{key: round(value, 3) for key, value in found.items()}}), flush=True)
        else:
            more = ["--imagededup", chosen.imagededup] if chosen.imagededup else []
            subprocess.run([sys.executable, "-m", "tests.benchmarks.sets", name, "--here", *more], check=True)


if __name__ == "__main__":
    main()
