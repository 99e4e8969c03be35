# `make` alone lists the targets. Stamps live inside what they describe (.venv, node_modules, app/static), so a second
# run does nothing when nothing changed, and deleting a folder makes it anew.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Another active environment must not be installed into.
unexport VIRTUAL_ENV
# Some machines set it. Each of the hundreds of processes that tests start would compile the app once more.
unexport PYTHONDONTWRITEBYTECODE
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never

UV_VERSION := 0.13.8
UV_STAMP := .venv/.uv-$(UV_VERSION)
BIN := .venv/bin
ARGS ?=
ENGINES ?= .engines
# The suite holds live processes to deadlines on machines that others use too: a test that fails is tried once more, and
# one that passes only then is listed as RERUN. `make test PYTEST_ARGS=` tries nothing twice.
PYTEST_ARGS ?= -n 2 --dist loadfile --reruns 1

WEB_SOURCES := $(wildcard web/*.json web/*.ts web/*.js web/*.mjs web/index.html) \
	$(shell find web/src web/public web/scripts 2>/dev/null)

.PHONY: help setup run env test test-engines check bench build clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed app/static/index.html ## Install everything from the lock files and build the dashboard

run: setup ## Serve on http://127.0.0.1:8080 (options: make run ARGS="--port 9090")
	@exec $(BIN)/llm-test-bench serve $(ARGS)

env: ## Make .env and secrets/ for docker compose; keeps what is there
	@ops/compose/env.sh

test: setup ## Run every test: Python, web, browser
	@ops/dev/chromium.sh
	@ops/dev/prometheus.sh
	npm --prefix web run test
	$(BIN)/python -m pytest --durations=60 --durations-min=5 $(PYTEST_ARGS)

test-engines: setup ## Build real engines (once, 10 to 30 minutes) and hold what is measured against what they say
	@benches/engines/build.sh $(ENGINES)
	@$(BIN)/python -m benches.engines $(ENGINES)

check: setup ## Check format, lint, types, layers, lock files, scripts, Dockerfile and compose file
	$(BIN)/uv lock --quiet --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run ops/*/*.sh
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	npm --prefix web run check

bench: setup ## Measure the instrument itself (benches/bench_*.py)
	@for bench in benches/bench_*.py; do \
		echo "== $$bench"; $(BIN)/python -m "benches.$$(basename "$$bench" .py)" $(ARGS); \
	done

build: setup ## Build the wheel into dist/, with the migrations and the dashboard inside
	$(BIN)/uv build --quiet --wheel --out-dir dist
	@ls -1 dist/*.whl

clean: ## Remove everything that was installed or built; keeps data/ and config.toml
	rm -rf .venv .tools .engines app/loadgen/_reader.abi3.so web/node_modules app/static dist test-results .coverage* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find app tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV_STAMP): ops/dev/python.sh
	@python=$$(ops/dev/python.sh) && echo "==> Making .venv with $$python" && "$$python" -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@touch $@

.venv/.installed: $(UV_STAMP) pyproject.toml uv.lock hatch_build.py app/loadgen/_reader.c
	@echo "==> Installing the Python packages of uv.lock"
	@$(BIN)/uv sync --frozen --quiet --compile-bytecode
	@touch $@

web/node_modules/.installed: ops/dev/node.sh web/package.json web/package-lock.json
	@ops/dev/node.sh
	@echo "==> Installing the web packages of web/package-lock.json"
	@npm --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

app/static/index.html: web/node_modules/.installed $(WEB_SOURCES)
	@echo "==> Building the dashboard"
	@output=$$(npm --prefix web run build --silent 2>&1) || { echo "$$output"; exit 1; }
	@touch $@
