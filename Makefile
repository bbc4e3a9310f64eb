# make check           style, types and imports
# make test            the tests (a quarter of an hour on two cores)
# make demo            explain a sample photo
# make studio          open the studio in the browser: http://127.0.0.1:7860
# make test-trust      all hostile inputs, and all settings that must give the same bits (half an hour)
# make test-ecosystem  tests with torchvision, timm, transformers, and beside Captum, grad-cam, torch-cam, lime, Quantus
# make wheel-test      build the wheel, install it in a new environment, use it (some minutes)
# make bench           compare the speed with other libraries (half an hour)
# make docs            build the documentation in build/docs
# make clean           remove the environments, the demo and the documentation

# The first Python 3.11 or newer that runs; the shim of a version manager may exist and still fail.
PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
ECOSYSTEM := .venv-ecosystem/bin

.PHONY: check test test-trust demo studio test-ecosystem wheel-test bench docs clean

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: .venv/ready
	$(BIN)/python -m pytest -n auto --dist worksteal tests

# Prints the number of cases and every violation.
test-trust: .venv/ready
	$(BIN)/python -m pytest -m trust --capture=no tests

demo: .venv/ready
	$(BIN)/unsee demo --out demo

studio: .venv/ready
	$(BIN)/unsee studio --browser

test-ecosystem: .venv-ecosystem/ready
	$(ECOSYSTEM)/python -m pytest -n auto tests/ecosystem
	$(ECOSYSTEM)/python -m pytest tests/contracts/test_methods.py tests/contracts/test_determinism.py -k cam

wheel-test:
	$(PYTHON) tests/wheel_check.py

# Results are written to benchmarks/results/speed.md.
bench: .venv-ecosystem/bench
	$(ECOSYSTEM)/python benchmarks/speed

# Warnings and broken links are errors.
docs: .venv/docs
	$(BIN)/python -m docs.site

.venv/ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "unsee needs Python 3.11 or newer: make PYTHON=python3.x"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/docs: .venv/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

# torchvision needs the torch build that it was compiled for, so both versions are fixed here.
.venv-ecosystem/ready: pyproject.toml
	$(PYTHON) -m venv .venv-ecosystem
	$(ECOSYSTEM)/python -m pip install --quiet torch==2.12.1 torchvision==0.27.1 --editable '.[dev,ecosystem,baselines,peers]'
	touch $@

.venv-ecosystem/bench: .venv-ecosystem/ready
	$(ECOSYSTEM)/python -m pip install --quiet --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv .venv-ecosystem demo build/docs build/docs-sources
