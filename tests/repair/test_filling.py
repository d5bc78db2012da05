"""Methods that need no model: fill, crop, exposure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imgaudit.kernels import masks
from imgaudit.repair import filling
from imgaudit.repair.originals import Canvas, opaque, place_of
from imgaudit.repair.record import CannotRepair
from imgaudit.repair.tasks import Aim, aims_of
from imgaudit.rubric import Fix, Rule, load_rubric
from imgaudit.types import Box, Finding, Region
from tests.repair.conftest import lettering

RANDOM = np.random.default_rng(8)
TASK: Any = None  # these methods look at the picture and the aims alone


def aim(*boxes: Box, when: str = "hands.defect >= 0.5", rule: str = "a.rule", method: Any = "inpaint") -> Aim:
    fix = Fix(method=method, instruction="do it")
    made = Rule(id=rule, when=when, then="edit", because="a test needs it", fix=fix)
    found = Finding(checker=made.checker, version="1", outcome="measured")
    return Aim(made, found, tuple(Region(label="it", box=box) for box in boxes), method, "do it")


def canvas(height: int = 60, width: int = 100) -> Canvas:
    ground = np.full((height, width, 3), 200, np.uint8)
    return Canvas(opaque(ground), b"")


def blotted(box: tuple[int, int, int, int]) -> Canvas:
    made = canvas()
    made.rgba[box[1] : box[3], box[0] : box[2], :3] = RANDOM.integers(0, 255, (box[3] - box[1], box[2] - box[0], 3))
    return made


def test_a_blot_on_an_even_ground_is_filled_and_the_rest_kept_to_the_bit() -> None:
    made = blotted((40, 20, 55, 35))
    change = filling.fill(TASK, made, [aim((40, 20, 55, 35))], 0)

    assert change is not None
    assert change.mask is not None
    assert abs(change.rgba.astype(int) - canvas().rgba).max() <= 3
    assert (change.rgba[~change.mask] == made.rgba[~change.mask]).all()
    assert filling.fill(TASK, made, [aim((40, 20, 55, 35))], 1) is None


def test_a_hole_that_is_most_of_the_picture_is_not_filled() -> None:
    with pytest.raises(CannotRepair, match=r"of the picture; there is too little around it"):
        filling.fill(TASK, canvas(), [aim((0, 0, 80, 60))], 0)


@pytest.mark.parametrize("box", [(200.0, 0.0, 220.0, 9.0), (-30.0, -30.0, -5.0, -5.0), (5.0, 5.0, 5.0, 5.0)])
def test_a_place_outside_the_picture_or_without_a_pixel_is_refused(box: Box) -> None:
    with pytest.raises(CannotRepair, match="lies outside the picture"):
        place_of(canvas(), [aim(box)])


def test_a_finding_without_a_place_is_refused() -> None:
    with pytest.raises(CannotRepair, match="no check says where"):
        place_of(canvas(), [aim()])


def test_a_place_that_sticks_out_is_worked_on_as_far_as_it_lies_inside() -> None:
    place = place_of(canvas(), [aim((90, 50, 5000, 5000))])

    assert masks.bounds(place.core) == (90, 50, 100, 60)
    assert (masks.feathered(place.mask, place.feather)[place.core] == 1).all()


def test_a_crop_cuts_the_finding_off_where_it_keeps_most() -> None:
    change = filling.crop(TASK, canvas(), [aim((92, 10, 99, 50))], 0)

    assert change is not None
    assert change.rgba.shape == (60, 91, 4)
    assert change.settings == {"box": [0, 0, 91, 60], "kept": 0.91}


def test_findings_at_two_borders_are_cut_off_at_both() -> None:
    cuts = filling.cuts_of(place_of(canvas(), [aim((0, 5, 6, 20), (50, 55, 70, 60))]).core)

    assert cuts[0].box == (7, 0, 100, 54)
    assert all(cut.share >= filling.KEPT_SHARE for cut in cuts)


def test_every_crop_leaves_no_pixel_of_the_finding() -> None:
    for _ in range(100):
        core = np.zeros((60, 100), bool)
        for _ in range(int(RANDOM.integers(1, 7))):
            y, x = int(RANDOM.integers(0, 55)), int(RANDOM.integers(0, 95))
            core[y : y + int(RANDOM.integers(1, 9)), x : x + int(RANDOM.integers(1, 9))] = True

        for cut in filling.cuts_of(core):
            x0, y0, x1, y1 = cut.box
            assert not core[y0:y1, x0:x1].any()


def test_bars_are_cut_off_whatever_their_share_and_nothing_else_is() -> None:
    bars = aim((20, 0, 60, 60), when="code background.bars", rule="background.bars", method="crop")
    change = filling.crop(TASK, canvas(), [bars], 0)

    assert change is not None
    assert change.settings["box"] == [20, 0, 60, 60]
    assert filling.crop(TASK, canvas(), [bars], 1) is None
    both = filling.crop(TASK, canvas(), [bars, aim((20, 50, 60, 60))], 0)
    assert both is not None
    assert both.settings["box"] == [20, 0, 60, 49]


def test_what_lies_around_a_picture_is_not_painted_over() -> None:
    bars = aim((20, 0, 60, 60), when="code background.bars", rule="background.bars")

    with pytest.raises(CannotRepair, match="can only be cut off"):
        filling.fill(TASK, canvas(), [bars], 0)
    with pytest.raises(CannotRepair, match="next to nothing would be left"):
        filling.crop(TASK, canvas(), [aim((20, 0, 22, 60), when="code background.bars", rule="background.bars")], 0)


def test_a_finding_in_the_middle_is_not_cropped_away() -> None:
    with pytest.raises(CannotRepair, match="no cut at one border or two leaves 70%"):
        filling.crop(TASK, canvas(), [aim((45, 25, 55, 35))], 0)


def test_exposure_multiplies_the_light_of_dark_pixels_and_keeps_black_and_white() -> None:
    tones = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    lifted = filling.exposed(tones, 2.0)[0, :, 0].astype(int)

    assert lifted[0] == 0
    assert lifted[255] == 255
    assert (np.diff(lifted) >= 0).all()
    linear = (np.array([10, lifted[10]]) / 255 / 12.92) if lifted[10] <= 10 else None
    assert linear is None
    assert ((lifted[10] / 255 + 0.055) / 1.055) ** 2.4 == pytest.approx(4 * (10 / 255) / 12.92, rel=0.06)


DARK = aim(when="quality.dark >= 0.5", rule="quality.dark", method="adjust")


def test_a_dark_picture_gets_a_stop_more_a_try() -> None:
    stops = [filling.adjust(TASK, canvas(), [DARK], number) for number in range(4)]

    assert [change.settings["stops"] for change in stops if change is not None] == [1.0, 2.0, 3.0]
    assert stops[3] is None


def test_faint_letters_turn_black_and_everything_beside_them_stays() -> None:
    old = np.asarray(lettering("FAINT WORDS", ink=(205, 200, 185)))
    box = (36, 55, 330, 110)
    places = Region(label="extra: X", box=(0, 0, 30, 30)), Region(label="faint: contrast 1.4", box=box)
    faint = Finding(checker="text", version="1", outcome="measured", measures={"contrast": 1.4}, regions=places)
    aims = aims_of((faint,), load_rubric("strict"))
    change = filling.adjust(TASK, Canvas(opaque(old), b""), aims, 0)

    assert [aim.rule.id for aim in aims] == ["text.low-contrast"]
    assert change is not None
    assert change.mask is not None
    new, beside = change.rgba[..., :3], np.ones(old.shape[:2], bool)
    beside[box[1] : box[3], box[0] : box[2]] = False
    assert (new[beside] == old[beside]).all()
    letters, ground = (~beside & (old == colour).all(axis=2) for colour in ((205, 200, 185), (240, 235, 220)))
    assert letters.sum() > 300
    assert (new[letters] < 10).all()
    assert (new[ground] == old[ground]).all()
    assert filling.adjust(TASK, Canvas(opaque(old), b""), aims, 1) is None


def test_letters_that_cannot_be_told_from_their_ground_are_left_to_people() -> None:
    faint = Finding(checker="text", version="1", outcome="measured", measures={"contrast": 1.1},
                    regions=(Region(label="faint: contrast 1.1", box=(10, 10, 90, 40)),))  # fmt: skip
    even = Canvas(opaque(np.full((100, 100, 3), 200, np.uint8)), b"")

    with pytest.raises(CannotRepair, match="cannot be told from their ground; have it set by hand"):
        filling.adjust(TASK, even, aims_of((faint,), load_rubric("strict")), 0)


def test_levels_are_spread_from_black_to_white() -> None:
    flat = aim(when="quality.low_contrast >= 0.5", rule="quality.low-contrast", method="adjust")
    made = Canvas(opaque(RANDOM.integers(100, 141, (60, 100, 3)).astype(np.uint8)), b"")
    change = filling.adjust(TASK, made, [flat], 0)

    assert change is not None
    tones = change.rgba[..., :3]
    assert (tones.min(), tones.max()) == (0, 255)
    assert (np.argsort(tones[0, :, 0], kind="stable") == np.argsort(made.rgba[0, :, 0], kind="stable")).all()
    even = np.full((9, 9, 3), 7, np.uint8)
    assert (filling.spread(even, 0.01) == even).all()


def test_a_fault_of_the_file_is_answered_by_a_plain_one_with_the_same_pixels() -> None:
    made = canvas()
    upright = aim(when="code quality.orientation", rule="quality.orientation", method="adjust")
    change = filling.adjust(TASK, made, [upright], 0)

    assert change is not None
    assert (change.rgba == made.rgba).all()
    assert change.mask is not None
    assert not change.mask.any()
    assert filling.adjust(TASK, made, [upright], 1) is None


def test_a_transparent_picture_is_laid_on_white() -> None:
    made = canvas()
    made.rgba[:5, :, 3] = 0
    clear = aim(when="code quality.transparent", rule="quality.transparent", method="adjust")
    change = filling.adjust(TASK, made, [clear], 0)

    assert change is not None
    assert (change.rgba[:5] == 255).all()
    assert (change.rgba[5:] == made.rgba[5:]).all()


@pytest.mark.parametrize(
    ("rule", "when", "words"),
    [
        ("quality.blur", "quality.blur >= 0.8", "edges that the picture never had"),
        ("quality.blocking", "quality.blocking >= 0.5", "lossless original"),
        ("quality.highlights", "quality.highlights >= 0.5", "clipped to white"),
        ("quality.noise", "quality.noise >= 0.5", "loses detail or invents some"),
        ("provenance.c2pa-invalid", "provenance.c2pa_state == invalid", "`imgaudit provenance strip`, audit"),
        ("provenance.identity-invalid", "code provenance.identity_invalid", "whoever vouches for the picture"),
        ("provenance.undisclosed", "provenance.ai_disclosed < 1", "marked and signed when it is given away"),
        ("quality.profile", "code quality.profile", "the colour profile that its colours were made in"),
        ("own.rule", "text.gibberish >= 0.5", "nothing is known of how to adjust it"),
    ],
)
def test_what_cannot_be_adjusted_honestly_is_refused_in_words(rule: str, when: str, words: str) -> None:
    with pytest.raises(CannotRepair, match=words):
        filling.adjust(TASK, canvas(), [aim(when=when, rule=rule, method="adjust")], 0)
