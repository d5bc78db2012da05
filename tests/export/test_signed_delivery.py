"""Signed deliveries: what a manifest says of pictures that a run drew, that came from elsewhere, or were repaired."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import c2pa
import pytest
from export.stored_run import Drawn, painted, rewrite, store
from export.test_delivery import decide, delivered

from imgaudit.cli import run as imgaudit
from imgaudit.digest import digest_bytes, digest_tree
from imgaudit.export.delivery import Order, Outcome, deliver
from imgaudit.export.preparing import Marking
from imgaudit.export.view import open_view
from imgaudit.perceivers.metadata import metadata
from imgaudit.pictures import decode
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.provenance.marking import Marks, marked
from imgaudit.provenance.signing import (
    FILES,
    Credential,
    credential_from_pem,
    development_credential,
    made_from,
    manifest,
    signed,
)
from imgaudit.repair.record import Repair, append_repair
from imgaudit.types import Source

TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    development_credential(folder)
    return folder


@pytest.fixture(scope="module")
def credential(certificates: Path) -> Credential:
    return credential_from_pem(certificates / FILES["chain"], certificates / FILES["key"])


def manifest_of(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Actions and ingredients of the active manifest, as c2pa's own reader gives them."""
    data = path.read_bytes()
    assert ManifestReader().read(data).state == "valid"
    kind = "image/jpeg" if data[:2] == b"\xff\xd8" else "image/png"
    with c2pa.Reader(kind, io.BytesIO(data)) as reader:
        report = json.loads(reader.json())
    active = report["manifests"][report["active_manifest"]]
    actions = next(one["data"]["actions"] for one in active["assertions"] if one["label"] == "c2pa.actions.v2")
    return actions, active.get("ingredients", [])


def said(actions: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(one["action"], one.get("digitalSourceType", "").removeprefix(TYPES) or None) for one in actions]


def test_a_drawn_picture_is_signed_as_created_by_its_system(tmp_path: Path, credential: Credential):
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0)])

    outcome = delivered(run, tmp_path / "out", marking=Marking(credential=credential))

    actions, ingredients = manifest_of(tmp_path / "out/pictures/a_0.png")
    assert said(actions) == [("c2pa.created", "trainedAlgorithmicMedia")]
    assert actions[0]["softwareAgent"]["name"] == "brush brush-1"
    assert ingredients == []
    assert outcome.delivery.how.signer == digest_bytes(credential.chain.encode())
    assert outcome.sentences[1] == "They are marked and signed."
    assert delivered(run, tmp_path / "out", marking=Marking(credential=credential)).kept == 1


def test_a_vendors_manifest_is_kept_as_ingredient_when_signed_and_to_the_byte_with_as_is(
    tmp_path: Path, credential: Credential, certificates: Path, capsys: pytest.CaptureFixture[str]
):
    vendor = signed(painted("v"), credential, manifest("trainedAlgorithmicMedia", "vendor model"))
    run = store(tmp_path / "run", [Drawn("v#0", "v", 0, data=vendor), Drawn("w#0", "w", 0)])

    outcome = delivered(run, tmp_path / "out", marking=Marking(credential=credential))

    actions, (ingredient,) = manifest_of(tmp_path / "out/pictures/v_0.png")
    assert [name for name, _ in said(actions)] == ["c2pa.opened", "c2pa.edited.metadata"]
    assert (ingredient["relationship"], "active_manifest" in ingredient) == ("parentOf", True)
    told = ManifestReader().read((tmp_path / "out/pictures/v_0.png").read_bytes())
    assert "c2pa.created" in told.actions
    assert outcome.delivery.pictures[0].source_type_by == "the file"

    assert imgaudit(["export", str(run), "--approved", str(tmp_path / "bare")]) == 4
    assert "it carries a valid C2PA manifest, which a mark would break" in capsys.readouterr().out
    assert imgaudit(["export", str(run), "--approved", str(tmp_path / "as-is"), "--as-is"]) == 0
    assert (tmp_path / "as-is/pictures/v_0.png").read_bytes() == vendor


def test_a_manifest_that_does_not_hold_is_not_covered_up_by_a_new_one(tmp_path: Path, credential: Credential):
    vendor = bytearray(signed(painted("v"), credential, manifest("trainedAlgorithmicMedia", "vendor model")))
    at = vendor.index(b"IDAT") - 4
    broken = bytes(vendor[:at]) + Build.text("Comment", "changed") + bytes(vendor[at:])
    run = store(tmp_path / "run", [Drawn("v#0", "v", 0, data=broken)])

    outcome = delivered(run, tmp_path / "out", marking=Marking(credential=credential))

    assert "a C2PA manifest that does not hold" in outcome.delivery.not_delivered[0].why


class Build:
    """Chunks of a PNG."""

    @staticmethod
    def text(name: str, text: str) -> bytes:
        import struct
        import zlib

        data = b"tEXt" + name.encode() + b"\0" + text.encode()
        return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


# --- audited files ---------------------------------------------------------------------------------------------------


def test_audited_files_are_delivered_as_marked_copies_and_never_changed(tmp_path: Path, credential: Credential):
    photo = marked(painted("photo", "JPEG"), Marks(source_type="digitalCapture", system=None))
    drawn = painted("drawn", "PNG")
    folder = tmp_path / "in"
    folder.mkdir()
    pictures = [Drawn("r0/p.jpg", data=photo, path="r0/p.jpg"), Drawn("r0/d.png", data=drawn, path="r0/d.png")]
    run = store(tmp_path / "run", pictures, "audit", [folder])
    before = digest_tree(folder)

    outcome = delivered(run, tmp_path / "out", marking=Marking(credential=credential))

    assert digest_tree(folder) == before
    kinds = {one.id: (one.source_type, one.source_type_by) for one in outcome.delivery.pictures}
    assert kinds == {
        "r0/p.jpg": ("digitalCapture", "the file"),
        "r0/d.png": ("trainedAlgorithmicMedia", "assumed"),
    }
    assert "1 audited file did not say what they are" in outcome.sentences[2]
    for one in outcome.delivery.pictures:
        path = tmp_path / "out" / one.name
        actions, (ingredient,) = manifest_of(path)
        assert said(actions) == [("c2pa.opened", one.source_type), ("c2pa.edited.metadata", None)]
        assert ingredient["relationship"] == "parentOf"
        assert metadata(path.read_bytes()).digital_source_type == TYPES + (one.source_type or "")
        assert b"tEXtparameters" not in path.read_bytes()


def test_a_sound_manifest_that_is_silent_about_generation_is_not_outvoted(tmp_path: Path, credential: Credential):
    claims = made_from({**manifest("trainedAlgorithmicMedia", None), "assertions": []}, {"action": "c2pa.edited"})
    folder = tmp_path / "in"
    folder.mkdir()
    theirs = signed(painted("photo"), credential, claims, painted("photo"))
    run = store(tmp_path / "run", [Drawn("r0/p.png", data=theirs, path="r0/p.png")], "audit", [folder])

    outcome = delivered(run, tmp_path / "out", marking=Marking(credential=credential))

    only = outcome.delivery.pictures[0]
    assert (only.source_type, only.source_type_by) == (None, None)
    actions, _ = manifest_of(tmp_path / "out" / only.name)
    assert said(actions) == [("c2pa.opened", None), ("c2pa.edited.metadata", None)]
    assert b"trainedAlgorithmicMedia" not in (tmp_path / "out" / only.name).read_bytes()
    assert "got no source type" in outcome.sentences[2]


def test_a_file_that_denies_what_its_run_or_its_metadata_tell_is_called_generated(tmp_path: Path):
    denying = marked(painted("a"), Marks(source_type="digitalCapture"))
    told = Marks(source=Source(generator="a1111", prompt="a kite", seed=1, steps=2), source_type="digitalCapture")
    (tmp_path / "in").mkdir()
    drawn = store(tmp_path / "drawn", [Drawn("a#0", "a", 0, data=denying)])
    named = replace(Drawn("r0/a.png", path="r0/a.png", data=marked(painted("a"), told)), source=told.source)
    audited = store(tmp_path / "audited", [named], "audit", [tmp_path / "in"])
    rewrite(audited, lambda line: {**line, "source": {**line["source"], "generator": "a1111"}})

    for run, by in ((drawn, "the run"), (audited, "the file")):
        (only,) = delivered(run, tmp_path / f"out-{run.name}").delivery.pictures
        assert (only.source_type, only.source_type_by) == ("trainedAlgorithmicMedia", by)
        data = (tmp_path / f"out-{run.name}" / only.name).read_bytes()
        assert metadata(data).digital_source_type == TYPES + "trainedAlgorithmicMedia"


def test_a_source_type_that_is_given_counts_for_all(tmp_path: Path):
    (tmp_path / "in").mkdir()
    run = store(tmp_path / "run", [Drawn("r0/a.png", path="r0/a.png")], "audit", [tmp_path / "in"])

    outcome = delivered(run, tmp_path / "out", marking=Marking(source_type="humanEdits"))

    only = outcome.delivery.pictures[0]
    assert (only.source_type, only.source_type_by) == ("humanEdits", "the command")
    data = (tmp_path / "out" / only.name).read_bytes()
    assert metadata(data).digital_source_type == TYPES + "humanEdits"


def test_audited_files_that_moved_are_found_by_root(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "in").mkdir()
    run = store(tmp_path / "run", [Drawn("r0/a.png", path="r0/a.png")], "audit", [tmp_path / "in"])
    (tmp_path / "in").rename(tmp_path / "moved")
    (run / "private.json").unlink()
    command = ["export", str(run), "--approved"]

    assert imgaudit([*command, str(tmp_path / "out")]) == 4
    assert "give --root r0=DIR" in capsys.readouterr().out
    assert imgaudit([*command, str(tmp_path / "out"), "--root", f"r0={tmp_path / 'moved'}"]) == 0


# --- repaired pictures -----------------------------------------------------------------------------------------------


def repaired_run(
    tmp_path: Path, method: str, after: Mapping[str, Any] | None = None, line: Mapping[str, Any] | None = None,
    original: bytes | None = None,
) -> Path:  # fmt: skip
    """A run whose second picture needs an edit, and was repaired."""
    first = original if original is not None else painted("a#1")
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0), Drawn("a#1", "a", 1, blur=0.9, data=first)])
    fixed = Drawn("a#1", "a", 1, data=painted("fixed"), source=Source(generator="brush", seed=9), **(after or {}))
    store(run / "repairs", [fixed])
    pixels = [decode(data, "x")[0].pixels for data in (first, painted("fixed"))]
    facts: dict[str, Any] = {
        "id": "a#1", "parent": pixels[0], "pixels": pixels[1], "outcome": "repaired", "reason": "it was repaired",
        "method": method, "instruction": "Redraw the hand.", "picture": "pictures/0000.png",
    }  # fmt: skip
    append_repair(run / "repairs", Repair.model_validate({**facts, **(line or {})}))
    return run


def second(outcome: Outcome, out: Path) -> tuple[str, Path]:
    one = next(one for one in outcome.delivery.pictures if one.id == "a#1")
    return (one.source_type or ""), out / one.name


def test_a_repaired_picture_goes_in_place_of_the_one_that_needed_an_edit(tmp_path: Path, credential: Credential):
    run = repaired_run(tmp_path, "inpaint")

    outcome = delivered(run, tmp_path / "out", marking=Marking(credential=credential))

    assert [one.id for one in outcome.delivery.pictures] == ["a#0", "a#1"]
    entry = outcome.delivery.pictures[1]
    assert entry.repaired is not None
    assert (entry.repaired.parent.file, entry.repaired.method) == (digest_bytes(painted("a#1")), "inpaint")
    kind, path = second(outcome, tmp_path / "out")
    assert kind == "trainedAlgorithmicMedia"
    assert decode(path.read_bytes(), "x")[0].pixels == decode(painted("fixed"), "x")[0].pixels
    actions, (ingredient,) = manifest_of(path)
    assert said(actions) == [
        ("c2pa.opened", "trainedAlgorithmicMedia"), ("c2pa.edited", "compositeWithTrainedAlgorithmicMedia"),
    ]  # fmt: skip
    assert actions[1]["description"] == "inpaint: Redraw the hand."
    assert ingredient["relationship"] == "parentOf"
    assert outcome.sentences[-1] == "1 picture went in the repaired version."
    assert "repaired" in (tmp_path / "out/contact-sheet.html").read_text()


def test_a_vendors_manifest_of_the_original_goes_along_with_the_repaired_picture(
    tmp_path: Path, credential: Credential
):
    vendor = signed(painted("v"), credential, manifest("trainedAlgorithmicMedia", "vendor model"))
    run = repaired_run(tmp_path, "inpaint", original=vendor)

    _, path = second(delivered(run, tmp_path / "out", marking=Marking(credential=credential)), tmp_path / "out")

    actions, (ingredient,) = manifest_of(path)
    assert said(actions) == [("c2pa.opened", None), ("c2pa.edited", "compositeWithTrainedAlgorithmicMedia")]
    assert "active_manifest" in ingredient


def test_what_the_repair_command_made_is_delivered_with_its_chain(tmp_path: Path, credential: Credential):
    from tests.repair.conftest import Painter, painted_run, repaired

    painted_run(tmp_path / "run", Painter(frozenset({1})))  # the second seed of each case is far too dark
    lines = {line.id: line for line in repaired(tmp_path / "run").lines}
    view = open_view(tmp_path / "run")

    outcome = deliver(view, Order(tmp_path / "out", Marking(credential=credential)))

    assert [one.id for one in outcome.delivery.pictures] == ["case-0#0", "case-0#1", "case-1#0", "case-1#1"]
    for one in outcome.delivery.pictures[1::2]:
        assert one.repaired is not None
        assert (one.repaired.parent.pixels, one.after.pixels) == (lines[one.id].parent, lines[one.id].pixels)
        actions, (ingredient,) = manifest_of(tmp_path / "out" / one.name)
        assert said(actions) == [("c2pa.opened", "trainedAlgorithmicMedia"), ("c2pa.edited", None)]
        assert actions[1]["description"].startswith("adjust: ")
        assert ingredient["relationship"] == "parentOf"


@pytest.mark.parametrize("method", ["crop", "retypeset", "fill+crop"])
def test_a_repair_that_no_model_drew_is_not_called_generated(tmp_path: Path, credential: Credential, method: str):
    run = repaired_run(tmp_path, method)

    _, path = second(delivered(run, tmp_path / "out", marking=Marking(credential=credential)), tmp_path / "out")

    assert said(manifest_of(path)[0])[1] == ("c2pa.edited", None)


def test_a_picture_that_was_drawn_anew_has_no_parent(tmp_path: Path, credential: Credential):
    run = repaired_run(tmp_path, "regenerate")

    outcome = delivered(run, tmp_path / "out", marking=Marking(credential=credential))

    actions, ingredients = manifest_of(second(outcome, tmp_path / "out")[1])
    assert said(actions) == [("c2pa.created", "trainedAlgorithmicMedia")]
    assert ingredients == []
    assert outcome.delivery.pictures[1].repaired is not None


@pytest.mark.parametrize(
    ("after", "line", "why"),
    [
        ({"blur": 0.9}, {}, None),
        ({"match": 0.1}, {}, None),
        ({}, {"outcome": "could not repair"}, None),
        ({}, {"parent": "0" * 64}, "speaks of other pixels"),
        ({}, {"pixels": "0" * 64}, "speaks of other pixels"),
        ({}, {"parent": None}, "speaks of other pixels"),
    ],
)
def test_a_repair_that_failed_or_that_does_not_fit_is_not_delivered(
    tmp_path: Path, after: dict[str, Any], line: dict[str, Any], why: str | None
):
    run = repaired_run(tmp_path, "inpaint", after, line)

    outcome = delivered(run, tmp_path / "out")

    assert [one.id for one in outcome.delivery.pictures] == ["a#0"]
    whys = [one.why for one in outcome.delivery.not_delivered]
    assert (len(whys) == 1 and why in whys[0]) if why else not whys


def test_a_person_who_approved_the_original_gets_it_and_one_who_rejected_it_gets_nothing(tmp_path: Path):
    run = repaired_run(tmp_path, "inpaint")
    decide(run, "a#1", "publish")

    outcome = delivered(run, tmp_path / "approved")

    assert [one.repaired for one in outcome.delivery.pictures] == [None, None]
    decide(run, "a#1", "reject")
    assert [one.id for one in delivered(run, tmp_path / "rejected").delivery.pictures] == ["a#0"]


def test_an_original_that_changed_since_gives_no_repaired_picture(tmp_path: Path):
    run = repaired_run(tmp_path, "inpaint")
    (run / "pictures/0001.png").write_bytes(painted("another"))

    outcome = delivered(run, tmp_path / "out")

    assert "is not the one that was judged" in outcome.delivery.not_delivered[0].why


def test_repairs_of_an_audited_photograph_are_called_composite(tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    photo = marked(painted("photo"), Marks(source_type="digitalCapture"))
    run = store(tmp_path / "run", [Drawn("r0/p.png", data=photo, path="r0/p.png", blur=0.9)], "audit", [folder])
    fixed = replace(Drawn("r0/p.png"), data=painted("fixed"), path="pictures/p.png")
    repairs = store(run / "repairs", [fixed])
    pixels = [decode(data, "x")[0].pixels for data in (photo, painted("fixed"))]
    facts = {"id": "r0/p.png", "parent": pixels[0], "pixels": pixels[1], "outcome": "repaired", "reason": "done",
             "method": "inpaint"}  # fmt: skip
    append_repair(repairs, Repair.model_validate(facts))

    outcome = delivered(run, tmp_path / "out")

    assert outcome.delivery.pictures[0].source_type == "compositeWithTrainedAlgorithmicMedia"
