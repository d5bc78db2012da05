"""What the jobs of a run start from: the suite's files, one for all, or another run's pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from imgaudit.digest import digest
from imgaudit.engine.inputs import Inputs, extend_option, mask_option
from imgaudit.engine.sources import SuiteSource
from imgaudit.errors import PictureError, RunError, UsageError
from imgaudit.pipeline import Options, carry_out
from imgaudit.record import FinishedRun, SuiteInfo
from imgaudit.rubric import load_rubric
from imgaudit.suites.load import load_suite
from imgaudit.types import Basis, Case, Controls, Extend, Job, Refused, Rendered, Source

HEAD = "format: imgaudit-suite/1\nname: mine\ntitle: Mine\nlicence: CC0-1.0\ncases:\n"
REQUEST_BEFORE = "29450ac6da479443b14ea69657f44b9f7deaade9efdd25cb92984aa8424a2ef4"


class Darkener:
    """Halves the given picture's values, and keeps what it was given."""

    name, title = "darkener", "darkener"
    takes: ClassVar[frozenset[str]] = frozenset(("image", "mask", "extend"))

    def __init__(self) -> None:
        self.drawn: list[Job] = []

    def identity(self) -> dict[str, str]:
        return {"model": "darkener"}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        for job in jobs:
            self.drawn.append(job)
            if job.given is None:
                yield Refused(job, "no picture")
                continue
            basis = Basis(mode="img2img", image=job.given.pixels, strength=0.5)
            source = Source(generator="darkener", seed=job.seed, prompt=job.case.prompt, basis=basis)
            yield Rendered(job, Image.fromarray(job.given.rgb // 2), source)


class Painter(Darkener):
    """Paints its seed as noise; it takes no picture."""

    takes: ClassVar[frozenset[str]] = frozenset()

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        for job in jobs:
            self.drawn.append(job)
            pixels = np.random.default_rng(job.seed).integers(0, 255, (64, 64, 3), np.uint8)
            yield Rendered(job, Image.fromarray(pixels), Source(generator="painter", seed=job.seed))


def save(path: Path, value: int = 200, size: tuple[int, int] = (64, 64)) -> Path:
    noise = np.random.default_rng(value).integers(value - 40, value + 40, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    return path


def suite(folder: Path, *cases: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "suite.yaml"
    path.write_text(HEAD + "".join(f"- {case}\n" for case in cases))
    return path


def source_of(path: Path, generator: Darkener, batch_size: int = 2, **given: Any) -> SuiteSource:
    loaded = load_suite(path)
    info = SuiteInfo(name=loaded.name, digest=loaded.digest, cases=len(loaded.cases), seeds=(0, 1))
    inputs = Inputs(path.parent, **given)
    inputs.check(generator, "darkener")
    return SuiteSource(info, loaded.cases, (0, 1), Controls(), "darkener", generator, batch_size, inputs=inputs)


def ran(source: SuiteSource, out: Path) -> FinishedRun:
    return carry_out(source, Options(out, load_rubric("publish"), ("quality", "provenance")))


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A suite of two cases with pictures of their own."""
    folder = tmp_path / "suite"
    folder.mkdir()
    save(folder / "one.png", 100)
    save(folder / "two.png", 200)
    return suite(folder, "{id: one, prompt: a cat, image: one.png}", "{id: two, prompt: a dog, image: two.png}")


def test_each_job_starts_from_its_case_s_picture_and_the_record_says_which(two: Path, tmp_path: Path) -> None:
    generator = Darkener()

    finished = ran(source_of(two, generator), tmp_path / "run")

    from imgaudit.pictures import decode

    for name in ("one", "two"):
        read, _ = decode((two.parent / f"{name}.png").read_bytes(), name)
        images = [image for image in finished.images if image.case == name]
        assert len(images) == 2
        assert all(image.source.basis and image.source.basis.image == read.pixels for image in images)
        assert finished.cases[name].image is not None
        assert finished.cases[name].image.sha256 == read.file
    line = json.loads((tmp_path / "run" / "images.jsonl").read_text().splitlines()[0])
    assert line["source"]["basis"]["mode"] == "img2img"
    for file in (tmp_path / "run").rglob("*.json*"):
        assert str(tmp_path) not in file.read_text(), file.name


def test_a_run_is_not_continued_once_a_picture_was_changed(two: Path, tmp_path: Path) -> None:
    ran(source_of(two, Darkener()), tmp_path / "run")
    idle = Darkener()
    ran(source_of(two, idle), tmp_path / "run")
    save(two.parent / "two.png", 201)

    assert idle.drawn == []
    with pytest.raises(RunError, match="differs in suite"):
        ran(source_of(two, Darkener()), tmp_path / "run")


def test_a_picture_that_is_changed_while_a_run_goes_on_is_refused(two: Path, tmp_path: Path) -> None:
    source = source_of(two, Darkener())
    save(two.parent / "two.png", 201)

    finished = ran(source, tmp_path / "run")

    assert [image.case for image in finished.images] == ["one", "one"]
    assert finished.report.refused == {
        "'two.png' was changed since the suite was read; give the same command once more": 2
    }


def test_one_picture_may_be_given_for_all_cases_in_place_of_their_own(two: Path, tmp_path: Path) -> None:
    image = save(tmp_path / "all.png", 150)
    generator = Darkener()

    ran(source_of(two, generator, image=image, mask=(1, 2, 30, 40), extend=Extend(left="50%")), tmp_path / "run")

    given = [job.given for job in generator.drawn]
    assert len(given) == 4
    assert len({one.pixels for one in given if one is not None}) == 1
    assert all(one is not None and one.mask is not None and one.mask.sum() == 29 * 38 for one in given)
    assert all(one is not None and one.extend == (32, 0, 0, 0) for one in given)


def test_another_picture_for_all_is_another_request(two: Path, tmp_path: Path) -> None:
    image = save(tmp_path / "all.png", 150)
    ran(source_of(two, Darkener(), image=image), tmp_path / "run")
    save(image, 151)

    with pytest.raises(RunError, match="differs in inputs"):
        ran(source_of(two, Darkener(), image=image), tmp_path / "run")


def test_a_run_may_be_made_of_another_run_case_by_case_and_seed_by_seed(tmp_path: Path) -> None:
    path = suite(tmp_path / "suite", "{id: one, prompt: a cat}", "{id: two, prompt: a dog}")
    first = ran(source_of(path, Painter()), tmp_path / "first")

    second = ran(source_of(path, Darkener(), run=tmp_path / "first"), tmp_path / "second")
    third = ran(source_of(path, Darkener(), run=tmp_path / "second"), tmp_path / "third")

    for before, after in ((first, second), (second, third)):
        made = {image.id: image.pixels for image in before.images}
        assert {image.id: image.source.basis and image.source.basis.image for image in after.images} == made


def test_a_picture_that_the_other_run_lacks_or_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = suite(tmp_path / "suite", "{id: one, prompt: a cat}")
    ran(source_of(path, Painter()), tmp_path / "first")
    save(tmp_path / "first" / "pictures" / "one_0001.png")
    more = suite(tmp_path / "suite", "{id: one, prompt: a cat}", "{id: two, prompt: a dog}")

    finished = ran(source_of(more, Darkener(), run=tmp_path / "first"), tmp_path / "second")

    assert [image.id for image in finished.images] == ["one#0"]
    assert finished.report.refused == {
        "'pictures/one_0001.png' of the run that --from names was changed after it was recorded": 1,
        "the run that --from names has no picture of this case and seed": 2,
    }


def test_an_audit_is_no_run_to_start_from(tmp_path: Path) -> None:
    from imgaudit.engine.sources import FileSource

    picture = save(tmp_path / "a.png")
    source = FileSource.of([picture], None, False)
    carry_out(source, Options(tmp_path / "audit", load_rubric("publish"), ("quality",)))

    with pytest.raises(UsageError, match="an audit has no cases and seeds"):
        Inputs(tmp_path, run=tmp_path / "audit")
    with pytest.raises(RunError, match="no run folder"):
        Inputs(tmp_path, run=tmp_path)


def test_a_case_s_mask_meets_the_picture_of_another_run(tmp_path: Path) -> None:
    path = suite(tmp_path / "suite", "{id: one, prompt: a cat, mask: [0, 0, 8, 8]}")
    ran(source_of(path, Painter()), tmp_path / "first")
    generator = Darkener()

    ran(source_of(path, generator, run=tmp_path / "first"), tmp_path / "second")

    assert all(job.given is not None and job.given.mask is not None for job in generator.drawn)


def test_a_mask_that_does_not_fit_the_picture_of_the_command_is_a_refusal(two: Path, tmp_path: Path) -> None:
    inputs = Inputs(two.parent, mask=(0, 0, 99, 99))
    job = Job(load_suite(two).cases[0], 0, 1, Controls())

    with pytest.raises(PictureError, match="does not lie in a picture of 64 x 64"):
        inputs.of(job)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"image": Path("a.png")}, "--image: the generator 'painter' does not take it"),
        ({"mask": (0, 0, 1, 1)}, "--mask: the generator 'painter' does not take it"),
        ({"extend": Extend(left=1)}, "--extend: the generator 'painter' does not take it"),
    ],
)
def test_what_a_generator_does_not_take_is_an_error(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Inputs(tmp_path, **given).check(Painter(), "painter")


def test_two_pictures_to_start_from_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give one of them"):
        Inputs(tmp_path, image=tmp_path / "a.png", run=tmp_path)


def test_a_file_of_the_command_that_is_no_picture_is_an_error(two: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")

    with pytest.raises(UsageError, match="there is no such file"):
        Inputs(two.parent, image=tmp_path / "gone.png").request()
    with pytest.raises(UsageError, match="is no picture of a format"):
        Inputs(two.parent, image=tmp_path / "text.png").request()


def test_a_request_without_pictures_and_its_seeds_are_those_of_earlier_versions() -> None:
    """The digest and the seeds were taken by the release before cases could name pictures."""
    info = SuiteInfo(name="made", digest="0" * 64, cases=1, seeds=(0, 1))
    source = SuiteSource(info, [Case(id="one", prompt="a")], (0, 1), Controls(steps=3), "painter", Painter(), 2)
    with_folder = SuiteSource(
        info, [Case(id="one", prompt="a")], (0, 1), Controls(steps=3), "painter", Painter(), 2, inputs=Inputs(Path())
    )

    assert digest(source.request()) == digest(with_folder.request()) == REQUEST_BEFORE
    assert [job.seed for job in source.jobs] == [2655892277, 845589995]


def test_options_of_the_command_line_are_read() -> None:
    assert mask_option("1, 2,30,40") == (1, 2, 30, 40)
    assert mask_option("mask.png") == Path("mask.png")
    assert mask_option(None) is None
    assert extend_option("left=32, right=50%") == Extend(left=32, right="50%")
    assert extend_option(None) is None
    for wrong in ("32", "left", "left=-3", "lft=3", "left=50 %", "left=9999999999"):
        with pytest.raises(UsageError, match="such as left=32,right=50%"):
            extend_option(wrong)
