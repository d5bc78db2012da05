from __future__ import annotations

import time
from pathlib import Path

import pytest

from imgaudit.errors import ConfigError, UsageError
from imgaudit.prompts.codes import CODES, LEVELS, sources
from imgaudit.prompts.lint import MAX_PROMPT, Linter
from imgaudit.prompts.names import packaged
from imgaudit.prompts.neutral import neutral_words
from imgaudit.prompts.profiles import load_profile, packaged_profiles, read_brands
from imgaudit.prompts.window import count_tokens


@pytest.fixture(scope="module")
def linter() -> Linter:
    return Linter()


def codes(linter: Linter, prompt: str) -> dict[str, str]:
    return {finding.code: finding.text for finding in linter.lint(prompt).findings}


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("a castle by Greg Rutkowski", "rights.artist-living"),
        ("a castle by Salvador Dali", "rights.artist-protected"),
        ("a castle by Rembrandt", "rights.artist-free"),
        ("a castle in the style of my neighbour", "rights.style-of"),
        ("a lake, painting by Wilhelmina Brzovik", "rights.credit"),
        ("Taylor Swift in a boat", "rights.person-living"),
        ("Freddie Mercury in a boat", "rights.person-dead"),
        ("Napoleon in a boat", "rights.person-historic"),
        ("Pikachu in a boat", "rights.character"),
        ("Sherlock Holmes in a boat", "rights.character-free"),
        ("a Star Wars corridor", "rights.work"),
        ("a Ferrari in a barn", "rights.mark"),
        ("a frisbee over a lawn", "rights.mark-generic"),
        ("an agent of the FBI", "rights.agency"),
        ("the boy wizard with a lightning scar", "rights.described"),
        ("press photo of a fire", "rights.event"),
        ("the earthquake in Lisbon in 2031", "rights.event"),
        ("a child on a swing", "people.minor"),
        ("a 12-year-old on a swing", "people.minor"),
        ("a stunning boat", "clarity.vague"),
        ("a dog and a cat look at it", "clarity.pronoun"),
        ("a bat", "clarity.sense"),
        ("a street by day, at midnight", "clarity.conflict"),
        ("a minimalist, highly detailed room", "clarity.conflict"),
        ("an empty street, crowded", "clarity.conflict"),
        ("a street without cars", "clarity.negation"),
        ("a car-free street", "clarity.negation"),
        ("seven dogs", "clarity.count"),
        ("12 angry men", "clarity.count"),
        ('a sign that reads "welcome to our very old town"', "text.lettering"),
        ("a sign that says “OPEN", "text.quotes"),
        ('a sign that says "OPEN', "text.quotes"),
        ("Mіckey", "text.hidden"),
        ("a \u202eboat", "text.hidden"),
        ("a\x07boat", "text.hidden"),
        ("  ", "text.empty"),
        ("word " * 80, "clarity.window"),
    ],
)
def test_each_fault_is_found_by_its_code(linter: Linter, prompt: str, code: str):
    assert code in codes(linter, prompt)


@pytest.mark.parametrize(
    "prompt",
    ["a red boat on a calm lake", "four owls on a wire", "oil painting in the style of cubism",
     "a baby penguin", "a 12 year old whisky", "a photo from 1980", "the Great Wall", "a wooden bat in a cave",
     'a 12" ruler', "an adult girl", "a picture by candlelight", "a road, by night",
     "a family 👨‍👩‍👧 of ducks", "café crème, naïve", "Ночь, город",
     "夜の街", "a 35 mm lens"],
)  # fmt: skip
def test_good_prompts_are_left_alone(linter: Linter, prompt: str):
    found = codes(linter, prompt)

    assert found == {}, found


def test_children_in_a_sexual_context_stop_everything(linter: Linter):
    result = linter.lint("a nude schoolgirl")

    assert result.exit_code == 1
    assert {finding.code: finding.level for finding in result.findings}["people.minor-sexual"] == "reject"
    assert "people.minor-sexual" in codes(linter, "n4ked ch1ld")
    assert "people.minor-sexual" in codes(linter, "a child's naked back")
    assert "people.minor-sexual" in codes(linter, "undressed, 15 years old")
    assert "people.minor-sexual" not in codes(linter, "a child beside a lake, a painting")


def test_exit_codes_follow_the_worst_level(linter: Linter):
    assert linter.lint("a red boat on a calm lake").exit_code == 0
    assert linter.lint("a stunning boat").exit_code == 3
    assert linter.lint("a street without cars").exit_code == 3
    assert linter.lint("Pikachu, stunning").exit_code == 1


def test_adobes_published_rule_is_a_profile():
    """Names and phrases that the rule's own page gives as examples are refused under it."""
    adobe = Linter(load_profile("adobe-stock"))

    for prompt in (
        "a wall by Banksy", "glass by Dale Chihuly", "dots by Yayoi Kusama", "a portrait by Joy Ang",
        "Frank Gehry hall",
        "Spider-Man", "Pikachu", "Catwoman", "Gandalf", "Daenerys Targaryen", "a lake in the style of a friend",
        "a lake inspired by a friend", "a lake influenced by a friend", "a lake in the tradition of a friend",
        "an office of the FBI", "press photo of a flood", "a Disneyland castle", "a portrait of Abraham Lincoln",
    ):  # fmt: skip
        result = adobe.lint(prompt)
        assert result.exit_code == 1, prompt
        assert any("adobe.com" in finding.source for finding in result.findings), prompt
    assert adobe.lint("a painting by Rembrandt").exit_code == 3
    assert adobe.lint("a red boat on a calm lake").exit_code == 0


def test_a_platform_that_takes_no_generated_pictures_rejects_every_prompt():
    result = Linter(load_profile("shutterstock")).lint("a red boat on a calm lake")

    assert [finding.code for finding in result.findings] == ["platform.not-accepted"]
    assert result.exit_code == 1


def test_every_code_and_profile_names_a_source_that_exists():
    for code in CODES.values():
        assert code.source in sources(), code.code
        assert code.level in LEVELS
    for name in packaged_profiles():
        profile = load_profile(name)
        assert profile.name == name
        assert profile.source in sources()


def test_words_proposed_in_place_of_a_name_are_clean_themselves(linter: Linter):
    for words in {neutral_words(entry) for entry in packaged()}:
        found = [f for f in linter.lint(words).findings if f.level != "advice"]
        assert found == [], words


def test_a_users_list_rejects_and_own_marks_are_let_through(tmp_path: Path):
    path = tmp_path / "own.txt"
    path.write_text("# ours\nContoso | Contoso Ltd\n(a+)+$\n")
    linter = Linter(brands=tuple(read_brands(path)), owned=("Nike",))

    assert codes(linter, "a CONTOSO mug") == {"rights.brand": "CONTOSO"}
    assert codes(linter, "a c o n t o s o mug")["rights.brand"] == "c o n t o s o"
    assert "rights.mark" not in codes(linter, "Nike shoes")
    assert "rights.mark" in codes(linter, "Adidas shoes")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 101, "own.txt:1"),
        ("kind\tname\taliases\tstatus\towner\tcontext\tnote\tsource\nthing\tAcme\t\t\t\t\t\t", "unknown kind"),
        ("kind\tname\taliases\tstatus\towner\tcontext\tnote\tsource\nartist\tA B\t\tsoon\t\t\t\t", "status"),
        ("kind\tname\nmark\tAcme", "line 1"),
        ("\n".join("#!" * 3 + f"{i}".replace("0", "%") for i in range(5)) + "\n" + "\n".join(["*"] * 1001), "signs"),
    ],
)
def test_a_bad_list_is_refused_with_its_place(tmp_path: Path, text: str, message: str):
    path = tmp_path / "own.txt"
    path.write_text(text)

    with pytest.raises(ConfigError, match=message):
        read_brands(path)


def test_unknown_profiles_and_codes_are_named(tmp_path: Path):
    with pytest.raises(UsageError, match="adobe-stock"):
        load_profile("adobe")
    bad = tmp_path / "mine.yaml"
    bad.write_text(
        "format: imgaudit-prompt-profile/1\nname: mine\ntitle: Mine\nlevels: {rights.artst-living: reject}\n"
    )
    with pytest.raises(ConfigError, match=r"mine.yaml:4.*did you mean 'rights.artist-living'"):
        load_profile(str(bad))


@pytest.mark.parametrize("unit", ["a cat with Pikachu, ", "a b c d ", "no ", "a\u200b", '"', "(", "sunny night, it ",
                                  "war in ", "P1k@", "\u202e", "in the style of ", "“", "12 year ", "-"])  # fmt: skip
def test_the_time_for_a_prompt_grows_with_its_length_alone(linter: Linter, unit: str):
    """Sixteen times the length takes about sixteen times as long; a square would take 256 times."""
    small, large = unit * (1_000 // len(unit)), unit * (16_000 // len(unit))
    linter.lint(small)

    first = min(_seconds(linter, small) for _ in range(3))
    second = _seconds(linter, large)

    assert second < 60 * max(first, 0.002)
    assert len(linter.lint(large).findings) < 600


def _seconds(linter: Linter, prompt: str) -> float:
    started = time.process_time()
    linter.lint(prompt)
    return time.process_time() - started


def test_a_prompt_beyond_a_million_characters_is_refused(linter: Linter):
    with pytest.raises(UsageError, match="expected at most"):
        linter.lint("x" * (MAX_PROMPT + 1))


def test_tokens_are_those_of_the_real_tokenizer():
    from open_clip.tokenizer import SimpleTokenizer

    real = SimpleTokenizer()
    for prompt in ("a photo of a cat", "Café — naïve 漢字 😀, it's 123!", "(masterpiece:1.2) <lora:x:0.8>", "x" * 300,
                   "  a   b\tc\n", "don't we'll they've", "a" * 5, ""):  # fmt: skip
        assert count_tokens(prompt).tokens == len(real.encode(prompt)), prompt


def test_the_clause_past_the_window_is_the_one_that_is_named(linter: Linter):
    prompt = "blue " * 75 + "a red hat"

    count = count_tokens(prompt)
    (finding,) = [f for f in linter.lint(prompt).findings if f.code == "clarity.window"]

    assert (count.tokens, count.exact) == (78, True)
    assert finding.text.strip() == "a red hat"
    assert not any(f.code == "clarity.window" for f in linter.lint("blue " * 75).findings)


def test_without_the_vocabulary_the_count_is_an_estimate_and_says_so(monkeypatch: pytest.MonkeyPatch):
    from imgaudit.prompts import window

    monkeypatch.setattr(window, "_tokenizer", lambda: None)
    count = window.count_tokens("word " * 100)

    assert not count.exact
    assert not count.fits
    (finding,) = [f for f in Linter().lint("word " * 100).findings if f.code == "clarity.window"]
    assert "an estimate" in finding.why


def test_the_page_names_every_code_source_and_profile_with_the_level_it_has():
    page = (Path(__file__).parents[2] / "docs" / "prompts.md").read_text()

    for code in CODES.values():
        assert f"| `{code.code}` | {code.level} | {code.why} | {code.source} |" in page, code.code
    for source in sources().values():
        assert f"| {source.key} | [{source.title}]({source.url}) | {source.read} |" in page, source.key
    for name in packaged_profiles():
        assert f"`{name}`" in page
    assert f"{len(packaged()):,} names" in page
