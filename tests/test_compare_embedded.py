"""The packaged generators, compared: the older one is worse at places, and the newer one is no worse than itself.

Slow: 1,224 pictures are drawn. IMGAUDIT_COMPARE_RUNS names a folder in which they are kept between tries.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgaudit.cli import run as imgaudit
from imgaudit.compare import compare
from imgaudit.comparison import Answer, Comparison
from imgaudit.kernels.inference import clopper_pearson
from imgaudit.pipeline import open_run
from imgaudit.record import FinishedRun
from tests.compared import PUBLISH, only

pytestmark = pytest.mark.slow
SEEDS, REPEATS, CHECKS = 8, 50, "adherence,quality,provenance"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FinishedRun]:
    """embedded@1 with 8 seeds and embedded@2 with 16, over the packaged suite of shapes."""
    kept = os.environ.get("IMGAUDIT_COMPARE_RUNS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("drawn")
    finished = {}
    for name, last in (("embedded@1", SEEDS - 1), ("embedded@2", 2 * SEEDS - 1)):
        out = folder / f"{name}-{last}"
        given = ["--generator", name, "--seeds", f"0-{last}", "--checks", CHECKS, "--format", "csv"]
        assert imgaudit(["run", "shapes", *given, "--out", str(out)]) in (0, 1, 3, 4)
        run = open_run(out)
        finished[name] = replace(run, images=list(run.images), cases=dict(run.cases))
    return finished


def told(comparison: Comparison) -> str:
    """The whole answer, for the message of a failure."""
    lines = [
        f"{t.measure} {t.stratum} n={t.estimate and t.estimate.prompts} gain={t.estimate and t.estimate.gain} "
        f"[{t.estimate and t.estimate.low}, {t.estimate and t.estimate.high}] p={t.p_adjusted} {t.answer} {t.gates}"
        for t in comparison.tests
        if t.primary
    ]
    return "\n".join([comparison.answer, *comparison.why, *lines])


def test_the_older_model_is_worse_at_places_and_at_nothing_else(runs: dict[str, FinishedRun]):
    newer = only(runs["embedded@2"], lambda image: (image.seed or 0) < SEEDS)

    comparison = compare(newer, runs["embedded@1"], PUBLISH)

    print(told(comparison))
    assert comparison.answer is Answer.REGRESSED, told(comparison)
    assert comparison.regressed_strata == ("relation",), told(comparison)


def test_the_newer_model_against_itself_alarms_no_more_often_than_stated(runs: dict[str, FinishedRun]):
    random = np.random.default_rng(0)
    answers = []
    for _ in range(REPEATS):
        first = set(random.permutation(2 * SEEDS)[:SEEDS].tolist())
        base = only(runs["embedded@2"], lambda image, first=first: image.seed in first)
        candidate = only(runs["embedded@2"], lambda image, first=first: image.seed not in first)
        answers.append(compare(base, candidate, PUBLISH, flips=2_000).answer)

    counts = {answer.value: answers.count(answer) for answer in Answer}
    print(counts)
    assert PUBLISH.regression is not None
    assert clopper_pearson(counts["regressed"], REPEATS)[0] <= PUBLISH.regression.alpha, counts
