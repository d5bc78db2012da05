"""What the review page costs with a run of any length: served and asked as it is in use, over its own socket."""

from __future__ import annotations

import http.client
import io
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

SIDE = 768
PICTURES = 60  # that exist as files; the others are links to them, so that a page's thumbnails are really made


def write_long_run(path: Path, cases: int, seeds: int) -> Path:
    """A stored run whose pictures can be decoded, and are what the record says of them."""
    from imgaudit.pictures import decode
    from tests.benchmarks import stored_runs

    files, digests = [], []
    for place in range(PICTURES):
        noise = np.random.default_rng(place).integers(0, 255, (24, 24, 3), np.uint8)
        stream = io.BytesIO()
        Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "PNG", compress_level=1)
        seen, _ = decode(stream.getvalue(), str(place))
        files.append(stream.getvalue())
        digests.append(seen.pixels)
    real = stored_runs._row
    stored_runs._row = lambda case, seed: real(case, seed).model_copy(
        update={"pixels": digests[(int(case[-5:]) * seeds + seed) % PICTURES], "width": SIDE, "height": SIDE}
    )
    try:
        run = stored_runs.write_run(path, cases, seeds, 0)
    finally:
        stored_runs._row = real
    for place, data in enumerate(files):
        (run / "pictures" / f"file-{place}").write_bytes(data)
    for case in range(cases):
        for seed in range(seeds):
            link = run / stored_runs._place(f"case-{case:05d}", seed)
            link.unlink()
            link.hardlink_to(run / "pictures" / f"file-{(case * seeds + seed) % PICTURES}")
    return run


class Asker:
    """Asks a served review as a browser does, over one connection that stays open."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._cookie = ""
        _, headers, _ = self.ask("POST", "/enter", {"token": token})
        self._cookie = headers["set-cookie"].partition(";")[0]
        self._csrf = ""
        page = self.ask("GET", "/")[2].decode()
        self._csrf = re.search(r'name="csrf" content="([^"]+)"', page)[1]  # type: ignore[index]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], bytes]:
        headers = {"Origin": f"http://127.0.0.1:{self._port}", "Content-Type": "application/json"}
        headers |= {"Cookie": self._cookie} if self._cookie else {}
        headers |= {"X-Imgaudit-Csrf": self._csrf} if getattr(self, "_csrf", "") else {}
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self._connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def milliseconds(self, times: int, work: Callable[[int], None]) -> list[float]:
        taken = []
        for number in range(times):
            began = time.perf_counter()
            work(number)
            taken.append(1000 * (time.perf_counter() - began))
        return taken


def review(work: Path, cases: int = 2500, seeds: int = 4) -> dict[str, float]:
    """Start-up where nobody decided yet, a page of 100, one picture, a decision, thumbnails; 10,000 pictures."""
    run = write_long_run(work / "run", cases, seeds)
    code = "from imgaudit.cli import main; main()"
    began = time.monotonic()
    command = [sys.executable, "-u", "-c", code, "review", str(run), "--by", "A. Jonas", "--role", "art"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r":(\d+)/enter#(\S+)", line):
            break
    asker = Asker(int(found[1]), found[2])
    started = time.monotonic() - began
    figures = _asked(asker, cases * seeds)
    figures["peak_mib"] = _peak(process.pid)
    began = time.monotonic()
    process.send_signal(2)
    process.wait(600)
    process.stdout.close()
    return {"pictures": cases * seeds, "start_seconds": started, **figures, "end_seconds": time.monotonic() - began}


def _asked(asker: Asker, pictures: int) -> dict[str, float]:
    def page(number: int) -> None:
        status, _, text = asker.ask("GET", f"/?page={number % (pictures // 100) + 1}")
        assert status == 200
        assert text.count(b'class="open"') == 100

    def one(number: int) -> None:
        assert asker.ask("GET", f"/picture/{number * 37 % pictures}")[0] == 200

    def thumbnail(number: int) -> None:
        assert asker.ask("GET", f"/copies/own/{number}/thumbnail")[0] == 200

    def decide(number: int) -> None:
        body = {"n": number, "decision": "edit", "reason": "as-found", "seen": -1}
        answer = asker.ask("POST", "/api/decide", body)
        assert answer[0] == 200, answer[2]

    page(0)
    pages = asker.milliseconds(40, page)
    found = asker.milliseconds(10, lambda _: asker.ask("GET", "/?q=number+77&state=all") and None)
    ones = asker.milliseconds(40, one)
    first = asker.milliseconds(PICTURES, thumbnail)
    again = asker.milliseconds(PICTURES, thumbnail)
    decided = asker.milliseconds(PICTURES, decide)
    return {
        "page_of_100_ms": median(pages), "page_of_100_worst_ms": max(pages), "search_ms": median(found),
        "picture_ms": median(ones), "thumbnail_first_ms": median(first), "thumbnail_again_ms": median(again),
        "decide_and_next_ms": median(decided),
    }  # fmt: skip


def _peak(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text() if Path("/proc").is_dir() else ""
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
