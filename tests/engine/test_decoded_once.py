"""What an audit does once, however many ask for it: decode a picture, embed a text, embed a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgaudit.checkers.adherence import Adherence
from imgaudit.checkers.clipscore import ClipScores
from imgaudit.checkers.duplicates import DuplicatesChecker
from imgaudit.checkers.quality import QualityChecker
from imgaudit.checkers.style import StyleChecker
from imgaudit.embedded import world
from imgaudit.engine import perceiving
from imgaudit.engine.inline import Checks, InlineEngine
from imgaudit.engine.perceiving import PerceiverPool, Planner, Subject
from imgaudit.perceivers import clip as module
from imgaudit.store.cache import PerceptCache
from imgaudit.types import Case

PROMPTS = ("a red circle", "two blue squares", "a green star on a black background")


def drawn(folder: Path) -> list[Path]:
    """Six pictures of three prompts."""
    files = []
    for number in range(6):
        scene = world.parse(PROMPTS[number % 3])
        assert scene is not None
        path = folder / f"{number}.png"
        Image.fromarray(world.draw(world.place(scene, np.random.default_rng(number)))).save(path)
        files.append(path)
    return files


def test_a_picture_is_decoded_once_for_all_perceivers_and_each_text_and_picture_is_embedded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: Counter[str] = Counter()
    embedded: Counter[str] = Counter()
    pictures: list[int] = []
    decode, forward = perceiving.decode, module.Clip._forward

    def counted_decode(data: bytes, id: str) -> Any:
        decoded[id] += 1
        return decode(data, id)

    def counted_forward(self: module.Clip, fitted: Sequence[Any]) -> Any:
        pictures.append(len(fitted))
        return forward(self, fitted)

    monkeypatch.setattr(perceiving, "decode", counted_decode)
    monkeypatch.setattr(module.Clip, "_forward", counted_forward)
    pool = PerceiverPool()
    clip = pool.get("clip")
    tokenize = clip._tokenizer  # type: ignore[union-attr]

    class Counted:
        def __call__(self, texts: list[str]) -> Any:
            embedded.update(texts)
            return tokenize(texts)

        def __getattr__(self, name: str) -> Any:
            return getattr(tokenize, name)

    clip._tokenizer = Counted()  # type: ignore[union-attr]
    checks = Checks((Adherence(), ClipScores(), QualityChecker()), (StyleChecker(), DuplicatesChecker()))
    engine = InlineEngine(checks, Planner(pool, PerceptCache(tmp_path / "cache"), batch_size=4))
    subjects = [
        Subject(id=path.stem, path=path.name, data=path.read_bytes(), generated=False,
                case=Case(id=path.stem, prompt=PROMPTS[number % 3]))
        for number, path in enumerate(drawn(tmp_path))
    ]  # fmt: skip

    audited = engine.audit(subjects)

    roles = {role for one in audited for finding in one.findings for role in finding.by}
    assert {"clip", "pixels", "file"} <= roles
    assert all("adherence" in {f.checker for f in one.findings if f.outcome == "measured"} for one in audited)
    assert decoded == {str(number): 1 for number in range(6)}
    assert max(embedded.values()) == 1
    assert sum(pictures) == 6
