"""Copies are found and named; pictures that only resemble each other are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from imgaudit.checkers._prints import EMBEDDING, PIXELS
from imgaudit.checkers.duplicates import DuplicatesChecker
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import Embedding
from imgaudit.pictures import decode, find_files, read
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Failed, GroupOutcome, Look, Member, Percepts

CASE = Case(id="a")
COLOURS = ("#000000", "#6e6e6e", "#dc1e23", "#fa8c14", "#fae128", "#1e963c", "#32d2e1", "#2341cd", "#872daa", "#fa82be")


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def member(id: str, data: bytes, vector: Embedding | Abstained | None = None) -> Member:
    picture, error = decode(data, id)
    assert error is None
    sights = {PIXELS: PixelPerceiver().perceive([Look(picture, PIXELS)])[0]}
    if vector is not None:
        sights[EMBEDDING] = vector
    return Member(id, CASE, True, DuplicatesChecker().project(CASE, Percepts(sights)))


def judged(pictures: Mapping[str, bytes]) -> GroupOutcome:
    return DuplicatesChecker().aggregate([member(id, data) for id, data in pictures.items()])


def photo(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (300, 220), tuple(random.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, r = random.uniform(0, 300), random.uniform(0, 220), random.uniform(4, 60)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(random.integers(0, 256, 3).tolist()))
    return image.filter(ImageFilter.GaussianBlur(0.7))


def shapes(*placed: tuple[str, str, float, float, float], background: str = "white") -> bytes:
    """Shapes (kind, colour, x, y, radius) on a canvas of 64, drawn four times as large and scaled down."""
    image = Image.new("RGB", (256, 256), background)
    pen = ImageDraw.Draw(image)
    for kind, colour, x, y, radius in placed:
        box = (4 * (x - radius), 4 * (y - radius), 4 * (x + radius), 4 * (y + radius))
        if kind == "circle":
            pen.ellipse(box, fill=colour)
        elif kind == "square":
            pen.rectangle(box, fill=colour)
        else:
            pen.polygon([(box[0], box[3]), (4 * x, box[1]), (box[2], box[3])], fill=colour)
    return encoded(image.resize((64, 64), Image.Resampling.BOX))


def test_it_is_registered_and_asks_for_pixels_and_for_an_embedding_if_a_model_was_named():
    assert checkers.get("duplicates") is DuplicatesChecker
    assert list(DuplicatesChecker().ask(CASE, Percepts())) == [PIXELS, EMBEDDING]


def test_exact_and_near_copies_are_found_and_each_names_the_other():
    small = photo(1).resize((150, 110), Image.Resampling.LANCZOS)
    outcome = judged(
        {
            "a.png": encoded(photo(1)),
            "a.bmp": encoded(photo(1), "BMP"),
            "b.jpg": encoded(small, "JPEG", quality=60),
            "other.png": encoded(photo(2)),
            "third.png": encoded(photo(3)),
        }
    )

    overall, cluster = outcome.groups
    assert overall.group == "run"
    assert overall.outcome == "measured"
    assert (overall.size, overall.counted) == (5, 5)
    assert overall.measures == {"share": 0.6, "turned_share": 0.0}
    assert overall.counts == {"exact": 2, "near": 2, "turned": 0, "clusters": 1}
    assert overall.labels["semantic"].startswith("not looked for")
    assert overall.codes == ("duplicates.exact", "duplicates.near")
    assert cluster.members == ("a.bmp", "a.png", "b.jpg")
    assert set(outcome.pictures) == {"a.bmp", "a.png", "b.jpg"}
    assert outcome.pictures["a.png"].labels == {"copy_of": "a.bmp"}
    assert outcome.pictures["a.png"].codes == ("duplicates.exact",)
    assert outcome.pictures["a.bmp"].codes == ("duplicates.exact", "duplicates.near")
    assert outcome.pictures["b.jpg"].codes == ("duplicates.near",)
    assert "a.bmp" in outcome.pictures["b.jpg"].message
    assert outcome.pictures["b.jpg"].measures["distance"] <= 31


def test_every_measure_label_and_code_is_declared():
    outcome = judged({"a": encoded(photo(1)), "b": encoded(photo(1)), "c": encoded(photo(1), "JPEG", quality=70)})
    names = {m.name for m in DuplicatesChecker.measures}

    for group in outcome.groups:
        assert set(group.measures) <= names
        assert set(group.codes) <= set(DuplicatesChecker.codes)
    for found in outcome.pictures.values():
        assert set(found.measures) <= names
        assert set(found.labels) <= set(DuplicatesChecker.labels)
        assert set(found.codes) <= set(DuplicatesChecker.codes)


def test_the_order_of_members_does_not_matter():
    data = {"a": photo(1), "b": photo(1).resize((200, 147)), "c": photo(1), "d": photo(4), "e": photo(4)}
    members = [member(id, encoded(image)) for id, image in data.items()]

    forward, backward = (DuplicatesChecker().aggregate(m) for m in (members, members[::-1]))

    assert forward == backward


def test_different_pictures_are_no_copies():
    outcome = judged({f"{seed}": encoded(photo(seed)) for seed in range(8)})

    assert outcome.groups[0].measures == {"share": 0.0, "turned_share": 0.0}
    assert outcome.groups[0].codes == ()
    assert len(outcome.groups) == 1
    assert outcome.pictures == {}


@pytest.mark.parametrize(("kind", "background"), [("circle", "white"), ("square", "black"), ("triangle", "gray")])
def test_one_drawn_shape_in_many_colours_makes_no_copies(kind: str, background: str):
    unseen = {"black": "#000000", "gray": "#6e6e6e"}.get(background)
    drawn = {c: shapes((kind, c, 30, 34, 10), background=background) for c in COLOURS if c != unseen}

    assert judged(drawn).groups[0].measures["share"] == 0.0
    assert judged(drawn).groups[0].measures.get("turned_share", 0.0) == 0.0


def test_one_drawn_shape_in_many_places_and_sizes_makes_no_copies():
    drawn = {
        f"{x} {y} {radius}": shapes(("circle", COLOURS[2], x, y, radius))
        for x in (16, 28, 40, 48)
        for y in (16, 32, 48)
        for radius in (6, 13)
    }

    assert judged(drawn).groups[0].measures["share"] == 0.0
    assert judged(drawn).groups[0].measures.get("turned_share", 0.0) == 0.0


def test_two_shapes_that_exchange_their_colours_are_no_copies():
    left, right = ("circle", 16.0, 32.0, 11.0), ("circle", 48.0, 32.0, 11.0)

    def pair(one: str, other: str) -> bytes:
        return shapes((left[0], one, *left[1:]), (right[0], other, *right[1:]))

    drawn = {f"{a}{b}": pair(a, b) for a in COLOURS[::2] for b in COLOURS[::2] if a != b}

    assert judged(drawn).groups[0].measures["share"] == 0.0
    assert judged(drawn).groups[0].measures.get("turned_share", 0.0) == 0.0


def test_the_same_drawn_shape_is_a_copy_when_it_is_scaled_or_recompressed():
    shape = Image.open(BytesIO(shapes(("circle", COLOURS[7], 30, 34, 13))))
    outcome = judged({"a": encoded(shape), "b": encoded(shape.resize((128, 128), Image.Resampling.BICUBIC))})

    assert outcome.groups[0].measures["share"] == 1.0
    assert outcome.groups[0].counts["near"] == 2


def test_where_pdq_is_sure_of_nothing_turned_copies_are_not_told():
    overall = judged({c: encoded(Image.new("RGB", (64, 64), c)) for c in ("white", "red")}).groups[0]

    assert overall.measures == {"share": 0.0}
    assert "turned" not in overall.counts
    assert overall.labels["turned"].startswith("not looked for")


def test_pictures_without_a_look_are_not_counted():
    good = [member(id, encoded(photo(seed))) for id, seed in (("a", 1), ("b", 1))]
    outcome = DuplicatesChecker().aggregate([*good, Member("c", CASE, True, Abstained("no pixels"))])

    assert (outcome.groups[0].size, outcome.groups[0].counted) == (3, 2)
    assert outcome.groups[0].measures["share"] == 1.0


def test_fewer_than_two_pictures_are_an_abstention_and_not_zero():
    outcome = DuplicatesChecker().aggregate([member("a", encoded(photo(1))), Member("b", CASE, True, Failed("broke"))])

    assert [group.outcome for group in outcome.groups] == ["abstained"]
    assert outcome.groups[0].measures == {}
    assert outcome.groups[0].reason
    assert outcome.pictures == {}


def test_abstaining_and_failing_are_passed_on():
    for sight in (Abstained("no pixels"), Failed("broke")):
        assert DuplicatesChecker().project(CASE, Percepts({PIXELS: sight})) == sight


# --- turned and semantic copies ------------------------------------------------------------------------------------


def test_a_turned_copy_is_a_finding_of_its_own_and_each_says_how_it_was_turned():
    outcome = judged(
        {
            "a": encoded(photo(1)),
            "b": encoded(photo(1).transpose(Image.Transpose.ROTATE_90)),
            "c": encoded(photo(2).transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
            "d": encoded(photo(2)),
            "e": encoded(photo(3)),
        }
    )

    overall, first, second = outcome.groups
    assert overall.measures == {"share": 0.0, "turned_share": 0.8}
    assert overall.counts == {"exact": 0, "near": 0, "turned": 4, "clusters": 2}
    assert (first.members, second.members) == (("a", "b"), ("c", "d"))
    assert outcome.pictures["b"].labels == {"copy_of": "a", "turn": "turned left"}
    assert outcome.pictures["a"].labels == {"copy_of": "b", "turn": "turned right"}
    assert outcome.pictures["c"].labels["turn"] == outcome.pictures["d"].labels["turn"] == "mirrored"
    assert outcome.pictures["a"].codes == ("duplicates.turned",)


def vector(*numbers: float, copy_from: float | None = 0.9, model: str = "made") -> Embedding:
    length = sum(x * x for x in numbers) ** 0.5
    unit = tuple(x / length for x in numbers)
    return Embedding(model=model, vector=unit, copy_from=copy_from, copy_basis="measured on drawings")


def with_vectors(*vectors: Embedding | Abstained) -> GroupOutcome:
    members = [member(f"{n}", encoded(photo(n)), vector) for n, vector in enumerate(vectors)]
    return DuplicatesChecker().aggregate(members)


def test_semantic_copies_are_those_whose_embeddings_reach_the_models_own_threshold():
    outcome = with_vectors(vector(1, 0, 0), vector(1, 0.3, 0), vector(0, 1, 0), Abstained("outside"))

    overall = outcome.groups[0]
    assert overall.measures["semantic_share"] == pytest.approx(2 / 3)
    assert overall.counts["semantic"] == 2
    assert "0.9" in overall.labels["semantic"]
    assert "measured on drawings" in overall.labels["semantic"]
    assert set(outcome.pictures) == {"0", "1"}
    assert outcome.pictures["0"].codes == ("duplicates.semantic",)
    assert outcome.pictures["0"].measures == {"cosine": pytest.approx(0.958, abs=1e-3)}


def test_without_a_known_threshold_nothing_is_called_a_semantic_copy():
    overall = with_vectors(vector(1, 0, copy_from=None), vector(1, 0, copy_from=None)).groups[0]

    assert "semantic_share" not in overall.measures
    assert "nobody measured" in overall.labels["semantic"]


def test_a_copy_by_its_hashes_is_not_counted_a_second_time_by_its_embedding():
    same = encoded(photo(1))
    small = encoded(photo(1).resize((150, 110)))
    members = [member("a", same, vector(1, 0)), member("b", small, vector(1, 0)), member("c", encoded(photo(5)))]

    outcome = DuplicatesChecker().aggregate(members)

    assert outcome.groups[0].counts["near"] == 2
    assert outcome.groups[0].counts["semantic"] == 0
    assert outcome.pictures["a"].codes == ("duplicates.near",)


# --- labelled pictures ---------------------------------------------------------------------------------------------

SAME = (
    {"cleanvision/image_142.png", "cleanvision/image_236.png"},
    {"exif_rotation/1.jpg", "exif_rotation/3.jpg"},
    {"imagededup/base_images/ukbench09268.jpg", "imagededup/mixed_images/ukbench09268.jpg",
     "imagededup/mixed_nested_images/lvl1/lvl2b/ukbench09268.jpg"},
    {"imagededup/mixed_images/ukbench00120_rotation.jpg",
     "imagededup/mixed_nested_images/lvl1/lvl2a/ukbench00120_rotation.jpg"},
    {"imagededup/base_images/ukbench00120.jpg", "imagededup/mixed_images/ukbench00120.jpg",
     "imagededup/mixed_nested_images/lvl1/ukbench00120.jpg", "imagededup/mixed_images/ukbench00120_resize.jpg",
     "imagededup/mixed_nested_images/lvl1/lvl2b/ukbench00120_resize.jpg",
     "imagededup/mixed_images/ukbench00120_hflip.jpg", "imagededup/mixed_nested_images/ukbench00120_hflip.jpg"},
)  # fmt: skip
"""Groups of one picture, as the file names say: equal, scaled, mirrored. A picture turned by a few degrees is another
group, and the grey one and the padded logos are in none: hashes do not tell them."""


def test_of_the_labelled_pictures_all_copies_are_found_and_nothing_else(corpora: Path):
    folder = corpora / "defects"
    if not folder.is_dir():
        pytest.skip("no pictures with defects")
    members = []
    for found in find_files([folder]).files:
        picture, error = decode(read(found.path), found.relative)
        if error is None:
            sight = PixelPerceiver().perceive([Look(picture, PIXELS)])[0]
            projection = DuplicatesChecker().project(CASE, Percepts({PIXELS: sight}))
            members.append(Member(found.relative, CASE, False, projection))

    groups = DuplicatesChecker().aggregate(members).groups[1:]

    assert sorted(map(sorted, SAME)) == sorted(sorted(group.members) for group in groups)
