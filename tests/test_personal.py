"""Of people nothing is perceived unless the rubric opts in, and what is let through is announced first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imgaudit import personal
from imgaudit.errors import ConfigError
from imgaudit.rubric import load_rubric, packaged_rubrics
from imgaudit.types import Query

FACES = Query("landmarks", {"parts": ["faces"]})
SKIN = Query("skin", {}, (FACES,))
AGE = Query("people", {"attribute": "age_band"}, (FACES,))
GENDER = Query("people", {"attribute": "gender_expression"}, (FACES,))
LIKENESS = Query("likeness", {}, (FACES,))
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    def write(section: str) -> str:
        path = tmp_path / "mine.yaml"
        path.write_text((ROOT / "rubrics/publish.yaml").read_text() + section)
        return str(path)

    return write


def test_what_is_perceived_of_people_is_declared_by_who_perceives_it() -> None:
    assert personal.attributes() == ("age_band", "character_faces", "gender_expression", "likeness", "skin_tone")
    assert [personal.attribute_of(query) for query in (SKIN, AGE, GENDER, LIKENESS)] == [
        "skin_tone", "age_band", "gender_expression", "likeness",
    ]  # fmt: skip
    assert personal.attribute_of(FACES) is None
    assert personal.attribute_of(Query("pixels")) is None


def test_every_sensitive_percept_comes_from_a_perceiver_behind_the_gate() -> None:
    import imgaudit.percepts as percepts
    from imgaudit.types import Percept

    sensitive = {k for k, v in vars(percepts).items() if isinstance(v, type) and issubclass(v, Percept) and v.sensitive}

    assert sensitive == {"SkinPatch", "PerceivedPeople", "Likenesses", "FaceEmbedding"}


def test_no_race_is_among_the_attributes() -> None:
    from imgaudit.checkers.skew import ATTRIBUTES

    assert not {"race", "ethnicity", "nationality", "religion"} & {*personal.attributes(), *ATTRIBUTES}


@pytest.mark.parametrize("query", [SKIN, AGE, GENDER, LIKENESS])
def test_nothing_passes_without_an_opt_in_and_the_reason_says_how(query: Query) -> None:
    why = personal.Gate().refusal(query)

    assert why is not None
    assert "does not opt in" in why.reason
    assert f"attributes: [{personal.attribute_of(query)}]" in (why.remedy or "")


def test_an_opt_in_is_for_one_attribute_alone() -> None:
    gate = personal.Gate(frozenset({"age_band"}))

    assert gate.refusal(AGE) is None
    assert gate.refusal(GENDER) is not None
    assert gate.refusal(SKIN) is not None


def test_a_query_that_builds_on_a_refused_one_is_refused() -> None:
    assert personal.Gate().refusal(Query("pixels", {}, (SKIN,))) is not None
    assert personal.Gate().refusal(Query("pixels", {}, (FACES,))) is None


def test_a_forbidding_rubric_refuses_even_what_was_allowed() -> None:
    why = personal.Gate(frozenset({"skin_tone"}), forbidden=True).refusal(SKIN)

    assert why is not None
    assert "forbids" in why.reason


def test_each_notice_is_told_once_and_before_anything_is_asked() -> None:
    told: list[str] = []
    gate = personal.Gate(frozenset({"skin_tone", "age_band", "likeness"}), announce=told.append)

    gate.refusal(FACES)
    gate.refusal(GENDER)
    assert told == []
    for query in (SKIN, SKIN, AGE, LIKENESS, LIKENESS):
        gate.refusal(query)
    assert told == [personal.NOTICE, personal.LIKENESS]


def test_the_notices_name_the_laws_and_no_identity() -> None:
    for notice in (personal.NOTICE, personal.LIKENESS):
        assert "Article 9 of the GDPR" in notice
        assert "Biometric Information Privacy Act" in notice
    assert "nobody's identity" in personal.NOTICE
    assert personal.notices(["clip", "landmarks", "no-such-role"]) == ()
    assert personal.notices(["people", "skin", "likeness"]) == (personal.LIKENESS, personal.NOTICE)


# --- the rubric's section -------------------------------------------------------------------------------------------


def test_no_packaged_rubric_opts_in_to_anything_of_people() -> None:
    for name in packaged_rubrics():
        rubric = load_rubric(name)
        assert rubric.opted_in == frozenset()
        assert "people" not in rubric.model_dump(mode="json")


def test_a_rubric_opts_in_to_what_it_names(written: Callable[[str], str]) -> None:
    rubric = load_rubric(
        written("people:\n  attributes: [skin_tone, age_band]\n  notice: Ask Ms Li.\n  because: Agreed in May.\n")
    )

    assert rubric.opted_in == {"skin_tone", "age_band"}
    assert not rubric.forbids_faces
    assert rubric.digest != load_rubric("publish").digest


def test_a_rubric_can_forbid_faces(written: Callable[[str], str]) -> None:
    rubric = load_rubric(written("people:\n  faces: forbid\n  because: The works council said no.\n"))

    assert rubric.forbids_faces
    assert rubric.opted_in == frozenset()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("people:\n  attributes: [race]\n  because: for a test alone\n", r"mine.yaml:\d+: unknown .*'race'"),
        ("people:\n  attributes: [skin_tone]\n", "because"),
        ("people:\n  attribute: [skin_tone]\n  because: for a test alone\n", "did you mean 'attributes'"),
        ("people:\n  faces: maybe\n  because: for a test alone\n", "allow"),
        ("people:\n  attributes: [age_band]\n  faces: forbid\n  because: for a test alone\n", "keep one of both"),
    ],
)
def test_a_wrong_section_is_refused_with_file_and_reason(
    written: Callable[[str], str], section: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_rubric(written(section))
