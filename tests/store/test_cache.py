from __future__ import annotations

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from imgaudit.percepts import Embedding, SkinPatch
from imgaudit.store.cache import PerceptCache
from imgaudit.types import Abstained, Failed

SIGHT = Embedding(model="m", vector=(0.25, -1.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_what_was_kept_is_found_by_another_process_later(folder: Path):
    first = PerceptCache(folder)
    first.put({"k": ("picture", SIGHT), "a": ("picture", Abstained("too small", "use a larger one"))})
    first.close()

    found = PerceptCache(folder).get(["k", "a", "unknown"])

    assert found == {"k": SIGHT, "a": Abstained("too small", "use a larger one")}


def test_failures_and_sensitive_percepts_are_never_written(folder: Path):
    cache = PerceptCache(folder)

    cache.put({"f": ("p", Failed("broke")), "s": ("p", SkinPatch(tones=((60.0, 10.0, 15.0),)))})

    assert cache.get(["f", "s"]) == {}
    assert b"SkinPatch" not in (folder / "percepts.sqlite").read_bytes()


def test_a_damaged_entry_is_a_miss_and_the_others_stay(folder: Path):
    cache = PerceptCache(folder)
    cache.put({"good": ("p", SIGHT), "bad": ("p", SIGHT)})
    cache.close()
    with sqlite3.connect(folder / "percepts.sqlite") as base:
        base.execute("UPDATE entries SET value = x'00' || value WHERE key = 'bad'")
    base.close()

    again = PerceptCache(folder)

    assert again.get(["good", "bad"]) == {"good": SIGHT}


def test_a_file_that_is_no_database_is_begun_anew(folder: Path):
    folder.mkdir()
    (folder / "percepts.sqlite").write_bytes(b"this is no database at all, " * 200)

    cache = PerceptCache(folder)
    cache.put({"k": ("p", SIGHT)})

    assert cache.get(["k"]) == {"k": SIGHT}


def test_a_cache_that_cannot_be_made_is_empty_and_no_error(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    cache = PerceptCache(tmp_path / "file" / "cache")
    cache.put({"k": ("p", SIGHT)})

    assert cache.get(["k"]) == {}


def test_purging_a_picture_erases_its_entries_alone(folder: Path):
    cache = PerceptCache(folder)
    cache.put({"k": ("mine", SIGHT), "l": ("other", SIGHT)})

    assert cache.purge("mine") == 1
    assert cache.get(["k", "l"]) == {"l": SIGHT}


def test_the_size_stays_within_its_limit_and_what_was_used_last_stays(folder: Path):
    import random

    numbers = random.Random(0)
    cache = PerceptCache(folder, limit_mb=1)
    for index in range(40):
        vector = tuple(numbers.random() for _ in range(8000))
        cache.put({f"k{index}": ("p", Embedding(model="m", vector=vector))})
    cache._base.execute("UPDATE entries SET used = used - 1000")  # type: ignore[union-attr]
    cache._base.commit()  # type: ignore[union-attr]
    cache.get(["k0"])
    cache.close()

    kept = PerceptCache(folder).get(f"k{index}" for index in range(40))

    assert "k0" in kept
    assert 5 < len(kept) < 40


def _write(folder: str, start: int) -> int:
    cache = PerceptCache(Path(folder))
    for index in range(start, start + 50):
        cache.put({f"k{index}": ("p", SIGHT)})
    cache.close()
    return start


def test_several_processes_may_write_at_once(folder: Path):
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_write, [str(folder)] * 4, [0, 50, 100, 150]))

    assert len(PerceptCache(folder).get(f"k{index}" for index in range(200))) == 200
