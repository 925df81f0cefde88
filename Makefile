# Two commands do everything on a fresh machine: `make report` and `make test`.
SHELL := bash
PY := .venv/bin/python
META := .venv/bin/metaanalysis

.PHONY: help report test lint check readme lock calibrate benchmark clean environment

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

environment:
	@bash .ci/environment

report: environment ## Set up, validate the data, run every analysis, build the PDFs
	@$(META) check
	@$(META) report

test: environment ## Set up and run the test suite
	@$(PY) -m pytest -q -n 2

lint: environment ## Linters, import layers and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports --no-logo 2>/dev/null || .venv/bin/lint-imports
	@$(PY) -m mypy

calibrate: environment ## Simulate from every model: do posteriors and probabilities come true? (about 10 minutes)
	@$(META) calibrate practice --simulations 300 --seed 1 --out calibration.jsonl --resume \
	  --record tests/calibration/record.json

benchmark: environment ## Speed, side by side with R peers where they are installed
	@$(PY) -m benchmarks

check: environment ## Validate the dataset
	@$(META) check

lock: ## Compile requirements.lock from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
	  --no-annotate --custom-compile-command "make lock" --group dev pyproject.toml -o requirements.lock

clean: ## Remove the environment and built files
	rm -rf .venv reports/.build reports/*.pdf
