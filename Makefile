# Two commands are all a newcomer needs: `make repro` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The stages run `python`: let it be the one that was set up.
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: setup repro test lint bench clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

repro: setup
	dvc repro

test: setup
	pytest

lint: setup
	ruff check .
	ruff format --check .

bench: setup
	for benchmark in tests/benchmarks/*.py; do python $$benchmark || exit 1; done

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
