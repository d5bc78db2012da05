"""The compliance report as PDF, through WeasyPrint.

Two claims are offered, and never both in one file: `a-3b` is made to be kept (PDF/A-3b, with the record attached),
`ua-1` to be read with assistive technology (PDF/UA-1, tagged). WeasyPrint writes what each claim needs; it is not
itself a validator, and a conformance checker such as veraPDF has the last word.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Mapping
from typing import Any, Literal

from imgaudit.compliance.result import ComplianceReport
from imgaudit.digest import digest_bytes
from imgaudit.errors import ModelUnavailable
from imgaudit.reporters._comply.page import BESIDE, html

Claim = Literal["a-3b", "ua-1"]
CLAIMS: tuple[Claim, ...] = ("a-3b", "ua-1")
ELSEWHERE = f"https://beside.invalid/{BESIDE}"
"""Stands in the document while it is laid out: WeasyPrint drops links without a host, or makes them paths."""
REMEDY = "Install it with: pip install 'imgaudit[pdf]' (and Pango, from the system's packages)"


def pdf(report: ComplianceReport, claim: Claim, attachments: Mapping[str, bytes]) -> bytes:
    """The PDF.

    Args:
        report: the result.
        claim: `a-3b` or `ua-1`.
        attachments: file name -> content, embedded under `a-3b` alone.

    Raises:
        ModelUnavailable: when WeasyPrint, or the system library that it draws with, is not there.
    """
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise ModelUnavailable(f"PDF needs WeasyPrint, which cannot be loaded ({_first(error)})", REMEDY) from None
    document = weasyprint.HTML(string=html(report, ELSEWHERE), url_fetcher=_refuse)
    options: dict[str, Any] = {"pdf_variant": f"pdf/{claim}", "pdf_tags": True}
    if claim == "a-3b":
        options["attachments"] = [
            weasyprint.Attachment(string=data, name=name, description=f"the record: {name}", relationship="Source")
            for name, data in attachments.items()
        ]
    options["pdf_identifier"] = bytes.fromhex(digest_bytes(report.model_dump_json().encode())[:32])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        made = bytes(document.write_pdf(finisher=_relative, **options))
        del document
        gc.collect()  # WeasyPrint leaves its colour profile open; it is closed here, where nobody is warned of it
    return made


def _relative(document: Any, pdf: Any) -> None:
    """Make links to the pages of the run lead to the file beside this one."""
    for one in pdf.objects:
        action = one.get("A") if isinstance(one, dict) else None
        if isinstance(action, dict) and str(getattr(action.get("URI"), "string", "")).startswith(ELSEWHERE):
            address = action["URI"].string
            action["URI"] = type(action["URI"])(address.replace(ELSEWHERE, BESIDE))
            one["Contents"] = type(action["URI"])(f"evidence in {BESIDE}, {address.partition('#')[2]}")


def _first(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def _refuse(url: str, *_: object, **__: object) -> Any:
    """Nothing is fetched, whatever a string of the run asks for."""
    raise ValueError(f"no address is opened: {url[:80]}")
