"""What people decided about a run's pictures, in numbers: how often they overruled the checks, and who was right.

Pictures are added one by one as they are judged; nothing of them is kept but counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from imgaudit.digest import rounded
from imgaudit.kernels.agreement import Agreed, cohen_kappa, krippendorff_alpha
from imgaudit.kernels.spread import wilson
from imgaudit.record import AgreementLine, CheckerReview, Reviewer, ReviewSummary, Share
from imgaudit.rubric import SEVERITY, Rubric
from imgaudit.store.decisions import Judged, person, picture_digest
from imgaudit.store.rulings import Rulings, opinions_of
from imgaudit.types import Abstained, Decision, ImageRecord, Ruling

DECIDED = (Decision.PUBLISH, Decision.EDIT, Decision.REJECT)
HELD = "the checks held every picture that people decided about"


class Tally:
    """Counts what people decided.

    Args:
        rulings: what they decided.
        rubric: who judged; a checker without a rule in it can raise no alarm and is left out unless it is disputed.
    """

    def __init__(self, rulings: Rulings, rubric: Rubric) -> None:
        self._rulings = rulings
        self._ruled = {rule.checker for rule in rubric.rules().values()}
        self._pairs: list[tuple[Decision, Decision]] = []
        self._ratings: list[list[str]] = []
        self._waiting = self._outweighed = self._undone = 0
        self._people: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._roles: dict[str, dict[str, None]] = {}
        self._checkers: dict[str, Counter[str]] = {}

    def add(self, image: ImageRecord) -> None:
        """Count one picture, with its whole verdict and findings."""
        subject = picture_digest(image.pixels, image.file)
        self._undone += self._rulings.undone(subject)
        standing, ruling = self._rulings.standing(subject), image.verdict.human
        if ruling is None:
            return
        self._ratings.append([str(entry.after) for entry in standing])
        for entry in standing:
            name = person(entry.by)
            self._people[name] += 1
            self._names[name] = entry.by
            self._roles.setdefault(name, {})[entry.role] = None
        self._decide(image, ruling)
        self._check(image, standing)

    def _decide(self, image: ImageRecord, ruling: Ruling) -> None:
        if ruling.waiting:
            self._waiting += 1
            return
        self._pairs.append((image.verdict.machine, ruling.decision))
        self._outweighed += SEVERITY[image.verdict.final] > SEVERITY[ruling.decision]

    def _check(self, image: ImageRecord, standing: Sequence[Judged]) -> None:
        told = {opinion.checker: opinion for opinion in opinions_of(standing, image)}
        disputed = {dispute.checker for entry in standing for dispute in entry.disputes}
        for finding in image.findings:
            name = finding.checker
            if name not in self._ruled | disputed:
                continue
            counts = self._checkers.setdefault(name, Counter())
            if finding.outcome != "measured":
                counts["untold"] += 1
            elif name not in told:
                counts["unclear"] += 1
            else:
                alarm, defect = told[name].alarm, told[name].defect
                right = "confirmed" if alarm else "quiet"
                counts[right if alarm == defect else "false_alarms" if alarm else "missed"] += 1

    def summary(self) -> ReviewSummary | None:
        """All counts so far, or None where nobody decided anything."""
        if not self._ratings and not self._undone:
            return None
        table = Counter(self._pairs)
        both = [(machine, human) for machine, human in self._pairs if machine != Decision.HOLD]
        return ReviewSummary(
            decided=len(self._pairs),
            waiting=self._waiting,
            overruled=sum(machine != human for machine, human in both),
            settled=len(self._pairs) - len(both),
            outweighed=self._outweighed,
            undone=self._undone,
            matrix={machine: {human: table[machine, human] for human in DECIDED} for machine in Decision},
            people=tuple(self._reviewer(name) for name in sorted(self._people)),
            kappa=self._kappa(both),
            alpha=_line(krippendorff_alpha(self._ratings), len(self._ratings)),
            checkers=tuple(_checker(name, counts) for name, counts in sorted(self._checkers.items())),
        )

    def _reviewer(self, name: str) -> Reviewer:
        return Reviewer(by=self._names[name], role=tuple(sorted(self._roles[name])), pictures=self._people[name])

    def _kappa(self, both: Sequence[tuple[Decision, Decision]]) -> AgreementLine:
        if self._pairs and not both:
            return _line(Abstained(HELD), len(self._pairs))
        return _line(cohen_kappa([str(one) for one, _ in both], [str(other) for _, other in both]), len(self._pairs))


def _line(told: Agreed | Abstained, of: int) -> AgreementLine:
    if isinstance(told, Abstained):
        return AgreementLine(outcome="abstained", counted=0, of=of, reason=told.reason)
    low, high = told.interval or (None, None)
    return AgreementLine(
        outcome="measured", value=rounded(told.value), counted=told.units, of=of,
        low=None if low is None else rounded(low), high=None if high is None else rounded(high),
    )  # fmt: skip


def _checker(name: str, counts: Counter[str]) -> CheckerReview:
    right, false, missed = counts["confirmed"], counts["false_alarms"], counts["missed"]
    return CheckerReview(
        checker=name, confirmed=right, false_alarms=false, missed=missed, quiet=counts["quiet"],
        unclear=counts["unclear"], untold=counts["untold"],
        precision=_share(right, right + false), recall=_share(right, right + missed),
    )  # fmt: skip


def _share(part: int, of: int) -> Share | None:
    if of == 0:
        return None
    low, high = wilson(part, of)
    return Share(value=rounded(part / of), low=rounded(low), high=rounded(high), of=of)
