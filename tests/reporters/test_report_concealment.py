"""report.html shows flagged pictures blurred, and what may be abuse material not at all."""

from __future__ import annotations

import dataclasses
import io

from made import made

from imgaudit.record import FinishedRun
from imgaudit.reporters._thumbnails import WITHHELD
from imgaudit.reporters.html import HtmlReporter
from imgaudit.types import Finding, ImageRecord


def with_codes(record: ImageRecord, *codes: str) -> ImageRecord:
    finding = Finding(checker="safety", version="1", outcome="measured", codes=codes, measures={"flagged": 1.0})
    return record.model_copy(update={"findings": (*record.findings, finding)})


def page(run: FinishedRun) -> str:
    stream = io.BytesIO()
    HtmlReporter().write(run, stream)
    return stream.getvalue().decode()


def test_the_page_holds_no_clear_copy_of_a_flagged_picture_and_none_of_a_suspected_one() -> None:
    run = made()
    shown = [image for image in run.images if run.picture(image) is not None]
    flagged, suspected = shown[0], shown[1]
    opened: list[str] = []

    def picture(record: ImageRecord) -> bytes | None:
        opened.append(record.id)
        return run.picture(record)

    changed = {
        flagged.id: with_codes(flagged, "safety.explicit"),
        suspected.id: with_codes(suspected, "safety.explicit", "safety.suspected_abuse"),
    }
    images = tuple(changed.get(image.id, image) for image in run.images)

    text = page(dataclasses.replace(run, images=images, picture=picture))

    assert suspected.id not in opened
    assert WITHHELD in text
    assert "1 of 24 pictures are blurred" in text
    assert "1 of 24 pictures are not shown" in text
    # the enlarged copies are what a clear picture would be: two fewer than before
    assert page(run).count('id="large-') - text.count('id="large-') == 2


def test_a_page_without_flagged_pictures_is_as_it_was() -> None:
    text = page(made())

    assert "pictures are blurred" not in text
    assert WITHHELD not in text
