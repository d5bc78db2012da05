from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from made_runs import Made, drawn_scores, make_run
from scipy import stats

from imgaudit.errors import UsageError
from imgaudit.history import FORMATS, Named, csv_of, history, json_of, mlflow_files, wandb_of
from imgaudit.pipeline import open_run

MATCH = "adherence.match"


def named(tmp_path: Path, name: str, shift: float = 0.0, **facts: object) -> Named:
    """A run of ten prompts and four seeds. `paint` gives it pictures of its own."""
    scores = drawn_scores(10, 4, seed=len(name), shift=shift)
    return Named(name, open_run(make_run(tmp_path / name, scores, Made(**facts))))  # type: ignore[arg-type]


def test_one_measure_over_runs_has_means_intervals_and_paired_gains(tmp_path: Path):
    runs = [named(tmp_path, "a", paint=1), named(tmp_path, "bb", -0.1, paint=2), named(tmp_path, "ccc", 0.05, paint=3)]

    made = history(runs, [MATCH])

    assert [point.run for point in made.points] == ["a", "bb", "ccc"]
    assert {point.line for point in made.points} == {0}
    means = [[sum(v) / 4 for v in drawn_scores(10, 4, seed=s, shift=d).values()] for s, d in ((1, 0), (2, -0.1))]
    gains = [b - a for a, b in zip(*means, strict=True)]
    interval = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    second = made.points[1]
    assert second.mean == pytest.approx(sum(means[1]) / 10, abs=1e-5)
    assert second.gain == pytest.approx(sum(gains) / 10, abs=1e-5)
    assert (second.gain_low, second.gain_high) == pytest.approx((interval.low, interval.high), abs=1e-5)
    assert made.points[0].gain is None
    assert made.exit_code == 0


def test_a_measure_that_is_better_when_small_gains_when_it_falls(tmp_path: Path):
    quality = "quality.blur"
    runs = [named(tmp_path, "a", measure=quality, paint=1), named(tmp_path, "bb", -0.2, measure=quality, paint=2)]

    made = history(runs, [quality])

    assert made.points[1].mean is not None
    assert made.points[0].mean is not None
    assert made.points[1].mean < made.points[0].mean
    assert made.points[1].gain is not None
    assert made.points[1].gain > 0


def test_no_line_goes_through_other_scorers(tmp_path: Path):
    runs = [
        named(tmp_path, "a", paint=1),
        named(tmp_path, "bb", paint=2),
        named(tmp_path, "ccc", paint=3, by="clip-2"),
        named(tmp_path, "dddd", paint=4, by="clip-2"),
    ]

    made = history(runs, [MATCH])

    assert [point.line for point in made.points] == [0, 0, 1, 1]
    assert [(b.before, b.after, b.why) for b in made.breaks] == [("bb", "ccc", "other perceiver clip")]
    assert made.points[2].gain is None, "a gain was computed across a break"
    assert made.points[3].gain is not None


def test_other_cases_break_the_line_and_are_named(tmp_path: Path):
    other = Named("more", open_run(make_run(tmp_path / "more", drawn_scores(12, 4), Made(paint=9))))

    assert history([named(tmp_path, "a"), other], [MATCH]).breaks[0].why == "other cases"


def test_anchors_whose_scores_move_are_drift(tmp_path: Path):
    made = history([named(tmp_path, "a"), named(tmp_path, "bb", -0.1)], [MATCH])

    assert made.anchors == {"a -> bb": 40}
    drift = made.drifts[0]
    assert (drift.measure, drift.anchors, drift.untold, drift.same_scorers) == (MATCH, 40, 0, True)
    assert drift.moved == 40
    assert drift.mean == pytest.approx(-0.1, abs=0.05)
    assert made.exit_code == 4


def test_anchors_that_stay_are_no_drift(tmp_path: Path):
    first = Named("first", open_run(make_run(tmp_path / "first", drawn_scores(10, 4))))
    second = Named("second", open_run(make_run(tmp_path / "second", drawn_scores(10, 4), Made(generator="other@1"))))

    made = history([first, second], [MATCH])

    assert made.anchors == {"first -> second": 40}
    assert made.drifts == ()
    assert made.exit_code == 0


def test_anchors_that_can_no_longer_be_told_are_drift(tmp_path: Path):
    scores = {case: [*values] for case, values in drawn_scores(10, 4).items()}
    first = Named("first", open_run(make_run(tmp_path / "first", scores)))
    fewer = {case: [None, *values[1:]] for case, values in scores.items()}
    second = Named("second", open_run(make_run(tmp_path / "second", fewer)))

    made = history([first, second], [MATCH])

    assert (made.drifts[0].moved, made.drifts[0].untold) == (0, 10)
    assert made.exit_code == 4


def test_other_scorers_explain_their_drift(tmp_path: Path):
    made = history([named(tmp_path, "a"), named(tmp_path, "bb", by="clip-2")], [MATCH])

    assert made.drifts[0].same_scorers is False
    assert made.exit_code == 0


def test_another_prompt_on_the_same_pixels_is_no_anchor(tmp_path: Path):
    worded = {f"case-{i:03d}": "other words" for i in range(10)}

    made = history([named(tmp_path, "a"), named(tmp_path, "bb", prompts=worded)], [MATCH])

    assert made.anchors == {"a -> bb": 0}


def test_a_run_that_could_not_be_told_has_a_line_without_a_number(tmp_path: Path):
    untold = {case: [None] * 4 for case in drawn_scores(10, 4)}
    runs = [named(tmp_path, "a", paint=1), Named("b", open_run(make_run(tmp_path / "b", untold)))]

    point = history(runs, [MATCH]).points[1]

    assert (point.mean, point.low, point.counted, point.of) == (None, None, 0, 40)


def test_without_a_name_every_measure_with_a_direction_is_shown(tmp_path: Path):
    made = history([named(tmp_path, "a")])

    assert {point.measure for point in made.points} == {MATCH}


@pytest.mark.parametrize("measure", ["adherence.nonsense", "hands.count", "nonsense.match"])
def test_an_unknown_measure_is_a_users_mistake(tmp_path: Path, measure: str):
    with pytest.raises(UsageError):
        history([named(tmp_path, "a")], [measure])


def test_two_runs_of_one_name_are_refused(tmp_path: Path):
    run = named(tmp_path, "a")

    with pytest.raises(UsageError, match="another name"):
        history([run, run], [MATCH])


def test_the_exports_hold_the_same_numbers(tmp_path: Path):
    made = history([named(tmp_path, "a", paint=1), named(tmp_path, "=b", -0.1, paint=2)], [MATCH])
    means = [point.mean for point in made.points]

    rows = list(csv.DictReader(io.StringIO(csv_of(made).decode())))
    lines = [json.loads(line) for line in wandb_of(made).decode().splitlines()]
    files = dict(mlflow_files(made))
    stored = [value for path, value in files.items() if path.endswith(f"metrics/{MATCH}")]

    assert [float(row["mean"]) for row in rows] == means
    assert rows[1]["run"] == "'=b"
    assert [line[MATCH] for line in lines] == means
    assert [line["_step"] for line in lines] == [0, 1]
    assert [float(value.split()[1]) for value in stored] == means
    assert [point["mean"] for point in json.loads(json_of(made))["points"]] == means
    for path, content in files.items():
        assert ".." not in path
        if path.endswith("meta.yaml"):
            assert yaml.safe_load(content)["experiment_id"] == path.split("/")[0]
    assert set(FORMATS) == {"table", "json", "csv", "wandb", "mlflow"}


def test_what_is_missing_is_left_out_of_an_export_and_never_a_number(tmp_path: Path):
    untold = {case: [None] * 4 for case in drawn_scores(10, 4)}
    made = history([Named("b", open_run(make_run(tmp_path / "b", untold)))], [MATCH])

    line = json.loads(wandb_of(made))

    assert MATCH not in line
    assert line[f"{MATCH}.counted"] == 0
    assert not any(path.endswith(MATCH) for path, _ in mlflow_files(made))
