"""Make the example reports anew: `make reports`, or `python -m reports.make`.

`shapes/` is a run of the packaged suite by embedded@2; `posters/` is an audit of posters that are drawn here, some with
faults that are known: a wrong letter, a missing line, scrambled glyphs, blur.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from imgaudit.cli import run as imgaudit

FOLDER = Path(__file__).parent
FORMATS = "html,json,junit,csv,markdown"
FILES = ("report.html", "summary.json", "junit.xml", "pictures.csv", "summary.md")
POSTERS = {
    "right.png": ("Harbour fair", ["Harbour fair"], None),
    "misspelt.png": ("Summer concert", ["Summer concret"], None),
    "missing.png": ("Open all night", [], None),
    "twice.png": ("Fresh bread daily", ["Fresh bread daily", "Fresh bread daily"], None),
    "blurred.png": ("Winter sale", ["Winter sale"], 4),
    "faint.png": ("Quiet please", ["Quiet please"], None),
}


def draw_posters(folder: Path) -> None:
    """Draw the posters and their prompts file."""
    rows = ["file,prompt,expect_text"]
    font = ImageFont.load_default(52)
    for index, (name, (wanted, written, blur)) in enumerate(POSTERS.items()):
        picture = Image.new("RGB", (640, 480), ("#f4e8d0", "#d0e0f4", "#e4f0d8")[index % 3])
        pen = ImageDraw.Draw(picture)
        pen.rectangle((40, 260, 600, 440), fill=("#b04a3a", "#3a5ab0", "#3a8a5a")[index % 3])
        pen.ellipse((250, 280, 390, 420), fill="#f2c14e")
        ink = "#dccfb4" if name == "faint.png" else "#202020"
        for line, text in enumerate(written):
            pen.text((320, 90 + 90 * line), text, fill=ink, font=font, anchor="mm")
        if blur:
            picture = picture.filter(ImageFilter.GaussianBlur(blur))
        picture.save(folder / name)
        rows.append(f'{name},"a poster that says ""{wanted}""",{wanted}')
    (folder / "prompts.csv").write_text("\n".join(rows) + "\n")


def make(name: str, arguments: list[str], work: Path) -> None:
    """Run the command line and keep its reports under `name`."""
    out = work / name
    code = imgaudit([*arguments, "--out", str(out), "--format", FORMATS])
    if code == 2:
        raise SystemExit(f"the example {name!r} could not be made")
    target = FOLDER / name
    target.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copyfile(out / file, target / file)


def main() -> None:
    """Make both examples."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        posters = work / "pictures"
        posters.mkdir()
        draw_posters(posters)
        make("posters", ["audit", str(posters), "--prompts", str(posters / "prompts.csv")], work)
        make("shapes", ["run", "shapes", "--tags", "demo", "--seeds", "0-3"], work)


if __name__ == "__main__":
    main()
