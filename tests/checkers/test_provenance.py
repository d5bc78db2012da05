"""The provenance checker: pure, from two percepts."""

from __future__ import annotations

import pytest

from imgaudit.checkers.provenance import CREDENTIALS, METADATA, Provenance
from imgaudit.percepts import ContentCredentials, Identity, Metadata, TrustList
from imgaudit.types import Abstained, Case, Failed, Measured, Percepts, Sight, Source

CASE = Case(id="a")
VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
NO_MANIFEST = ContentCredentials(state="none", trust="none")


def metadata(**values: object) -> Metadata:
    plain = {"source": Source(), "raw": {}, "digital_source_type": None, "ai_system": None, "camera": None}
    return Metadata.model_validate({**plain, **values})


def manifest(state: str, *types: str, failures: tuple[str, ...] = ()) -> ContentCredentials:
    return ContentCredentials.model_validate(
        {"state": state, "trust": "none", "digital_source_types": types, "failures": failures, "generator": "signer 1"}
    )


def measured(first: Sight, second: Sight = NO_MANIFEST) -> Measured:
    outcome = Provenance().measure(CASE, Percepts({METADATA: first, CREDENTIALS: second}))
    assert isinstance(outcome, Measured)
    return outcome


def test_it_asks_for_metadata_and_manifest() -> None:
    assert list(Provenance().ask(CASE, Percepts())) == [METADATA, CREDENTIALS]


def test_a_file_without_marks_is_undisclosed_as_a_fact() -> None:
    outcome = measured(metadata(camera="NIKON D90"))

    assert outcome.measures == {"ai_disclosed": 0.0}
    assert outcome.codes == ("provenance.undisclosed",)
    assert outcome.labels["c2pa_state"] == "none"
    assert "a photograph has nothing to say here" in outcome.message


@pytest.mark.parametrize(
    ("first", "second", "mark"),
    [
        (metadata(), manifest("valid", VOCABULARY + "trainedAlgorithmicMedia"), "c2pa"),
        (metadata(), manifest("valid", VOCABULARY + "compositeWithTrainedAlgorithmicMedia"), "c2pa"),
        (metadata(digital_source_type=VOCABULARY + "trainedAlgorithmicMedia"), NO_MANIFEST, "xmp"),
        (metadata(digital_source_type="trainedAlgorithmicMedia"), NO_MANIFEST, "xmp"),
        (metadata(aigc={"Label": "1"}), NO_MANIFEST, "aigc"),
        (metadata(ai_system="Some Model 2"), NO_MANIFEST, "ai_system"),
        (metadata(source=Source(generator="ComfyUI")), NO_MANIFEST, "metadata"),
    ],
)
def test_any_one_mark_discloses_and_is_named(first: Metadata, second: ContentCredentials, mark: str) -> None:
    outcome = measured(first, second)

    assert outcome.measures == {"ai_disclosed": 1.0}
    assert outcome.labels["disclosed_by"] == mark
    assert set(outcome.codes) <= {"provenance.source_type_form"}


@pytest.mark.parametrize(
    "first",
    [
        metadata(digital_source_type=VOCABULARY + "digitalCapture"),
        metadata(digital_source_type=VOCABULARY + "algorithmicMedia"),
        metadata(aigc={}),
        metadata(aigc={"Label": "9"}),
    ],
)
def test_other_marks_do_not_disclose(first: Metadata) -> None:
    assert measured(first).measures == {"ai_disclosed": 0.0}


def test_a_manifest_that_does_not_hold_discloses_nothing() -> None:
    broken = manifest("invalid", VOCABULARY + "trainedAlgorithmicMedia", failures=("assertion.dataHash.mismatch",))

    outcome = measured(metadata(), broken)

    assert outcome.measures == {"ai_disclosed": 0.0}
    assert outcome.codes == ("provenance.undisclosed", "provenance.c2pa_invalid")
    assert outcome.labels["c2pa_failures"] == "assertion.dataHash.mismatch"


def test_marks_that_contradict_each_other_are_named() -> None:
    trained, capture = VOCABULARY + "trainedAlgorithmicMedia", VOCABULARY + "digitalCapture"

    first = measured(metadata(digital_source_type=capture), manifest("valid", trained))
    second = measured(metadata(digital_source_type=capture, source=Source(generator="ComfyUI")))
    third = measured(metadata(ai_system="Some Model 2"), manifest("valid", capture))
    fourth = measured(metadata(aigc={"Label": "1"}), manifest("valid", capture))
    fifth = measured(metadata(aigc={"Label": "1"}, digital_source_type=VOCABULARY + "digitalCreation"))

    for outcome in (first, second, third, fourth, fifth):
        assert outcome.codes == ("provenance.contradiction",)
        assert outcome.measures == {"ai_disclosed": 1.0}


def test_a_manifest_of_capture_and_generation_is_a_composite_and_no_contradiction() -> None:
    both = manifest("valid", VOCABULARY + "digitalCapture", VOCABULARY + "trainedAlgorithmicMedia")

    assert measured(metadata(), both).codes == ()


def test_each_list_of_trust_has_an_answer_of_its_own() -> None:
    lists = (
        TrustList(name="official", sha256="a" * 64, trusted=False),
        TrustList(name="user", sha256="b" * 64, trusted=True),
    )

    asked = measured(metadata(), manifest("valid").model_copy(update={"lists": lists, "trust": "user"}))
    unasked = measured(metadata(), manifest("valid"))

    assert asked.labels["c2pa_official"] == "not trusted"
    assert asked.labels["c2pa_user"] == "trusted"
    assert asked.labels["c2pa_trust"] == "user"
    assert asked.labels["c2pa_lists"] == f"official sha256:{'a' * 64} user sha256:{'b' * 64}"
    assert unasked.labels["c2pa_official"] == unasked.labels["c2pa_user"] == "no list given"
    assert "c2pa_official" not in measured(metadata()).labels


def test_what_the_manifest_tells_stands_in_the_labels() -> None:
    told = manifest("valid").model_copy(
        update={
            "actions": ("c2pa.created", "c2pa.edited"),
            "ingredients": ("parentOf: a.jpg",),
            "identities": (Identity(kind="cawg.x509.cose", who="Some Press", state="valid"),),
        }
    )

    labels = measured(metadata(), told).labels

    assert labels["c2pa_actions"] == "c2pa.created c2pa.edited"
    assert labels["c2pa_ingredients"] == "parentOf: a.jpg"
    assert labels["c2pa_identities"] == "Some Press by certificate: valid"
    assert labels["c2pa_identity_states"] == "valid"


def test_an_identity_that_does_not_hold_is_a_finding_though_the_manifest_holds() -> None:
    wrong = Identity(kind="x", who="y", state="invalid", failures=("cawg.x509.signature.mismatch",))
    untold = Identity(kind="x", who="y", state="untold", failures=("cawg.identity.sig_type.unknown",))

    broken = measured(metadata(), manifest("valid").model_copy(update={"identities": (untold, wrong)}))
    unknown = measured(metadata(), manifest("valid").model_copy(update={"identities": (untold,)}))

    assert "provenance.identity_invalid" in broken.codes
    assert broken.labels["c2pa_identity_states"] == "invalid untold"
    assert "cawg.x509.signature.mismatch" in broken.labels["c2pa_identities"]
    assert "an identity in its manifest does not hold" in broken.message
    assert "provenance.identity_invalid" not in unknown.codes


@pytest.mark.parametrize(
    ("stamp", "lists", "told"),
    [
        ("none", (), None),
        ("sound", (), "sound (its signer is on no list that was asked)"),
        ("sound", ("official", "user"), "sound (its signer is on the official and the user list)"),
        ("broken", (), "broken (its signer is on no list that was asked)"),
    ],
)
def test_a_time_stamp_is_told_with_the_lists_that_hold_its_signer(
    stamp: str, lists: tuple[str, ...], told: str | None
) -> None:
    signed = manifest("valid").model_copy(update={"time_stamp": stamp, "time_stamp_lists": lists})

    assert measured(metadata(), signed).labels.get("c2pa_time_stamp") == told


def test_a_bare_source_type_is_named_and_a_full_address_is_not() -> None:
    code = "provenance.source_type_form"

    assert code in measured(metadata(digital_source_type="trainedAlgorithmicMedia")).codes
    assert code not in measured(metadata(digital_source_type=VOCABULARY + "trainedAlgorithmicMedia")).codes
    assert code not in measured(metadata()).codes


def test_a_development_certificate_is_named() -> None:
    issuer = "imgaudit DEVELOPMENT only, not for publication"

    outcome = measured(metadata(), manifest("valid").model_copy(update={"issuer": issuer}))

    assert "provenance.development_certificate" in outcome.codes
    assert "vouches for nothing" in outcome.message


def test_an_unreadable_manifest_leaves_disclosure_unmeasured() -> None:
    outcome = measured(metadata(), manifest("unreadable"))

    assert outcome.measures == {}
    assert "cannot be read" in outcome.unmeasured["ai_disclosed"]
    assert outcome.codes == ("provenance.unreadable",)


def test_an_unreadable_manifest_does_not_take_back_what_metadata_say() -> None:
    outcome = measured(metadata(ai_system="Some Model 2"), manifest("unreadable"))

    assert outcome.measures == {"ai_disclosed": 1.0}
    assert outcome.codes == ("provenance.unreadable",)


def test_a_missing_library_is_no_state_and_a_broken_reader_is_unreadable() -> None:
    missing = measured(metadata(), Abstained("c2pa-python is not installed"))
    broken = measured(metadata(), Failed("no report"))

    assert "c2pa_state" not in missing.labels
    assert missing.unmeasured == {"ai_disclosed": "c2pa-python is not installed"}
    assert missing.codes == ()
    assert broken.labels["c2pa_state"] == "unreadable"
    assert broken.unmeasured == {"ai_disclosed": "no report"}
    assert broken.codes == ("provenance.unreadable",)


def test_a_manifest_is_measured_where_metadata_failed() -> None:
    outcome = measured(Failed("no"), manifest("valid", VOCABULARY + "trainedAlgorithmicMedia"))

    assert outcome.measures == {"ai_disclosed": 1.0}
    assert outcome.labels["generator"] == "signer 1"


def test_where_nothing_could_be_looked_at_there_is_no_measurement() -> None:
    assert isinstance(Provenance().measure(CASE, Percepts()), Abstained)


def test_metadata_that_cannot_be_parsed_are_named() -> None:
    outcome = measured(metadata(problems=("xmp: the packet is not well-formed XML",)))

    assert "provenance.unreadable" in outcome.codes
    assert "not well-formed" in outcome.message


def test_everything_that_it_says_is_declared() -> None:
    outcome = measured(
        metadata(source=Source(generator="ComfyUI"), digital_source_type="digitalCapture", problems=("x",)),
        manifest("invalid", failures=("a",)),
    )

    assert set(outcome.labels) <= set(Provenance.labels)
    assert set(outcome.codes) <= set(Provenance.codes)
    assert {measure.name for measure in Provenance.measures} == {"ai_disclosed"}
