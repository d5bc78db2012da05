from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_runs import Made, drawn_scores, make_run
from PIL import Image, ImageDraw, ImageFilter

from imgaudit.baseline import BaselineStore
from imgaudit.rubric import load_rubric

pytest_plugins = ["pytester"]

CASES = [f"case-{letter}" for letter in "abcdefgh"]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Path:
    """A suite of eight prompts, with two folders of its pictures: sharp and blurred."""
    lines = [json.dumps({"id": name, "prompt": f"a picture of {name}"}) for name in CASES]
    (pytester.path / "suite.jsonl").write_text("\n".join(lines))
    for folder in ("sharp", "blurred"):
        (pytester.path / folder).mkdir()
    for number, name in enumerate(CASES):
        picture = dots(number)
        for seed in (0, 1):
            picture.rotate(180 * seed).save(pytester.path / "sharp" / f"{name}_{seed}.png")
            soft = picture.filter(ImageFilter.GaussianBlur(3 + number / 4)).rotate(180 * seed)
            soft.save(pytester.path / "blurred" / f"{name}_{seed}.png")
    pytester.makefile(".ini", pytest="[pytest]\naddopts = -p no:cacheprovider")
    return pytester.path


def dots(number: int) -> Image.Image:
    random = np.random.default_rng(number)
    picture = Image.new("RGB", (128, 128), "steelblue")
    draw = ImageDraw.Draw(picture)
    for x, y, size in random.integers(0, 128, (40, 3)):
        color = tuple(int(value) for value in random.integers(0, 255, 3))
        draw.ellipse((x - size / 5, y - size / 5, x + size / 5, y + size / 5), fill=color)
    return picture


def started(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("--imgaudit", *arguments, timeout=600)


RUNS = """
    def rendered(imgaudit_run, folder):
        return imgaudit_run("suite.jsonl", generator=f"folder:{folder}", seeds="0-1", checks="quality")
"""


def test_the_plugin_imports_nothing_of_the_program():
    script = (
        "import sys, imgaudit.pytest_plugin\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'pydantic', 'torch', 'PIL', 'scipy')"
        " or (m.startswith('imgaudit.') and m != 'imgaudit.pytest_plugin')])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_without_the_option_tests_are_skipped_with_the_reason(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        def test_run(imgaudit_run): raise AssertionError
        def test_regression(assert_no_regression): raise AssertionError
        def test_publish(assert_publishable): raise AssertionError
        """
    )

    result = pytester.runpytest_subprocess("-rs")

    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*start pytest with --imgaudit*"])


def test_a_suite_is_rendered_once_for_all_tests_and_workers(suite: Path, pytester: pytest.Pytester):
    pytester.makepyfile(
        RUNS
        + """
    import json, os, pytest

    @pytest.mark.parametrize("number", range(6))
    def test_it(imgaudit_run, number, worker_id):
        run = rendered(imgaudit_run, "sharp")
        assert len((run / "images.jsonl").read_text().splitlines()) == 16
        with open("seen.txt", "a") as stream:
            stream.write(f"{worker_id} {run} {(run / 'run.json').stat().st_mtime_ns}\\n")
    """
    )

    started(pytester, "-n", "2").assert_outcomes(passed=6)

    seen = [line.split() for line in (suite / "seen.txt").read_text().splitlines()]
    assert {worker for worker, _, _ in seen} == {"gw0", "gw1"}
    assert len({(run, written) for _, run, written in seen}) == 1


def test_a_regression_names_prompt_seed_measure_interval_and_report(suite: Path, pytester: pytest.Pytester):
    pytester.makepyfile(
        RUNS
        + """
    def test_worse(imgaudit_run, assert_no_regression):
        assert_no_regression(rendered(imgaudit_run, "sharp"), rendered(imgaudit_run, "blurred"))
    """
    )

    result = started(pytester)

    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    for part in ("regressed: ", "quality.blur, all", "95 % interval -", "'a picture of case-", "seeds 0, 1"):
        assert part in text, part
    report = Path(next(line for line in result.outlines if line.startswith("report: ")).removeprefix("report: "))
    assert report.read_bytes().startswith(b"<!")
    assert (report.parent / "comparison.json").is_file()
    assert "pytest_plugin.py" not in text


def stored(folder: Path, candidate: float) -> None:
    """A baseline and a candidate of adherence scores; `candidate` is how much it is better."""
    store = BaselineStore(folder / "baselines")
    store.propose(make_run(folder / "base", drawn_scores(40, 4)), "shapes-v1")
    store.approve("shapes-v1", "A. Reader", "looked at every picture")
    make_run(folder / "candidate", drawn_scores(40, 4, seed=1, shift=candidate), Made(generator="embedded@1"))


@pytest.mark.parametrize(("shift", "outcome"), [(0.05, "passed"), (-0.2, "failed")])
def test_a_baseline_is_named_as_for_compare(pytester: pytest.Pytester, shift: float, outcome: str):
    stored(pytester.path, shift)
    pytester.makepyfile(
        """
        def test_candidate(assert_no_regression):
            assert_no_regression("@shapes-v1", "candidate")
        """
    )

    result = started(pytester)

    result.assert_outcomes(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["regressed: @shapes-v1 -> candidate*", "*prompt 'a case-*seeds 0, 1, 2, 3*"])


def test_what_cannot_be_told_never_passes(pytester: pytest.Pytester):
    make_run(pytester.path / "base", drawn_scores(3, 2))
    make_run(pytester.path / "candidate", drawn_scores(3, 2, seed=1))
    pytester.makepyfile(
        """
        def test_default(assert_no_regression):
            assert_no_regression("base", "candidate")

        def test_skip(assert_no_regression):
            assert_no_regression("base", "candidate", inconclusive="skip")
        """
    )

    result = started(pytester, "-rs")

    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*inconclusive: base -> candidate*"])


def write_rubric(path: Path) -> None:
    """The default rubric, without demands that take a second checker."""
    publish = load_rubric("publish")
    lenient = {
        name: entry.model_copy(update={"required": entry.required and name == "quality"})
        for name, entry in publish.dimensions.items()
    }
    path.write_text(publish.model_copy(update={"name": "ours", "dimensions": lenient}).model_dump_json())


def test_a_picture_is_publishable_or_the_failure_says_why(suite: Path, pytester: pytest.Pytester):
    write_rubric(suite / "ours.yaml")
    pytester.makepyfile(
        """
        from PIL import Image

        ASKED = {"checks": "quality", "rubric": "ours.yaml"}

        def test_a_file(assert_publishable):
            assert_publishable("sharp/case-a_0.png", "a picture of dots", **ASKED)

        def test_a_blurred_file(assert_publishable):
            assert_publishable("blurred/case-h_0.png", "a picture of fog", **ASKED)

        def test_an_image_in_memory(assert_publishable):
            assert_publishable(Image.open("blurred/case-h_1.png"), **ASKED)

        def test_a_broken_file(assert_publishable, tmp_path):
            (tmp_path / "broken.png").write_bytes(open("sharp/case-a_0.png", "rb").read()[:300])
            assert_publishable(tmp_path / "broken.png", **ASKED)
        """
    )

    result = started(pytester, "-n", "2")

    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines_random(
        ["*case-h_0.png: *not publish (prompt 'a picture of fog', seed unknown, rubric ours)*",
         "*quality.blur*", "*broken.png: hold, not publish*", "report: *report.html"]
    )  # fmt: skip


@pytest.mark.slow
def test_runs_are_kept_where_the_option_says(suite: Path, pytester: pytest.Pytester):
    pytester.makepyfile(
        RUNS
        + """
    def test_it(imgaudit_run):
        assert str(rendered(imgaudit_run, "sharp")).startswith(__import__("os").getcwd())
    """
    )

    for _ in range(2):
        started(pytester, "--imgaudit-dir", "kept").assert_outcomes(passed=1)

    assert len(list((suite / "kept" / "runs").glob("*/report.html"))) == 1


def test_a_mistake_is_a_sentence(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        def test_it(assert_no_regression):
            assert_no_regression("@nothing", "nowhere")
        """
    )

    result = started(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["baselines: no baseline 'nothing'; there are: none yet"])
    assert "pytest_plugin.py" not in result.stdout.str()
