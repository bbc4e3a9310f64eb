# make demo   explain a real photo          make test            the tests (a few minutes)
# make check  style, types, imports         make test-ecosystem  torchvision, timm, transformers, Captum
PYTHON ?= $(shell command -v python3.12 || command -v python3.11 || command -v python3)
BIN := .venv/bin
ECOSYSTEM := .venv-ecosystem/bin

.PHONY: demo test check test-ecosystem clean

demo: .venv/ready
	$(BIN)/unsee demo --out demo

test: .venv/ready
	$(BIN)/python -m pytest tests

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-ecosystem: .venv-ecosystem/ready
	$(ECOSYSTEM)/python -m pytest tests/ecosystem

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "unsee needs Python 3.11 or newer: make PYTHON=python3.x"'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# an ordinary torch: torchvision does not import beside a CPU build that PyPI does not know
.venv-ecosystem/ready: pyproject.toml
	$(PYTHON) -m venv .venv-ecosystem
	$(ECOSYSTEM)/python -m pip install --quiet torch==2.12.1 torchvision==0.27.1 captum --editable '.[dev,ecosystem]'
	touch $@

clean:
	rm -rf .venv .venv-ecosystem demo
