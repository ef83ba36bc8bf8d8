# Every command sets up what it needs. `make` or `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo train test check format bench bench-speed clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/installed ## Install, and repair the bundled clip: prints where the report is
	$(BIN)/dred simulate --out demo-out
	@echo "Open demo-out/report.html"

train: $(VENV)/train ## Install what training needs (torch); from then on its tests run, too

test: $(VENV)/dev ## Run the tests
	$(BIN)/python -m pytest -n $(JOBS)

check: $(VENV)/dev ## Format, lint, types, layers, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(JOBS)

format: $(VENV)/dev ## Format the code and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/eval ## Measure quality against libopus's published results (needs ../shared)
	$(BIN)/python benchmarks/quality.py --shared ../shared

bench-speed: $(VENV)/dev ## Time every stage on the bundled clip; `dred bench` measures more (needs weights)
	$(BIN)/dred warmup
	$(BIN)/python -m pytest benchmarks/test_speed.py -o addopts= -p no:cacheprovider -p no:xdist

clean: ## Remove the environment and what the demo wrote
	rm -rf $(VENV) demo-out

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/dev: $(VENV)/installed
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

# The torch that all recipes were tried with.
$(VENV)/train: $(VENV)/dev
	$(BIN)/pip install --quiet torch==2.13.0 --editable '.[train]'
	@touch $@

$(VENV)/eval: $(VENV)/installed
	$(BIN)/pip install --quiet --editable '.[eval]'
	@touch $@
