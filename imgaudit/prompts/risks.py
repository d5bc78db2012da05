"""What a planned use risks, filled in as far as a run and the words allow: the rest are questions for a person.

Eight risks are always listed. The level is a reading of the words of the use case by a table, and says which words; it
is no legal assessment. What the audit shows is copied from the run's report, and nothing is inferred from silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from imgaudit.prompts.folding import tokens
from imgaudit.prompts.lint import Linter, PromptLint
from imgaudit.record import DimensionLine, Report
from imgaudit.types import Stored

_MOST_PROMPTS = 2_000


@dataclass(frozen=True, slots=True)
class _Risk:
    id: str
    title: str
    dimensions: tuple[str, ...]
    codes: tuple[str, ...]
    raised_by: str
    questions: tuple[str, ...]


# fmt: off
_RISKS = (
    _Risk("copyright", "Copyright", ("copyright", "memorisation", "artist-style"),
          ("rights.artist", "rights.character", "rights.work", "rights.style-of", "rights.described"),
          "cover book print merchandise stock sell sale selling commercial advertising advert ad campaign packaging "
          "album poster franchise fan",
          ("Which inputs (reference pictures, prompts, fine-tunes) does somebody else own, and who allowed their use?",
           "Was the picture compared with known works outside this set? No gallery is searched here.",
           "Is protection of the picture itself needed, and does the law of the country grant it?")),
    _Risk("likeness", "Likeness", ("likeness", "deepfakes"), ("rights.person", "rights.described"),
          "person people portrait face celebrity politician influencer employee staff customer testimonial portraits "
          "actor athlete singer president",
          ("Does any figure resemble a real person, to someone who knows that person?",
           "Who looked, and on what date?")),
    _Risk("consent", "Consent", ("likeness",), ("people.minor", "rights.person"),
          "child children kids family patient medical hospital school portrait employee testimonial intimate",
          ("For each recognisable person: is there a signed release that covers generated pictures and this use?",
           "Are children shown or suggested, and who answers for them?",
           "How can a person withdraw, and who takes the picture down?")),
    _Risk("bias", "Bias and stereotyping", ("bias", "stereotyping"), (),
          "people person team doctor nurse criminal leader ceo family poor rich country culture ethnic recruitment "
          "hiring job dating health",
          ("Who is shown in which role over the whole set, and is that the choice or the model's habit?",
           "Did someone from the groups shown look at it?")),
    _Risk("disclosure", "Disclosure", ("disclosure",), (),
          "news public social media instagram facebook tiktok website eu europe germany france california china "
          "advertising advert ad campaign political editorial press",
          ("Where will the reader see that the picture was generated, and in which words?",
           "Does the mark in the file survive the publishing pipeline? (imgaudit provenance survive BEFORE AFTER)",
           "Which marking law applies where it is published? (imgaudit comply RUN)")),
    _Risk("misinformation", "Misinformation", ("misinformation", "deepfakes"), ("rights.event", "rights.agency"),
          "news press editorial political election campaign war disaster protest health vaccine science history "
          "documentary evidence report journalist journalism",
          ("Could a hasty reader take it for a record of something that happened?",
           "What caption, place and date will stand beside it?",
           "Who decides on correction if it is shared out of context?")),
    _Risk("brand-safety", "Brand safety", ("logos", "trademarks", "brand-fit", "safety"),
          ("rights.mark", "rights.brand"),
          "brand advertising advert ad campaign sponsor packaging product logo alcohol gambling children luxury launch",
          ("Which marks are visible, and who allowed each?",
           "Does the picture hold anything that the brand's guidelines exclude?",
           "Beside what will it appear?")),
    _Risk("platform-terms", "Platform terms", ("platform-terms", "mass-output"), ("platform", "rights.style-of"),
          "stock adobe shutterstock getty etsy amazon kdp instagram facebook tiktok youtube marketplace bulk upload",
          ("Do the generator's terms and its model's licence allow this use (commercial, training, resale)?",
           "What does the platform demand of generated pictures (label, release, category)?",
           "Did a person choose each picture?")),
)
# fmt: on


class RiskLine(Stored):
    """One risk of the use: what is known, and what a person must answer."""

    id: str
    title: str
    attention: Literal["high", "raised", "usual"]
    because: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


class Assessment(Stored):
    """The filled assessment of one use."""

    format: str = "imgaudit-prompt-risks/1"
    use_case: str
    run: str | None = None
    prompts_checked: int = 0
    risks: tuple[RiskLine, ...]
    scope: str = (
        "This page collects what was measured and what must be asked. It is no legal advice, and a risk that "
        "nothing was found for is not excluded."
    )


def assess(use_case: str, linter: Linter, report: Report | None = None, prompts: Sequence[str] = ()) -> Assessment:
    """Fill in the eight risks from the words of the use case, the run's report and the prompts of its pictures."""
    use = linter.lint(use_case)
    unique = list(dict.fromkeys(prompts))[:_MOST_PROMPTS]
    lints = [linter.lint(prompt) for prompt in unique]
    words = {token.plain for token in tokens(use_case)}
    said = words | {word.removesuffix("s") for word in words}  # children's, campaigns
    return Assessment(
        use_case=use_case,
        run=report.title if report else None,
        prompts_checked=len(lints),
        risks=tuple(_line(risk, said, use, lints, report) for risk in _RISKS),
    )


def _line(
    risk: _Risk, said: set[str], use: PromptLint, lints: Sequence[PromptLint], report: Report | None
) -> RiskLine:
    because = [f"the use case says {word!r}" for word in sorted(said & set(risk.raised_by.split()))]
    named = [f for f in use.findings if f.code.startswith(risk.codes or ("-",)) and f.code != "rights.perhaps"]
    because += [f"the use case names {f.name or f.text!r} ({f.title})" for f in named]
    in_prompts = _found(risk, lints)
    lines = [line for line in report.dimensions if line.id in risk.dimensions] if report else []
    serious = any(f.level == "reject" for f in named) or any(
        f.level == "reject" and f.code.startswith(risk.codes or ("-",)) for lint in lints for f in lint.findings
    )
    return RiskLine(
        id=risk.id,
        title=risk.title,
        attention="high" if serious else "raised" if because or in_prompts else "usual",
        because=tuple(because),
        shown=(*in_prompts, *_shown(lines, report), *_prompts_seen(risk, lints, in_prompts)),
        open=tuple(_open(lines)) if report else ("no run was given, so no picture was looked at",),
        questions=risk.questions,
    )


def _found(risk: _Risk, lints: Sequence[PromptLint]) -> list[str]:
    if not risk.codes:
        return []
    counts = Counter(
        (f.title, f.name or f.text)
        for lint in lints
        for f in lint.findings
        if f.code.startswith(risk.codes) and f.level != "off"
    )
    return [f"prompts: {title} {name!r} in {count} of {len(lints)}" for (title, name), count in counts.most_common(10)]


def _prompts_seen(risk: _Risk, lints: Sequence[PromptLint], found: Sequence[str]) -> list[str]:
    if not risk.codes or found or not lints:
        return []
    return [f"prompts: {len(lints)} read, none names anything of this kind that the lists know"]


def _shown(lines: Iterable[DimensionLine], report: Report | None) -> list[str]:
    shown = []
    for line in lines:
        if line.how == "checker" and line.measured:
            rules = [
                f"{rule} on {count} pictures"
                for rule, count in (report.rules.items() if report else ())
                if rule.partition(".")[0] in line.checkers
            ]
            fired = f"; rules that fired: {', '.join(rules)}" if rules else "; no rule fired"
            shown.append(f"{line.title}: {line.status}, {line.measured} of {line.of} could be told{fired}")
        elif line.status == "attested":
            shown.append(f"{line.title}: a person answered. {line.text}")
    return shown


def _open(lines: Iterable[DimensionLine]) -> list[str]:
    return [
        f"{line.title}: {line.status}. {line.text}"
        for line in lines
        if line.status in ("not checked", "not attested", "cannot be checked", "partly checked")
    ]


def as_markdown(assessment: Assessment) -> str:
    """The assessment as a page to fill in."""
    lines = ["# Risk assessment of a planned use", "", f"**Use:** {_cell(assessment.use_case)}", ""]
    lines += [f"**Run:** {_cell(assessment.run or 'none')}; {assessment.prompts_checked} different prompts read", ""]
    lines += [assessment.scope, "", "| risk | attention | because |", "| --- | --- | --- |"]
    lines += [
        f"| {risk.title} | {risk.attention} | {_cell('; '.join(risk.because) or '-')} |" for risk in assessment.risks
    ]
    for risk in assessment.risks:
        lines += ["", f"## {risk.title}: {risk.attention}", ""]
        lines += [f"- Shown: {_cell(text)}" for text in risk.shown] or ["- Shown: nothing"]
        lines += [f"- Open: {_cell(text)}" for text in risk.open]
        lines += ["", "To be answered by a person:", ""]
        lines += [f"- [ ] {question}  \n  Answer: ____________________" for question in risk.questions]
    lines += ["", "Assessed by: ____________________  Role: ____________________  Date: ____________", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A stranger's words inside Markdown: on one line, nothing in them is markup."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in " ".join(plain.split()))
