# make demo and make test do all set-up themselves, on a machine with Python 3.11 or 3.12 and make.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS := runs
PYTHONS := python3.12 python3.11 python3 python
FIND_PYTHON = for p in $(PYTHONS); do \
	"$$p" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { echo "$$p"; exit 0; }; done; \
	echo "imgaudit needs Python 3.11 or 3.12 with the venv module; none of: $(PYTHONS)" >&2; exit 1

.PHONY: setup demo test lint types bench reports cards oracle simulate clean

setup: $(READY)

$(READY): uv.lock pyproject.toml
	@python=$$($(FIND_PYTHON)) && { test -x $(BIN)/uv || { "$$python" -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }; }
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --inexact --quiet
	@touch $(READY)

# 16 pictures or more; ends with the path of the HTML report. The verdicts' exit codes 1, 3 and 4 are no failure.
demo: $(READY)
	@$(BIN)/imgaudit run shapes --tags demo --seeds 0-3 --generator embedded@2 --out $(RUNS)/demo; \
	code=$$?; case $$code in 0|1|3|4) exit 0;; *) exit $$code;; esac

test: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

reports: $(READY)
	$(BIN)/python -m reports.make

# error rates and power of the regression tests, for docs/statistics.md: some minutes on one core
simulate: $(READY)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m docs.simulate
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m docs.simulate_skew

# reference numbers of other libraries, in a second environment (.tools/oracle); needs a network the first time
oracle: $(READY)
	$(BIN)/python -m tests.oracle.make

cards: $(READY)
	$(BIN)/python -m imgaudit.embedded.evaluate

clean:
	rm -rf $(RUNS) .pytest_cache .mypy_cache .ruff_cache
