"""What a prompt can be found to have: every code with its level, why it matters, and the source of that claim."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

Level = Literal["reject", "edit", "advice", "off"]
LEVELS: tuple[Level, ...] = ("reject", "edit", "advice", "off")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a claim can be read. `read` is empty where it stands from general knowledge and was not re-read."""

    key: str
    title: str
    url: str
    read: str
    says: str


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding. `level` holds where a profile says nothing else."""

    code: str
    level: Level
    title: str
    why: str
    better: str
    source: str


@cache
def sources() -> Mapping[str, Source]:
    """The sources by key."""
    text = (resources.files("imgaudit.prompts") / "lists" / "sources.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {row["key"]: Source(**row) for row in rows}


_NAMED = "Name what the eye should see instead: {neutral}."

# fmt: off
_ALL = (
    Code("rights.artist-living", "reject", "living artist",
         "A living artist's name asks for an imitation of their work; platforms refuse it.", _NAMED, "adobe-names"),
    Code("rights.artist-protected", "edit", "artist still in copyright",
         "The artist died less than seventy years ago, so the works are still protected in many countries.",
         _NAMED, "term"),
    Code("rights.artist-free", "advice", "artist out of copyright",
         "The works are out of copyright in most countries; some platforms refuse the name all the same.",
         _NAMED, "adobe-faq"),
    Code("rights.style-of", "edit", "reference to a style by someone",
         "The phrase points at somebody's work; platforms name it as a reason for refusal.",
         "Say the technique, palette and light you mean, for example 'flat colour, hard outlines, low sun'.",
         "adobe-names"),
    Code("rights.credit", "edit", "credit to an unknown name",
         "The words credit the picture to someone whom the lists do not know.",
         "If it is an artist, leave the name out and say the technique, palette and light you mean.", "adobe-names"),
    Code("rights.person-living", "reject", "real living person",
         "A real person's likeness needs their consent, and can deceive.", _NAMED, "likeness"),
    Code("rights.person-dead", "edit", "real person, dead less than a hundred years",
         "Rights in a name and likeness outlive the person in some places.", _NAMED, "likeness"),
    Code("rights.person-historic", "advice", "historic person",
         "No right of likeness is left, but a made-up scene may be taken for a record.", _NAMED, "adobe-ai"),
    Code("rights.character", "reject", "fictional character",
         "The character is protected by copyright and often as a trade mark.", _NAMED, "adobe-ai"),
    Code("rights.character-free", "advice", "character out of copyright, at least in part",
         "The first work is out of copyright, but later films and designs of the character are not.",
         _NAMED, "adobe-ai"),
    Code("rights.work", "reject", "work still in copyright",
         "The title asks for scenes and designs that somebody owns.", _NAMED, "adobe-ai"),
    Code("rights.mark", "reject", "trade mark or brand",
         "The picture will show, or imitate, a mark or product design that somebody owns.", _NAMED, "marks"),
    Code("rights.mark-generic", "advice", "trade mark used as a plain word",
         "It is still somebody's mark, and a plain word says the same.", _NAMED, "marks"),
    Code("rights.tool", "advice", "brand of a tool",
         "It says with what a picture was made, not what it shows, and is a mark.", "Leave the name out.", "marks"),
    Code("rights.agency", "edit", "public agency",
         "The badge or name of an agency may not be imitated, and platforms refuse it.", _NAMED, "adobe-ai"),
    Code("rights.brand", "reject", "name on your own list",
         "Your list of names forbids it.", "Leave it out, or take it off the list.", "practice"),
    Code("rights.perhaps", "advice", "perhaps a name",
         "The word is also a protected name; the prompt does not say which is meant.",
         "If the plain thing is meant, say more of it; if the name is meant, leave it out.", "marks"),
    Code("rights.described", "edit", "described, not named",
         "The description fits a protected character, mark or person even without the name.",
         "Change the features that make it recognisable.", "adobe-ai"),
    Code("rights.event", "edit", "real event",
         "The words present the picture as a record of something that happened.",
         "Describe the scene without date, place or news wording.", "adobe-ai"),
    Code("people.minor", "advice", "children",
         "Pictures of children meet stricter rules on platforms, and nobody can consent for an invented child.",
         "Keep the scene everyday and fully dressed; use adults where age does not matter.", "nist"),
    Code("people.minor-sexual", "reject", "children in a sexual context",
         "Such pictures are criminal in most countries, real or generated. Do not render this; escalate it.",
         "There is no better way to say it: stop.", "omnibus"),
    Code("clarity.vague", "advice", "words that show nothing",
         "Praise and vague words have no picture of their own; the model fills in its average.",
         "Replace them by something that can be seen.", "practice"),
    Code("clarity.pronoun", "advice", "unclear reference",
         "Two or more things could be meant, and the encoder does not resolve references.",
         "Repeat the noun.", "composition"),
    Code("clarity.sense", "advice", "word with several meanings",
         "Models draw both meanings of a word at once.", "Say which: {neutral}.", "senses"),
    Code("clarity.conflict", "edit", "contradiction",
         "Both cannot be shown at once; the model picks one or mixes them.", "Keep one of the two.", "practice"),
    Code("clarity.negation", "edit", "negation",
         "Encoders hardly read 'no' and 'without': what is named tends to appear.",
         "Put {neutral} into the negative prompt and say what is there instead.", "negation"),
    Code("clarity.count", "advice", "more than four",
         "Exact numbers above about four are rarely drawn.",
         "Ask for fewer, say 'a group of', or compose the picture from parts.", "counting"),
    Code("clarity.window", "edit", "past the encoder's window",
         "What stands behind the window is never read by a CLIP text encoder.",
         "Shorten the prompt, or move this clause to the front.", "clip"),
    Code("clarity.long", "advice", "long prompt",
         "It fits the window, but CLIP attends well to about the first twenty tokens only.",
         "Put subject and action first.", "long-clip"),
    Code("text.lettering", "advice", "much lettering",
         "Long or several texts are often misspelt in the picture.",
         "Ask for at most three short words, or set the type afterwards.", "practice"),
    Code("text.quotes", "advice", "unbalanced quotation mark",
         "It is not clear which words are to be written in the picture.", "Close the quotation mark.", "practice"),
    Code("text.hidden", "edit", "hidden or deceptive characters",
         "Invisible, directional or look-alike characters make a prompt say something else than it shows.",
         "Type the words anew in plain letters.", "unicode"),
    Code("text.empty", "edit", "empty prompt", "There is nothing to draw.", "Describe a subject.", "practice"),
    Code("text.unread", "advice", "not read in full",
         "For its length the prompt was searched for misspelt names in its first part only.",
         "Split the prompt.", "practice"),
    Code("platform.not-accepted", "reject", "platform takes no generated pictures",
         "The platform of this profile does not accept generated pictures from contributors.",
         "Choose another platform.", "shutterstock-ai"),
)
# fmt: on
CODES: Mapping[str, Code] = {code.code: code for code in _ALL}
