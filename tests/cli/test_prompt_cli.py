from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imgaudit.cli import run as imgaudit
from imgaudit.dimensions import DIMENSIONS
from tests.reporters.made import made


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = imgaudit(list(arguments))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize("name", ["lint", "refine", "build", "risks"])
def test_every_prompt_command_helps_with_an_example_and_its_exit_codes(name: str, capsys: pytest.CaptureFixture[str]):
    code, out, _ = command(capsys, "prompt", name, "--help")

    assert code == 0
    assert f"Example: imgaudit prompt {name}" in out
    assert "xit codes" in out


@pytest.mark.parametrize("heavy", ["torch", "transformers", "open_clip", "weasyprint", "pandas", "cv2"])
def test_linting_and_helping_import_nothing_heavy(heavy: str):
    script = (
        "import sys; from imgaudit.cli import run\n"
        "for a in (['prompt', '--help'], ['checklist', '--help'], ['prompt', 'lint', 'Pikachu ' * 90],\n"
        "          ['prompt', 'refine', 'Pikachu'], ['prompt', 'build', '--subject', 'a boat']): run(a)\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{heavy} was imported; {done.stderr}"


def test_lint_exits_by_the_worst_level_and_says_where_why_and_better(capsys: pytest.CaptureFixture[str]):
    assert command(capsys, "prompt", "lint", "a red boat on a calm lake")[0] == 0
    assert command(capsys, "prompt", "lint", "a stunning boat")[0] == 3
    code, out, _ = command(capsys, "prompt", "lint", "a boat by Banksy", "--profile", "adobe-stock")

    assert code == 1
    assert "reject  rights.artist-living at 10-16: 'Banksy'" in out
    assert "better: " in out
    assert "source: Adobe Stock" in out


def test_lint_json_is_one_object_a_prompt(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"id": "a", "prompt": "Pikachu"}\n\n{"text": "a red boat on a calm lake"}\n')

    code, out, _ = command(capsys, "prompt", "lint", "--file", str(file), "--json")
    first, second = map(json.loads, out.splitlines())

    assert code == 1
    assert (first["id"], first["format"]) == ("a", "imgaudit-prompt-lint/1")
    assert first["findings"][0]["name"] == "Pikachu"
    assert second["findings"] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.txt", "a red boat on a calm lake\nPikachu\n"),
        ("p.csv", "file,prompt\nb.png,a red boat on a calm lake\na.png,Pikachu\n"),
        ("p.tsv", "Prompt\tCategory\na red boat on a calm lake\tx\nPikachu\tx\n"),
        ("p.yaml", "format: imgaudit-suite/1\nname: s\ntitle: S\nlicence: MIT\ncases:\n"
                   "  - {id: one, prompt: a red boat on a calm lake}\n  - {id: two, prompt: Pikachu}\n"),
    ],
)  # fmt: skip
def test_prompts_are_read_from_every_kind_of_file(
    name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / name).write_text(text)

    code, out, _ = command(capsys, "prompt", "lint", "--file", str(tmp_path / name), "--json")

    assert code == 1
    assert [json.loads(line)["prompt"] for line in out.splitlines()] == ["a red boat on a calm lake", "Pikachu"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lint"], "either a prompt or --file"),
        (["lint", "x", "--file", "y.txt"], "either a prompt or --file"),
        (["lint", "x", "--profile", "adobe"], "unknown profile 'adobe'"),
        (["lint", "x", "--brands", "nowhere.txt"], "nowhere.txt:1: cannot be read"),
        (["lint", "--file", "nowhere.txt"], "nowhere.txt:1: cannot be read"),
        (["lint", "--file", "empty.txt"], "empty.txt:1: holds no prompt"),
        (["lint", "--file", "bad.jsonl"], "bad.jsonl:1: is not valid JSON"),
        (["lint", "--file", "bad.csv"], "bad.csv:1: no column 'prompt'"),
        (["lint", "--file", "bad.doc"], "expected .txt, .csv"),
        (["build", "--mood", "calm"], "needs a subject"),
        (["refine", "a boat", "--llm", "nowhere-model"], "cannot be loaded"),
        (["risks", "--use-case", "x", "--run", "nowhere"], "nowhere: is no run folder"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "bad.jsonl").write_text("{")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.doc").write_text("x")

    code, _, err = command(capsys, "prompt", *arguments)

    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_hostile_prompts_reach_no_terminal(capsys: pytest.CaptureFixture[str]):
    code, out, _ = command(capsys, "prompt", "lint", "Pikachu\x1b[2J\u202e", "--json")
    assert code == 1
    assert "\x1b" not in out

    _, out, _ = command(capsys, "prompt", "lint", "a\x1b[2Jboat \u202estunning")
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_refine_prints_three_versions_and_refuses_what_must_not_be_drawn(capsys: pytest.CaptureFixture[str]):
    code, out, _ = command(capsys, "prompt", "refine", "Pikachu in a city, no people")
    assert code == 0
    for style in ("realistic:", "editorial:", "minimalist:", "replaced: Pikachu", "likely to fail:"):
        assert style in out

    assert command(capsys, "prompt", "refine", "a nude schoolgirl")[0] == 1


def test_build_writes_a_line_that_the_suite_reader_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from imgaudit.suites.load import load_suite

    out = tmp_path / "built.jsonl"
    code, shown, _ = command(
        capsys, "prompt", "build", "--subject", "a red boat", "--setting", "on a lake", "--avoid", "people",
        "--out", str(out),
    )  # fmt: skip
    (case,) = load_suite(out).cases

    assert code == 0
    assert "negative prompt: people, watermark, signature" in shown
    assert (case.prompt, case.negative) == ("a red boat on a lake", "people, watermark, signature")


def test_build_asks_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    from imgaudit.cli import prompt

    answers = iter(["a red boat", "on a lake", *[""] * 8])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(prompt.typer, "prompt", lambda *_, **__: next(answers))

    assert imgaudit(["prompt", "build"]) == 0
    assert "prompt: a red boat on a lake" in capsys.readouterr().out


def test_risks_fill_in_what_the_run_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    finished = made()
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text(finished.run.model_dump_json())
    (run / "report.json").write_text(finished.report.model_dump_json())
    (run / "images.jsonl").write_text("".join(image.model_dump_json() + "\n" for image in finished.images))

    code, out, _ = command(capsys, "prompt", "risks", "--use-case", "news on Instagram", "--run", str(run), "--json")
    risks = {risk["id"]: risk for risk in json.loads(out)["risks"]}

    assert code == 0
    assert any("Disclosure" in text for text in (*risks["disclosure"]["shown"], *risks["disclosure"]["open"]))
    assert risks["misinformation"]["attention"] == "raised"
    page = tmp_path / "risks.md"
    assert imgaudit(["prompt", "risks", "--use-case", "news", "--run", str(run), "--out", str(page)]) == 0
    assert "<script" not in page.read_text().replace("\\<script", "")


def test_the_checklist_holds_every_dimension_and_the_decision(capsys: pytest.CaptureFixture[str]):
    code, out, _ = command(capsys, "checklist", "--rubric", "publish")

    assert code == 0
    for dimension in DIMENSIONS:
        assert f"**{dimension.title}" in out, dimension.id
    assert "- [ ] publish  - [ ] edit  - [ ] reject  - [ ] hold" in out


def test_the_printed_checklist_holds_the_same_items(tmp_path: Path):
    pypdf = pytest.importorskip("pypdf", reason="pypdf reads the PDF back")
    pytest.importorskip("weasyprint", reason="the extra 'pdf' is not installed")

    assert imgaudit(["checklist", "--rubric", "strict", "--format", "markdown,pdf", "--out", str(tmp_path)]) == 0

    pages = pypdf.PdfReader(tmp_path / "checklist-strict.pdf").pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    assert len(pages) <= 5
    for dimension in DIMENSIONS:
        assert dimension.title in text, dimension.id
    assert "Decision" in text
    assert (tmp_path / "checklist-strict.md").is_file()


def test_without_weasyprint_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "weasyprint", None)

    code, _, err = command(capsys, "checklist", "--format", "markdown,pdf", "--out", str(tmp_path / "lists"))

    assert code == 2
    assert "pip install 'imgaudit[pdf]'" in err
    assert not (tmp_path / "lists").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--format", "docx"], "expected one of: markdown, pdf"), (["--format", "pdf"], "--out"),
     (["--rubric", "pubish"], "unknown rubric 'pubish'")],
)  # fmt: skip
def test_a_checklist_that_cannot_be_made_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    code, _, err = command(capsys, "checklist", *arguments)

    assert code == 2
    assert message in err
