# The project's verbs. Everything starts from a fresh clone on a machine that has Python 3.11 and package registries.
SHELL := /bin/sh
.DEFAULT_GOAL := help

STATE := $(abspath $(or $(LAKEHOUSE_HOME),.lakehouse))
BIN := $(CURDIR)/.venv/bin
READY := .venv/.ready
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lakehouse
UV_VERSION := 0.13.9
PACKAGES := bench data_assets demo lakehouse local_workspace platform_assets

INSTANCE := $(STATE)/dagster
# the first Python that fits runs the set-up, and the environment is made with it
SET_UP = python=; for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3 python; do \
	  $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	    && python=$$candidate && break; done; \
	test -n "$$python" || { echo "No Python 3.11 to 3.13 found; name one with make PYTHON=/path/to/python"; exit 1; }; \
	$$python deploy/set_up.py --tools $(STATE)/tools --cache $(CACHE) --uv-version $(UV_VERSION)
export UV_PYTHON_DOWNLOADS := never
# uv is called as the project's own tool; an environment active in the caller's shell is not ours
unexport VIRTUAL_ENV
# where it is set, each of a run's dozen Python processes compiles all that it imports: 4 of 12 s of CPU for the main one
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup doctor down clean run denials matrix dev test crashes estates fuzz check bench fmt

help: ## Show the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install everything; again: check that it is whole, mend what is not
	@$(SET_UP)

$(READY): uv.lock pyproject.toml $(wildcard local_workspace/engines/*.*) $(shell find local_workspace/spark_catalog -type f)
	@$(SET_UP)

doctor: ## Check and mend environment, caches, disk, registries, workspace and Dagster instance
	@$(SET_UP)
	@DAGSTER_HOME=$(INSTANCE) $(BIN)/lakehouse doctor --mend

run: $(READY) ## The main job: January 2013 from S3 to gold on a local workspace
	@umask 077 && DAGSTER_HOME=$(INSTANCE) $(BIN)/lakehouse demo run

denials: $(READY) ## What each mistake with a JAR, a grant or a role looks like
	@$(BIN)/lakehouse demo denials

matrix: $(READY) ## Who may do what: each role tries each verb, through every way in
	@$(BIN)/lakehouse demo matrix

dev: $(READY) $(INSTANCE)/dagster.yaml ## The same with the Dagster UI
	@$(BIN)/lakehouse local up
	@umask 077 && DAGSTER_HOME=$(INSTANCE) exec $(BIN)/dagster dev -w workspace.yaml

down: ## Stop the local workspaces; their state is kept
	@test ! -x $(BIN)/lakehouse || $(BIN)/lakehouse local down --all

clean: down ## Remove environment, state and everything built; the caches of all clones stay
	@rm -rf .venv .venv.installing .venv.lock $(STATE)/local $(STATE)/dagster $(STATE)/tools build

test: $(READY) ## All tests: two processes with a local workspace each, a third that begins with what needs none
	@env -u DAGSTER_HOME $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

crashes: $(READY) ## Kill run workers at 300 lines of the serverless client; `make test` does it at 6
	@env -u DAGSTER_HOME $(BIN)/python -m pytest -s tests/lakehouse/serverless/test_crashes.py --crashes 300 --timeout 3600

estates: $(READY) ## Make, change by hand, mend and destroy 1,000 random estates, try 7,400 hostile declarations; `make test` does it with 10 and 74
	@env -u DAGSTER_HOME $(BIN)/python -m pytest -s tests/platform_assets/live/test_random_estates.py --estates 1000 --timeout 7200
	@env -u DAGSTER_HOME $(BIN)/python -m pytest -s tests/platform_assets/live/test_hostile_declarations.py --hostile 200 --timeout 7200

fuzz: $(READY) ## Each parser of what strangers send under atheris, MINUTES each (default 1; Linux); `make test` tries 100 inputs
	@$(BIN)/uv run --no-sync --quiet --with atheris==3.0.0 python -m tests.fuzzing --minutes $(or $(MINUTES),1)

check: $(READY) $(INSTANCE)/dagster.yaml ## Lint, format, types, layers, both code locations
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy $(PACKAGES)
	@$(BIN)/lint-imports
	@DAGSTER_HOME=$(INSTANCE) $(BIN)/dagster definitions validate --log-level warning -w workspace.yaml && echo "Both code locations load"

bench: $(READY) ## Compare with plain PySpark and the stock clients
	@LAKEHOUSE_TARGET=local LAKEHOUSE_WORKSPACE=bench $(BIN)/python -m bench

fmt: $(READY) ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

$(INSTANCE)/dagster.yaml: deploy/dagster.yaml
	@umask 077 && mkdir -p $(INSTANCE) && cp $< $@
