# Every target makes the virtual environment it needs. Nothing but python3 (with venv) and make is expected.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests at once: many of them wait for something, so there may be more than cores.
TESTS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 2)
# What Python has compiled is kept, whatever the environment says: the suite starts hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo serve test test-platforms lint chaos bench docs texts clean

## demo: a local Crisp, the service, and samples of every source through it (ONCE=1 ends when done)
demo: $(VENV)/.runs
	$(BIN)/crisp-connector demo $(if $(ONCE),--once)

## serve: the service on http://127.0.0.1:8080, with the settings of the environment
serve: $(VENV)/.runs
	$(BIN)/crisp-connector serve

## test: checks and the whole suite; what watches the clock last and alone
test: lint
	$(BIN)/python -m pytest --numprocesses=$(TESTS) --dist=loadscope --no-loadscope-reorder \
	  --ignore=tests/platforms --ignore=tests/browser -m "not alone"
	$(BIN)/python -m pytest tests/chaos tests/courier -m alone

## test-platforms: the packages in the platforms' own tools, and the pages in a browser; both are installed first (gigabytes)
test-platforms: $(VENV)/.tests
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadscope --no-loadscope-reorder tests/platforms tests/browser \
	  -m "not alone"
	$(BIN)/python -m pytest tests/platforms -m alone

## lint: style, formatting, types, and the rules of who may import whom
lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

## chaos: the whole chaos suite, with its figures (half an hour)
chaos: $(VENV)/.tests
	CHAOS=full $(BIN)/python -m pytest tests/chaos -s

## bench: speed, as ratios to a baseline in the same run
bench: $(VENV)/.tests
	$(BIN)/python -m benchmarks

## docs: writes the generated pages again
docs: $(VENV)/.tests
	$(BIN)/python docs/generate.py

## texts: takes up the texts of the pages for translation, and compiles what is translated
texts: $(VENV)/.tests
	$(BIN)/python -m tests.texts

## clean: removes what the targets made
clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist

$(BIN)/python:
	@echo "Setting up in $(VENV); the first time this takes a minute or two."
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tests: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[test,postgres,redis]'
	@touch $@ $(VENV)/.runs
