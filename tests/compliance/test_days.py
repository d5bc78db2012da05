"""What the packaged packs say on the days before and after each of their dates."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from compliance.small_run import small_run

from imgaudit.compliance.schema import load_pack, packaged_packs
from imgaudit.comply import comply

DATES = {
    "eu-art50": {"EU-50-2": date(2026, 8, 2), "EU-50-4": date(2026, 8, 2), "EU-50-5": date(2026, 8, 2)},
    "eu-omnibus": {
        "EU-111-4": date(2026, 12, 2),
        "EU-5-NCII": date(2026, 12, 2),
        "EU-HR-ANNEX-III": date(2027, 12, 2),
        "EU-HR-ANNEX-I": date(2028, 8, 2),
    },
    "eu-code-of-practice": {"COP-INTEROP": date(2027, 2, 2)},
    "ca-sb942": {"CA-942-LATENT": date(2026, 8, 2), "CA-942-PLATFORM": date(2027, 1, 1)},
    "cn-gb45438": {"CN-IMPLICIT": date(2025, 9, 1)},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.mark.parametrize(
    ("pack", "control", "day"), [(pack, name, day) for pack, dates in DATES.items() for name, day in dates.items()]
)
def test_a_control_starts_on_its_day_and_not_before(run: Path, pack: str, control: str, day: date):
    def status(when: date) -> tuple[str, str]:
        report = comply(run, [load_pack(pack)], when, "any")
        (found,) = [one for one in report.controls if one.id == control]
        return found.status, found.why

    before, after = status(day - timedelta(days=1)), status(day)

    assert before == ("not applicable", f"It applies from {day.isoformat()}.")
    assert after[0] != "not applicable"


def test_no_unread_text_is_ever_not_satisfied(run: Path):
    for name in packaged_packs():
        report = comply(run, [load_pack(name)], date(2029, 1, 1), "any")

        assert {one.id for one in report.controls if one.status == "not satisfied" and not one.verified} == set()


def test_a_control_with_a_date_names_where_it_stands():
    for name in packaged_packs():
        for control in load_pack(name).controls:
            if control.applies_from is not None and name != "template":
                assert control.source.cite, control.id
                assert control.source.url or control.source.note, control.id
