"""Who scored a run, and whether two runs were scored alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field

from imgaudit.record import FinishedRun
from imgaudit.types import Stored


class Scorers(Stored):
    """Checkers, calibrations and perceivers of a run."""

    checkers: dict[str, str] = Field(description="checker -> version")
    calibrations: dict[str, str] = Field(description="checker -> digest of its fitted constants")
    perceivers: dict[str, tuple[str, ...]] = Field(description="perceiver -> digests of what it was when it looked")

    def differences(self, other: Scorers) -> tuple[str, ...]:
        """What differs, in words; empty where both scored alike.

        A perceiver that only one of the runs had reason to ask is no difference: nothing rests on it in the other.
        """
        shared = self.perceivers.keys() & other.perceivers.keys()
        return (
            *(f"checker {name}" for name in _other(self.checkers, other.checkers)),
            *(f"calibration of {name}" for name in _other(self.calibrations, other.calibrations)),
            *(f"perceiver {name}" for name in sorted(shared) if self.perceivers[name] != other.perceivers[name]),
        )


def _other(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    yield from (name for name in sorted({*before, *after}) if before.get(name) != after.get(name))


def scorers_of(run: FinishedRun) -> Scorers:
    """The scorers of a run, read from its findings."""
    seen: dict[str, set[str]] = {}
    for record in run.images:
        for finding in record.findings:
            for role, by in finding.by.items():
                seen.setdefault(role, set()).add(by)
    looked = {role: tuple(sorted(found)) for role, found in sorted(seen.items())}
    return Scorers(checkers=run.run.checkers, calibrations=run.run.calibrations, perceivers=looked)
