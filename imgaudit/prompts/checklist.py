"""The printable checklist: the prompt before rendering, the picture, its use, and who decided.

`Checklist` holds plain items; the command fills it from a rubric. Markdown and the HTML of the PDF are two renderings
of it, so that they cannot differ in content.
"""

from __future__ import annotations

from dataclasses import dataclass

_PROMPT_ITEMS = (
    ("No artist's name and no 'in the style of'", "rights.artist-living, rights.style-of"),
    ("No real person, unless consent is on file", "rights.person-living, rights.person-dead"),
    ("No character, film, game or book title that somebody owns", "rights.character, rights.work"),
    ("No brand but our own; no agency", "rights.mark, rights.agency, rights.brand"),
    ("Nothing that describes a protected figure without its name", "rights.described"),
    ("Children only in everyday scenes", "people.minor"),
    ("No wording that presents it as a record of a real event", "rights.event"),
    ("One subject, said first; nothing contradicts itself", "clarity.conflict, clarity.pronoun"),
    ("What must not appear stands in the negative prompt", "clarity.negation"),
    ("At most four of anything that is counted", "clarity.count"),
    ("At most three short words of lettering, in quotation marks", "text.lettering, text.quotes"),
    ("All of it is within the encoder's window", "clarity.window"),
    ("No hidden characters", "text.hidden"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One box to tick: what, who answers it, and lines of small print.

    Attributes:
        answer: whether room for an answer by a person is left.
    """

    text: str
    how: str
    notes: tuple[str, ...] = ()
    answer: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Items under one heading."""

    title: str
    about: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Checklist:
    """The whole list. `rubric` says which rubric, in which version, with the first letters of its digest."""

    title: str
    rubric: str
    sections: tuple[Section, ...]


def prompt_section() -> Section:
    """The part that is the same for every rubric: the prompt before it is rendered."""
    items = tuple(Item(text, f"imgaudit prompt lint: {codes}") for text, codes in _PROMPT_ITEMS)
    return Section("Before rendering: the prompt", "Lint it, then read it once as a stranger would.", items)


def as_markdown(checklist: Checklist) -> str:
    """The list as Markdown with task boxes."""
    lines = [f"# {_plain(checklist.title)}", "", _plain(checklist.rubric), ""]
    lines += ["Picture or run: ____________________  Reviewer: ____________________  Date: ____________"]
    for section in checklist.sections:
        lines += ["", f"## {_plain(section.title)}", "", _plain(section.about), ""]
        for item in section.items:
            lines.append(f"- [ ] **{_plain(item.text)}** ({_plain(item.how)})")
            lines += [f"  - {_plain(note)}" for note in item.notes]
            lines += ["  - Answer: ____________________"] if item.answer else []
    lines += ["", "## Decision", "", "- [ ] publish  - [ ] edit  - [ ] reject  - [ ] hold", ""]
    lines += ["Reason: ____________________", "", "Name: ____________________  Role: ____________________", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in text)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ list.title }}</title>
<style>
@page { size: A4; margin: 16mm 15mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif }
  @bottom-left { content: "{{ footer }}"; font: 8pt sans-serif; color: #555 } }
body { font: 9.5pt/1.35 "DejaVu Sans", "Liberation Sans", Helvetica, sans-serif; color: #111; margin: 0 }
h1 { font-size: 16pt; margin: 0 0 1mm } h2 { font-size: 11.5pt; margin: 6mm 0 1mm; break-after: avoid;
  border-bottom: .5pt solid #999; padding-bottom: .6mm }
p { margin: 0 0 1.5mm } .about { color: #444; break-after: avoid }
ul { list-style: none; margin: 0; padding: 0 }
li { break-inside: avoid; padding: .9mm 0 .9mm 6.5mm; position: relative }
li::before { content: ""; position: absolute; left: 0; top: 1.7mm; width: 3mm; height: 3mm; border: .7pt solid #111 }
.how { color: #555; font-size: 8pt; display: inline-block } .note { font-size: 8pt; color: #333; margin: .3mm 0 0 }
.line { display: flex; gap: 6mm; margin: 3mm 0 } .line span { flex: 1; border-bottom: .6pt solid #333; height: 5.5mm;
  font-size: 8pt; color: #555 }
.answer { border-bottom: .5pt solid #777; height: 6mm; font-size: 8pt; color: #555 }
.decision { break-inside: avoid } .choices { display: flex; gap: 10mm } .choices li { padding-right: 4mm }
</style></head><body>
<h1>{{ list.title }}</h1><p class="about">{{ list.rubric }}</p>
<div class="line"><span>Picture or run</span><span>Reviewer</span><span>Date</span></div>
{% for section in list.sections %}<h2>{{ section.title }}</h2><p class="about">{{ section.about }}</p><ul>
{% for item in section.items %}<li><b>{{ item.text }}</b> <span class="how">{{ item.how }}</span>
{% for note in item.notes %}<p class="note">{{ note }}</p>{% endfor %}
{% if item.answer %}<div class="answer">Answer</div>{% endif %}</li>
{% endfor %}</ul>{% endfor %}
<div class="decision"><h2>Decision</h2>
<ul class="choices"><li>publish</li><li>edit</li><li>reject</li><li>hold</li></ul>
<div class="line"><span>Reason</span></div>
<div class="line"><span>Name</span><span>Role</span><span>Date and signature</span></div></div>
</body></html>
"""


def as_html(checklist: Checklist) -> str:
    """The list as one HTML page for print; every string is escaped."""
    from jinja2 import Environment

    footer = "".join(c for c in checklist.rubric if c.isalnum() or c in " .,:-")
    page: str = Environment(autoescape=True).from_string(_PAGE).render(list=checklist, footer=footer)
    return page
