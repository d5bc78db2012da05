"""The user's gallery: what is in it is found, what is broken is told, and only new files cost anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.checkers.memorisation import FACTS, PLAIN, WITH_EMBEDDING, MemorisationChecker
from imgaudit.engine.gallery import GalleryFiles, furnish
from imgaudit.engine.perceiving import PerceiverPool, Planner, Subject
from imgaudit.errors import UsageError
from imgaudit.percepts import Embedding, GalleryFacts, GalleryMatches
from imgaudit.registry import checkers, perceivers
from imgaudit.store.cache import PerceptCache
from imgaudit.types import Abstained, Case, Failed, Measured, Outcome, Percepts, Sight

CASE = Case(id="a")


def photo(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(0, 256, (6, 8, 3)).astype(np.uint8)).resize((320, 240))
    for _ in range(14):
        x, y = int(random.integers(0, 260)), int(random.integers(0, 180))
        w, h = (int(side) for side in random.integers(10, 60, 2))
        image.paste(tuple(random.integers(0, 256, 3).tolist()), (x, y, x + w, y + h))
    return image


class Vectors:
    """Embeds a picture as the mean colours of its quarters."""

    name, title, version, reads = "embedding", "made", "1", "pixels"

    def __init__(self, copy_from: float | None = None) -> None:
        self.copy_from = copy_from

    def identity(self) -> dict[str, str]:
        return {"model": "made", "weights": str(self.copy_from)}

    def perceive(self, looks):
        return [self._sight(look.picture.rgb) for look in looks]

    def _sight(self, rgb: np.ndarray) -> Sight:
        small = np.asarray(Image.fromarray(rgb).resize((2, 2)), dtype=float).ravel() - 127
        unit = small / np.linalg.norm(small)
        return Embedding(
            model="made", vector=tuple(float(x) for x in unit), copy_from=self.copy_from, copy_basis="a test"
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two works, a character, and files that are no good."""
    gallery = tmp_path / "gallery"
    for kind in ("works", "characters"):
        (gallery / kind).mkdir(parents=True)
    photo(1).save(gallery / "works" / "one.png")
    photo(2).save(gallery / "works" / "two.jpg", quality=90)
    photo(3).save(gallery / "characters" / "hero.png")
    (gallery / "works" / "broken.png").write_bytes((gallery / "works" / "one.png").read_bytes()[:2000])
    (gallery / "empty.jpg").write_bytes(b"")
    (gallery / "notes.txt").write_text("no picture")
    return gallery


def planner(vectors: Vectors | None = None, cache: PerceptCache | None = None) -> Planner:
    pool = PerceiverPool()
    pool.provide("embedding", vectors or Abstained("no embedding model was named"))
    pool.provide("clip", Abstained("no CLIP here"))
    return Planner(pool, cache)


def compared(made: Planner, image: Image.Image, tmp_path: Path, name: str = "seen.png") -> Outcome:
    image.save(tmp_path / name)
    subject = Subject(id=name, path=name, data=(tmp_path / name).read_bytes(), case=CASE, generated=False)
    checker = MemorisationChecker()
    known = made.look([subject], lambda subject, percepts: checker.ask(subject.case, percepts))[0]
    return checker.measure(CASE, known)


def test_without_a_gallery_it_abstains_in_these_very_words(tmp_path: Path):
    outcome = compared(planner(), photo(1), tmp_path)

    assert checkers.get("memorisation") is MemorisationChecker
    assert isinstance(outcome, Abstained)
    assert outcome.reason == "not checked against any gallery"
    assert "--gallery" in (outcome.remedy or "")


def test_copies_are_found_whatever_was_done_to_them_and_their_kind_is_told(folder: Path, tmp_path: Path):
    made = planner()
    furnish(made, GalleryFiles.of(folder))

    exact = compared(made, photo(1), tmp_path, "exact.png")
    near = compared(made, photo(3).resize((160, 120)), tmp_path, "near.jpg")
    turned = compared(made, photo(3).transpose(Image.Transpose.ROTATE_90), tmp_path, "turned.png")
    other = compared(made, photo(9), tmp_path, "other.png")

    assert isinstance(exact, Measured)
    assert exact.codes == ("memorisation.exact",)
    assert exact.labels["copy_of"] == "works/one.png"
    assert isinstance(near, Measured)
    assert near.codes == ("memorisation.near",)
    assert near.labels["kind"] == "characters"
    assert near.measures["copies"] == 1
    assert near.measures["distance"] <= 31
    assert isinstance(turned, Measured)
    assert turned.codes == ("memorisation.turned",)
    assert "turned left" in turned.message
    assert isinstance(other, Measured)
    assert other.codes == ()
    assert other.measures == {"copies": 0.0}
    assert other.unmeasured == {"similarity": "no embedding was asked for"}


def test_broken_files_are_told_and_not_fatal(folder: Path):
    made = planner()
    furnish(made, GalleryFiles.of(folder))

    facts = made.pool.identity("gallery")

    assert facts["pictures"] == "3"
    assert facts["kinds"] == "characters 1, works 2"
    assert facts["unreadable"] == "2"
    assert "works/broken.png: " in facts["unreadable files"]
    assert "empty.jpg: the file is empty" in facts["unreadable files"]
    assert str(folder) not in str(facts)


def test_a_gallery_of_broken_files_alone_was_not_checked(tmp_path: Path):
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "a.png").write_bytes(b"nothing")
    made = planner()
    furnish(made, GalleryFiles.of(tmp_path / "g"))

    outcome = compared(made, photo(1), tmp_path)

    assert isinstance(outcome, Abstained)
    assert outcome.reason.startswith("not checked")


def test_a_folder_that_is_none_or_holds_no_picture_is_told(tmp_path: Path):
    for wrong in (tmp_path / "gone", tmp_path):
        with pytest.raises(UsageError, match="--gallery"):
            GalleryFiles.of(wrong)


def test_the_index_is_that_of_names_and_contents(folder: Path):
    before = GalleryFiles.of(folder).index

    assert GalleryFiles.of(folder).index == before
    (folder / "works" / "one.png").rename(folder / "works" / "other.png")
    renamed = GalleryFiles.of(folder).index
    photo(4).save(folder / "works" / "other.png")

    assert len({before, renamed, GalleryFiles.of(folder).index}) == 3


def test_embeddings_find_what_hashes_do_not_and_say_where_copies_begin(folder: Path, tmp_path: Path):
    made = planner(Vectors(copy_from=0.9))
    furnish(made, GalleryFiles.of(folder))

    cut = compared(made, photo(1).crop((30, 24, 290, 216)), tmp_path, "cut.png")
    other = compared(made, photo(9), tmp_path, "other.png")

    assert made.pool.identity("gallery")["vectors"] == "3 by embedding"
    assert isinstance(cut, Measured)
    assert cut.codes == ("memorisation.semantic",)
    assert cut.labels["copy_of"] == cut.labels["nearest"] == "works/one.png"
    assert cut.labels["threshold"] == "0.9: a test"
    assert cut.measures["similarity"] > 0.9
    assert isinstance(other, Measured)
    assert other.codes == ()
    assert other.measures["similarity"] < 0.9


def test_without_a_known_threshold_similarity_is_told_and_no_copy_is(folder: Path, tmp_path: Path):
    made = planner(Vectors())
    furnish(made, GalleryFiles.of(folder))

    cut = compared(made, photo(1).crop((30, 24, 290, 216)), tmp_path)

    assert isinstance(cut, Measured)
    assert cut.codes == ()
    assert "threshold" not in cut.labels
    assert cut.measures["similarity"] > 0.9
    assert "were not looked for" in cut.message


class Counting:
    """Counts how many pictures are looked at."""

    def __init__(self) -> None:
        self.inner, self.looked = perceivers.get("pixels")(), 0
        self.name, self.title, self.version, self.reads = "pixels", "made", "1", "pixels"

    def identity(self):
        return self.inner.identity()

    def perceive(self, looks):
        self.looked += len(looks)
        return self.inner.perceive(looks)


def test_a_gallery_that_grew_only_costs_its_new_files(folder: Path, tmp_path: Path):
    looked = []
    for number in range(3):
        if number == 2:
            photo(8).save(folder / "new.png")
        cache, counting = PerceptCache(tmp_path / "cache"), Counting()
        made = planner(cache=cache)
        made.pool.provide("pixels", counting)
        furnish(made, GalleryFiles.of(folder))
        furnish(made, GalleryFiles.of(folder))
        cache.close()
        looked.append(counting.looked)

    assert looked == [3, 0, 1]


def test_the_checker_passes_on_what_the_gallery_could_not_tell_and_declares_what_it_measures():
    facts = GalleryFacts(index="0" * 64, pictures=1, unreadable=0, vectors="embedding")
    checker = MemorisationChecker()
    assert list(checker.ask(CASE, Percepts())) == [FACTS]
    assert list(checker.ask(CASE, Percepts({FACTS: facts}))) == [FACTS, WITH_EMBEDDING]
    bare = facts.model_copy(update={"vectors": None})
    assert list(checker.ask(CASE, Percepts({FACTS: bare}))) == [FACTS, PLAIN]

    for sight in (Abstained("no pixels"), Failed("broke")):
        assert checker.measure(CASE, Percepts({FACTS: bare, PLAIN: sight})) == sight
    empty = GalleryMatches(index="0" * 64, matches=(), copies=0, why_not="none")
    told = checker.measure(CASE, Percepts({FACTS: bare, PLAIN: empty}))
    assert isinstance(told, Measured)
    assert set(told.measures) | set(told.unmeasured) <= {m.name for m in MemorisationChecker.measures}
    assert set(told.labels) <= set(MemorisationChecker.labels)
