# Laurel. `make help` lists the targets. Every target makes what it needs first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo up test lint format bench compose-config generate lock clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Laurel needs Python 3.11 or newer; set PYTHON=" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing pinned dependencies into .venv (about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

install: $(STAMP) ## Make .venv with the pinned dependencies and the `laurel` command

demo: $(STAMP) ## Run the main job: 2 institutions, 100 credentials, verified, announced (embedded mode)
	@$(BIN)/laurel demo

up: $(STAMP) ## Start the four services on this machine (embedded mode, data in ./data)
	@$(BIN)/laurel up

test: $(STAMP) ## Run every test, on real Kafka and real Postgres
	@$(BIN)/python -m pytest --numprocesses auto --no-loadscope-reorder

lint: $(STAMP) ## ruff, mypy --strict, import-linter, generated files up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m shared.events.generate --check

format: $(STAMP) ## Format and mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP) ## Measure against the raw limits of this machine; writes bench/results/
	@$(BIN)/python -m bench

compose-config: $(STAMP) ## Validate docker-compose.yml with Compose v2's own `config`
	@deploy/compose-config

generate: $(STAMP) ## Write the event schemas, docs/asyncapi.json and docs/events.md from the models
	@$(BIN)/python -m shared.events.generate

lock: ## Resolve the dependencies anew into requirements/*.txt
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet pip-tools
	@.venv-lock/bin/pip-compile --quiet $(LOCK) --output-file requirements/main.txt pyproject.toml
	@.venv-lock/bin/pip-compile --quiet $(LOCK) --extra dev --extra embedded --constraint requirements/main.txt \
		--output-file requirements/dev.txt pyproject.toml requirements/dev.in
	@rm -rf .venv-lock

LOCK := --strip-extras --generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean: ## Remove caches and the virtual environment
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
