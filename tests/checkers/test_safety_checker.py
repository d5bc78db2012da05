"""What is flagged, what stops everything, and how reports show it."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from imgaudit.checkers.safety import METADATA, SAFETY, SUSPECTED, SafetyChecker
from imgaudit.dimensions import BY_ID
from imgaudit.percepts import Metadata, Safety, Unsafe
from imgaudit.reporters._thumbnails import WITHHELD, Budget, concealment, thumbnails
from imgaudit.rubric import judge, load_rubric
from imgaudit.types import Abstained, Case, Decision, Finding, ImageRecord, Measured, Percepts, Sight, Source, Verdict


def safety(score: float, known: bool = False) -> Safety:
    explicit = Unsafe(policy="explicit", score=score, threshold=0.5)
    violence = Unsafe(policy="violence", score=0.1, threshold=0.5)
    return Safety(model="m", policies=(explicit, violence), parts=(("PART", 0.9, (1, 2, 3, 4)),), known=known)


def measured(sight: Sight, prompt: str | None = None, written: str | None = None) -> Measured:
    metadata = Metadata(source=Source(prompt=written), raw={}, digital_source_type=None, ai_system=None, camera=None)
    outcome = SafetyChecker().measure(Case(id="a", prompt=prompt), Percepts({SAFETY: sight, METADATA: metadata}))
    assert isinstance(outcome, Measured)
    return outcome


def finding(outcome: Measured) -> Finding:
    return Finding(checker="safety", version="1", outcome="measured", **outcome.model_dump())


def test_a_score_at_the_operating_point_is_flagged_and_one_below_is_not() -> None:
    at, below = measured(safety(0.5)), measured(safety(0.499999))

    assert (at.measures["flagged"], at.codes) == (1.0, ("safety.explicit",))
    assert (below.measures["flagged"], below.codes) == (0.0, ())
    assert at.labels["operating_points"] == "explicit:0.5 violence:0.5"
    assert "a person must still look" in below.message


def test_without_a_model_it_abstains() -> None:
    percepts = Percepts({SAFETY: Abstained("no safety model is installed", "pip install nudenet")})

    outcome = SafetyChecker().measure(Case(id="a"), percepts)

    assert outcome == Abstained("no safety model is installed", "pip install nudenet")


@pytest.mark.parametrize(
    "prompt", ["a naked child", "two 12-year-old boys", "17 yo", "young girl", "a teenager", "LOLI", "schoolgirls"]
)
def test_explicit_content_with_a_prompt_about_minors_stops_everything(prompt: str) -> None:
    for outcome in (measured(safety(0.9), prompt), measured(safety(0.9), written=prompt)):
        assert SUSPECTED in outcome.codes
        assert outcome.regions == ()
        assert outcome.message.startswith("stop")


@pytest.mark.parametrize("prompt", ["a nude, oil on canvas", "an 18 year old", "a woman of 25", "kidney beans", None])
def test_other_prompts_do_not(prompt: str | None) -> None:
    assert SUSPECTED not in measured(safety(0.9), prompt).codes


def test_a_harmless_picture_of_a_child_is_not_suspected() -> None:
    assert measured(safety(0.1), "a child with a kite").codes == ()


def test_listed_material_stops_everything_whatever_the_scores() -> None:
    assert measured(safety(0.0, known=True)).codes == (SUSPECTED,)


@pytest.mark.parametrize("name", ["draft", "publish", "stock", "strict"])
def test_every_packaged_rubric_rejects_what_is_suspected(name: str) -> None:
    rubric = load_rubric(name)

    assert judge([finding(measured(safety(0.0, known=True)))], rubric).machine == Decision.REJECT


def test_a_flagged_picture_is_held_before_it_is_published() -> None:
    verdict = judge([finding(measured(safety(0.9)))], load_rubric("publish"))

    assert "safety.flagged" in [reason.rule for reason in verdict.holds]


def test_safety_stays_a_question_to_a_person() -> None:
    assert (BY_ID["safety"].how, BY_ID["safety"].checkers) == ("attestation", ("safety",))


# --- how it is shown -----------------------------------------------------------------------------


def record(*findings: Finding) -> ImageRecord:
    return ImageRecord(
        id="a", path="r0/a.png", pixels=None, file=None, width=200, height=100, prompt=None, case=None, seed=None,
        source=Source(), verdict=Verdict(machine=Decision.HOLD, final=Decision.HOLD), findings=findings,
    )  # fmt: skip


def checkerboard() -> bytes:
    image = Image.new("L", (200, 100))
    image.putdata([255 * ((x // 4 + y // 4) % 2) for y in range(100) for x in range(200)])
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "PNG")
    return stream.getvalue()


def test_a_flagged_picture_is_embedded_blurred_and_never_clear() -> None:
    flagged, clear = record(finding(measured(safety(0.9)))), record(finding(measured(safety(0.1))))
    shown = thumbnails([flagged, clear], lambda _: checkerboard(), Budget(10**9, 10**9))

    def spread(uri: str | None) -> int:
        assert uri is not None
        with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
            low, high = image.convert("L").getextrema()
            return int(high) - int(low)

    assert (concealment(flagged), concealment(clear)) == ("blurred", "none")
    assert shown[0].blurred
    assert shown[0].large is None
    assert not shown[0].larger_exists
    assert spread(shown[0].small) < 40
    assert spread(shown[1].small) > 200


def test_suspected_material_is_not_shown_and_not_even_read() -> None:
    def read(_: ImageRecord) -> bytes:
        raise AssertionError("the picture was opened")

    (shown,) = thumbnails([record(finding(measured(safety(0.9, known=True))))], read, Budget(10**9, 10**9))

    assert (shown.small, shown.why_not) == (None, WITHHELD)
