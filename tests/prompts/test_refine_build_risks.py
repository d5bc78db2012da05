from __future__ import annotations

from pathlib import Path

import pytest

from imgaudit.errors import ConfigError, ModelUnavailable, UsageError
from imgaudit.prompts.brand import load_brand
from imgaudit.prompts.build import Parts, build
from imgaudit.prompts.failures import failure_points
from imgaudit.prompts.lint import Linter
from imgaudit.prompts.refine import STYLES, refine
from imgaudit.prompts.rewriting import rewrite
from imgaudit.prompts.risks import as_markdown, assess

BRAND = """format: imgaudit-brand/1
name: Morning Bakery
colours: [{name: warm ochre, hex: "#C8872B"}, {name: cream}]
use: [linen cloth]
avoid: [plastic, "(a+)+$", Starbucks]
owns: [Nike]
"""


@pytest.fixture(scope="module")
def linter() -> Linter:
    return Linter()


@pytest.fixture
def brand_file(tmp_path: Path) -> Path:
    path = tmp_path / "brand.yaml"
    path.write_text(BRAND)
    return path


# --- refine ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prompt",
    [
        "Mickey Mouse shaking hands with Elon Musk, by Greg Rutkowski",
        "a pair of Nike sneakers, in the style of Banksy, no logo",
        "A raccoon in formal clothes. Oil painting in the style of Vincent Van Gogh.",
        "Picassoesque portrait of an old man without a hat",
        "the Mіckey Mоuse and P1kachu",
        "a stunning iPhone, an agent of the FBI in a Star Wars corridor",
    ],
)
def test_every_version_is_free_of_names_and_negations(linter: Linter, prompt: str):
    result = refine(prompt, linter)

    assert tuple(version.style for version in result.versions) == STYLES
    for version in result.versions:
        bad = [f.code for f in version.remaining if f.code.startswith(("rights", "clarity.negation", "text.hidden"))]
        assert bad == [], version.prompt
        assert version.prompt


def test_what_was_denied_goes_into_the_negative_prompt_and_names_become_what_is_seen(linter: Linter):
    result = refine("a red Ferrari on a road, no people", linter)

    realistic = result.versions[0]
    assert realistic.prompt.startswith("a red unbranded sports car on a road, photograph")
    assert "people" in realistic.negative
    assert "people" not in realistic.prompt
    assert result.replaced == ("Ferrari -> unbranded sports car",)


def test_the_same_prompt_is_always_refined_alike(linter: Linter):
    prompt = "Pikachu, 7 dogs, in the style of Banksy"

    assert refine(prompt, linter) == refine(prompt, Linter())


def test_what_must_not_be_drawn_gets_no_version(linter: Linter):
    result = refine("a nude schoolgirl", linter)

    assert not result.drawable
    assert {version.prompt for version in result.versions} == {""}


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("a woman holding a cup", "hands"), ('a sign that says "OPEN"', "lettering"), ("three cats", "count"),
        ("a dog left of a box", "relations"), ("a room without chairs", "negation"),
        ("a cat in a mirror", "reflection"),
        ("a red hat and a blue scarf", "colours"), ("a dancer", "bodies"), ("word " * 80, "window"),
    ],
)  # fmt: skip
def test_likely_faults_are_read_from_the_words(prompt: str, kind: str):
    assert kind in [point.kind for point in failure_points(prompt)]


def test_a_plain_scene_has_no_likely_fault():
    assert failure_points("a red boat on a calm lake") == ()


def test_failure_points_name_dimensions_of_the_framework():
    from imgaudit.dimensions import BY_ID
    from imgaudit.prompts import failures

    assert {of for *_, of in failures._PATTERNS} <= set(BY_ID)


# --- build ----------------------------------------------------------------------------------


def test_a_prompt_is_put_together_in_reading_order(linter: Linter):
    parts = Parts("a baker", "in a shop at dawn", "close-up", "window light", "photograph", "50 mm", "calm", "cream",
                  "flour, bread", "people, plastic")  # fmt: skip

    result = build(parts, linter)

    assert result.prompt == (
        "a baker in a shop at dawn, with flour, bread, close-up, window light, calm mood, cream, photograph, 50 mm"
    )
    assert result.negative == "people, plastic, watermark, signature"
    assert result.lint.exit_code == 0


def test_a_brand_adds_its_colours_and_forbids_its_words(linter: Linter, brand_file: Path):
    brand = load_brand(brand_file)

    good = build(Parts(subject="Nike shoes"), linter, brand, "Fresh bread")
    bad = build(Parts(subject="a Starbucks cup (A+)+$ of plastic"), linter, brand)

    assert 'Nike shoes with the words "Fresh bread"' in good.prompt
    assert "linen cloth" in good.prompt
    assert "warm ochre and cream" in good.prompt
    assert good.negative.startswith("plastic, (a+)+$, Starbucks")
    assert good.lint.exit_code == 0
    assert [f.name for f in bad.lint.findings if f.code == "rights.brand"] == ["Starbucks", "(a+)+$", "plastic"]
    assert bad.lint.exit_code == 1


def test_a_long_message_gets_room_in_place_of_letters(linter: Linter, brand_file: Path):
    result = build(Parts(), linter, load_brand(brand_file), "Fresh bread every single morning")

    assert '"' not in result.prompt
    assert "space at the top for a headline" in result.prompt
    assert "Fresh bread every single morning" in result.advice[0]


def test_a_prompt_without_a_subject_is_refused(linter: Linter):
    with pytest.raises(UsageError, match="--subject"):
        build(Parts(mood="calm"), linter)
    with pytest.raises(UsageError, match="--mood"):
        build(Parts(subject="a boat", mood="x" * 3_000), linter)


def test_a_bad_brand_file_is_refused_with_its_line(tmp_path: Path):
    path = tmp_path / "brand.yaml"
    path.write_text(BRAND.replace("#C8872B", "ochre"))
    with pytest.raises(ConfigError, match=r"brand.yaml:3.*no colour"):
        load_brand(path)
    path.write_text(BRAND.replace("owns:", "ownz:"))
    with pytest.raises(ConfigError, match="did you mean 'owns'"):
        load_brand(path)


# --- a local language model -------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of a real class, with a tokenizer of its own: says nonsense, but through the real way."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE({letter: number for number, letter in enumerate([*letters, "<end>"])}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<end>").save_pretrained(folder)
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=257, n_positions=512, n_embd=16, n_layer=1, n_head=2, eos_token_id=256,
                        bos_token_id=256, pad_token_id=256)  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def test_a_local_model_writes_a_version_that_is_linted_and_repeats_itself(linter: Linter, tiny_model: Path):
    first = rewrite("a boat, by Banksy", str(tiny_model), linter)
    second = rewrite("a boat, by Banksy", str(tiny_model), linter)

    assert first == second
    assert first.style == f"llm:{tiny_model}"
    assert first.remaining == linter.lint(first.prompt).findings


def test_a_model_that_is_not_there_is_a_sentence_with_its_remedy(linter: Linter, tmp_path: Path):
    with pytest.raises(ModelUnavailable, match="transformers model"):
        rewrite("a boat", str(tmp_path / "nothing"), linter)


# --- risks ----------------------------------------------------------------------------------


def test_all_eight_risks_are_listed_whatever_the_use(linter: Linter):
    result = assess("a picture", linter)

    assert [risk.title for risk in result.risks] == [
        "Copyright", "Likeness", "Consent", "Bias and stereotyping", "Disclosure", "Misinformation", "Brand safety",
        "Platform terms",
    ]  # fmt: skip
    assert {risk.attention for risk in result.risks} == {"usual"}
    assert all(risk.questions for risk in result.risks)


def test_the_words_of_the_use_and_the_prompts_raise_attention_and_are_named(linter: Linter):
    result = assess("a political campaign with Elon Musk", linter, None, ["Pikachu votes", "Pikachu votes", "a boat"])
    by_id = {risk.id: risk for risk in result.risks}

    assert result.prompts_checked == 2
    assert by_id["likeness"].attention == "high"
    assert any("Elon Musk" in text for text in by_id["likeness"].because)
    assert by_id["misinformation"].attention == "raised"
    assert by_id["copyright"].attention == "high"
    assert by_id["copyright"].shown == ("prompts: fictional character 'Pikachu' in 1 of 2",)


def test_plurals_and_possessives_of_the_use_count_as_the_word(linter: Linter):
    by_id = {risk.id: risk for risk in assess("shapes for a children's book", linter).risks}

    assert by_id["consent"].because == ("the use case says 'children'",)


def test_a_risk_page_shows_strangers_words_without_their_markup(linter: Linter):
    page = as_markdown(assess("| x | <script>\n# heading [a](http://b) \u202e`", linter))

    assert "<script>" not in page.replace("\\<script\\>", "")
    assert "\n# heading" not in page
    assert "\u202e" not in page


def test_risks_know_the_dimensions_of_the_framework():
    from imgaudit.dimensions import BY_ID
    from imgaudit.prompts import risks

    named = {name for risk in risks._RISKS for name in risk.dimensions}
    assert named <= set(BY_ID)
    assert {d.id for d in BY_ID.values() if d.group == "use"} <= named
