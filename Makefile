# make demo   explain a real photo          make test            the tests (a few minutes)
# make check  style, types, imports         make test-ecosystem  torchvision, timm, transformers, Captum
# make bench  ours beside peers (half an hour; benchmarks/results/speed.md)
# the first that really runs and is new enough (a version manager's shim may only pretend)
PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
ECOSYSTEM := .venv-ecosystem/bin

.PHONY: demo test check test-ecosystem bench clean

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
	$(ECOSYSTEM)/python -m pytest tests/contracts/test_methods.py -k cam

bench: .venv-ecosystem/bench
	$(ECOSYSTEM)/python benchmarks/speed

.venv/ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "unsee needs Python 3.11 or newer: make PYTHON=python3.x"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# an ordinary torch: torchvision does not import beside a CPU build that PyPI does not know
.venv-ecosystem/ready: pyproject.toml
	$(PYTHON) -m venv .venv-ecosystem
	$(ECOSYSTEM)/python -m pip install --quiet torch==2.12.1 torchvision==0.27.1 --editable '.[dev,ecosystem,baselines]'
	touch $@

.venv-ecosystem/bench: .venv-ecosystem/ready
	$(ECOSYSTEM)/python -m pip install --quiet --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv .venv-ecosystem demo
