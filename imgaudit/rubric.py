"""The rubric: which findings mean edit or reject, and what must be known before publishing.

A rubric is a YAML file that names every dimension of the framework. `judge` turns the findings of one picture into
a verdict, and `judge_set` the findings over a set into the run's own. Both are pure and know no picture.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field, field_validator, model_validator

from imgaudit.calibration.fitted import PREFIX, Calibration, load_calibration, with_calibrated
from imgaudit.digest import digest
from imgaudit.dimensions import BY_ID, DIMENSIONS
from imgaudit.errors import ConfigError, UsageError
from imgaudit.personal import attributes
from imgaudit.record import RubricInfo, RunVerdict
from imgaudit.registry import checkers
from imgaudit.types import Decision, Edit, Finding, GroupFinding, Reason, Region, Ruling, Stored, Verdict
from imgaudit.yamlfile import Document, read_yaml, validated

FIRM = "safety.suspected-abuse"
SEVERITY = {Decision.PUBLISH: 0, Decision.EDIT: 1, Decision.HOLD: 2, Decision.REJECT: 3}

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_TERM = re.compile(r"^(?P<name>[a-z][\w-]*\.[\w.-]+)\s*(?P<op>>=|<=|==|!=|>|<)\s*(?P<value>[^\s].*)$")
_CODE = re.compile(r"^code\s+(?P<name>[a-z][\w-]*\.[\w.-]+)$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison: `hands.defect >= 0.5`, `provenance.c2pa_state == invalid` or `code hands.extra_finger`.

    `calibrated.hands.defect >= 0.5` compares what a calibration of the rubric makes of the measure.
    """

    kind: Literal["measure", "calibrated", "label", "code"]
    checker: str
    name: str
    op: str = "=="
    value: str = ""

    @property
    def seen_as(self) -> str:
        """The name under which its value stands among the measures that conditions see."""
        return f"{PREFIX}{self.name}" if self.kind == "calibrated" else self.name

    def holds(self, finding: Finding | GroupFinding) -> bool:
        """Whether a measured finding satisfies this; a measure it lacks satisfies nothing."""
        if self.kind == "code":
            return f"{self.checker}.{self.name}" in finding.codes
        if self.kind == "label":
            return self.name in finding.labels and (finding.labels[self.name] == self.value) == (self.op == "==")
        got = finding.measures.get(self.seen_as)
        return got is not None and _COMPARE[self.op](got, float(self.value))


def parse_condition(text: str) -> tuple[Term, ...]:
    """The terms of a condition; `and` joins them.

    >>> [t.name for t in parse_condition("hands.defect >= 0.5 and hands.count >= 1")]
    ['defect', 'count']
    """
    return tuple(_term(part.strip()) for part in text.split(" and "))


def _term(text: str) -> Term:
    if match := _CODE.match(text):
        checker, name = match["name"].split(".", 1)
        return Term("code", checker, name)
    if match := _TERM.match(text):
        checker, name = match["name"].split(".", 1)
        value = match["value"].strip()
        if f"{checker}." == PREFIX:
            if "." in name and _NUMBER.match(value):
                checker, name = name.split(".", 1)
                return Term("calibrated", checker, name, match["op"], value)
        elif _NUMBER.match(value):
            return Term("measure", checker, name, match["op"], value)
        elif match["op"] in ("==", "!="):
            return Term("label", checker, name, match["op"], value)
    raise ValueError(
        f"cannot read the condition {text!r}; expected e.g. 'hands.defect >= 0.5', "
        "'provenance.c2pa_state == invalid' or 'code text.missing', joined by 'and'"
    )


class Fix(Stored):
    """What an edit verdict asks for. `{label}` stands for the region's label."""

    method: Literal["inpaint", "crop", "retypeset", "regenerate", "adjust"]
    instruction: str


class Rule(Stored):
    """When a condition over one checker's findings holds, then a decision; `because` defends the threshold."""

    id: str = Field(pattern=r"^[a-z][a-z0-9._-]*$")
    when: str
    then: Literal["note", "edit", "hold", "reject"]
    because: str = Field(min_length=10)
    message: str = ""
    fix: Fix | None = None

    @field_validator("when")
    @classmethod
    def _readable(cls, text: str) -> str:
        terms = parse_condition(text)
        if len({term.checker for term in terms}) != 1:
            raise ValueError(f"the condition {text!r} speaks of several checkers; a rule is about one")
        return text

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The parsed condition."""
        return parse_condition(self.when)

    @property
    def checker(self) -> str:
        """The checker that the condition is about."""
        return self.terms[0].checker


class Attestation(Stored):
    """How narrow an answer must be, how long it holds, and what a no means."""

    scope: Literal["picture", "run", "generator"]
    valid_days: int = Field(default=365, ge=1, le=36_500)
    on_no: Literal["hold", "reject"] = Field(default="reject", description="what the answer no makes of the picture")


class DimensionRule(Stored):
    """How a rubric treats one dimension of the framework."""

    required: bool = False
    on_abstain: Literal["hold", "note"] = "note"
    needs: tuple[str, ...] = Field(default=(), description="measures that must be told wherever they apply")
    attestation: Attestation | None = None
    rules: tuple[Rule, ...] = ()
    because: str = ""


class Primary(Stored):
    """A measure that decides whether a candidate is worse than its baseline. Both limits are in the measure's unit."""

    measure: str
    margin: float = Field(gt=0, description="the mean loss over prompts that is accepted; a pass excludes more")
    least: float = Field(ge=0, description="the smallest observed loss that is worth an alarm")
    because: str = Field(min_length=10)

    @model_validator(mode="after")
    def _in_order(self) -> Primary:
        if self.least > self.margin:
            raise ValueError(f"least is {self.least:g}, above the margin of {self.margin:g} that is accepted anyway")
        return self


class Accepted(Stored):
    """How much worse a share may get."""

    margin: float = Field(ge=0, le=1)
    because: str = Field(min_length=10)


class Regression(Stored):
    """How `imgaudit compare` decides whether a candidate is worse than its baseline."""

    primaries: tuple[Primary, ...] = Field(min_length=1, description="measures that decide")
    secondaries: tuple[str, ...] = Field(default=(), description="measures that are reported and decide nothing")
    strata: Literal["first-tag", "none"] = Field(
        default="first-tag", description="primaries are tested on all cases, and on those of each first tag"
    )
    min_prompts: int = Field(default=6, ge=6, description="a stratum with fewer is reported and decides nothing")
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="risk of any false alarm over the whole family")
    multiplicity: Literal["max-t", "holm"] = "max-t"
    zero_tolerance: tuple[str, ...] = Field(default=(), description="rules that may fire on no picture of a candidate")
    abstentions: Accepted = Field(description="how much less often a primary may be told")
    verdicts: Accepted = Field(description="share of pictures whose verdict may get worse, net; informs")
    because: str = Field(min_length=10)


class Review(Stored):
    """What a decision of people needs before it counts."""

    because: str = Field(min_length=10)
    two_people: tuple[Literal["publish", "edit", "reject"], ...] = Field(
        default=(), description="verdicts that count only when two different people decide them"
    )
    firm: tuple[str, ...] = Field(
        default=(), description=f"rules that nobody may overrule, beside {FIRM}, which nobody ever may"
    )


class People(Stored):
    """What may be measured of people. Nothing is, unless it is named here."""

    attributes: tuple[str, ...] = Field(
        default=(), description="skin_tone, gender_expression, age_band, likeness: what is opted in to, each by itself"
    )
    faces: Literal["allow", "forbid"] = Field(
        default="allow", description="forbid: whatever measures attributes of faces abstains, whoever asks"
    )
    notice: str = Field(default="", description="what readers are told beside the notice on biometric law")
    because: str = Field(min_length=10, description="why it may be measured, or why it may not")

    @model_validator(mode="after")
    def _of_one_mind(self) -> People:
        if self.faces == "forbid" and self.attributes:
            raise ValueError("faces are forbidden and attributes opted in to; keep one of both")
        return self


class Rubric(Stored):
    """A whole rubric. Every dimension of the framework stands in it."""

    format: Literal["imgaudit-rubric/1"]
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str
    title: str
    about: str
    dimensions: dict[str, DimensionRule]
    set: tuple[Rule, ...] = Field(default=(), description="rules over group findings; they judge the run")
    regression: Regression | None = Field(default=None, description="how two runs are compared; null: they are not")
    review: Review | None = Field(
        default=None, exclude_if=lambda review: review is None,
        description="what people's decisions need; absent: the last decision of anyone counts",
    )  # fmt: skip
    people: People | None = Field(
        default=None, exclude_if=lambda people: people is None,
        description="what may be measured of the people in pictures; absent: nothing",
    )  # fmt: skip
    calibrations: tuple[Calibration, ...] = Field(
        default=(), exclude_if=lambda named: not named,
        description="what `calibrated.` conditions stand on; in the file: paths of calibration files beside it",
    )  # fmt: skip

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the content; a rubric without a section has the digest it had before that section existed."""
        return digest(self.model_dump(mode="json"))

    @property
    def two_people(self) -> frozenset[Decision]:
        """Verdicts that one person alone cannot give."""
        return frozenset(map(Decision, self.review.two_people)) if self.review is not None else frozenset()

    @property
    def firm(self) -> frozenset[str]:
        """Rules that nobody may overrule."""
        return frozenset({FIRM, *(self.review.firm if self.review is not None else ())})

    @property
    def opted_in(self) -> frozenset[str]:
        """What may be measured of people."""
        return frozenset(self.people.attributes) if self.people is not None else frozenset()

    @property
    def forbids_faces(self) -> bool:
        """Whether nothing may be measured of faces' attributes."""
        return self.people is not None and self.people.faces == "forbid"

    def rules(self) -> dict[str, Rule]:
        """All rules about single pictures, by id."""
        return {rule.id: rule for entry in self.dimensions.values() for rule in entry.rules}

    def read(self, findings: Sequence[Finding]) -> dict[str, Finding]:
        """Findings by checker, as conditions see them: with the values that this rubric's calibrations give."""
        return {finding.checker: with_calibrated(finding, self.calibrations) for finding in findings}

    def info(self) -> RubricInfo:
        """What a report says of this rubric."""
        return RubricInfo(name=self.name, version=self.version, digest=self.digest, title=self.title)


# --- reading ------------------------------------------------------------------------------------


def packaged_rubrics() -> list[str]:
    """Names of the rubrics that come with the package."""
    return sorted(path.stem for path in _packaged_folder().glob("*.yaml"))


def _packaged_folder() -> Path:
    beside = Path(__file__).resolve().parent.parent / "rubrics"
    inside = Path(str(resources.files("imgaudit"))) / "packaged_rubrics"
    return inside if inside.is_dir() else beside


def load_rubric(name: str) -> Rubric:
    """A packaged rubric by name, or one from a YAML file. Raises ConfigError with file and line."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        path = Path(name)
    elif name in packaged_rubrics():
        path = _packaged_folder() / f"{name}.yaml"
    else:
        raise UsageError(
            f"unknown rubric {name!r}; there are: {', '.join(packaged_rubrics())}, or give the path of a .yaml file"
        )
    document = read_yaml(path)
    _read_calibrations(document, path.parent)
    rubric = validated(document, Rubric, _known_keys)
    _check_dimensions(document, rubric)
    _check_names(document, rubric)
    _check_regression(document, rubric)
    _check_review(document, rubric)
    _check_calibrations(document, rubric)
    _check_people(document, rubric)
    return rubric


def _read_calibrations(document: Document, folder: Path) -> None:
    """Put the content of calibration files in the place of their paths, so that a rubric's digest covers them."""
    named = document.value.get("calibrations") if isinstance(document.value, dict) else None
    if named is None:
        return
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise document.error(("calibrations",), "calibrations: expected a list of paths of calibration files")
    read = []
    for index, name in enumerate(named):
        try:
            read.append(load_calibration(folder / name))
        except ConfigError as error:
            raise document.error(("calibrations", index), str(error)) from None
    document.value["calibrations"] = [one.model_dump() for one in read]


def _known_keys(place: tuple[str | int, ...]) -> Iterable[str]:
    if not place:
        return Rubric.model_fields
    if place[0] == "regression":
        if len(place) == 1:
            return Regression.model_fields
        return Primary.model_fields if place[1] == "primaries" else Accepted.model_fields
    if place[0] == "review":
        return Review.model_fields
    if place[0] == "people":
        return People.model_fields
    if "rules" in place or place[0] == "set":
        return Fix.model_fields if place[-1] == "fix" else Rule.model_fields
    return Attestation.model_fields if place[-1] == "attestation" else DimensionRule.model_fields


def _check_dimensions(document: Document, rubric: Rubric) -> None:
    for name in rubric.dimensions:
        if name not in BY_ID:
            raise document.error(("dimensions", name), f"unknown dimension {name!r}; there are: {', '.join(BY_ID)}")
    missing = [d.id for d in DIMENSIONS if d.id not in rubric.dimensions]
    if missing:
        raise document.error(("dimensions",), f"a rubric may drop no dimension; missing: {', '.join(missing)}")
    for name, entry in rubric.dimensions.items():
        how = BY_ID[name].how
        if (how == "attestation") != (entry.attestation is not None):
            wanted = "needs an 'attestation'" if how == "attestation" else "takes no 'attestation'"
            raise document.error(("dimensions", name), f"the dimension {name!r} is answered by a {how}: it {wanted}")
        if how == "limit" and entry.required:
            raise document.error(("dimensions", name), f"{name!r} cannot be checked yet, so it cannot be required")


def _check_names(document: Document, rubric: Rubric) -> None:
    for name, entry in rubric.dimensions.items():
        for index, rule in enumerate(entry.rules):
            _check_rule(document, ("dimensions", name, "rules", index, "when"), rule)
        for index, need in enumerate(entry.needs):
            checker, _, measure = need.partition(".")
            _check_term(document, ("dimensions", name, "needs", index), Term("measure", checker, measure))
    for index, rule in enumerate(rubric.set):
        _check_rule(document, ("set", index, "when"), rule)


def _check_regression(document: Document, rubric: Rubric) -> None:
    if rubric.regression is None:
        return
    names = [primary.measure for primary in rubric.regression.primaries]
    places: list[tuple[str | int, ...]] = [("regression", "primaries", i, "measure") for i in range(len(names))]
    names += rubric.regression.secondaries
    places += [("regression", "secondaries", i) for i in range(len(rubric.regression.secondaries))]
    for index, (name, place) in enumerate(zip(names, places, strict=True)):
        checker, _, measure = name.partition(".")
        _check_term(document, place, Term("measure", checker, measure))
        facts = checkers.get(checker)
        if hasattr(facts, "aggregate"):
            raise document.error(place, f"{name} is measured over the set; only measures of a picture can be paired")
        if next(m for m in facts.measures if m.name == measure).better == "none":
            raise document.error(place, f"more {name} is neither better nor worse, so it cannot get worse")
        if name in names[:index]:
            raise document.error(place, f"{name} stands twice; keep one")
    for index, rule in enumerate(rubric.regression.zero_tolerance):
        if rule not in rubric.rules():
            known = ", ".join(rubric.rules())
            raise document.error(("regression", "zero_tolerance", index), f"unknown rule {rule!r}; there are: {known}")


def _check_review(document: Document, rubric: Rubric) -> None:
    rules = rubric.rules()
    for index, name in enumerate(rubric.review.firm if rubric.review is not None else ()):
        place: tuple[str | int, ...] = ("review", "firm", index)
        if name not in rules:
            raise document.error(place, f"unknown rule {name!r}; there are: {', '.join(rules)}")
        if rules[name].then == "note":
            raise document.error(place, f"{name} is a note, which decides nothing; there is nothing to overrule")


def _check_calibrations(document: Document, rubric: Rubric) -> None:
    known: set[str] = set()
    for index, one in enumerate(rubric.calibrations):
        place: tuple[str | int, ...] = ("calibrations", index)
        _check_term(document, place, Term("measure", one.checker, one.name))
        facts = checkers.get(one.checker)
        if hasattr(facts, "aggregate"):
            raise document.error(place, f"{one.measure} is measured over the set; calibrate a measure of a picture")
        if one.measure in known:
            raise document.error(place, f"two calibrations are about {one.measure}; keep one")
        if one.checker_version != facts.version:
            told = one.checker_version or "unknown"
            raise document.error(
                place,
                f"the calibration of {one.measure} was fitted to version {told} of the checker, which is "
                f"{facts.version} now. Calibrate again with a run of this version",
            )
        known.add(one.measure)
    for name, entry in rubric.dimensions.items():
        for index, rule in enumerate(entry.rules):
            _check_calibrated(document, ("dimensions", name, "rules", index, "when"), rule, known)
    for index, rule in enumerate(rubric.set):
        _check_calibrated(document, ("set", index, "when"), rule, set())


def _check_calibrated(document: Document, place: tuple[str | int, ...], rule: Rule, known: set[str]) -> None:
    for term in rule.terms:
        name = f"{term.checker}.{term.name}"
        if term.kind == "calibrated" and name not in known:
            has = ", ".join(sorted(known)) or "none"
            raise document.error(
                place, f"no calibration of {name}; there are: {has}. Name its file in the list 'calibrations'"
            )


def _check_people(document: Document, rubric: Rubric) -> None:
    known = attributes()
    for index, name in enumerate(rubric.people.attributes if rubric.people is not None else ()):
        if name not in known:
            place: tuple[str | int, ...] = ("people", "attributes", index)
            raise document.error(place, f"unknown attribute of people {name!r}; there are: {', '.join(known)}")


def _check_rule(document: Document, place: tuple[str | int, ...], rule: Rule) -> None:
    for term in rule.terms:
        _check_term(document, place, term)


def _check_term(document: Document, place: tuple[str | int, ...], term: Term) -> None:
    if term.checker not in checkers.names():
        raise document.error(place, f"unknown checker {term.checker!r}; there are: {', '.join(checkers.names())}")
    facts = checkers.get(term.checker)
    known = {
        "measure": [measure.name for measure in facts.measures],
        "calibrated": [measure.name for measure in facts.measures],
        "label": list(facts.labels),
        "code": [code.partition(".")[2] for code in facts.codes],
    }[term.kind]
    if term.name not in known:
        raise document.error(
            place,
            f"unknown {term.kind} '{term.checker}.{term.name}'. "
            f"The checker {term.checker!r} has: {', '.join(known) or 'none'}",
        )


# --- judging ------------------------------------------------------------------------------------


def judge(
    findings: Sequence[Finding],
    rubric: Rubric,
    attested: frozenset[str] = frozenset(),
    declined: Mapping[str, str] = MappingProxyType({}),
    ruling: Ruling | None = None,
) -> Verdict:
    """The verdict on one picture, from its findings as they are stored (after rounding).

    `attested` names the dimensions that a person has cleared, `declined` those that a person answered with no, each
    with a sentence. The machine verdict rests on checks alone; the final one also holds for a required attestation
    that nobody gave, and holds or rejects for every no, required or not, as the rubric says (`on_no`).

    A ruling takes the place of the machine verdict in the final one, but for the rules that the rubric calls firm.
    """
    by_checker = rubric.read(findings)
    tally = _Tally()
    asked = _Tally()
    load = by_checker.get("load")
    unreadable = load is not None and load.outcome == "failed"
    if load is not None and unreadable:
        tally.holds.append(
            Reason(code="load.failed", rule="load", message=f"The file cannot be read: {load.error}")
        )
    for name, entry in rubric.dimensions.items():
        for rule in entry.rules:
            _apply(rule, by_checker.get(rule.checker), tally)
        if entry.attestation is not None:
            _ask_person(name, entry, attested, declined.get(name), asked)
        elif BY_ID[name].how == "checker" and not unreadable:
            _require(name, entry, by_checker, tally)
    machine = _decide([decision for decision, _ in tally.reasons], bool(tally.holds))
    people = _decide([decision for decision, _ in asked.reasons], bool(asked.holds))
    ruled = machine if ruling is None else _ruled(ruling, tally, rubric.firm, asked)
    return Verdict(
        machine=machine,
        final=max(ruled, people, key=SEVERITY.__getitem__),
        reasons=tuple(reason for _, reason in (*tally.reasons, *asked.reasons)),
        holds=(*tally.holds, *asked.holds),
        notes=(*tally.notes, *asked.notes),
        edits=tuple(tally.edits),
        human=ruling,
    )


def _ruled(ruling: Ruling, tally: _Tally, firm: frozenset[str], asked: _Tally) -> Decision:
    """What stands in place of the machine verdict once people decided; what limits it is said in `asked`."""
    fired = [(decision, reason) for decision, reason in tally.reasons if reason.rule in firm]
    fired += [(Decision.HOLD, reason) for reason in tally.holds if reason.rule in firm]
    decided = max([ruling.decision, *(decision for decision, _ in fired)], key=SEVERITY.__getitem__)
    if ruling.waiting:
        asked.holds.append(Reason(code="review.waiting", rule="review-two-people", message=_waiting(ruling)))
    if decided != ruling.decision:
        rules = ", ".join(sorted({reason.rule for _, reason in fired}))
        text = f"{_who_said(ruling)}, but nobody may overrule {rules}."
        asked.notes.append(Reason(code="review.firm", rule="review-firm", message=text))
    return decided


def _waiting(ruling: Ruling) -> str:
    if len(set(ruling.said)) > 1:
        return f"The reviewers disagree: {_who_said(ruling)}. They must come to one decision."
    return f"{_who_said(ruling)}; the rubric asks for a second person to decide the same."


def _who_said(ruling: Ruling) -> str:
    people = zip(ruling.by, ruling.role, ruling.said, strict=True)
    return ", ".join(f"{by} ({role}) decided {said}" for by, role, said in people)


def _decide(decisions: Sequence[Decision], held: bool) -> Decision:
    everything = [Decision.PUBLISH, *decisions, *([Decision.HOLD] if held else [])]
    return max(everything, key=SEVERITY.__getitem__)


@dataclass
class _Tally:
    """What the rules of one picture have said so far."""

    reasons: list[tuple[Decision, Reason]] = field(default_factory=list)
    holds: list[Reason] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


def _apply(rule: Rule, finding: Finding | None, tally: _Tally) -> None:
    if finding is None or finding.outcome != "measured":
        return
    untold = [term for term in rule.terms if term.kind == "calibrated" and term.seen_as in finding.unmeasured]
    if untold and all(term.holds(finding) for term in rule.terms if term not in untold):
        why = finding.unmeasured[untold[0].seen_as]
        reason = Reason(code=_code(rule, finding), rule=rule.id, message=f"The rule cannot be judged: {why}")
        (tally.notes if rule.then == "note" else tally.holds).append(reason)
    elif all(term.holds(finding) for term in rule.terms):
        _fire(rule, finding, tally)


def _fire(rule: Rule, finding: Finding, tally: _Tally) -> None:
    reason = Reason(code=_code(rule, finding), rule=rule.id, message=rule.message or finding.message or rule.when)
    if rule.then == "note":
        tally.notes.append(reason)
    elif rule.then == "hold":
        tally.holds.append(reason)
    else:
        tally.reasons.append((Decision(rule.then), reason))
        if rule.then == "edit" and rule.fix is not None:
            tally.edits.extend(_edits(rule.fix, finding.regions))


def _code(rule: Rule, finding: Finding | GroupFinding) -> str:
    """The finding's own code where the rule names one, else the rule's name under its checker."""
    named = [f"{term.checker}.{term.name}" for term in rule.terms if term.kind == "code"]
    own = rule.id if rule.id.startswith(f"{finding.checker}.") else f"{finding.checker}.{rule.id}"
    return named[0] if named else own


def _edits(fix: Fix, regions: Sequence[Region]) -> list[Edit]:
    if not regions:
        return [Edit(region=None, instruction=fix.instruction.replace("{label}", "it"), method=fix.method)]
    return [
        Edit(region=region, instruction=fix.instruction.replace("{label}", region.label), method=fix.method)
        for region in regions
    ]


def _ask_person(
    name: str, entry: DimensionRule, attested: frozenset[str], declined: str | None, asked: _Tally
) -> None:
    code, rule = f"attestation.{name}", f"attest-{name}"
    if declined is not None:
        reason = Reason(code=code, rule=rule, message=declined)
        if entry.attestation is not None and entry.attestation.on_no == "hold":
            asked.holds.append(reason)
        else:
            asked.reasons.append((Decision.REJECT, reason))
    elif entry.required and name not in attested:
        asked.holds.append(Reason(code=code, rule=rule, message=f"Nobody answered: {BY_ID[name].question}"))


def _require(name: str, entry: DimensionRule, by_checker: dict[str, Finding], tally: _Tally) -> None:
    why = _untold(name, entry, by_checker)
    if why is None:
        return
    reason = Reason(code=f"unknown.{name}", rule=f"know-{name}", message=f"{BY_ID[name].title}: {why}")
    if entry.required and entry.on_abstain == "hold":
        tally.holds.append(reason)
    else:
        tally.notes.append(reason)


def _untold(name: str, entry: DimensionRule, by_checker: dict[str, Finding]) -> str | None:
    """Why a dimension could not be told from these findings, or None when it was."""
    named = {need.partition(".")[0] for need in entry.needs}
    for checker in BY_ID[name].checkers:
        if getattr(checkers.get(checker), "aggregate", None) is not None:
            continue  # a set's finding never holds one picture
        finding = by_checker.get(checker)
        if finding is None:
            return f"the check {checker!r} did not run"
        if finding.outcome == "failed":
            return f"the check {checker!r} failed: {finding.error}"
        if finding.outcome == "abstained":
            return f"could not tell: {finding.reason}"
        if checker in named or not named:
            untold = _unmeasured(entry, checker, finding)
            if untold:
                return untold
    return None


def _unmeasured(entry: DimensionRule, checker: str, finding: Finding) -> str | None:
    for need in entry.needs:
        owner, _, measure = need.partition(".")
        if owner == checker and measure in finding.unmeasured:
            return f"could not tell {need}: {finding.unmeasured[measure]}"
    return None


def judge_set(groups: Sequence[GroupFinding], rubric: Rubric) -> RunVerdict:
    """The verdict on the set; it never changes the verdict on a picture."""
    reasons: list[tuple[Decision, Reason]] = []
    notes: list[Reason] = []
    for rule in rubric.set:
        for group in groups:
            if group.checker != rule.checker or group.outcome != "measured":
                continue
            if not all(term.holds(group) for term in rule.terms):
                continue
            text = f"{group.group}: {rule.message or group.message or rule.when}"
            reason = Reason(code=_code(rule, group), rule=rule.id, message=text)
            if rule.then == "note":
                notes.append(reason)
            else:
                reasons.append((Decision(rule.then), reason))
    return RunVerdict(
        decision=_decide([decision for decision, _ in reasons], held=False),
        reasons=tuple(reason for _, reason in reasons),
        notes=tuple(notes),
    )


def exit_code(decisions: Iterable[Decision]) -> int:
    """Exit code of a run: 1 a reject, else 4 a hold, else 3 an edit, else 0."""
    worst = max(decisions, key=SEVERITY.__getitem__, default=Decision.PUBLISH)
    return {Decision.PUBLISH: 0, Decision.EDIT: 3, Decision.HOLD: 4, Decision.REJECT: 1}[worst]
