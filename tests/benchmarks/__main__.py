"""Print what imgaudit costs beside the bare models: `make bench`, or `python -m tests.benchmarks [NAME...]`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.pictures import draw_pictures

CHECKS = "hands,text,quality"
SIDE = 512
LOOP = """
import io, sys
from pathlib import Path
from imgaudit.pictures import decode
from imgaudit.registry import perceivers
from imgaudit.types import Look, Percepts, Case
from imgaudit.registry import checkers
roles = {}
built = [checkers.get(name)() for name in sys.argv[2].split(",")]
for path in sorted(Path(sys.argv[1]).iterdir()):
    picture, _ = decode(path.read_bytes(), path.name)
    known = Percepts()
    for _ in range(3):
        for checker in built:
            for query in checker.ask(Case(id="x"), known):
                if query in known:
                    continue
                if query.perceiver not in roles:
                    roles[query.perceiver] = perceivers.get(query.perceiver)()
                look = Look(picture, query, tuple(known[q] for q in query.upstream))
                known = known.merged({query: roles[query.perceiver].perceive([look])[0]})
    for checker in built:
        checker.measure(Case(id="x"), known)
"""


def run(arguments: list[str], cache: Path) -> dict[str, float]:
    """Run a command; wall seconds, CPU seconds and peak memory (MiB) of it alone."""
    environment = {**os.environ, "IMGAUDIT_CACHE": str(cache)}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    wrapper = "import resource,subprocess,sys; c=subprocess.call(sys.argv[1:]); " \
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(c)"
    done = subprocess.run([sys.executable, "-c", wrapper, *arguments], env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode == 2:
        raise SystemExit(f"{' '.join(arguments)}\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": time.monotonic() - began, "cpu": cpu, "peak": int(done.stderr.split()[-1]) / 1024}


def imgaudit(*arguments: str) -> list[str]:
    """The command line of this installation."""
    return [sys.executable, "-c", "from imgaudit.cli import main; main()", *arguments]


def audit(folder: Path, out: Path, checks: str) -> list[str]:
    """An audit of a folder with some checks."""
    return imgaudit("audit", str(folder), "--out", str(out), "--checks", checks, "--format", "junit")


def bench_help(work: Path) -> dict[str, float]:
    """`imgaudit --help` against starting Python at all: wall seconds, the best of five."""
    ours, bare = _best_of_five(imgaudit("--help")), _best_of_five([sys.executable, "-c", "pass"])
    return {"help_seconds": ours, "python_seconds": bare, "help_to_python": ours / bare}


def _best_of_five(command: list[str]) -> float:
    times = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.monotonic() - began)
    return min(times)


def bench_overhead(work: Path, count: int = 200) -> dict[str, float]:
    """CPU seconds of an audit against a hand-written loop over the same models; then the audit once more."""
    folder = draw_pictures(work / "overhead", count, SIDE)
    loop = run([sys.executable, "-c", LOOP, str(folder), CHECKS], work / "none")
    first = run(audit(folder, work / "first", CHECKS), work / "cache")
    again = run(audit(folder, work / "again", CHECKS), work / "cache")
    return {
        "pictures": count,
        "loop_cpu_seconds": loop["cpu"],
        "audit_cpu_seconds": first["cpu"],
        "audit_to_loop_cpu": first["cpu"] / loop["cpu"],
        "first_wall_seconds": first["wall"],
        "again_wall_seconds": again["wall"],
        "first_to_again_wall": first["wall"] / again["wall"],
    }


def bench_memory(work: Path) -> dict[str, float]:
    """Peak memory of auditing 200 and 2,000 pictures (pixels and metadata; the models' own memory is constant)."""
    checks = "quality,provenance,duplicates"
    few = run(audit(draw_pictures(work / "few", 200, 256), work / "run-few", checks), work / "none-few")
    many = run(audit(draw_pictures(work / "many", 2000, 256), work / "run-many", checks), work / "none-many")
    return {"peak_mib_200": few["peak"], "peak_mib_2000": many["peak"], "peak_2000_to_200": many["peak"] / few["peak"]}


def bench_compare(work: Path, cases: int = 2500, seeds: int = 4) -> dict[str, float]:
    """Wall seconds and peak memory of comparing two runs of 10,000 pictures x 20 measures, with every report."""
    from tests.benchmarks.stored_runs import write_run

    base, candidate = (write_run(work / name, cases, seeds, luck) for luck, name in enumerate(("base", "candidate")))
    record = run(imgaudit("compare", str(base), str(candidate), "--format", "json"), work)
    reports = run(imgaudit("compare", str(base), str(candidate), "--format", "html,json,junit,markdown,sarif"), work)
    return {
        "pictures": cases * seeds,
        "measures": 20,
        "record_wall_seconds": record["wall"],
        "record_cpu_seconds": record["cpu"],
        "record_peak_mib": record["peak"],
        "reports_wall_seconds": reports["wall"],
        "reports_cpu_seconds": reports["cpu"],
        "reports_peak_mib": reports["peak"],
    }


def bench_log(work: Path, lines: int = 10_000, count: int = 200) -> dict[str, float]:
    """Milliseconds of one decision more in a log of 10,000, on disk: kept open, signed, with two writers in turn."""
    from datetime import UTC, datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from imgaudit.digest import digest
    from imgaudit.store.decisions import Facts, Log, Subject, append

    now, key, other = datetime(2026, 11, 24, tzinfo=UTC), Ed25519PrivateKey.generate(), digest("set")

    def decision(number: int, note: str | None = None) -> list[Facts]:
        disputes = [{"checker": "hands", "says": "false alarm", "code": None}]
        more = {"before": "edit", "after": "publish", "report": other, "disputes": disputes}
        subject = Subject(pictures=other, picture=digest(number))
        return [Facts("judge", subject, "looks-right", "A. Jonas", "editor", more, note)]

    def bare(number: int) -> None:
        with (work / "bare").open("ab") as stream:
            stream.write(b"a" * 600)
            stream.flush()
            os.fsync(stream.fileno())

    first = Log(work)
    first.append([fact for number in range(lines) for fact in decision(number)], now)
    second = Log(work)
    began = time.monotonic()
    second.read()
    whole = time.monotonic() - began
    figures = {"lines": lines, "read_whole_seconds": whole}
    works: dict[str, Callable[[int], object]] = {
        "bare_write": bare,
        "append": lambda number: first.append(decision(number), now),
        "append_signed": lambda number: first.append(decision(number), now, key),
        "append_in_turn": lambda number: (first if number % 2 else second).append(decision(number), now),
        "append_with_note": lambda number: first.append(decision(number, "why it is right"), now),
    }
    for name, work_once in works.items():
        times = sorted(_milliseconds(work_once, number) for number in range(count))
        figures |= {f"{name}_ms": times[count // 2], f"{name}_p95_ms": times[int(0.95 * count)]}
    first.append([fact for number in range(lines) for fact in decision(number, "why it is right")], now)
    times = sorted(_milliseconds(works["append_with_note"], number) for number in range(20))
    figures |= {"notes": lines + count + 20, "append_with_note_among_them_ms": times[10]}
    figures["append_unopened_ms"] = _milliseconds(lambda number: append(work, decision(number), now), 0)
    return figures


def _milliseconds(work: Callable[[int], object], number: int) -> float:
    began = time.monotonic()
    work(number)
    return 1000 * (time.monotonic() - began)


def bench_review(work: Path) -> dict[str, float]:
    """A page of 100 pictures, one picture and a decision in the review page, with 10,000 pictures in the run."""
    from tests.benchmarks.review import review

    return review(work)


BENCHMARKS = {
    "help": bench_help, "overhead": bench_overhead, "memory": bench_memory, "compare": bench_compare,
    "log": bench_log, "review": bench_review,
}  # fmt: skip


def main(names: list[str]) -> None:
    """Run the benchmarks of these names, or all, and print one JSON line each."""
    for name in names or list(BENCHMARKS):
        with tempfile.TemporaryDirectory() as folder:
            figures = BENCHMARKS[name](Path(folder))
        print(json.dumps({"benchmark": name, **{k: round(v, 3) for k, v in figures.items()}}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
