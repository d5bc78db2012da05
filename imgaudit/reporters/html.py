"""`report.html`: one file that opens from disk with no network, for three readers.

*Art* sees the pictures first, worst first, with what was found drawn over them and what to edit in plain words.
*Release* sees what ran, how much could be told, the scores and the rules that fired. *Compliance* sees every dimension
of the framework with its status, the questions that people must answer, the origin of each picture, and what nobody
looked at. All three are views of one page over the same record.

The page's own content security policy allows its one script and its one stylesheet, by digest, and pictures that are
part of the file; nothing else, and no address. Strings of the run are text and never markup. Without JavaScript the
page shows everything but the filters, the overlays and the enlarged picture.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from imgaudit.record import FinishedRun
from imgaudit.registry import reporter
from imgaudit.reporters._people import PRESUMED, agreement, people_say, review_sentences, share, who
from imgaudit.reporters._shared import (
    EXIT_MEANING,
    MEANING,
    PERCEIVED,
    SCOPE,
    WORST_FIRST,
    counted,
    dimension_anchor,
    number,
    one_line,
    picture_anchor,
    set_sentence,
    summary,
    visible,
)
from imgaudit.reporters._skew import CROSSED, HOW_TO_READ, PUBLISHED, VERDICTS, percent, ratio, span

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def policy(style: str, script: str) -> str:
    """The content security policy that allows exactly this style, this script and embedded pictures."""
    return (
        f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def script_of(*names: str) -> str:
    """A page's scripts behind what all pages share, in one scope of its own."""
    parts = "\n".join((TEMPLATES / file).read_text("utf-8") for file in ("elements.js", "page.js", *names))
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def environment_of(**filters: Callable[..., Any]) -> Environment:
    """The templates, with every string made visible and escaped; `filters` beside those that all pages have."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    anchors = {"picture_anchor": picture_anchor, "dimension_anchor": dimension_anchor}
    made.filters.update(number=number, one_line=one_line, island=Markup, **anchors, **filters)
    return made


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _shown(value: Any) -> Any:
    # a subclass of str is markup that the template itself made
    return visible(value) if type(value) is str else value


@reporter
class HtmlReporter:
    """Writes the page."""

    name: ClassVar[str] = "html"
    filename: ClassVar[str] = "report.html"

    def write(self, run: FinishedRun, stream: IO[bytes]) -> None:
        """Write one HTML document, UTF-8, under 25 MB unless the record alone is larger."""
        from markupsafe import Markup

        from imgaudit.reporters._page import flattened, page  # needs Pillow, which listing the formats does not

        style = (TEMPLATES / "report.css").read_text("utf-8")
        script = script_of("overlays.js", "report.js")
        template = environment_of(
            flattened=flattened, agreement=agreement, people_say=people_say, review_sentences=review_sentences,
            share=share, who=who, percent=percent, ratio=ratio, span=span,
        ).get_template("report.html.j2")  # fmt: skip
        made = page(run)
        parts = template.generate(
            page=made,
            report=run.report,
            info=run.run,
            policy=Markup(policy(style, script)),
            style=Markup(style),
            script=Markup(script),
            words={
                "summary": summary(run.report),
                "set": set_sentence(run.report),
                "scope": SCOPE,
                "perceived": PERCEIVED,
                "exit": EXIT_MEANING.get(run.report.exit_code, "unknown"),
                "meaning": MEANING,
                "verdicts": WORST_FIRST,
                "counted": counted,
                "presumed": PRESUMED,
                "how_to_read_skew": HOW_TO_READ,
                "skew_verdicts": VERDICTS,
                "crossed": CROSSED,
                "published": PUBLISHED,
            },
        )
        for part in parts:
            stream.write(part.encode())
