# `make run` and `make test` do everything that they need first; a second call is quick.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
VAR_DIR ?= var

.DEFAULT_GOAL := help
.PHONY: help install run test test-postgresql test-redis test-rabbitmq lint style format lock chaos clean

help:
	@echo "make run      start the leaderboard and one worker, print the address, stop both on ctrl-C"
	@echo "make test     install what the tests need and run them all"
	@echo "make install  .venv, dependencies, database, static files"
	@echo "make lint     ruff and the import contracts; make format: mend what ruff can"
	@echo "make lock     lock requirements*.in into requirements*.txt"
	@echo "make chaos    N=100: kill and restart everything around a small study, and compare its scores"
	@echo "make clean    remove .venv and caches (never $(VAR_DIR), which holds the results)"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, found {sys.version.split()[0]}: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

# Most modules are never imported: those that are get compiled then, which takes half a minute off the installation.
PIP := $(BIN)/python -m pip install --quiet --no-compile
unexport PYTHONDONTWRITEBYTECODE

.venv/requirements.stamp: requirements.txt | $(BIN)/python
	$(PIP) --requirement requirements.txt
	@touch $@

.venv/requirements-dev.stamp: requirements-dev.txt .venv/requirements.stamp
	$(PIP) --requirement requirements-dev.txt
	@touch $@

# Migrating mirrors the catalogue too, so it runs every time: a second when there is nothing to do.
install: .venv/requirements.stamp
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py collectstatic --noinput --verbosity 0

run: install
	@exec $(BIN)/python manage.py up

lint: style
	$(BIN)/lint-imports

style: .venv/requirements-dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/requirements-dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Several files at once, each whole in one process for what its tests share; each process has its own servers.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# Then again on PostgreSQL the short tests that touch the database, each with one set of parameters; and those of the
# queue on both brokers, beside them, as they wait for most of their time.
test: style
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PYTEST)
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target test-postgresql test-redis test-rabbitmq

test-postgresql: .venv/requirements-dev.stamp
	$(PYTEST) --database=postgresql --once -m "not e2e and not slow" tests/leaderboard tests/runner/test_following.py

test-redis test-rabbitmq: test-%: .venv/requirements-dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/queue --database=postgresql --broker=$*

# Index addresses, local folders and local builds (+cpu) are this machine's business, not the lock's.
COMPILE := $(BIN)/pip-compile --quiet --allow-unsafe --strip-extras --no-header --no-emit-index-url \
	--no-emit-trusted-host --no-emit-find-links --no-emit-options

lock: .venv/requirements-dev.stamp
	$(COMPILE) --output-file requirements.txt requirements.in
	sed -i.bak -E 's/^([a-z0-9._-]+==[^+ ]+)\+[a-z0-9.]+/\1/' requirements.txt && rm requirements.txt.bak
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in

# On a private PostgreSQL and Redis; the others by hand: python -m tests.chaos --help.
N ?= 10
chaos: .venv/requirements-dev.stamp
	$(BIN)/python -m tests.chaos --trials $(N)

clean:
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find leaderboard runner tests -name __pycache__ -type d -prune -exec rm -rf {} +
