"""The text format of AUTOMATIC1111's web UI, which Forge, SD.Next, Civitai, Fooocus and imgaudit write too.

    a lighthouse at dusk
    Negative prompt: blurry
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: dreamshaper, Version: v1.10.1

It stands in PNG text `parameters`, in EXIF UserComment, or in a comment; which program wrote it shows in `Version` or
`App`. A value that holds a comma or a colon is quoted like a JSON string.
"""

from __future__ import annotations

import json
import re

from imgaudit.provenance.container import Fields
from imgaudit.provenance.generators._common import Parser, picked, source
from imgaudit.types import Source

NEGATIVE = "Negative prompt:"
# some savers write the settings in an order of their own; imgaudit's own line need not have the steps at all
SETTINGS = re.compile(
    r"^ *Steps: *\d+ *(?:,|$)|^(?:Sampler|Schedule type|CFG scale|Seed|Size|Model(?: hash)?): [^\n]*"
    r"(?:, *Steps: *\d+ *(?:,|$)|, Version: imgaudit$)",
    re.MULTILINE,
)
RESOURCES = re.compile(r"\bCivitai resources: (?=\[)")
PAIR = re.compile(r'([\w][\w /+.\-()]{0,80}?):\s*("(?:\\.|[^"\\])*"|[^,\n]*)(?:,|\n|$)')
SETTINGS_LIMIT = 20_000
PLACES = (
    "png.parameters",
    "png.Parameters",
    "exif.UserComment",
    "xmp.exif:UserComment",
    "pixels.parameters",
    "png.UserComment",
    "png.Comment",
    "png.Description",
    "png.comment",
    "jpeg.comment",
    "gif.comment",
    "exif.ImageDescription",
    "exif.XPComment",
    "xmp.dc:description",
)
NAMES = {
    "sampler": ("sampler",),
    "steps": ("steps",),
    "guidance": ("cfg scale", "guidance scale", "distilled cfg scale", "guidance"),
    "seed": ("seed",),
    "model": ("model", "model hash", "base model"),
}
# the version text of each program of the family; the first that fits counts
VERSIONS = (
    (re.compile(r"neo"), "Forge Neo"),
    (re.compile(r"classic"), "Forge Classic"),
    (re.compile(r"f\d+(\.\d+)*v\d+-v"), "reForge"),
    (re.compile(r"f\d+(\.\d+)*-v"), "EasyReforge"),
    (re.compile(r"f\d"), "Forge"),
    (re.compile(r"Fooocus", re.IGNORECASE), "Fooocus"),
    (re.compile(r"ComfyUI", re.IGNORECASE), "ComfyUI"),
    (re.compile(r"imgaudit"), "imgaudit"),
)


def find(fields: Fields) -> str | None:
    """The text in this format, or None. A `parameters` field with settings or without is taken as one."""
    for place in PLACES:
        text = _plain(fields.get(place))
        if text is not None and SETTINGS.search(text):
            return text
    text = _plain(fields.get("png.parameters"))
    return text if text is not None and not text.lstrip().startswith(("{", '"{')) else None


def _plain(text: str | None) -> str | None:
    """The text with line feeds alone, and without the mark of byte order that some savers leave at its start."""
    return None if text is None else text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def split(text: str) -> tuple[str, str | None, dict[str, str]]:
    """Prompt, negative prompt and settings (names in lower case)."""
    text = _plain(text) or ""
    start = len(text)
    for match in SETTINGS.finditer(text):  # the last one: a prompt may itself hold such a line
        start = match.start()
    body, settings = text[:start], text[start:]
    mark = 0 if body.startswith(NEGATIVE) else body.find("\n" + NEGATIVE) + 1
    has_negative = mark > 0 or body.startswith(NEGATIVE)
    prompt = body[:mark] if has_negative else body
    negative = body[mark + len(NEGATIVE) :].removeprefix(" ") if has_negative else None
    return prompt.rstrip("\n"), negative if negative is None else negative.rstrip("\n"), pairs(settings)


def pairs(settings: str) -> dict[str, str]:
    """`Steps: 20, Sampler: "a, b"` as a mapping with lower-case names; the first of equal names counts."""
    found: dict[str, str] = {}
    for name, value in PAIR.findall(settings[:SETTINGS_LIMIT]):
        found.setdefault(name.strip().lower(), _unquoted(value.strip()))
    return found


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            plain = json.loads(value)
        except ValueError:
            return value
        return plain if isinstance(plain, str) else value
    return value


def program(settings: dict[str, str]) -> str:
    """Which program of the family wrote these settings."""
    if "sd.next" in settings.get("app", "").lower():
        return "SD.Next"
    for pattern, name in VERSIONS:
        if pattern.match(settings.get("version", "")):
            return name
    return "Civitai" if "civitai resources" in settings else "AUTOMATIC1111"


def parse(fields: Fields) -> Source:
    """Read the text."""
    text = find(fields)
    if text is None:
        return Source()
    prompt, negative, settings = split(text)
    values = {**picked(settings, NAMES), "prompt": prompt, "negative": negative}
    return source(program(settings), {**values, "model": values["model"] or _resource(text)})


def _resource(text: str) -> str | None:
    """The checkpoint that Civitai lists among its resources, as JSON behind the settings."""
    match = RESOURCES.search(text)
    if match is None:
        return None
    try:
        listed, _ = json.JSONDecoder().raw_decode(text[match.end() : match.end() + SETTINGS_LIMIT])
    except (ValueError, RecursionError):
        return None
    names = [one.get("modelName") for one in listed if isinstance(one, dict) and one.get("type") == "checkpoint"]
    return next((name for name in names if isinstance(name, str)), None)


PARSER = Parser("a1111", lambda fields: find(fields) is not None, parse)
