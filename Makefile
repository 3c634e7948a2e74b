# Every target does its own set-up: a virtual environment .venv in this folder with the exact pins of constraints.txt.
.DEFAULT_GOAL := help
.PHONY: help predict serve test test-slow test-processors coverage check bench docs environment-dev clean distclean

PYTHON ?= python3
PIP_ARGS ?=
FORMULA ?=
ARGS ?=
# Handed over as environment variables, so that a formula such as Zn(CuN)2 needs no quoting for the shell.
export PYTHON PIP_ARGS FORMULA

help:
	@echo "make predict FORMULA=Zr4Al3   predict crystal structures; ARGS=\"--no-relax --top 5\" adds options"
	@echo "make serve                    the same as a page in the browser"
	@echo "make test                     all checks and tests"
	@echo "make test-slow                the slow tests, which make test leaves out"
	@echo "make test-processors          the numerical tests with other instruction sets and threads"
	@echo "make coverage                 the tests, with the share of lines that they run"
	@echo "make check                    static checks only: lint, format, types, spelling, prose"
	@echo "make bench                    the quick benchmarks, which need no data"
	@echo "make docs                     the documentation site, into site/"
	@echo "make clean                    remove caches and build products; make distclean also removes .venv"
	@echo
	@echo "PYTHON=python3.12 chooses the Python (3.11 or newer); PIP_ARGS=... is handed to pip install."

predict:
	@if [ -z "$$FORMULA" ]; then echo "make predict needs a formula, for example: make predict FORMULA=Zr4Al3" >&2; exit 2; fi
	@scripts/setup-venv run
	@.venv/bin/alphacrystal predict "$$FORMULA" $(ARGS)

serve:
	@scripts/setup-venv web
	@.venv/bin/alphacrystal serve --open $(ARGS)

test: environment-dev
	@scripts/check
	@scripts/test

test-slow: environment-dev
	@scripts/test -m slow

test-processors: environment-dev
	@scripts/test-processors

coverage: environment-dev
	@scripts/coverage

check: environment-dev
	@scripts/check

bench: environment-dev
	@scripts/bench

docs:
	@scripts/setup-venv docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict

environment-dev:
	@scripts/setup-venv dev

clean:
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv
