from __future__ import annotations

import pytest

from imgaudit.prompts.descriptions import described, packaged_descriptions
from imgaudit.prompts.folding import tokens
from imgaudit.prompts.names import Entry, Hit, Names, is_word, packaged, read_list


@pytest.fixture(scope="module")
def names() -> Names:
    return Names(packaged())


def found(names: Names, text: str) -> list[Hit]:
    return names.find(tokens(text), text)


def test_the_lists_hold_more_than_five_hundred_names_with_every_field():
    entries = packaged()

    assert len(entries) > 1_000
    for kind in ("artist", "person", "character", "work", "mark", "agency"):
        assert sum(entry.kind == kind for entry in entries) >= 30, kind
    for entry in entries:
        assert entry.source, entry
        if entry.kind in ("artist", "person"):
            assert entry.status == "living" or -2_000 < entry.died <= 2026, entry
        else:
            assert entry.status in ("owned", "part", "free", "generic", "tool"), entry


def test_no_name_stands_twice_in_one_kind():
    seen = [(entry.kind, entry.name) for entry in packaged()]

    assert len(seen) == len(set(seen))


COINED_FROM_A_WORD = {
    "Magneto", "Superman", "Snoopy", "Nestlé", "Google", "Twitter", "Jeep Wrangler", "Timberland",
    "Fender Stratocaster", "Bitcoin", "Playboy", "Pampers", "The Hobbit", "Taser",
}  # fmt: skip


def test_a_name_that_is_also_a_plain_word_needs_context():
    """Exceptions are words that the list of words took from the name, or that nobody uses otherwise in a prompt."""
    bare = {
        entry.name
        for entry in packaged()
        for alias in (entry.name, *entry.aliases)
        if not entry.context and len(tokens(alias)) == 1 and is_word(tokens(alias)[0].plain)
    }

    assert bare <= COINED_FROM_A_WORD


@pytest.mark.parametrize(
    ("text", "name", "how"),
    [
        ("Pikachu at the sea", "Pikachu", "exact"),
        ("a PIKACHU", "Pikachu", "exact"),
        ("P1kachu", "Pikachu", "leet"),
        ("p i k a c h u", "Pikachu", "spelt"),
        ("p.i.k.a.c.h.u", "Pikachu", "spelt"),
        ("Bat-Man", "Batman", "joined"),
        ("gregrutkowski", "Greg Rutkowski", "joined"),
        ("Hockney, David", "David Hockney", "reversed"),
        ("Greg Rutowski", "Greg Rutkowski", "misspelt"),
        ("Picassoesque", "Pablo Picasso", "inflected"),
        ("Picasso's goose", "Pablo Picasso", "inflected"),
        ("Ghibli-style meadow", "Studio Ghibli", "inflected"),
    ],
)
def test_a_name_is_found_in_many_spellings(names: Names, text: str, name: str, how: str):
    hits = found(names, text)

    assert [hit.entry.name for hit in hits] == [name]
    assert hits[0].how == how


@pytest.mark.parametrize(
    "text",
    ["an apple and an orange", "a target on a wall", "a game of polo", "the amazon river", "Mars and its moons",
     "a bat and a man", "a spider and a man", "a swift over musk oxen", "wild thing", "a mine, craft paper",
     "warhorse", "a picture of a sony-free world of picas", "no ketchup"],
)  # fmt: skip
def test_plain_words_are_no_names(names: Names, text: str):
    assert [hit.entry.name for hit in found(names, text) if hit.entry.name != "Sony"] == []


def test_context_makes_a_plain_word_a_name_and_a_capital_makes_it_a_doubt(names: Names):
    (sure,) = found(names, "the apple logo")
    (doubt,) = found(names, "he sold his Apple yesterday")

    assert (sure.entry.name, sure.sure) == ("Apple", True)
    assert (doubt.entry.name, doubt.sure) == ("Apple", False)
    assert found(names, "Apple pie for all") == []


def test_a_brand_of_signs_is_found_literally_and_never_as_a_pattern():
    own = Names([Entry("brand", "(a+)+$"), Entry("brand", "C++"), Entry("brand", ".*")])

    assert found(own, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab") == []
    assert [hit.entry.name for hit in found(own, "a C++ book, (A+)+$ on it")] == ["C++", "(a+)+$"]


def test_a_list_with_a_missing_value_is_refused_by_its_line():
    head = "kind\tname\taliases\tstatus\towner\tcontext\tnote\tsource"

    with pytest.raises(ValueError, match="line 2"):
        read_list(head + "\nmark\tAcme")
    with pytest.raises(ValueError, match="line 1"):
        read_list("name\nAcme")


def test_every_description_is_of_a_listed_name_and_has_cues():
    assert len(packaged_descriptions()) >= 60
    for description in packaged_descriptions():
        assert all(description.groups), description.entry.name


def test_a_description_needs_all_its_cues_near_each_other():
    near = "the boy wizard with a lightning scar"
    far = "the boy wizard " + "and then on and on " * 20 + "with a lightning scar"

    assert [hit.entry.name for hit in described(tokens(near))] == ["Harry Potter"]
    assert described(tokens(far)) == []
    assert described(tokens("a boy with a scar")) == []
