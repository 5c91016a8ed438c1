# The project's verbs. Everything starts from a fresh clone on a machine that has Python 3.11 and package registries.
SHELL := /bin/sh
.DEFAULT_GOAL := help

STATE := $(abspath $(or $(LAKEHOUSE_HOME),.lakehouse))
BIN := $(CURDIR)/.venv/bin
READY := .venv/.ready
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lakehouse
UV_VERSION := 0.13.9
UV = $$(command -v uv || echo $(STATE)/tools/bin/uv)
PACKAGES := bench data_assets demo lakehouse local_workspace platform_assets

INSTANCE := $(STATE)/dagster
export UV_PYTHON_DOWNLOADS := never
# uv is called as the project's own tool; an environment active in the caller's shell is not ours
unexport VIRTUAL_ENV
# where it is set, each of a run's dozen Python processes compiles all that it imports: 4 of 12 s of CPU for the main one
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run denials matrix dev test crashes estates check bench fmt

help: ## Show the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install everything; again: nothing to do

$(READY): uv.lock pyproject.toml $(wildcard local_workspace/engines/*.*) $(shell find local_workspace/spark_catalog -type f)
	@python=; for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3 python; do \
	  $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	    && python=$$candidate && break; done; \
	test -n "$$python" || { echo "No Python 3.11 to 3.13 found; name one with make PYTHON=/path/to/python"; exit 1; }; \
	command -v uv >/dev/null || test -x $(STATE)/tools/bin/uv || { \
	  echo "Installing uv $(UV_VERSION) into $(STATE)/tools"; \
	  $$python -m venv $(STATE)/tools && \
	  $(STATE)/tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); } && \
	$(UV) sync --frozen --quiet --python "$$($$python -c 'import sys; print(sys.executable)')"
	@$(BIN)/python -m local_workspace.engines.set_up --cache $(CACHE)
	@touch $@

run: $(READY) ## The main job: January 2013 from S3 to gold on a local workspace
	@DAGSTER_HOME=$(INSTANCE) $(BIN)/lakehouse demo run

denials: $(READY) ## What each mistake with a JAR, a grant or a role looks like
	@$(BIN)/lakehouse demo denials

matrix: $(READY) ## Who may do what: each role tries each verb, through every way in
	@$(BIN)/lakehouse demo matrix

dev: $(READY) $(INSTANCE)/dagster.yaml ## The same with the Dagster UI
	@$(BIN)/lakehouse local up
	@DAGSTER_HOME=$(INSTANCE) exec $(BIN)/dagster dev -w workspace.yaml

test: $(READY) ## All tests: two processes with a local workspace each, a third that begins with what needs none
	@env -u DAGSTER_HOME $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

crashes: $(READY) ## Kill run workers at 300 lines of the serverless client; `make test` does it at 6
	@env -u DAGSTER_HOME $(BIN)/python -m pytest -s tests/lakehouse/serverless/test_crashes.py --crashes 300 --timeout 3600

estates: $(READY) ## Make, change by hand, mend and destroy 1,000 random estates; `make test` does it with 10
	@env -u DAGSTER_HOME $(BIN)/python -m pytest -s tests/platform_assets/live/test_random_estates.py --estates 1000 --timeout 7200

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
	@mkdir -p $(INSTANCE) && cp $< $@
