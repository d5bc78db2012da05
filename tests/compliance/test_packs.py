from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from imgaudit.compliance.facts import Record, Told, _licence
from imgaudit.compliance.schema import Has, load_pack, packaged_packs, parse_evidence
from imgaudit.errors import ConfigError, UsageError
from imgaudit.record import RubricInfo, RunInfo
from imgaudit.types import Finding

WANTED = {"eu-art50", "eu-code-of-practice", "eu-omnibus", "ca-sb942", "cn-gb45438", "nist-ai-rmf", "nist-600-1",
          "nist-100-4", "iso-42001", "template"}  # fmt: skip
TEMPLATE = Path(__file__).parent.parent.parent / "imgaudit" / "compliance" / "template.yaml"


def test_all_packs_are_there():
    assert set(packaged_packs()) == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_control_has_a_source_and_evidence_and_a_verified_one_says_where_and_when_it_was_read(name: str):
    pack = load_pack(name)

    assert pack.name == name
    for control in pack.controls:
        assert control.evidence
        assert control.source.url or control.source.note or name == "template", control.id
        if control.verified:
            assert control.source.url
            assert control.source.read


def test_only_the_text_that_was_read_is_verified():
    verified = {name for name in packaged_packs() for control in load_pack(name).controls if control.verified}

    assert verified == {"nist-600-1"}


def test_action_ids_have_the_form_that_the_profile_gives_them():
    import re

    for control in load_pack("nist-600-1").controls:
        assert re.fullmatch(r"(GV|MP|MS|MG)-\d\.\d+-\d{3}", control.id)


def test_dates_of_application():
    dates = {c.id: c.applies_from for name in ("eu-art50", "eu-omnibus", "ca-sb942") for c in load_pack(name).controls}

    assert dates["EU-50-2"] == date(2026, 8, 2)
    assert dates["EU-111-4"] == date(2026, 12, 2)
    assert dates["CA-942-PLATFORM"] == date(2027, 1, 1)


@pytest.fixture
def written(tmp_path: Path):
    """Writes the template with one text replaced by another, and gives its path."""

    def write(old: str, new: str) -> str:
        text = TEMPLATE.read_text()
        assert old in text
        path = tmp_path / "mine.yaml"
        path.write_text(text.replace(old, new, 1))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("voluntary: true", "volunty: true", r"mine.yaml:\d+: unknown key 'volunty'; did you mean 'voluntary'"),
        ("ai_disclosed >= 1", "ai_disclosd >= 1", r"mine.yaml:\d+: unknown measure 'provenance.ai_disclosd'"),
        ("code provenance.contradiction", "code provenance.nope", "unknown code 'provenance.nope'"),
        ("provenance.ai_disclosed >= 1", "provenance.nope has x", "unknown label 'provenance.nope'"),
        ("provenance.ai_disclosed >= 1", "duplicates.share < 1", "looks at a set"),
        ("provenance.ai_disclosed >= 1", "is it good?", "cannot read the condition"),
        ("dimension: platform-terms", "dimension: nope", "unknown dimension 'nope'"),
        ("record: licence", "record: nope", "unknown fact 'nope'"),
        ("record: licence", "{record: licence, limit: nobody knows this}", "exactly one of"),
        ("verified: false", "verified: true", "needs source.url and source.read"),
        ("roles: [publisher]", "roles: [king]", "roles"),
        ("id: OWN-2", "id: OWN-1", "stands twice"),
        ("applies_from: 2026-01-01", "applies_from: 2026-13-01", r"mine.yaml:\d+: "),
        ("cite: House rules, section 1", "cite: House rules\n    url: javascript:alert(1)", "url"),
        ("evidence:", "evidence: &a", r"mine.yaml:\d+"),
    ],
)
def test_a_wrong_pack_is_refused_with_its_line(written, old: str, new: str, message: str):
    if new == "evidence: &a":
        path = written("- dimension: platform-terms", "- &x {limit: nothing can tell this}\n  - *x")
        message = "uses a YAML alias"
    else:
        path = written(old, new)
    with pytest.raises(ConfigError, match=message):
        load_pack(path)


def test_an_unknown_pack_names_those_that_are_there():
    with pytest.raises(UsageError, match="unknown control pack 'eu'; there are: ca-sb942"):
        load_pack("eu")


def test_a_word_of_a_label_is_found_whole():
    (term,) = parse_evidence("provenance.disclosed_by has aigc")
    finding = Finding(checker="provenance", version="1", outcome="measured", labels={"disclosed_by": "xmp aigcx"})

    assert isinstance(term, Has)
    assert not term.holds(finding)
    assert term.holds(finding.model_copy(update={"labels": {"disclosed_by": "xmp aigc"}}))


@pytest.mark.parametrize(
    ("licence", "status"),
    [("Apache-2.0", "met"), ("cc-by-nc-4.0", "unmet"), ("creativeml-openrail-m", "unknown"), (None, "unknown")],
)
def test_a_licence_is_evidence_only_where_its_words_are_known(licence: str | None, status: str):
    rubric = RubricInfo(name="publish", version="1", digest="0")
    run = RunInfo(imgaudit="0", kind="run", request={}, started="", rubric=rubric, generator={"licence": licence})

    told = _licence(Record(run, None))  # type: ignore[arg-type]

    assert isinstance(told, Told)
    assert told.status == status
