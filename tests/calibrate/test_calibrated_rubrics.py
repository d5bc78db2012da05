"""Rubrics that name calibration files: what conditions see, what is refused, and that silence is never a verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from imgaudit.calibration.fitted import Calibration, Origin, load_calibration, with_calibrated
from imgaudit.compliance.schema import load_pack
from imgaudit.errors import ConfigError, ImgauditError
from imgaudit.repair.tasks import aims_of
from imgaudit.rubric import Rubric, judge, load_rubric, parse_condition
from imgaudit.types import Decision, Finding

RUBRICS = Path(__file__).parent.parent.parent / "rubrics"
LABELS = Origin(name="labels.csv", kind="labels", sha256="0" * 64)


def calibration(**more: Any) -> Calibration:
    content: dict[str, Any] = {
        "measure": "hands.defect", "checker_version": "1", "method": "isotonic", "gives": "probability", "about": "x",
        "knots": ((0.0, 0.1), (0.5, 0.1), (1.0, 0.9)), "seen": (0.0, 1.0), "sources": (LABELS,),
        "counts": {"used": 3}, "imgaudit": "0.1.0",
    }  # fmt: skip
    return Calibration.model_validate({**content, **more})


def rubric_file(
    folder: Path, when: str = "calibrated.hands.defect >= 0.5", then: str = "reject", named: Any = ("hands.json",),
    written: Calibration | None = None,
) -> Path:  # fmt: skip
    """The rubric `draft` with one rule about hands, and the calibration file that it names."""
    (folder / "hands.json").write_text((written or calibration()).model_dump_json())
    value = yaml.safe_load((RUBRICS / "draft.yaml").read_text())
    value["name"] = "mine"
    rule = {"id": "hands.malformed", "when": when, "then": then, "because": "as this test wants it"}
    value["dimensions"]["hands"]["rules"] = [rule]
    value["regression"] = None
    if named is not None:
        value["calibrations"] = list(named) if isinstance(named, tuple) else named
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return path


def hands(value: float, version: str = "1", **more: Any) -> Finding:
    return Finding(checker="hands", version=version, outcome="measured", measures={"defect": value}, **more)


def said(rubric: Rubric, finding: Finding) -> tuple[Decision, list[str]]:
    verdict = judge([finding], rubric)
    return verdict.machine, [one.message for one in verdict.holds if one.rule == "hands.malformed"]


# --- the mapping --------------------------------------------------------------------------------


def test_values_lie_on_the_lines_and_stay_at_the_ends() -> None:
    one = calibration()

    assert [one.value(x) for x in (-3.0, 0.0, 0.25, 0.5, 0.75, 1.0, 9.0)] == [0.1, 0.1, 0.1, 0.1, 0.5, 0.9, 0.9]
    narrow = calibration(method="logistic", knots=(), logistic=(-2.0, 4.0), seen=(0.25, 0.75))
    assert narrow.value(0.5) == 0.5
    assert narrow.value(0.0) == narrow.value(0.25) == pytest.approx(0.268941)
    assert calibration(method="logistic", knots=(), logistic=(-5000.0, 0.0)).value(0.5) == 0.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"knots": ((0.0, 0.5), (0.0, 0.6))}, "must rise"),
        ({"knots": ((0.0, 0.5), (1.0, 0.4))}, "must rise"),
        ({"knots": ()}, "needs knots"),
        ({"method": "logistic"}, "needs logistic"),
        ({"method": "logistic", "knots": (), "logistic": (0.0, -1.0)}, "slope below 0"),
        ({"seen": (1.0, 0.0)}, "lowest value stands first"),
        ({"format": "imgaudit-calibration/2"}, "format"),
        ({"knots": ((0.0, float("nan")), (1.0, 1.0))}, "finite"),
        ({"more": 1}, "more"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    content = {**calibration().model_dump(mode="json"), **change}
    path = tmp_path / "c.json"
    path.write_text(json.dumps(content))

    with pytest.raises(ConfigError, match=sentence) as caught:
        load_calibration(path)
    assert "expected a file that `imgaudit calibrate` wrote" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    for data in (b"", b"\xff\xfe", b"[" * 100_000, b"null", b"{}"):
        path.write_bytes(data)
        with pytest.raises(ConfigError):
            load_calibration(path)
    path.write_bytes(b" " * (5 << 20))
    with pytest.raises(ConfigError, match="larger than"):
        load_calibration(path)
    with pytest.raises(ConfigError, match="no such file"):
        load_calibration(Path("/dev/zero"))


# --- judging ------------------------------------------------------------------------------------


def test_a_rule_may_speak_of_the_calibrated_value(tmp_path: Path) -> None:
    rubric = load_rubric(str(rubric_file(tmp_path)))

    assert said(rubric, hands(0.74))[0] == Decision.PUBLISH
    assert said(rubric, hands(0.75))[0] == Decision.REJECT
    assert parse_condition("calibrated.hands.defect >= 0.5")[0].kind == "calibrated"


def test_the_measure_itself_stays_what_it_was(tmp_path: Path) -> None:
    rubric = load_rubric(str(rubric_file(tmp_path, "hands.defect >= 0.8 and calibrated.hands.defect >= 0.5")))

    assert said(rubric, hands(0.78))[0] == Decision.PUBLISH
    assert said(rubric, hands(0.8))[0] == Decision.REJECT
    finding = hands(0.8)
    seen = with_calibrated(finding, rubric.calibrations)
    assert seen.measures == {"defect": 0.8, "calibrated.defect": pytest.approx(0.58)}
    assert finding.measures == {"defect": 0.8}


@pytest.mark.parametrize(
    ("finding", "sentence"),
    [
        (hands(0.9, version="0"), "calibrated on version 1 of its checker; this is version 0"),
        (hands(0.9, labels={"model": "another"}), "calibrated on an unknown model; this is of another"),
    ],
)
def test_a_finding_of_another_version_or_model_holds_and_is_never_a_verdict(
    tmp_path: Path, finding: Finding, sentence: str
) -> None:
    decision, holds = said(load_rubric(str(rubric_file(tmp_path))), finding)

    assert decision == Decision.HOLD
    assert sentence in holds[0]
    noted = judge([finding], load_rubric(str(rubric_file(tmp_path, then="note"))))
    assert noted.machine == Decision.PUBLISH
    assert any(sentence in note.message for note in noted.notes)
    other = rubric_file(tmp_path, "hands.defect < 0.5 and calibrated.hands.defect >= 0.5")
    assert said(load_rubric(str(other)), finding)[0] == Decision.PUBLISH


def test_what_was_not_measured_has_no_calibrated_value(tmp_path: Path) -> None:
    rubric = load_rubric(str(rubric_file(tmp_path)))
    silent = Finding(checker="hands", version="1", outcome="abstained", reason="no hand")

    assert said(rubric, silent) == (Decision.PUBLISH, [])
    assert said(rubric, Finding(checker="hands", version="1", outcome="measured")) == (Decision.PUBLISH, [])


def test_the_digest_of_a_rubric_covers_its_calibrations(tmp_path: Path) -> None:
    without = load_rubric(str(rubric_file(tmp_path, "hands.defect >= 0.5", named=None)))
    one = load_rubric(str(rubric_file(tmp_path)))
    other = load_rubric(str(rubric_file(tmp_path, written=calibration(knots=((0.0, 0.2), (1.0, 0.9))))))

    assert len({without.digest, one.digest, other.digest}) == 3
    assert "calibrations" not in without.model_dump(mode="json")


def test_a_rule_about_a_calibrated_value_is_a_task_of_repair(tmp_path: Path) -> None:
    rubric = load_rubric(str(rubric_file(tmp_path)))

    assert [aim.rule.id for aim in aims_of([hands(0.9)], rubric)] == ["hands.malformed"]
    assert aims_of([hands(0.6)], rubric) == ()


# --- refusals -----------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(ImgauditError) as caught:
        load_rubric(str(path))
    text = str(caught.value)
    assert text.startswith("mine.yaml:")
    assert int(text.split(":")[1]) > 1
    return text


def test_rubrics_that_do_not_fit_their_calibrations_are_refused_with_file_and_line(tmp_path: Path) -> None:
    def of(**more: Any) -> str:
        return refusal(rubric_file(tmp_path, written=calibration(**more)))

    assert "fitted to version 0 of the checker, which is 1 now. Calibrate again" in of(checker_version="0")
    assert "fitted to version unknown" in of(checker_version=None)
    assert "unknown measure 'hands.fingers'" in of(measure="hands.fingers")
    assert "unknown checker 'feet'" in of(measure="feet.defect")
    assert "measured over the set" in of(measure="duplicates.share")
    assert "no calibration of hands.defect; there are: none" in refusal(rubric_file(tmp_path, named=None))
    assert "two calibrations are about" in refusal(rubric_file(tmp_path, named=("hands.json", "hands.json")))
    assert "missing.json: there is no such file" in refusal(rubric_file(tmp_path, named=("missing.json",)))
    for odd in ("hands.json", [{"measure": "hands.defect"}], [1]):
        assert "expected a list of paths" in refusal(rubric_file(tmp_path, named=odd))
    assert "cannot read the condition" in refusal(rubric_file(tmp_path, "calibrated.hands.defect == high"))
    assert "unknown checker 'calibrated'" in refusal(rubric_file(tmp_path, "code calibrated.hands"))


def test_controls_know_no_calibrated_values(tmp_path: Path) -> None:
    pack = next((RUBRICS.parent / "imgaudit" / "compliance").rglob("*.yaml"))
    text = pack.read_text()
    start = text.index("every: ")
    line = text[start : text.index("\n", start)]
    path = tmp_path / pack.name
    path.write_text(text.replace(line, "every: calibrated.hands.defect < 0.5", 1))

    with pytest.raises(ConfigError, match="a control knows no calibrated values"):
        load_pack(str(path))
