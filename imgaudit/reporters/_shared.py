"""What every format needs: text that cannot act, the order of pictures, and the run in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from imgaudit.digest import digest_bytes
from imgaudit.record import Report
from imgaudit.types import Decision, Finding, ImageRecord, Reason

WORST_FIRST = (Decision.REJECT, Decision.HOLD, Decision.EDIT, Decision.PUBLISH)
RANK = {decision: rank for rank, decision in enumerate(WORST_FIRST)}
MEANING = {
    Decision.PUBLISH: "nothing that the rubric asks for speaks against it",
    Decision.EDIT: "it can be published once it was edited as described",
    Decision.HOLD: "something that the rubric requires could not be told; a person must look",
    Decision.REJECT: "do not publish it",
}
EXIT_MEANING = {
    0: "every picture can be published",
    1: "at least one picture, or the set, is rejected",
    2: "the run itself went wrong",
    3: "some pictures need an edit, none is rejected or on hold",
    4: "at least one picture, or the set, is on hold",
}
SCOPE = (
    "This report does not certify that any law or contract is complied with. Invisible watermarks were not looked for: "
    "that none is reported does not mean that none is there."
)
PERCEIVED = (
    "These groups are what a model perceives in the pixels of drawn people. They are not anyone's identity, the model "
    "itself errs more often for some groups than for others, and only counts over the set are kept: no picture carries "
    "them. Read them as a property of the set, never of one picture or of one person."
)

_INVISIBLE = (
    (0x80, 0x9F),  # C1 controls: 0x9B starts an escape sequence in some terminals
    (0x61C, 0x61C),  # Arabic letter mark
    (0x200B, 0x200B),  # zero-width space
    (0x200E, 0x200F),  # left-to-right and right-to-left marks
    (0x2028, 0x202E),  # line and paragraph separators, embeddings and overrides of direction
    (0x2060, 0x206F),  # word joiner, isolates of direction, deprecated format characters
    (0xD800, 0xDFFF),  # halves of surrogate pairs
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0xFFFE, 0xFFFF),  # no characters, and refused by XML
    (0xE0000, 0xE007F),  # tags: an invisible copy of ASCII
)
_SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f" + "".join(f"{chr(low)}-{chr(high)}" for low, high in _INVISIBLE) + "]")
_DIGITS = re.compile(r"(\d+)")


def visible(text: str) -> str:
    r"""The text with control and direction characters shown instead of obeyed; newline and tab stay.

    >>> visible("a\x1b[31m\u202eb")
    'a⟨U+001B⟩[31m⟨U+202E⟩b'
    """
    return _SUSPECT.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    # spelt out: few fonts have Unicode's own pictures of control characters
    return f"⟨U+{ord(match[0]):04X}⟩"


def one_line(text: str, limit: int = 200) -> str:
    """The visible text on one line, cut to `limit` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def picture_anchor(identity: str) -> str:
    """The anchor of a picture in report.html: it stays the same when pictures are judged anew and change places.

    >>> picture_anchor("a-red-circle#0")
    'at-f5b65ed5c45f'
    """
    return f"at-{digest_bytes(identity.encode())[:12]}"


def dimension_anchor(identity: str) -> str:
    """The anchor of a dimension of the framework in report.html."""
    return f"dimension-{identity}"


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """A sort key that puts `a#2` before `a#10`."""
    return tuple((0, int(part[:18])) if part.isdecimal() else (1, part) for part in _DIGITS.split(text))


def worst_first(images: Iterable[ImageRecord]) -> list[ImageRecord]:
    """Rejected pictures first, then hold, edit and publish; within one verdict the most reasons first."""

    def key(record: ImageRecord) -> tuple[int, int, int, tuple[tuple[int, int | str], ...]]:
        verdict = record.verdict
        grounds = len(verdict.reasons) + len(verdict.holds)
        return RANK[verdict.final], RANK[verdict.machine], -grounds, natural(record.id)

    return sorted(images, key=key)


def grounds(record: ImageRecord) -> Iterator[Reason]:
    """Why a picture is not simply published: the rules that fired, then what holds it."""
    yield from record.verdict.reasons
    yield from record.verdict.holds


def codes(record: ImageRecord) -> list[str]:
    """All codes of a picture's findings and rules, sorted."""
    found = {code for finding in record.findings for code in finding.codes}
    return sorted(found | {reason.code for reason in grounds(record)})


def said(finding: Finding) -> str:
    """What a finding says in one sentence, whatever its outcome."""
    if finding.outcome == "abstained":
        return f"could not tell: {finding.reason or 'no reason is on record'}"
    if finding.outcome == "failed":
        return f"failed: {finding.error or 'no error is on record'}"
    return finding.message


def number(value: float) -> str:
    """A measure for people: at most four significant digits, no exponent for ordinary sizes."""
    return f"{value:.4g}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 picture`, `2 pictures`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def summary(report: Report) -> str:
    """The run in one or two sentences."""
    if not report.pictures:
        return "No picture was audited."
    words = {
        Decision.PUBLISH: "can be published",
        Decision.EDIT: ("needs an edit", "need an edit"),
        Decision.HOLD: ("is on hold", "are on hold"),
        Decision.REJECT: ("is rejected", "are rejected"),
    }
    parts = []
    for decision in reversed(WORST_FIRST):
        count = report.final_counts.get(decision, 0)
        word = words[decision]
        if count:
            parts.append(f"{count:,} {word if isinstance(word, str) else word[count > 1]}")
    return f"Of {counted(report.pictures, 'picture')}, {_listed(parts)}."


def set_sentence(report: Report) -> str:
    """What was decided about the set as a whole."""
    return {
        Decision.PUBLISH: "Nothing speaks against the set as a whole.",
        Decision.EDIT: "The set as a whole needs changes.",
        Decision.HOLD: "The set as a whole is on hold.",
        Decision.REJECT: "The set as a whole is rejected.",
    }[report.set_verdict.decision]


def overridden(images: Iterable[ImageRecord]) -> int:
    """Pictures on which people decided otherwise than the checks."""
    return sum(record.verdict.machine != record.verdict.final for record in images)
