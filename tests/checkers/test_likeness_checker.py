"""What a comparison with the user's galleries means for a picture."""

from __future__ import annotations

from imgaudit.checkers.likeness import LIKENESS, LikenessChecker
from imgaudit.percepts import Likenesses, Resemblance
from imgaudit.types import Abstained, Case, Failed, Measured, Percepts, Sight

BOX = (10.0, 10.0, 60.0, 60.0)


def like(deny: float | None = None, consent: float | None = None) -> tuple[Resemblance, ...]:
    found = []
    if deny is not None:
        found.append(Resemblance(gallery="deny", name="Person A", cosine=deny))
    if consent is not None:
        found.append(Resemblance(gallery="consent", name="agreed", cosine=consent))
    return tuple(found)


def measured(*faces: tuple[Resemblance, ...], **more: object) -> Measured:
    galleries = {match.gallery: 3 for face in faces for match in face}
    seen = Likenesses(
        model="onnx faces", same_from=0.45, faces=faces, boxes=(BOX,) * len(faces),
        **{"galleries": galleries, **more},
    )  # fmt: skip
    outcome = measure(seen)
    assert isinstance(outcome, Measured), outcome
    return outcome


def measure(seen: Sight) -> object:
    return LikenessChecker().measure(Case(id="c"), Percepts({LIKENESS: seen}))


def test_a_face_like_the_deny_gallery_has_the_code_and_its_place() -> None:
    found = measured(like(0.61, 0.1), like(0.2, 0.2))

    assert found.codes == ("likeness.denied",)
    assert found.measures == {"compared": 2.0, "denied": 1.0, "without_consent": 2.0}
    assert [(region.label, region.box, region.score) for region in found.regions] == [("face like Person A", BOX, 0.61)]
    assert "like the deny gallery: Person A (0.61)" in found.message


def test_a_face_below_the_cosine_is_like_nobody() -> None:
    found = measured(like(0.449, 0.449))

    assert found.codes == ()
    assert found.measures["denied"] == 0
    assert found.labels == {"consent": "none"}
    assert "like the deny gallery: none" in found.message


def test_consent_is_all_some_or_none_of_the_faces() -> None:
    yes, no = like(consent=0.9), like(consent=0.1)

    labels = [measured(*faces).labels["consent"] for faces in ((yes, yes), (yes, no), (no, no))]

    assert labels == ["all", "some", "none"]
    assert measured(yes, no).measures["without_consent"] == 1


def test_a_gallery_that_was_not_named_is_not_told_as_a_number() -> None:
    found = measured(like(consent=0.9))

    assert "denied" not in found.measures
    assert found.unmeasured == {"denied": "no deny gallery was named"}


def test_files_and_faces_that_could_not_be_used_are_told() -> None:
    found = measured(like(0.1), refused=("no mesh could be fitted to the face",), unusable=2)

    assert "1 could not be compared" in found.message
    assert "2 files of the galleries could not be used" in found.message


def test_no_comparison_is_an_abstention_and_never_a_zero() -> None:
    nobody = Likenesses(model="m", same_from=0.4, faces=(), boxes=(), refused=("no mesh could be fitted to the face",))

    assert measure(nobody) == Abstained("no mesh could be fitted to the face")
    assert measure(Abstained("the rubric does not opt in")) == Abstained("the rubric does not opt in")
    assert measure(Failed("broke")) == Failed("broke")
