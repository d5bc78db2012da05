"""Services that say who they are but little else: Midjourney, Google's Gemini and Imagen, and many others.

They put their name into Software, CreatorTool, Credit or AISystemUsed; Midjourney also describes the job.
Only whole names in fields that are meant for the maker of a file count, so a caption about Midjourney is no mark.
"""

from __future__ import annotations

import re

from imgaudit.provenance.container import Fields
from imgaudit.provenance.generators._common import Parser, source
from imgaudit.types import Source

JOB = re.compile(r"Job ID:\s{0,4}[0-9a-f]{8}-[0-9a-f-]{27}")
DASH = re.compile(r"(?:(?<=\s)|^)[\u2013\u2014](?=[A-Za-z])")
"""Text programs make one long dash of the two before a flag."""
FIRST_FLAG = re.compile(r"(?:^|\s)--\w")
FLAG = re.compile(r"--([A-Za-z]\w*)\s*([^-\s](?:(?!\s--)[^\n])*)?")
DESCRIPTIONS = ("png.Description", "iptc.Caption-Abstract", "xmp.dc:description", "exif.ImageDescription")
SYSTEM, PROMPT = "xmp.Iptc4xmpExt:AISystemUsed", "xmp.Iptc4xmpExt:AIPromptInformation"
MAKERS = (
    SYSTEM,
    "png.Software",
    "exif.Software",
    "xmp.xmp:CreatorTool",
    "xmp.photoshop:Credit",
    "iptc.Credit",
    "xmp.photoshop:Source",
    "iptc.Source",
    "iptc.OriginatingProgram",
    "exif.Make",
    "png.Source",
)
KNOWN = (
    (r"(?:made|ai-generated|edited|created) with google(?: ai)?", "Google AI"),
    (r"(?:google )?(?:imagen|gemini)(?: \d.*)?", "Google AI"),
    (r"midjourney.*", "Midjourney"),
    (r"krea(?:\.ai)?\b.*", "Krea"),
    (r"(?:openai|dall.?e|chatgpt|gpt-image|gpt-4o)\b.*", "OpenAI"),
    (r"(?:adobe )?firefly\b.*", "Adobe Firefly"),
    (r"(?:stability ?ai|stable ?diffusion|dreamstudio)\b.*", "Stable Diffusion"),
    (r"(?:black forest labs|flux(?:\.\d)?)\b.*", "FLUX"),
    (r"ideogram\b.*", "Ideogram"),
    (r"leonardo(?:\.ai| ai)\b.*", "Leonardo"),
    (r"recraft\b.*", "Recraft"),
    (r"(?:bing|microsoft) (?:image creator|designer)\b.*", "Microsoft Designer"),
    (r"(?:imagined with ai|meta ai)\b.*", "Meta AI"),
    (r"seedream\b.*|doubao\b.*|jimeng\b.*", "Seedream"),
    (r"easy ?diffusion\b.*", "Easy Diffusion"),
    (r"invokeai\b.*", "InvokeAI"),
    (r"comfyui\b.*", "ComfyUI"),
    (r"draw things\b.*", "Draw Things"),
)
PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in KNOWN)


def _job(fields: Fields) -> str | None:
    """The text before the job's number."""
    for place in DESCRIPTIONS:
        text = (fields.get(place) or "")[:100_000]
        match = JOB.search(text)
        if match:
            return text[: match.start()].rstrip()
    return None


def _midjourney(fields: Fields) -> Source:
    text = DASH.sub("--", _job(fields) or "")
    first = FIRST_FLAG.search(text)
    prompt, switches = (text[: first.start()], text[first.start() :]) if first else (text, "")
    flags = {name.lower(): value.strip() for name, value in FLAG.findall(switches)}
    version = flags.get("v") or flags.get("version")
    model = f"Midjourney {version}" if version else f"Niji {flags['niji']}" if flags.get("niji") else None
    values = {"prompt": prompt, "negative": flags.get("no"), "seed": flags.get("seed"), "model": model}
    return source("Midjourney", values)


def maker(fields: Fields) -> tuple[str, str] | None:
    """The generator that a field for the file's maker names, and what stands there."""
    for place in MAKERS:
        written = (fields.get(place) or "").strip()[:200]
        for pattern, name in PATTERNS:
            if written and pattern.fullmatch(written):
                return name, written
    return None


def _declared(fields: Fields) -> Source:
    found = maker(fields)
    return source(found[0] if found else None, {"prompt": fields.get(PROMPT)})


def _iptc(fields: Fields) -> Source:
    return source(fields.get(SYSTEM), {"prompt": fields.get(PROMPT)})


MIDJOURNEY = Parser("midjourney", lambda fields: _job(fields) is not None, _midjourney)
DECLARED = Parser("declared", lambda fields: maker(fields) is not None, _declared)
IPTC = Parser("iptc", lambda fields: fields.get(SYSTEM, PROMPT) is not None, _iptc)
"""The fields that the IPTC made for generated pictures (2025.1), whoever wrote them."""
