"""pytest fixtures that gate a test suite on pictures; off unless pytest is started with `--imgaudit`.

`imgaudit_run` renders and judges a suite once a session, however many tests and xdist workers ask for it.
`assert_no_regression` and `assert_publishable` fail with the prompt, the seed, the measure, its interval and the path
of the report. Without `--imgaudit` every test that uses one of them is skipped.

Nothing of imgaudit is imported before a test asks for it: this file is loaded by every pytest on the machine.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

import pytest

if TYPE_CHECKING:
    from typing import Unpack

    from PIL import Image

    from imgaudit.comparison import Comparison, Mover
    from imgaudit.record import FinishedRun

WAIT = 4 * 3600.0
"""Seconds that one worker waits for another that renders the run it needs."""
WORST = 5


class RunOptions(TypedDict, total=False):
    """Options of `imgaudit run`, as on the command line."""

    tags: str
    limit: int
    checks: str
    rubric: str
    clip: str
    ocr: str
    steps: int
    guidance: float
    device: str
    batch_size: int


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--imgaudit` and `--imgaudit-dir`."""
    group = parser.getgroup("imgaudit")
    group.addoption("--imgaudit", action="store_true", help="run tests that audit pictures")
    group.addoption("--imgaudit-dir", metavar="DIR", help="keep runs and reports here, and use those that are there")


@pytest.fixture(scope="session")
def imgaudit_run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """`imgaudit_run(suite, generator="embedded@2", seeds="0-3", **options)`: the run folder of a suite.

    Rendered and judged once a session; options are those of `imgaudit run` (`tags`, `limit`, `checks`, `rubric`, ...).
    """
    folder = _folder(request, tmp_path_factory)

    def run(
        suite: str | Path, generator: str = "embedded@2", seeds: str = "0-3", **options: Unpack[RunOptions]
    ) -> Path:
        __tracebackhide__ = True
        with _in_words():
            return _rendered(folder / "runs", str(suite), generator, seeds, options)

    return run


@pytest.fixture(scope="session")
def assert_no_regression(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., None]:
    """`assert_no_regression(baseline, candidate, rubric="publish", inconclusive="fail", store="baselines")`.

    Each side is a run folder, a baseline's JSON file or `@name`. What cannot be told fails too; `inconclusive="skip"`
    skips the test in that case, with the reason. There is no way to let it pass.
    """
    folder = _folder(request, tmp_path_factory)

    def check(
        baseline: str | Path,
        candidate: str | Path,
        rubric: str = "publish",
        inconclusive: Literal["fail", "skip"] = "fail",
        store: str | Path = "baselines",
    ) -> None:
        __tracebackhide__ = True
        with _in_words():
            comparison, report = _compared(folder / "comparisons", (baseline, candidate), rubric, Path(store))
        if comparison.answer == "pass":
            return
        message = regression_message(comparison, report)
        if comparison.answer == "inconclusive" and inconclusive == "skip":
            pytest.skip(message)
        pytest.fail(message, pytrace=False)

    return check


@pytest.fixture(scope="session")
def assert_publishable(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., None]:
    """`assert_publishable(image, prompt=None, rubric="publish", checks=None)`: the verdict must be publish.

    `image` is a path or a Pillow image; without a prompt, the one in the file's own metadata is used.
    """
    folder = _folder(request, tmp_path_factory)

    def check(
        image: str | Path | Image.Image, prompt: str | None = None, rubric: str = "publish", checks: str | None = None
    ) -> None:
        __tracebackhide__ = True
        with _in_words():
            finished, report = _judged(folder / "pictures", image, prompt, rubric, checks)
        if finished.images[0].verdict.final != "publish":
            pytest.fail(verdict_message(finished, report), pytrace=False)

    return check


# --- what is shared by the workers -----------------------------------------------------------------------------------


def _folder(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a session; skips where `--imgaudit` was not given."""
    if not request.config.getoption("--imgaudit"):
        pytest.skip("audits pictures; start pytest with --imgaudit")
    chosen = request.config.getoption("--imgaudit-dir")
    if chosen:
        return Path(chosen).resolve()
    base = factory.getbasetemp()
    return (base.parent if hasattr(request.config, "workerinput") else base) / "imgaudit"


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """A mistake in what was asked for fails the test with a sentence, without a traceback of this program."""
    __tracebackhide__ = True
    from imgaudit.errors import ImgauditError

    try:
        yield
    except ImgauditError as error:
        pytest.fail(_readable([str(error)]), pytrace=False)


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold a lock beside a folder. SQLite's locks work on every system and end with the process that holds them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(f"{target}.lock", timeout=WAIT, isolation_level=None)) as base:
        base.execute("BEGIN EXCLUSIVE")
        yield


def _rendered(folder: Path, suite: str, generator: str, seeds: str, options: RunOptions) -> Path:
    from imgaudit.cli._common import chosen_cases, names_list, seed_range
    from imgaudit.digest import digest
    from imgaudit.engine.sources import SuiteSource
    from imgaudit.generators._spec import GeneratorOptions, build
    from imgaudit.pipeline import Options, build_checks, carry_out, write_reports
    from imgaudit.record import SuiteInfo
    from imgaudit.rubric import load_rubric
    from imgaudit.suites.load import load_suite
    from imgaudit.types import Controls

    loaded = load_suite(suite)
    cases = chosen_cases(loaded.cases, names_list(options.get("tags")), options.get("limit"))
    numbers = seed_range(seeds)
    names = names_list(options.get("checks"))
    checks = build_checks(names)
    rubric = load_rubric(options.get("rubric", "publish"))
    scored = [checks.versions(), checks.calibrations(), rubric.digest]
    key = digest([loaded.digest, [case.id for case in cases], generator, numbers, sorted(options.items()), scored])
    out = folder / key[:24]
    with _alone(out):
        if not (out / "report.html").is_file():
            info = SuiteInfo(
                name=loaded.name, digest=loaded.digest, cases=len(cases), seeds=numbers, licence=loaded.licence
            )
            size = options.get("batch_size", 16)
            made = build(generator, GeneratorOptions(batch_size=size, device=options.get("device")))
            controls = Controls(steps=options.get("steps"), guidance=options.get("guidance"))
            roles = {"clip": options.get("clip"), "ocr": options.get("ocr")}
            source = SuiteSource(info, cases, numbers, controls, generator, made, size)
            carry_out(source, Options(out, rubric, names, roles, size))
            write_reports(out, ("html",))
    return out


def _judged(
    folder: Path, image: str | Path | Image.Image, prompt: str | None, rubric: str, checks: str | None
) -> tuple[FinishedRun, Path]:
    import json

    from imgaudit.cli._common import names_list
    from imgaudit.digest import digest
    from imgaudit.engine.sources import FileSource
    from imgaudit.pipeline import Options, build_checks, carry_out, open_run, write_reports
    from imgaudit.rubric import load_rubric
    from imgaudit.suites.prompts_file import read_prompts

    picture = _as_file(folder, image)
    names, judge = names_list(checks), load_rubric(rubric)
    asked = build_checks(names)
    scored = [asked.versions(), asked.calibrations(), judge.digest]
    key = digest([str(picture), _digest_of(picture), prompt, scored])[:24]
    out, said = folder / key, folder / f"{key}.jsonl"
    with _alone(out):
        if not (out / "report.html").is_file():
            prompts = None
            if prompt is not None:
                said.write_text(json.dumps({"file": picture.name, "prompt": prompt}) + "\n", encoding="utf-8")
                prompts = read_prompts(said)
            carry_out(FileSource.of([picture], prompts, all_files=True), Options(out, judge, names))
            write_reports(out, ("html",))
    return open_run(out), out / "report.html"


def _as_file(folder: Path, image: str | Path | Image.Image) -> Path:
    if isinstance(image, (str, Path)):
        return Path(image).resolve()
    import io

    from imgaudit.digest import digest_bytes
    from imgaudit.store.runfolder import RunFolder

    stream = io.BytesIO()
    image.save(stream, "PNG")
    data = stream.getvalue()
    name = f"{digest_bytes(data)[:24]}.png"
    RunFolder(folder).write_bytes(name, data)
    return folder / name


def _digest_of(picture: Path) -> str | None:
    """Digest of a file's bytes, or None where there is none; the audit then says what is wrong."""
    from imgaudit.digest import digest_file

    return digest_file(picture) if picture.is_file() else None


def _compared(
    folder: Path, sides: tuple[str | Path, str | Path], rubric: str, store: Path
) -> tuple[Comparison, Path]:
    from imgaudit.baseline import is_baseline, open_baseline
    from imgaudit.compare import compare
    from imgaudit.comparison import ComparedRuns
    from imgaudit.digest import digest
    from imgaudit.opening import name_of, open_side, write_reports
    from imgaudit.rubric import load_rubric

    given = [str(side) for side in sides]
    base, candidate = (open_baseline(side, store) if is_baseline(side) else open_side(side) for side in given)
    names = (name_of(given[0]), name_of(given[1]))
    comparison = compare(base, candidate, load_rubric(rubric), names=names)
    out = folder / digest(comparison.model_dump(mode="json"))[:24]
    with _alone(out):
        _, html = write_reports(ComparedRuns(comparison, base, candidate), out, ("json", "html"), {})
    return comparison, html


# --- what a failure says ---------------------------------------------------------------------------------------------


def regression_message(comparison: Comparison, report: Path) -> str:
    """What moved, by how much and how surely, the prompts and seeds that moved most, and where the report lies."""
    head = f"{comparison.answer}: {comparison.base.name} -> {comparison.candidate.name}"
    lines = [f"{head} (rubric {comparison.rubric.name})", *comparison.why]
    for test in comparison.tests:
        if not test.gates or test.answer == "pass" or test.estimate is None:
            continue
        found = test.estimate
        ends = "interval not told"
        if found.low is not None and found.high is not None:
            ends = f"95 % interval {found.low:+.4f} to {found.high:+.4f}"
        lines.append(f"  {test.measure}, {test.stratum}: {test.answer}: gain {found.gain:+.4f} ({ends}) "
                     f"over {found.prompts} prompts, margin {test.margin:g}")  # fmt: skip
    lines += [_moved(mover) for mover in comparison.movers if mover.gain < 0][:WORST]
    return _readable([*lines, f"report: {report}"])


def _moved(mover: Mover) -> str:
    seeds = ", ".join(picture.rpartition("#")[2] for picture in mover.candidate)
    return f"  prompt {mover.prompt[:200]!r} (case {mover.case}, seeds {seeds}): {mover.measure} {mover.gain:+.4f}"


def verdict_message(finished: FinishedRun, report: Path) -> str:
    """What speaks against the picture: every rule with its measures, and where the report lies."""
    record = finished.images[0]
    prompt, seed = (record.prompt or "none")[:200], "unknown" if record.seed is None else record.seed
    judge = finished.report.rubric.name
    lines = [f"{record.path}: {record.verdict.final}, not publish (prompt {prompt!r}, seed {seed}, rubric {judge})"]
    for reason in (*record.verdict.reasons, *record.verdict.holds):
        checker = reason.code.partition(".")[0]
        measures = [sorted(f.measures.items()) for f in record.findings if f.checker == checker]
        told = ", ".join(f"{checker}.{name} {value:g}" for own in measures for name, value in own)
        lines.append(f"  {reason.rule}: {reason.message}" + (f" ({told})" if told else ""))
    return _readable([*lines, f"report: {report}"])


def _readable(lines: Sequence[str]) -> str:
    from imgaudit.reporters._shared import visible

    return visible("\n".join(lines))
