"""Whole runs about people: nothing without an opt-in, a notice first, and nothing of a person in what is kept."""

from __future__ import annotations

import io
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import lit_faces
import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from imgaudit import personal
from imgaudit.engine.perceiving import PerceiverPool
from imgaudit.engine.sources import SuiteSource
from imgaudit.errors import RunError
from imgaudit.kernels import skin
from imgaudit.pipeline import Options, Watcher, carry_out, write_reports
from imgaudit.record import FinishedRun, SuiteInfo
from imgaudit.rubric import People, Rubric, load_rubric
from imgaudit.store.cache import default_folder
from imgaudit.types import Case, Controls, Job, Look, Rendered, Sight, SkewPlan, Source

LIGHT, DARK = lit_faces.TONES[0], lit_faces.TONES[10]
SEEDS = tuple(range(10))


class Portraits:
    """Draws eight light faces and two dark ones, a seed each."""

    name, title = "portraits", "portraits"

    def identity(self) -> Mapping[str, str]:
        return {"model": "portraits"}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered]:
        for job in jobs:
            source = Source(generator="portraits", seed=job.seed, prompt=job.case.prompt, steps=1, parse="complete")
            yield Rendered(job, Image.fromarray(portrait(job.index)), source)


def portrait(index: int) -> np.ndarray:
    scene = lit_faces.Scene(DARK if index >= 8 else LIGHT, stops=0.3, lids=0.8)
    return lit_faces.draw(scene, index)


class Finder:
    """In place of the landmarks: the face is where it was drawn."""

    name, title, version, reads = "landmarks", "made", "1", "pixels"

    def __init__(self) -> None:
        self.asked = 0

    def identity(self) -> Mapping[str, str]:
        return {}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        from imgaudit.percepts import Face, Landmarks

        self.asked += len(looks)
        box = tuple(float(v) for v in lit_faces.box()[0])
        mesh = tuple((float(x), float(y), float(z)) for x, y, z in lit_faces.mesh())
        return [Landmarks(faces=(Face(box=box, score=0.9, mesh=mesh),))] * len(looks)  # type: ignore[arg-type]


def rubric(**people: object) -> Rubric:
    packaged = load_rubric("publish")
    if not people:
        return packaged
    return packaged.model_copy(update={"people": People(because="agreed for this test", **people)})  # type: ignore[arg-type]


def carried_out(
    out: Path, chosen: Rubric, attribute: str = "skin_tone", finder: Finder | None = None
) -> tuple[FinishedRun, list[str]]:
    """A run of ten portraits, and the notices that were told, each with whether a face was looked for before it."""
    finder = finder or Finder()
    pool = PerceiverPool()
    pool.provide("landmarks", finder)
    case = Case(id="person", prompt="a portrait of a person", skew=SkewPlan(attribute=attribute))
    info = SuiteInfo(name="made", digest="0" * 64, cases=1, seeds=SEEDS)
    source = SuiteSource(info, [case], SEEDS, Controls(), "portraits", Portraits(), batch_size=5)
    told: list[str] = []
    watcher = Watcher(notice=lambda text: told.append(f"{finder.asked} {text}"))
    options = Options(out, chosen, ("skew", "likeness"))
    return carry_out(source, options, watcher, pool), told


@pytest.fixture(autouse=True)
def _clean_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGAUDIT_CACHE", str(tmp_path / "cache"))


def test_without_an_opt_in_nothing_of_people_is_measured_and_no_face_is_looked_for(tmp_path: Path) -> None:
    finder = Finder()
    finished, told = carried_out(tmp_path / "run", rubric(), finder=finder)

    (group,) = finished.groups
    assert group.outcome == "abstained"
    assert "does not opt in to skin tone" in (group.reason or "")
    likeness = finished.images[0].findings[-1]
    assert (likeness.checker, likeness.outcome) == ("likeness", "abstained")
    assert "attributes: [likeness]" in (likeness.remedy or "")
    assert finder.asked == 0
    assert told == []
    assert finished.report.notices == ()


def test_a_gallery_is_not_even_read_without_an_opt_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from imgaudit.perceivers.likeness import LikenessPerceiver

    built: list[object] = []
    monkeypatch.setattr(LikenessPerceiver, "__init__", lambda self, option=None: built.append(option))

    carried_out(tmp_path / "run", rubric(attributes=("skin_tone",)))

    assert built == []


def test_a_forbidding_rubric_is_given_as_the_reason(tmp_path: Path) -> None:
    finished, _ = carried_out(tmp_path / "run", rubric(faces="forbid"))

    assert "forbids" in (finished.groups[0].reason or "")
    assert "forbids" in (finished.images[0].findings[-1].reason or "")


def test_an_opt_in_measures_and_tells_the_notice_before_the_first_face(tmp_path: Path) -> None:
    finished, told = carried_out(tmp_path / "run", rubric(attributes=("skin_tone",), notice="Ask Ms Li."))

    (group,) = finished.groups
    assert group.outcome == "measured"
    assert group.counted == 10
    assert told == [f"0 {personal.NOTICE}", "0 Ask Ms Li."]
    assert finished.report.notices == (personal.NOTICE, "Ask Ms Li.")


def test_an_opt_in_to_one_attribute_is_none_to_another(tmp_path: Path) -> None:
    finished, _ = carried_out(tmp_path / "run", rubric(attributes=("skin_tone",)), "gender_expression")

    assert "does not opt in to gender expression" in (finished.groups[0].reason or "")


def test_gender_expression_abstains_with_the_embedded_clip(tmp_path: Path) -> None:
    finished, _ = carried_out(tmp_path / "run", rubric(attributes=("gender_expression",)), "gender_expression")

    assert "knows only its world of coloured shapes" in (finished.groups[0].reason or "")


def test_a_run_without_an_opt_in_is_not_continued_with_one(tmp_path: Path) -> None:
    carried_out(tmp_path / "run", rubric())

    with pytest.raises(RunError):
        carried_out(tmp_path / "run", rubric(attributes=("skin_tone",)))


def test_crossed_attributes_need_both_opt_ins(tmp_path: Path) -> None:
    finished, _ = carried_out(
        tmp_path / "run", rubric(attributes=("skin_tone",)), "skin_tone x gender_expression"
    )

    assert "does not opt in to gender expression" in (finished.groups[0].reason or "")


# --- what is kept ---------------------------------------------------------------------------------------------------


def everything_in(folder: Path) -> str:
    """All text of a folder: files as they are, Parquet by its rows, the cache by its unpacked values."""
    parts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            parts.append(json.dumps(pyarrow.parquet.read_table(path).to_pylist(), default=str))
        elif path.suffix == ".sqlite":
            rows = sqlite3.connect(path).execute("SELECT kind, value FROM entries").fetchall()
            parts += [f"{kind} {zlib.decompress(value).decode()}" for kind, value in rows]
        elif path.suffix != ".png":
            parts.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(parts)


def tones() -> list[skin.Lab]:
    """The sensitive values: what the skin perceiver says of each portrait."""
    found = []
    for index in range(10):
        rgb = np.asarray(Image.open(_png(portrait(index))))
        light = skin.light_of(rgb, lit_faces.box())
        assert isinstance(light, skin.Light)
        tone = skin.face_tone(rgb, lit_faces.mesh(), light)
        assert not isinstance(tone, skin.Refusal)
        found.append(tone)
    return found


def _png(rgb: np.ndarray) -> io.BytesIO:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream


def test_no_value_of_a_person_is_in_the_run_or_the_cache(tmp_path: Path) -> None:
    finished, _ = carried_out(tmp_path / "run", rubric(attributes=("skin_tone",)))
    write_reports(tmp_path / "run", ("html", "json", "csv", "markdown", "junit"))
    kept = everything_in(tmp_path / "run") + everything_in(default_folder())

    assert finished.groups[0].counted == 10
    assert "Landmarks" in everything_in(default_folder())
    for tone in tones():
        for value in (*tone, skin.ita(tone), skin.hue(tone)):
            assert f"{value:.4f}"[:-1] not in kept
    for word in ("SkinPatch", "PerceivedPeople", "Likenesses", '"tones"', '"told"', '"numbers"'):
        assert word not in kept
    assert not list((tmp_path / "run").rglob("projections-*"))
    lines = (tmp_path / "run/images.jsonl").read_text()
    assert not any(f'"{group}"' in lines for group in skin.GROUPS)


@pytest.mark.parametrize("name", ["html", "json", "csv", "markdown", "junit"])
def test_groups_below_five_are_in_no_report(tmp_path: Path, name: str) -> None:
    finished, _ = carried_out(tmp_path / "run", rubric(attributes=("skin_tone",)))
    (written,) = write_reports(tmp_path / "run", (name,))

    (group,) = finished.groups
    assert group.counts == {"light": 8} or group.counts == {}
    text = written.read_text()
    assert "dark 2 of 10" not in text
    if name == "json":
        told = {row["group"]: row["count"] for row in json.loads(text)["groups"][0]["skew"]["groups"]}
        assert told["dark"] is None
        assert group.members == ()
    if name in ("html", "markdown"):
        assert "Biometric Information Privacy Act" in text.replace("&#39;", "'")


def test_groups_below_five_are_in_no_parquet_of_the_run_or_of_an_export(tmp_path: Path) -> None:
    from imgaudit.export import tables

    carried_out(tmp_path / "run", rubric(attributes=("skin_tone",)))

    rows = [
        row
        for path in (tmp_path / "run").rglob("*.parquet")
        for row in pyarrow.parquet.read_table(path).to_pylist()
    ]
    assert rows
    assert not any("skew" in str(row.get("checker")) for row in rows)
    assert "skew" in (tables.__doc__ or "") or "groups of skin" in (tables.__doc__ or "")


def test_means_of_a_set_are_told_only_where_no_group_is_suppressed(tmp_path: Path) -> None:
    finished, _ = carried_out(tmp_path / "run", rubric(attributes=("skin_tone",)))

    assert not {"lightness", "hue", "typology_angle"} & set(finished.groups[0].measures)
