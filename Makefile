# Maeul. `make` alone lists what there is. PYTHON=python3.12 chooses another interpreter (3.11 or later).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.maeul-setup
DATA ?= var
DEMO := $(BIN)/maeul demo
SERVE := $(BIN)/maeul serve --with-simulator --data $(DATA)
PYTEST ?= $(BIN)/pytest

say = @echo "==> $(1)"

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  %-14s %s\n' "$$name" "$$text"; done

# --- set-up -----------------------------------------------------------------------------------

.PHONY: setup
setup: $(STAMP) ## Install everything into .venv (quick when nothing changed)
	@$(if $(filter setup,$(MAKECMDGOALS)),echo "==> $(VENV) is what requirements.lock says",:)

$(STAMP): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "Maeul needs Python 3.11 or later and found none. Debian: apt-get install python3 python3-venv;" \
			"or say which: make setup PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); Maeul needs Python 3.11 or later" >&2; exit 1; }
	@if [ ! -x $(BIN)/python ]; then \
		echo "==> Making $(VENV) with $$($(PYTHON) --version)"; \
		$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
			{ echo "$(PYTHON) cannot make a virtual environment. Debian: apt-get install python3-venv" >&2; exit 1; }; \
		$(PYTHON) -m venv $(VENV); fi
	@# only the lock's own change is worth minutes of installing; its hash is kept in the stamp
	@lock=$$(cksum < requirements.lock); \
	if [ "$$(cat $(STAMP) 2>/dev/null)" = "$$lock" ]; then \
		echo "==> The locked packages are installed already"; \
	else \
		echo "==> Installing $$(grep -c '==' requirements.lock) locked packages, each checked by its hash"; \
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock \
			2> >(grep -v 'neither a file nor a directory' >&2); \
	fi; \
	echo "==> Installing Maeul itself, editable"; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	echo "$$lock" > $(STAMP)
	$(call say,Ready: $(BIN)/maeul --help)

.PHONY: lock
lock: setup ## Make requirements.lock again from pyproject.toml (UPGRADE=1: newest versions)
	$(call say,Resolving the dependencies for every platform)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --extra dev --python-version 3.11 \
		--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock

# --- running ----------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## Show a village's broadcasts on a throw-away database; needs no account and no network
	$(DEMO)

.PHONY: run
run: setup ## The demo, kept in var/, then the service on http://127.0.0.1:8000 with its data
	$(DEMO) --keep $(DATA)
	$(SERVE)

.PHONY: worker
worker: setup ## One more worker process (PostgreSQL only: MAEUL_DATABASE_URL)
	$(BIN)/maeul worker

.PHONY: migrate
migrate: setup ## Bring the database of MAEUL_DATABASE_URL up to date
	$(BIN)/maeul db upgrade

# --- checking ---------------------------------------------------------------------------------

.PHONY: lint
lint: setup ## Style and likely mistakes (ruff)
	$(call say,ruff)
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet . | head -50; exit 1; }
	@$(BIN)/ruff check .

.PHONY: types
types: setup ## Types (mypy, strict)
	$(call say,mypy)
	@$(BIN)/mypy

.PHONY: imports
imports: setup ## Which part may import which (import-linter)
	$(call say,import-linter)
	@$(BIN)/lint-imports --no-logo

.PHONY: unit
unit: setup ## The quick tests: no PostgreSQL, no browser, no killed processes
	$(call say,Quick tests)
	@$(PYTEST) -q -m 'not postgres and not browser and not faults and not live and not long'

.PHONY: check
check: lint types imports unit ## The quick half: lint, types, imports, unit

.PHONY: tools
tools: setup ## What tests need besides Python: PostgreSQL, Chromium, a Korean font (apt)
	$(call say,Looking for PostgreSQL and Chromium)
	@$(BIN)/python -m tests.postgres install
	@$(BIN)/python -m tests.browser_setup install

.PHONY: test
test: setup lint types imports tools ## What CI runs: lint, types, imports, then every test that is not marked long
	$(call say,All tests)
	@$(PYTEST) -m 'not live and not long'

.PHONY: test-faults
test-faults: setup tools ## Kill real processes, many more times than `make test` does
	$(call say,Fault tests)
	@$(PYTEST) -m faults

.PHONY: test-browser
test-browser: setup tools ## Every browser test, in a real Chromium
	$(call say,Browser tests)
	@$(PYTEST) -m browser

.PHONY: cover
cover: setup tools ## Test coverage, as a table and in build/coverage/html
	@$(PYTEST) -q -m 'not live and not long' --cov --cov-report=term --cov-report=html

.PHONY: bench
bench: setup ## 10,000 deliveries through the whole pipeline, beside the raw client
	$(BIN)/python -m tests.bench.pipeline

.PHONY: bench-voice
bench-voice: setup ## Speed, loudness and intelligibility of speech (the last with pip install 'maeul[ear]')
	$(BIN)/python -m tests.bench.voice
