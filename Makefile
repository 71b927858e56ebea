# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
INPUTS := pyproject.toml constraints.txt

.PHONY: setup dev demo test check bench clean

setup: .venv/.setup          ## the command `.venv/bin/anlage`, ready to use
dev: .venv/.dev              ## the same, with tests and linters

.venv/.setup: $(INPUTS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e '.[demo,dicom]'
	touch $@

.venv/.dev: $(INPUTS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e '.[dev]'
	touch .venv/.setup $@

demo: .venv/.setup           ## the main job on the virtual cohort -> runs/demo/report.html
	$(BIN)/anlage demo --out runs/demo

check: .venv/.dev            ## style, types and room borders
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check                  ## everything CI runs
	$(BIN)/pytest -n 2 --dist worksteal

bench: .venv/.dev            ## speed, as ratios against named peers in one run
	$(BIN)/python benchmarks/bench_store.py

clean:
	rm -rf .venv build dist src/*.egg-info
