"""Whether two runs may be compared at all: by the same scorers, asked the same questions.

The comparability fingerprint of a run digests its case ids and its scorers. New and deleted cases are no reason to
refuse, since they are told apart by name; other scorers are, because their numbers mean something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from imgaudit.errors import RunError
from imgaudit.record import FinishedRun, RunInfo
from imgaudit.types import JSON, Case

Seen = Mapping[str, Set[str]]
"""Perceiver -> digests of what it was when it looked."""


def refuse_other_scorers(base: FinishedRun, candidate: FinishedRun, seen: tuple[Seen, Seen]) -> None:
    """Raise RunError, naming what differs, unless both runs were scored alike.

    Args:
        base: the baseline.
        candidate: the candidate.
        seen: the perceivers that the findings of each rest on.
    """
    if base.report.fingerprint == candidate.report.fingerprint:
        return
    differences = [
        *_differences("checker", base.run.checkers, candidate.run.checkers),
        *_differences("calibration of", base.run.calibrations, candidate.run.calibrations),
        *_perceivers(base, candidate, seen),
    ]
    if differences:
        raise RunError(
            "the two runs were scored differently, so their numbers cannot be compared: "
            f"{'; '.join(differences)}. Score the stored pictures of both anew with --rescore"
        )


def _differences(kind: str, base: Mapping[str, str], candidate: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*base, *candidate}):
        before, after = base.get(name), candidate.get(name)
        if before is None or after is None:
            yield f"the {kind} {name} is in the {'candidate' if before is None else 'baseline'} only"
        elif before != after:
            yield f"the {kind} {name} was {before[:12]} and is {after[:12]}"


def _perceivers(base: FinishedRun, candidate: FinishedRun, seen: tuple[Seen, Seen]) -> Iterator[str]:
    """A perceiver that only one side had reason to ask is no difference."""
    before, after = seen
    for role in sorted(before.keys() & after.keys()):
        if before[role] != after[role]:
            changed = _changed(base.run.perceivers.get(role, {}), candidate.run.perceivers.get(role, {}))
            yield f"the perceiver {role} is another one{changed}"


def _changed(base: Mapping[str, str], candidate: Mapping[str, str]) -> str:
    facts = [
        f"{name}: {base.get(name, 'none')[:24]} and {candidate.get(name, 'none')[:24]}"
        for name in sorted({*base, *candidate})
        if base.get(name) != candidate.get(name)
    ]
    return f" ({', '.join(facts[:4])})" if facts else ""


def refuse_other_questions(
    base: Mapping[str, Case], candidate: Mapping[str, Case], prompts: tuple[Mapping[str, str], Mapping[str, str]]
) -> None:
    """Raise RunError where a case of one name asks for another picture on the other side.

    Args:
        base: what is known of the baseline's cases.
        candidate: the same of the candidate.
        prompts: case -> prompt, as the records of each side say.
    """
    before, after = prompts
    changed = [case for case in sorted(before.keys() & after.keys()) if before[case] != after[case]]
    said = "another prompt"
    known = sorted(base.keys() & candidate.keys())
    if not changed:
        changed = [case for case in known if _question(base[case]) != _question(candidate[case])]
        said = "other foils or expectations"
    if not changed:
        changed = [case for case in known if _given(base[case]) != _given(candidate[case])]
        said = "another picture to start from, or another place in it,"
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise RunError(
            f"the case {changed[0]!r}{more} has {said} in the candidate; cases are paired by name. "
            "Render both with one version of the suite, or give a changed case a new name"
        )


def refuse_other_inputs(base: RunInfo, candidate: RunInfo) -> None:
    """Raise RunError where the commands of both runs gave all cases something to start from, and not the same.

    The pictures of another run (`--from`) may differ: what drew them is then a part of what is compared.
    """
    before, after = _inputs(base), _inputs(candidate)
    changed = [name for name in sorted({*before} & {*after} - {"from"}) if before[name] != after[name]]
    if changed:
        raise RunError(
            f"the two runs were given another --{changed[0]} to start from; make both with the same one to compare them"
        )


def _inputs(run: RunInfo) -> dict[str, JSON]:
    told = run.request.get("inputs")
    return {**told} if isinstance(told, dict) else {}


def _given(case: Case) -> tuple[object, ...]:
    """What a case starts from, by content; nothing for words alone."""
    image = case.image.sha256 if case.image is not None else None
    mask = (case.mask.sha256, case.mask.box) if case.mask is not None else None
    return image, mask, case.extend


def _question(case: Case) -> tuple[object, ...]:
    """What the scores of a case depend on beside its picture."""
    return case.prompt, case.foils, case.expect, case.lang, case.skew, case.character
