"""The check of faces, on made landmarks."""

from __future__ import annotations

import numpy as np
from landmark_samples import expecting, face, landmarks, measured, outcome
from scipy.spatial.transform import Rotation

from imgaudit.checkers.faces import FacesChecker
from imgaudit.percepts import FaceViews
from imgaudit.types import Abstained

FACES = FacesChecker()
SLIPPING = FaceViews(jitter=0.2, mirror=0.15)


def test_a_picture_without_faces_counts_none_and_says_nothing_of_a_defect() -> None:
    result = measured(FACES, landmarks())

    assert result.measures == {"count": 0, "unjudged": 0}
    assert result.unmeasured == {}


def test_an_even_steady_face_is_good_and_one_that_slips_is_malformed() -> None:
    good = measured(FACES, landmarks(faces=(face(),)))
    bad = measured(FACES, landmarks(faces=(face(), face(at=(100, 60), views=SLIPPING))))

    assert good.measures["defect"] < 0.1
    assert bad.measures["defect"] > 0.9
    assert bad.codes == ("faces.malformed",)
    assert [region.box[0] for region in bad.regions] == [70]
    assert "elsewhere" in bad.message


def test_abstaining_is_never_a_score() -> None:
    assert outcome(FACES, Abstained("no mediapipe")) == Abstained("no mediapipe")


def test_halves_that_do_not_match_are_seen_on_a_frontal_face() -> None:
    mesh = np.array(face().mesh)
    mesh[mesh[:, 0] > 205] += [25, 12, 10]

    result = measured(FACES, landmarks(faces=(face(mesh=tuple(map(tuple, mesh.tolist()))),)))

    assert result.measures["worst_asymmetry"] > 1
    assert "halves" in result.message


def test_a_face_turned_away_or_small_is_counted_and_not_judged() -> None:
    mesh = (np.array(face().mesh) - [200, 60, 0]) @ Rotation.from_euler("y", 60, degrees=True).as_matrix().T
    turned = face(mesh=tuple(map(tuple, mesh.tolist())), views=SLIPPING)
    small = face(box=(0, 0, 15, 15), views=SLIPPING)

    for one in (turned, small):
        result = measured(FACES, landmarks(faces=(one,)))
        assert (result.measures["count"], result.measures["unjudged"]) == (1, 1)
        assert "defect" in result.unmeasured


def test_a_sure_profile_without_a_mesh_is_a_face_and_an_unsure_one_is_not() -> None:
    profile = face(mesh=None, views=None, score=0.8)
    guess = face(mesh=None, views=None, score=0.6)

    assert measured(FACES, landmarks(faces=(profile,))).measures["count"] == 1
    assert measured(FACES, landmarks(faces=(guess,))).measures["count"] == 0


def test_a_part_of_a_face_is_not_another_face() -> None:
    part = face(mesh=None, views=None, score=0.8, box=(190, 50, 210, 70))

    assert measured(FACES, landmarks(faces=(face(), part))).measures["count"] == 1


def test_the_number_of_faces_is_held_against_the_case() -> None:
    one = landmarks(faces=(face(),))

    assert measured(FACES, one, expecting(faces=1)).codes == ()
    assert measured(FACES, one, expecting(faces=0)).codes == ("faces.too_many",)
    assert measured(FACES, one, expecting(faces=2)).codes == ("faces.too_few",)
