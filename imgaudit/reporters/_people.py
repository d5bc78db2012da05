"""What people decided, in words: who, in which role, why and when, and how far they and the checks agree."""

from __future__ import annotations

from collections.abc import Iterator

from imgaudit.record import AgreementLine, ReviewSummary, Share
from imgaudit.reporters._shared import counted, number
from imgaudit.types import Ruling

PRESUMED = (
    "Whoever decided about a picture and did not dispute a check is presumed to agree with it: “presumed” columns rest "
    "on silence, false and missed ones on what a person said. Unclear is an alarm in spite of which people published "
    "and which nobody called false, and whatever people contradict each other about. All figures are about the "
    "pictures that people decided about, of which the review shows the doubtful ones first; they are no rates of the "
    "whole run."
)


def who(ruling: Ruling) -> str:
    """Everyone who decided, with role, and with what they decided where that is not what counts.

    >>> from imgaudit.types import Decision
    >>> who(Ruling(decision=Decision.EDIT, by=("Ann",), role=("editor",), said=(Decision.EDIT,), reason="seen",
    ...            given="2026-11-24", seq=0))
    'Ann (editor)'
    """
    people = zip(ruling.by, ruling.role, ruling.said, strict=True)
    return ", ".join(f"{by} ({role})" + (f": {said}" if said != ruling.decision else "") for by, role, said in people)


def people_say(ruling: Ruling) -> str:
    """The decision of people in a word, or that it is not settled yet."""
    if not ruling.waiting:
        return str(ruling.decision)
    return "disagree" if len(set(ruling.said)) > 1 else f"{ruling.said[0]}, waiting"


def ruled(ruling: Ruling) -> str:
    """The whole decision in one line."""
    return f"people: {people_say(ruling)}; {who(ruling)}; {ruling.reason}; {ruling.given}"


def review_sentences(review: ReviewSummary) -> Iterator[str]:
    """What people did, in sentences."""
    waiting = f"; {counted(review.waiting, 'more waits', 'more wait')} for another person" if review.waiting else ""
    yield f"People decided about {counted(review.decided, 'picture')}{waiting}."
    told = review.decided - review.settled
    if told:
        yield f"They overruled the checks on {review.overruled:,} of the {told:,} that the checks had decided."
    if review.settled:
        yield f"They settled {counted(review.settled, 'picture')} that the checks held."
    if review.outweighed:
        yield (
            f"On {counted(review.outweighed, 'picture')} a rule that nobody may overrule, or an answer that is "
            "missing or no, outweighs what they decided."
        )
    if review.undone:
        yield f"{counted(review.undone, 'decision was', 'decisions were')} taken back."


def agreement(line: AgreementLine) -> str:
    """An agreement with its interval and what it stands on, or why it could not be told."""
    if line.value is None:
        return f"could not be told: {line.reason}"
    if line.low is None or line.high is None:
        interval = "all agree, so no interval" if line.value == 1 else "no interval: too few or too alike"
    else:
        interval = f"95 % interval {number(line.low)} to {number(line.high)}"
    return f"{number(line.value)} ({interval}), on {line.counted:,} of {counted(line.of, 'picture')}"


def share(value: Share | None) -> str:
    """A share in percent with its interval, or that there was nothing to divide by."""
    if value is None:
        return "none to tell by"
    return f"{100 * value.value:.0f} % ({100 * value.low:.0f} to {100 * value.high:.0f}), of {value.of:,}"
