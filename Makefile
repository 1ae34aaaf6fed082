# The two commands of this repository: make demo, make test.
.DEFAULT_GOAL := help

# uv, if it is on PATH; else this version of it inside .venv, so that the system stays as it is.
UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv 2>/dev/null),.venv/bin/uv)
# It has a pyproject.toml with Jinja in it, so ruff is told to use ours.
TEMPLATE := {{cookiecutter.project_slug}}
# The Python to make .venv with, if not the first one that fits.
BASE_PYTHON ?=
# One more than the processors of most machines that run it: a third of the time is waiting.
WORKERS ?= 3

export PYTHONUTF8 = 1
# Else each worker of the tests compiles all that it imports, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-svg test test-thorough test-versions check bench bench-deploy bench-fleet \
	bench-matrix release bump

help: ## show this help
	@echo "Usage: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

demo: .venv/installed ## render a project and take it from nothing to a migrated PostgreSQL
	@.venv/bin/python scripts/demo.py

demo-svg: .venv/installed ## record the picture of the README from the real commands
	@.venv/bin/python -m scripts.record_demo

test: check ## check this repository, then render projects and test them from the outside
	@.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal

test-thorough: .venv/installed ## all variations of autogenerate's tests (POSTGRESQL=URL: on another server)
	@THOROUGH=1 .venv/bin/python -m pytest tests/autogenerate -n $(WORKERS) --dist worksteal

test-versions: .venv/installed ## PostgreSQL 13 to 18, all of them (make test: the oldest, one, the newest)
	@VERSIONS=all .venv/bin/python -m pytest tests/versions -n $(WORKERS) --dist worksteal

check: .venv/installed ## lint, format and types of everything, the template as it stands too
	@.venv/bin/ruff check --config pyproject.toml .
	@.venv/bin/ruff format --config pyproject.toml --check .
	@.venv/bin/mypy
	@MYPYPATH="$(TEMPLATE)" .venv/bin/mypy --cache-dir .mypy_cache/template $(foreach folder,app migrations scripts tests,"$(TEMPLATE)/$(folder)")

bench: .venv/installed ## measure against plain Alembic; prints tables
	@.venv/bin/python -m benchmarks.run

bench-deploy: .venv/installed ## measure what users notice of a deploy, by tool, for the README (45 min)
	@.venv/bin/python -m benchmarks.underload.run --readme --svg docs/images/deploy-under-load.svg

bench-fleet: .venv/installed ## measure a deploy to 1,000 and 10,000 schemas, for the README (30 min)
	@.venv/bin/python -m benchmarks.fleet --readme

bench-matrix: .venv/installed ## unsafe revisions and who catches them, by tool, for the README (5 min)
	@PATH="$$PATH:$(CURDIR)/.venv/bin" .venv/bin/python -m benchmarks.matrix --all --readme

release: .venv/installed ## give what is on main a version and a tag (dry-run=1 only shows it)
	@.venv/bin/python scripts/release.py $(if $(dry-run),--dry-run)

bump: .venv/installed ## newer versions of what the template pins, tried out and shown (try=alembic==1.21.0: only that)
	@.venv/bin/python -m scripts.bump $(if $(try),--try "$(try)")

.venv/installed: pyproject.toml library/pyproject.toml
	@if [ "$(UV)" = .venv/bin/uv ]; then \
		echo "uv is not on PATH: installing a copy of it into .venv"; \
		$(or $(BASE_PYTHON),python3) -m venv .venv && .venv/bin/python -m pip install --quiet uv==$(UV_VERSION); \
	elif [ ! -x .venv/bin/python ]; then \
		$(UV) venv --quiet --python "$(or $(BASE_PYTHON),>=3.11)" .venv; \
	fi
	@.venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "alembic-starter needs Python 3.11 or newer; .venv has $$(.venv/bin/python --version)." \
			"Remove .venv and run: make $(MAKECMDGOALS) BASE_PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "Installing what the tests and the demo need into .venv"
	@$(UV) pip install --quiet --python .venv/bin/python --group dev
	@touch $@
