# Crossfade. `make` lists what there is; every target sets up by itself what it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help

STATE ?= .local
ACCOUNTS ?= 300
BIN := .venv/bin
PYTHON := $(BIN)/python

# Any Python from 3.11 on makes the virtual environment; one that exists is kept.
FIND_PYTHON := for candidate in $(CURDIR)/$(BIN)/python python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		found="$$candidate"; break; fi; done; \
	if [ -z "$$found" ]; then \
		echo "Python 3.11 or newer is needed (Debian 12: sudo apt-get install python3 python3-venv)" >&2; exit 2; fi

.PHONY: help setup check check-generated test test-long check-reference demo up down status bench bench-peers faults model-check format requirements

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install all that is needed: Debian packages, .venv, the servers' jars
	@$(FIND_PYTHON); "$$found" -m sandbox.local.setup

demo: setup ## an invented ISP moves from Sonar to Splynx (ACCOUNTS=300, KEEP=1 leaves it running, DATABASE=no goes over REST alone)
	@ACCOUNTS=$(ACCOUNTS) KEEP=$(KEEP) DATABASE=$(DATABASE) $(PYTHON) -m sandbox.demo

up: setup ## leave local servers and both sandboxes running, ready to use (ACCOUNTS=300, DATABASE=no)
	@$(PYTHON) -m sandbox.local up --state $(STATE) --accounts $(ACCOUNTS) --database $(or $(DATABASE),yes)

down: ## stop exactly what `make up` started
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m sandbox.local down --state $(STATE); else echo "Nothing was set up."; fi

status: setup ## what of `make up` runs, and where
	@$(PYTHON) -m sandbox.local status --state $(STATE) || [ $$? -eq 3 ]

check: setup check-generated ## style, types, import contract, dependencies, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

check-generated: setup ## committed files that are generated are up to date
	@$(PYTHON) -m schemas.generate --check
	@$(PYTHON) -m console.docs --check

# Bytecode is kept even where it is not by default: hundreds of processes are started.
test: setup ## unit, contract and integration tests on real servers, a seed of each fault, and the demo with few accounts
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder tests/e2e tests/integration tests/model tests/faults tests/contract tests/unit

test-long: setup ## what takes too long for each change: the demo without Splynx's database
	$(BIN)/pytest -q -m long tests/e2e

faults: setup ## every fault with all its seeds and guards; goes on where it stopped (at most an hour)
	@$(PYTHON) -m tests.faults $(STATE)/faults.json

model-check: setup ## 20,000 random histories of a source against capture; goes on where it stopped (HISTORIES=2000 for fewer)
	@$(PYTHON) -m tests.model $(STATE)/model.json --histories $(or $(HISTORIES),20000)

check-reference: setup ## sandbox and all we use of Sonar and Splynx against ../shared/reference
	$(PYTHON) -m tests.reference ../shared/reference

bench: setup ## speed and memory as ratios to limits of the same run (ONLY="sink_sql capture")
	@$(PYTHON) -m tests.bench $(ONLY)

bench-peers: setup ## the sink beside Debezium's JDBC sink, which is fetched first (100 MB; at least 1.5 times its rows/s)
	@$(PYTHON) -m sandbox.local.setup --peer
	@$(PYTHON) -m tests.bench peer_sink

format: setup ## format and sort
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# No lock file of uv's: it would name registry hosts.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

requirements: setup ## compile requirements/*.txt from pyproject.toml (UPGRADE=1: newest versions)
	@[ -x $(BIN)/uv ] || $(PYTHON) -m pip --quiet --disable-pip-version-check install uv
	$(COMPILE) pyproject.toml --output-file requirements/runtime.txt
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	$(COMPILE) --group build --constraint requirements/dev.txt --output-file requirements/build.txt
