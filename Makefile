# Every target makes the virtual environment first when it is missing or out of date.
.DEFAULT_GOAL := help
.SILENT:
SHELL := /bin/sh
PY := .venv/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --quiet
NO_PACKAGES := echo "The packages could not be installed; see above. No network, or the disk is full?" >&2; exit 1
RUNTIME := .venv/.runtime
STAMP := .venv/.installed
OURS := commerce catalog streams orders config tests manage.py
# Ports and sizes are read from the environment by what is started.
export PORT LIVE_PORT BUYERS STOCK CI

help: ## This list
	echo "Yellowcart. Targets:"
	awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the pinned requirements

# Running needs less than working: the demo does not wait for linters and browsers' drivers.
$(RUNTIME): requirements.txt requirements.lock .ci/python
	python=$$(.ci/python) || exit 1; \
	echo "==> Virtual environment in .venv ($$python)"; \
	$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { rm -rf .venv && "$$python" -m venv .venv; } || exit 1
	echo "==> Installing the pinned packages to run it (a minute or two the first time)"
	$(PIP) -r requirements.txt || { $(NO_PACKAGES); }
	touch $@

$(STAMP): $(RUNTIME) requirements-dev.txt
	echo "==> Installing the pinned packages to test it (a minute or two the first time)"
	$(PIP) -r requirements-dev.txt || { $(NO_PACKAGES); }
	touch $@

demo: $(RUNTIME) ## A live show with everything running, on http://localhost:8000 (PORT=, LIVE_PORT=)
	exec $(PY) -m config.demo

scene: $(RUNTIME) ## Play one sale through the real front doors and audit the books (BUYERS= STOCK= KILLS=1 TROUBLE=1 SEED=)
	exec $(PY) -m tests.scene

test: check ## Everything: checks, then the whole suite on servers of its own
	.ci/chromium
	echo "==> Tests"
	$(PY) -m pytest -n 2 --dist worksteal -q

check: $(STAMP) ## Lint, types, walls, migrations, generated files
	echo "==> Lint"
	.venv/bin/ruff check --quiet $(OURS)
	.venv/bin/ruff format --check --quiet $(OURS) || { echo "Run: make format" >&2; exit 1; }
	echo "==> Types"
	.venv/bin/mypy
	echo "==> Walls between the rooms"
	.venv/bin/lint-imports --no-logo
	echo "==> Migrations and generated files"
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PY) -m config.env --check
	$(PY) manage.py asyncapi --check
	mkdir -p var && $(PY) manage.py spectacular --validate --fail-on-warn --file var/openapi.yaml
	diff -u docs/openapi.yaml var/openapi.yaml || { echo "docs/openapi.yaml is out of date. Run: make docs" >&2; exit 1; }

faults: $(STAMP) ## Kill processes and servers on purpose, and see that everything still ends right
	$(PY) -m pytest -q -m faults tests/faults

bench: $(STAMP) ## Measure against floors of the same run (ONLY="P1 P5" RUNS=3 JSON=var/bench.json)
	exec $(PY) -m tests.bench $(if $(ONLY),--only "$(ONLY)") $(if $(RUNS),--runs $(RUNS)) $(if $(JSON),--json "$(JSON)")

docs: $(STAMP) ## Write the generated files anew: .env.example, docs/settings.md, docs/openapi.yaml, docs/asyncapi.yaml
	$(PY) -m config.env --write
	$(PY) manage.py asyncapi --write
	$(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

format: $(STAMP) ## Put the code in the project's layout
	.venv/bin/ruff check --fix --quiet $(OURS)
	.venv/bin/ruff format --quiet $(OURS)

lock: $(STAMP) ## Pin what is installed in .venv in requirements.lock
	{ echo "# Every package that requirements.txt and requirements-dev.txt pull in, at one version."; \
	  echo "# Written by: make lock"; $(PY) -m pip freeze --exclude pip --exclude setuptools; } > requirements.lock

clean: ## Remove .venv, var and caches (the demo's data, too)
	rm -rf .venv var staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup demo scene test check faults bench docs format lock clean
