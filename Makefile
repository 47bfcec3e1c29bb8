# Two commands are all a newcomer needs: `make repro` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The stages run `python`: let it be the one that was set up.
export PATH := $(abspath $(BIN)):$(PATH)
# DVC's notes on files seen: left to itself it writes them to /var/tmp, which is every user's.
export DVC_SITE_CACHE_DIR ?= $(abspath .cache/dvc)

# On a quiet machine, an hour or less; `make bench BENCHMARKS=embed` runs one.
BENCHMARKS ?= $(patsubst tests/benchmarks/%.py,%,\
	$(filter-out %/rehearsal.py %/served.py %/text_encoders.py %/gpu.py,$(wildcard tests/benchmarks/*.py)))

PORT ?= 5000

.PHONY: setup repro paper recipe variant variants search paper-table test test-slow lint lowest \
	bench ui experiments readme clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt $(wildcard .ci/movable.py)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python .ci/movable.py $(VENV)
	mkdir -p .cache/dvc/repo  # DVC itself would let everyone write there
	touch $@

repro: setup
	dvc repro
	@python -m whisq.show.outcome

# MusicEval from the hub; or SOURCE='a folder, a zip, an https address or a hub file'.
# Other values besides: ARGS='-S train.epochs=5'.
paper: setup
	python -m stages.paper $(ARGS)

# The pipeline with a recipe or a variant of params.yaml by its name; `make variants` lists them.
recipe variant: setup
	@python -m stages.recipe '$(NAME)' --run $(ARGS)

variants: setup
	@python -m stages.recipe

# Optuna over params.yaml's `search.space`, by dev; stopped, the same command goes on.
search: setup
	python -m stages.search

# The paper's claims beside its networks here; a network that is trained is not trained again.
paper-table: setup
	dvc repro stages/paper_table/dvc.yaml

# Two processes of one thread each; the tests of a file stay in one of them and share its set-up.
# Not by xdist_group: under pytest 9.2, xdist 3.8 loses the groups without a word.
SPREAD := OMP_NUM_THREADS=1 pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Five minutes.
test: setup
	$(SPREAD) -m 'not slow and not thorough' --durations 10

# Whole pipelines, servers, clusters and the commands of the README: ten minutes more.
test-slow: setup
	$(SPREAD) -m 'slow and not thorough' --durations 40

lint: setup
	ruff check .
	ruff format --check .

# The oldest releases that the core accepts, in an environment of their own: some 5 GB.
lowest:
	$(PYTHON) -m venv --clear .lowest
	.lowest/bin/pip install --quiet uv
	.lowest/bin/uv pip install --quiet --python .lowest/bin/python --resolution lowest-direct \
		. 'pytest>=8' 'pytest-xdist>=3.6'
	.lowest/bin/python -m pytest tests/test_core.py

bench: setup
	mkdir -p metrics/benchmarks
	for name in $(BENCHMARKS); do \
		python tests/benchmarks/$$name.py > $$name.json && \
		mv $$name.json metrics/benchmarks/ || exit 1; done

ui: setup
	@python -W ignore -c 'from whisq import tracking as t; t.end_dead(t.MODELS, t.DATA, t.VARIANTS); \
		print("Open http://127.0.0.1:$(PORT)/" + t.view(), flush=True)'
	mlflow ui --workers 1 --backend-store-uri sqlite:///mlflow.db --port $(PORT)

experiments: setup
	@python -m stages.experiments

readme: setup
	python -m whisq.show.readme
	python -m stages.paper_table.document

clean:
	rm -rf $(VENV) .lowest .pytest_cache .ruff_cache .hypothesis
