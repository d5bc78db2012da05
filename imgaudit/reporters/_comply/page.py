"""The compliance report as one HTML file with no script, no address and no picture.

The content security policy allows its one stylesheet, by digest, and nothing else. The same document is laid out on
pages for the PDF.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from imgaudit.compliance.result import STATUSES, ComplianceReport, ControlResult, Status
from imgaudit.reporters._shared import counted
from imgaudit.reporters.html import TEMPLATES, environment_of

WORDS: dict[Status, str] = {
    "not satisfied": "the record shows that it is not met",
    "undetermined": "the record cannot show it; a person must look",
    "satisfied": "the record shows it",
    "not applicable": "not on this day, or not for this role",
}


BESIDE = "report.html"
"""Where links of evidence lead: the pages of the run, in the same folder."""


def html(report: ComplianceReport, beside: str = BESIDE) -> str:
    """The report as an HTML document; `beside` is the address that links of evidence begin with."""
    from markupsafe import Markup

    style = (TEMPLATES / "comply.css").read_text("utf-8")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return environment_of(slug=slug).get_template("comply.html.j2").render(
        report=report,
        beside_address=beside,
        style=Markup(style),
        policy=Markup(f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"),
        sections=[(pack, _ordered(report.controls, pack.name)) for pack in report.packs],
        statuses=STATUSES,
        words=WORDS,
        summary=summary(report),
        unread=sum(not c.verified for c in report.controls if c.status != "not applicable"),
        applying=sum(c.status != "not applicable" for c in report.controls),
        counted=counted,
    )


def summary(report: ComplianceReport) -> str:
    """What came of it, in one sentence."""
    parts = [f"{report.counts[status]} {status}" for status in STATUSES if report.counts.get(status)]
    return f"Of {counted(len(report.controls), 'control')}: {', '.join(parts)}."


def slug(control: ControlResult) -> str:
    """The anchor of a control: letters, digits and signs that need no escaping in an address."""
    return f"c-{control.pack}-" + "".join(c if c.isalnum() or c in "-._" else "-" for c in control.id)


def _ordered(controls: Iterable[ControlResult], pack: str) -> list[ControlResult]:
    return sorted((c for c in controls if c.pack == pack), key=lambda c: STATUSES.index(c.status))
