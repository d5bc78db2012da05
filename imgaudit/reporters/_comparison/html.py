"""`comparison.html`: one file that opens from disk with no network and says first what the answer is.

Three views of one comparison: *decision* (what was tested, with every interval, its margin and zero drawn on one
scale; verdicts, abstentions, zero tolerance, new and deleted cases), *pictures* (the prompts that changed most, both
sides by seed, each pair to be enlarged, blinked between or laid over each other with a slider), and *record* (the two
runs, the method, measures that only inform). As in the report of a run, the page's own content security policy allows
its one script, its one stylesheet and embedded pictures, and strings of a run are text and never markup. Without
JavaScript the page shows everything but the filters and the enlarged pairs.
"""

from __future__ import annotations

from imgaudit.comparison import ComparedRuns
from imgaudit.reporters._comparison._words import (
    EXIT_MEANING,
    SCOPE,
    SENTENCE,
    better,
    coverage,
    probability,
    side_facts,
    signed,
    where,
)
from imgaudit.reporters._shared import WORST_FIRST, counted
from imgaudit.reporters.html import TEMPLATES, environment_of, policy, script_of


def write(compared: ComparedRuns) -> bytes:
    """One HTML document, UTF-8, under 25 MB unless the tests alone are larger."""
    from markupsafe import Markup

    from imgaudit.reporters._comparison._page import page  # needs Pillow, which naming the formats does not

    style = "".join((TEMPLATES / name).read_text("utf-8") for name in ("report.css", "compare.css"))
    script = script_of("compare.js")
    environment = environment_of(signed=signed, p=probability)
    environment.globals.update(
        {"better": better, "where": where, "counted": counted, "coverage": coverage},
        side_facts=side_facts,
        verdicts=WORST_FIRST[::-1],
    )
    made = page(compared)
    text = environment.get_template("compare.html.j2").render(
        page=made,
        comparison=compared.comparison,
        policy=Markup(policy(style, script)),
        style=Markup(style),
        script=Markup(script),
        words={
            "sentence": SENTENCE[compared.comparison.answer],
            "exit": EXIT_MEANING.get(compared.comparison.exit_code, "unknown"),
            "scope": SCOPE,
        },
    )
    return text.encode()
