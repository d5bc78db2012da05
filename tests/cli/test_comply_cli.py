from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from compliance.small_run import key_pair, small_run

from imgaudit.cli import run as imgaudit
from imgaudit.compliance.result import ComplianceReport

PACK = """
format: imgaudit-controls/1
name: own
version: '1'
title: "<script>alert(1)</script>"
about: "\\u202eabout"
controls:
- id: OWN-1
  title: "<img src=x onerror=alert(1)>"
  says: "</style><script>alert(2)</script> every picture bears a mark"
  roles: [deployer]
  verified: VERIFIED
  source: {cite: House rules, url: 'https://example.org/rules', read: 2026-11-24}
  evidence:
  - every: provenance.ai_disclosed OPERATOR 1
    because: "{{ 7 * 7 }}"
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "run"))


def own(folder: Path, operator: str = ">=", verified: str = "true") -> str:
    path = folder / "own.yaml"
    path.write_text(PACK.replace("OPERATOR", operator).replace("VERIFIED", verified))
    return str(path)


def comply(run: Path, *more: str) -> int:
    return imgaudit(["comply", str(run), "--as-of", "2026-12-02", "--role", "deployer", *more])


def result(run: Path) -> ComplianceReport:
    return ComplianceReport.model_validate_json((run / "comply.json").read_text())


def test_help_shows_an_example_and_the_commands(capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["comply", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example: imgaudit comply" in shown
    assert "verify" in shown
    assert imgaudit(["comply", "report", "--help"]) == 0


def test_packs_are_listed_and_the_template_can_be_printed_and_used(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert imgaudit(["comply", "packs"]) == 0
    assert "nist-600-1" in capsys.readouterr().out
    assert imgaudit(["comply", "packs", "template"]) == 0
    (tmp_path / "mine.yaml").write_text(capsys.readouterr().out)

    assert comply(run, "--packs", str(tmp_path / "mine.yaml")) == 0

    assert "2 not applicable" in capsys.readouterr().out  # it asks the publisher


@pytest.mark.parametrize(
    ("operator", "verified", "code", "status"),
    [
        (">=", "true", 0, "satisfied"),
        ("<", "true", 1, "not satisfied"),
        ("<", "false", 4, "undetermined"),
    ],
)
def test_exit_codes(run: Path, tmp_path: Path, operator: str, verified: str, code: int, status: str):
    assert comply(run, "--packs", own(tmp_path, operator, verified)) == code
    assert result(run).controls[0].status == status


def test_sentences_say_what_is_open_and_what_was_not_checked(run: Path, capsys: pytest.CaptureFixture[str]):
    assert comply(run, "--packs", "eu-art50,nist-600-1") == 4

    shown = capsys.readouterr().out
    assert "undetermined: eu-art50 EU-50-4" in shown
    assert "Invisible watermarks" in shown
    assert "deepfake in law" in shown
    assert str(run / "comply.html") in shown.splitlines()


def test_json_is_the_stored_file(run: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    comply(run, "--json")

    assert json.loads(capsys.readouterr().out) == json.loads((run / "comply.json").read_text())


def test_strings_of_a_pack_are_text_and_never_markup(run: Path, tmp_path: Path):
    comply(run, "--packs", own(tmp_path))

    page = (run / "comply.html").read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("</style>") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert "⟨U+202E⟩about" in page
    assert "{{ 7 * 7 }}" in page


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--as-of", "yesterday"], "expected a day such as"),
        (["--role", "king"], "expected one of provider, deployer"),
        (["--format", "docx"], "expected one or more of html, json, pdf"),
        (["--pdf", "a-3b,ua-1"], "expected one of a-3b, ua-1"),
        (["--packs", "eu"], "unknown control pack 'eu'"),
        (["--packs", "eu-art50,eu-art50"], "two packs are named 'eu-art50'"),
        (["--packs", ","], "names no control pack"),
        (["--packs", "missing.yaml"], "missing.yaml:1: cannot be read"),
        (["--sign", "missing.pem"], "missing.pem: cannot be read"),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    run: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert comply(run, *more) == 2
    assert message in capsys.readouterr().err


def test_an_alias_bomb_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bomb = "a: &a [x, x]\n" + "".join(f"{name}: &{name} [*a, *a]\n" for name in "bcdefgh")
    (tmp_path / "bomb.yaml").write_text(bomb)

    assert comply(run, "--packs", str(tmp_path / "bomb.yaml")) == 2
    assert "YAML alias" in capsys.readouterr().err


def test_a_signed_attestation_verifies_and_any_change_is_found(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    secret, public = key_pair(tmp_path)
    _, stranger = key_pair(tmp_path, "stranger")
    envelope = run / "comply.dsse.json"
    comply(run, "--packs", "nist-600-1", "--sign", str(secret))

    def verify(key: Path = public) -> int:
        return imgaudit(["comply", "verify", str(envelope), "--key", str(key)])

    assert verify() == 0
    assert verify(stranger) == 1
    assert verify(secret) == 2
    good = json.loads(envelope.read_text())
    payload = good["payload"]
    other = "A" if payload[40] != "A" else "B"
    envelope.write_text(json.dumps({**good, "payload": payload[:40] + other + payload[41:]}))
    assert verify() == 1
    envelope.write_text(json.dumps({**good, "payloadType": "text/plain"}))
    assert verify() == 2
    envelope.write_text("{}")
    assert verify() == 2
    envelope.write_text(json.dumps(good))
    (run / "comply.html").unlink()
    assert verify() == 4
    (run / "comply.json").write_text("{}")
    assert verify() == 1
    assert "comply.json: changed" in capsys.readouterr().out


def test_the_signature_is_over_dsse_pre_authentication(run: Path, tmp_path: Path):
    import base64

    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    secret, public = key_pair(tmp_path)
    comply(run, "--packs", "nist-600-1", "--sign", str(secret))
    envelope = json.loads((run / "comply.dsse.json").read_text())
    body = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()

    signed = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])

    key, signature = load_pem_public_key(public.read_bytes()), base64.b64decode(envelope["signatures"][0]["sig"])
    assert key.verify(signature, signed) is None
    for other in (body, signed[:-1], signed.replace(b"DSSEv1", b"DSSEv2")):
        with pytest.raises(InvalidSignature):
            key.verify(signature, other)


def test_a_head_that_the_key_verifies_is_evidence(run: Path, tmp_path: Path):
    secret, public = key_pair(tmp_path)
    imgaudit(["attest", str(run), "--dimension", "safety", "--answer", "yes", "--reason", "reviewed", "--by", "A",
              "--role", "editor", "--key", str(secret)])  # fmt: skip

    def status() -> str:
        return next(control.status for control in result(run).controls if control.id == "MS-2.8-003")

    comply(run, "--packs", "nist-600-1")
    assert status() == "undetermined"
    comply(run, "--packs", "nist-600-1", "--key", str(public))
    assert status() == "satisfied"


def test_without_the_pdf_library_the_html_is_written_and_a_sentence_says_so(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "weasyprint", None)

    assert comply(run, "--packs", "nist-600-1", "--format", "pdf") == 4

    shown = capsys.readouterr().err
    assert "no PDF was written" in shown
    assert "pip install 'imgaudit[pdf]'" in shown
    assert (run / "comply.html").is_file()
    assert not (run / "comply.pdf").exists()


@pytest.mark.parametrize(("options", "there"), [((), False), (("--pdf", "ua-1"), True), (("--format", "pdf"), True)])
def test_a_claim_for_the_pdf_asks_for_the_pdf(run: Path, options: tuple[str, ...], there: bool):
    pytest.importorskip("weasyprint")

    comply(run, "--packs", "nist-600-1", *options)

    assert (run / "comply.pdf").is_file() is there


def test_no_clock_is_read(run: Path, tmp_path: Path):
    comply(run, "--packs", "nist-600-1", "--format", "html,json")
    first = {name: (run / name).read_bytes() for name in ("comply.json", "comply.html")}

    comply(run, "--packs", "nist-600-1", "--format", "html,json")

    assert {name: (run / name).read_bytes() for name in first} == first


def test_every_link_of_evidence_has_its_place_in_the_pages_of_the_run(run: Path):
    (run / "report.html").unlink(missing_ok=True)

    code = comply(run, "--packs", "eu-art50,cn-gb45438,nist-600-1")

    pages = (run / "report.html").read_text("utf-8")
    links = set(re.findall(r'href="report\.html#([^"]+)"', (run / "comply.html").read_text("utf-8")))
    assert code in (1, 4)
    assert len(links) > 5
    assert {link for link in links if f'id="{link}"' not in pages} == set()
