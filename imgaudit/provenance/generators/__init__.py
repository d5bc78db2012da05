"""Which generator made a picture, and with which settings: one parser a family, tried in order.

The order matters: what only one program writes comes first, what many write (a ComfyUI graph, A1111's text) later, and
a bare name in a field for the maker last. The first parser that finds something speaks; where it leaves gaps, the
others that recognise the file fill them.
"""

from __future__ import annotations

from imgaudit.provenance.container import Fields
from imgaudit.provenance.generators import a1111, comfyui, invokeai, novelai, own, services, settings
from imgaudit.provenance.generators._common import Parser, filled
from imgaudit.types import Source

PARSERS: tuple[Parser, ...] = (
    own.PARSER,
    invokeai.PARSER,
    *settings.PARSERS,
    novelai.PARSER,
    *comfyui.PARSERS,
    a1111.PARSER,
    services.MIDJOURNEY,
    services.DECLARED,
    services.IPTC,
)
TERSE = (services.DECLARED, services.IPTC)
"""Parsers of marks that may rightly say no more than a name."""


def parse(fields: Fields) -> tuple[Source, tuple[str, ...]]:
    """The source of a file, and what was recognised but could not be read, in words. Never raises."""
    best, problems = Source(), []
    for parser in PARSERS:
        try:
            found = parser.parse(fields) if parser.recognise(fields) else None
        except Exception as error:  # text by strangers; a parser's bug must not cost the picture its other findings
            problems.append(f"{parser.name}: recognised but not readable: {type(error).__name__}")
            continue
        if found is None:
            continue
        if found.parse == "none" and parser not in TERSE:
            problems.append(f"{parser.name}: recognised, but no prompt or setting was found")
        best = filled(best, found) if best.generator else found
        if best.parse == "complete":
            break
    return best, tuple(problems)
