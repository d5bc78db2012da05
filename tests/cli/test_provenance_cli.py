"""`imgaudit provenance`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from imgaudit.cli import run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.jpg", "c.webp"):
        Image.effect_noise((40, 30), 50).convert("RGB").save(folder / name)
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_mark_sign_show_resave_survive_and_strip(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificates, out = tmp_path / "certificates", tmp_path / "out"
    files = [str(path) for path in sorted(pictures.iterdir())]

    assert run(["provenance", "dev-ca", "--out", str(certificates)]) == 0
    assert "development only" in told(capsys)
    options = ["--prompt", "a kite", "--seed", "3", "--generator", "g", "--aigc-producer", "001X", "--identifier"]
    assert run(["provenance", "mark", *files, "--out", str(out), *options, "--sign-with", str(certificates)]) == 0
    assert told(capsys).count("marked and signed") == 3

    trust = ["--c2pa-trust", str(certificates / "development-ca.pem")]
    for path in sorted(out.iterdir()):
        assert run(["provenance", "show", str(path), *trust, "--json"]) == 0
        shown = json.loads(told(capsys))
        assert (shown["c2pa"]["state"], shown["c2pa"]["trust"]) == ("valid", "user")
        assert shown["metadata"]["source"]["prompt"] == "a kite"
        assert shown["metadata"]["aigc"]["Label"] == "1"

    cdn = tmp_path / "cdn"
    cdn.mkdir()
    for path in out.iterdir():
        with Image.open(path) as picture:
            picture.info.clear()
            picture.save(cdn / f"{path.stem}.webp")
    assert run(["provenance", "survive", str(out), str(out)]) == 0
    assert "lost" not in told(capsys)
    assert run(["provenance", "survive", str(out), str(cdn)]) == 1
    assert told(capsys).count("disclosure was lost") == 3
    (cdn / "c.webp").unlink()
    assert run(["provenance", "survive", str(out), str(cdn), "--json"]) == 1
    assert {"file": "c.webp", "missing": True} in [json.loads(line) for line in told(capsys).splitlines()]

    stripped = tmp_path / "public" / "b.jpg"
    assert run(["provenance", "strip", str(out / "b.jpg"), "--out", str(stripped)]) == 0
    assert "sign again" in told(capsys)
    assert run(["provenance", "show", str(stripped)]) == 0
    shown_text = told(capsys)
    assert "a kite" not in shown_text
    assert "the file says that it was generated (xmp" in shown_text


def test_show_prints_the_digest_of_every_list(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from imgaudit.digest import digest_file

    run(["provenance", "dev-ca", "--out", str(tmp_path)])
    path = tmp_path / "development-ca.pem"
    capsys.readouterr()

    assert run(["provenance", "show", str(pictures / "a.png"), "--c2pa-official", str(path)]) == 0

    assert f"official list        1 certificates, sha256 {digest_file(path)}" in told(capsys)


def test_marks_without_parameters_tell_no_prompt(pictures: Path, tmp_path: Path) -> None:
    command = ["provenance", "mark", str(pictures / "a.png"), "--out", str(tmp_path), "--prompt", "secret"]

    assert run([*command, "--no-parameters"]) == 0

    assert b"secret" not in (tmp_path / "a.png").read_bytes()
    assert b"trainedAlgorithmicMedia" in (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--source-type", "nonsense"], "expected one of trainedAlgorithmicMedia"),
        (["--key", "k.pem"], "belong together"),
        (["--sign-with", "/no/such/folder"], "expected a PEM file"),
    ],
)
def test_a_wrong_option_is_a_sentence(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    assert run(["provenance", "mark", str(pictures / "a.png"), "--out", str(tmp_path), *more]) == 2

    assert sentence in capsys.readouterr().err


def test_no_original_is_overwritten(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = pictures / "a.png"
    before = path.read_bytes()

    assert run(["provenance", "mark", str(path), "--out", str(pictures)]) == 2
    assert run(["provenance", "strip", str(path), "--out", str(path)]) == 2

    assert "would overwrite the original" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_marks_that_contradict_each_other_end_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "a.png", tmp_path / "out"
    Image.new("RGB", (8, 8)).save(path)
    options = ["--source-type", "digitalCapture", "--aigc-producer", "001X"]
    assert run(["provenance", "mark", str(path), "--out", str(out), *options]) == 0

    assert run(["provenance", "show", str(out / "a.png")]) == 1

    assert "provenance.contradiction" in told(capsys)


def test_an_audit_judges_signers_by_the_users_list_and_tells_no_path(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificates, out = tmp_path / "certificates", tmp_path / "out"
    run(["provenance", "dev-ca", "--out", str(certificates)])
    run(["provenance", "mark", str(pictures / "a.png"), "--out", str(out), "--sign-with", str(certificates)])
    command = ["audit", str(out), "--out", str(tmp_path / "run"), "--checks", "provenance,safety", "--format", "json"]

    code = run([*command, "--c2pa-trust", str(certificates / "development-ca.pem")])

    assert code in (0, 3, 4)
    record = json.loads((tmp_path / "run" / "images.jsonl").read_text())
    findings = {finding["checker"]: finding for finding in record["findings"]}
    labels = findings["provenance"]["labels"]
    assert (labels["c2pa_state"], labels["c2pa_trust"], labels["c2pa_official"]) == ("valid", "user", "no list given")
    assert labels["c2pa_lists"].startswith("user sha256:")
    assert "provenance.development_certificate" in findings["provenance"]["codes"]
    assert str(tmp_path) not in (tmp_path / "run" / "run.json").read_text()
    if findings["safety"]["outcome"] == "abstained":
        assert "pip install nudenet" in findings["safety"]["remedy"]
    assert run([*command, "--c2pa-trust", str(tmp_path / "missing.pem")]) == 2
    assert "the trust list cannot be read" in capsys.readouterr().err


def test_a_file_that_is_no_picture_is_refused_and_not_called_unmarked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "a.png").write_text("a note")

    assert run(["provenance", "show", str(tmp_path / "a.png")]) == 2
    assert "a.png: is no picture" in capsys.readouterr().err


def test_what_a_picture_was_made_from_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from imgaudit.provenance.write import mark
    from imgaudit.types import Basis, Source

    basis = Basis(mode="outpaint", image="a" * 64, mask="b" * 64, strength=0.75, extend=(0, 8, 0, 8))
    path = tmp_path / "a.png"
    path.write_bytes(mark(Image.new("RGB", (8, 8)), Source(generator="g", prompt="p", basis=basis)))

    assert run(["provenance", "show", str(path)]) == 0

    shown = told(capsys)
    assert f"made from            the picture with pixels {'a' * 64}, by outpaint; a mask {'b' * 64}" in shown
    assert "; strength 0.75" in shown
    assert "pixels added (left, top, right, bottom) 0, 8, 0, 8" in shown
    assert "{" not in shown
