"""Questions about a picture that yes answers right, and scores from how sure the answers are.

Formulas, with the names they were published under:

- VQAScore (Lin and others 2024): P(yes) to one question that holds the whole prompt.
- Soft-TIFA (GenEval 2, 2025): P(yes) to a question a clause; AM is the arithmetic mean over the clauses, GM the
  geometric one, which a single missing clause pulls down.
- DSG (Cho and others 2024): answers are yes or no; one whose parent was answered no counts as no, whatever it says
  itself (is the dog red, when there is no dog?). As published, only direct parents count, by what they said themselves,
  and the score is the mean over all clauses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imgaudit.types import Clause

LEAST = 1e-6
"""What a probability counts as at least in a geometric mean. No model is ever sure without any doubt, and answers are
kept with six decimals: one that was rounded to zero would else wipe out all the others."""
YES = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and whether it is no that answers it right: models pass over negations, so those are turned."""

    text: str
    turned: bool = False

    def score(self, yes: float) -> float:
        """The probability that the clause holds, from P(yes)."""
        return round(1.0 - yes, 6) if self.turned else yes


def whole(prompt: str) -> str:
    """VQAScore's question.

    >>> whole("a red dog")
    'Does this figure show "a red dog"? Please answer yes or no.'
    """
    return f'Does this figure show "{prompt.strip()}"? Please answer yes or no.'


def asked(clause: Clause) -> Asked:
    """The question of a clause: its own, or one made from its kind and its parts, or whether its words are true.

    >>> asked(Clause(id="c1", kind="colour", text="the dog is red", subject="dog", value="red")).text
    'Is the colour of the dog red?'
    >>> asked(Clause(id="c2", kind="negation", text="no cat", subject="cat"))
    Asked(text='Is there any cat in the picture?', turned=True)
    >>> asked(Clause(id="c3", kind="action", text="the dog runs")).text
    'Is this true of the picture: "the dog runs"?'
    """
    if clause.question:
        return Asked(clause.question)
    made = _made(clause.kind, clause.subject, clause.value, clause.to)
    return made if made is not None else Asked(f'Is this true of the picture: "{clause.text}"?')


def _made(kind: str, subject: str | None, value: str | None, to: str | None) -> Asked | None:
    """A question from a clause's parts; None where the parts do not make one."""
    if kind == "text" and value:
        return Asked(f'Is the text "{value}" written in the picture?')
    if kind == "style" and value:
        return Asked(f'Is the style of the picture "{value}"?')
    if not subject:
        return None
    if kind in ("object", "negation"):
        return Asked(f"Is there any {subject} in the picture?", turned=kind == "negation")
    if kind == "relation":
        return Asked(f"Is the {subject} {value} the {to}?") if value and to else None
    begins = {"count": "Is the number of {} exactly {}?", "colour": "Is the colour of the {} {}?"}
    return Asked(begins[kind].format(subject, value)) if value and kind in begins else None


# --- scores -------------------------------------------------------------------------------------


def arithmetic(scores: Sequence[float]) -> float:
    """Soft-TIFA AM: the mean share of the prompt that shows.

    >>> arithmetic([1.0, 0.5])
    0.75
    """
    return math.fsum(scores) / len(scores)


def geometric(scores: Sequence[float]) -> float:
    """Soft-TIFA GM: near 1 only where every clause shows.

    >>> round(geometric([0.9, 0.4]), 6)
    0.6
    """
    return math.exp(math.fsum(math.log(max(score, LEAST)) for score in scores) / len(scores))


def dependent(scores: Mapping[str, float], after: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """DSG's answers, 1 for yes and 0 for no, once those whose parent was answered no are taken as no.

    Args:
        scores: clause id -> probability that it holds; it counts as yes from 0.5 on.
        after: clause id -> ids of its parents; a parent that was not asked is passed over.

    >>> dependent({"dog": 0.2, "red": 0.9, "hat": 0.8}, {"red": ["dog"]})
    {'dog': 0.0, 'red': 0.0, 'hat': 1.0}
    """
    said = {name: float(score >= YES) for name, score in scores.items()}
    orphans = {name for name, parents in after.items() if any(said.get(parent) == 0 for parent in parents)}
    return {name: 0.0 if name in orphans else answer for name, answer in said.items()}
