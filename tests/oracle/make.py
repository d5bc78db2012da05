"""Build the second environment and make the committed vectors anew: `make oracle`.

The environment lies in .tools/oracle, apart from the project's own: torchmetrics 1.9 does not run with transformers 5.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
ENVIRONMENT = ROOT / ".tools" / "oracle"
PYTHON = ENVIRONMENT / "bin" / "python"
VECTORS = HERE / "clipscore.json"


def build() -> None:
    """Create the environment from its locked list; nothing is done where it is up to date."""
    uv = Path(sys.executable).parent / "uv"
    if not PYTHON.is_file():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, ENVIRONMENT], check=True)
    subprocess.run([uv, "pip", "sync", "--quiet", "--python", PYTHON, HERE / "requirements.txt"], check=True)


def write_words(folder: Path) -> None:
    """CLIP's byte pairs as transformers reads them; open_clip carries them."""
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    # the two libraries name the first and the last token of a text differently
    named = {tokenizer.sot_token_id: "<|startoftext|>", tokenizer.eot_token_id: "<|endoftext|>"}
    vocabulary = {named.get(number, token): number for token, number in tokenizer.encoder.items()}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    pairs = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *(" ".join(pair) for pair in pairs)]) + "\n")


def reference(*arguments: str) -> str:
    """Run the reference in its environment; what it prints."""
    with tempfile.TemporaryDirectory() as words:
        write_words(Path(words))
        command = [str(PYTHON), str(HERE / "reference.py"), words, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    build()
    reference(str(VECTORS))
    print(f"wrote {VECTORS.relative_to(ROOT)}")
