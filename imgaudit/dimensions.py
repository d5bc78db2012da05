"""The evaluation framework: every question about a picture and its use, and who answers it.

A dimension is answered by a checker, by an attestation (a named person answers a question), or not at all: then
its limit says so. No rubric and no report may drop one silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Dimension:
    """One line of the framework.

    Attributes:
        how: `checker` (named checkers measure it), `attestation` (`question` is put to a person), or `limit`
            (`question` holds the sentence that says what is not done).
        checkers: who measures it; of an attestation, who helps the person that answers, where it can.
        extras: who adds to it where a model was named for it; their silence leaves nothing untold.
        question: what is asked, in words. What is put to a person is put so that a yes clears the picture.
    """

    id: str
    title: str
    group: Literal["picture", "use"]
    how: Literal["checker", "attestation", "limit"]
    question: str
    checkers: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def _checked(
    id: str, title: str, question: str, *checkers: str, use: bool = False, extras: tuple[str, ...] = ()
) -> Dimension:
    return Dimension(id, title, "use" if use else "picture", "checker", question, checkers, extras)


def _attested(id: str, title: str, question: str, *helpers: str, use: bool = True) -> Dimension:
    return Dimension(id, title, "use" if use else "picture", "attestation", question, helpers)


DIMENSIONS: tuple[Dimension, ...] = (
    _checked(
        "adherence", "Prompt adherence", "Does the picture show what its prompt says?", "adherence",
        extras=("questions", "clauses", "clipscore", "preference"),
    ),
    _checked("hands", "Hands and fingers", "Are the hands whole, with five fingers each?", "hands"),
    _checked("faces", "Faces", "Are the faces whole and plausible?", "faces"),
    _checked("anatomy", "Anatomy", "Does every body have the limbs it should have?", "anatomy"),
    _checked("text", "Text", "Is the writing right, readable, and writing at all?", "text"),
    _attested("logos", "Logos", "May every logo or mark that is shown be shown, or is there none?", "brand", use=False),
    _checked(
        "objects", "Object counts", "Is each object there, in the right number and colour?", "adherence", "objects",
        extras=("questions", "clauses"),
    ),
    _checked(
        "relations", "Spatial relations", "Is each object where the prompt puts it?", "adherence", "objects",
        extras=("questions", "clauses"),
    ),
    _checked("perspective", "Perspective", "Do the straight lines agree on one camera?", "perspective"),
    _checked("symmetry", "Symmetry", "Is what should be symmetric symmetric?", "symmetry"),
    _checked("lighting", "Lighting", "Does the light come from one side?", "lighting"),
    _checked("background", "Background artefacts", "Are there frames, seams, copies or faint patterns?", "background"),
    _checked("quality", "Technical quality", "Is it sharp, well exposed and free of artefacts?", "quality", "sizes"),
    _checked("style", "Style", "Does the style leave the content readable?", "adherence", extras=("clauses", "style")),
    _checked(
        "consistency", "Character consistency", "Does one character look alike in all its pictures?", "consistency"
    ),
    _attested("brand-fit", "Brand fit", "Does the picture fit the brand's guidelines?", "brand", use=False),
    _checked("bias", "Bias", "How are attributes spread over the set when the prompt does not name them?", "skew"),
    _checked(
        "memorisation", "Memorisation", "Is it a copy of another picture of the set, or of your gallery?", "duplicates",
        use=True, extras=("memorisation",),
    ),
    _attested("copyright", "Copyright clearance", "Are the rights in the picture and its inputs cleared for this use?"),
    _attested("artist-style", "Artist style", "Is it free of a living artist's style, or was it permitted?", "rights"),
    _attested(
        "likeness", "Likeness and consent", "Did every recognisable person consent to this use?", "rights", "likeness"
    ),
    _attested("trademarks", "Trademarks", "Are all marks shown used with permission or fairly?", "rights"),
    _attested("deepfakes", "Deepfakes", "Can nobody take it for a true record, or is it visibly disclosed?"),
    _attested("misinformation", "Misinformation", "Is it free of what could mislead where it is published?"),
    _attested("stereotyping", "Stereotyping", "Is it, in its context, free of demeaning stereotypes?"),
    _checked("disclosure", "Disclosure", "Does the file say it was generated, and by what?", "provenance", use=True),
    _attested(
        "safety", "Safety", "Is it free of sexual, violent, hateful or dangerous content for its audience?", "safety"
    ),
    _attested("platform-terms", "Platform terms", "Do the generator's and the platform's terms allow this use?"),
    _attested(
        "mass-output", "Low-quality mass output", "Was it chosen by a person, not published in bulk unseen?",
        "diversity",
    ),
)

BY_ID = {dimension.id: dimension for dimension in DIMENSIONS}
