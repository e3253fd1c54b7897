# Everything a visitor types. Python >= 3.11 and make are all that is needed; what is missing goes into .venv,
# pinned and hash-checked. Another interpreter: make PYTHON=python3.13 …; tests in more processes: make JOBS=8 test

PYTHON ?= python3
JOBS   ?= 3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq

RUNTIME := $(VENV)/.installed-runtime
DEV     := $(VENV)/.installed-dev
LOCKED  := build/lock-venv
KUBO    := .venv-ipfs

.DEFAULT_GOAL := help
.PHONY: help demo test test-ipfs lint reference bench campaign-stf campaign-chaos campaign-sim campaign-bots lock clean distclean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: $(RUNTIME) ## chain, worker and enclave; shield, transfer privately, unshield; checked to the last unit
	@$(BIN)/integritee demo

test: $(DEV) ## the whole test suite
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-ipfs: $(DEV) $(KUBO)/.installed ## notes through a real Kubo, which goes into an environment of its own (300 MB)
	@$(BIN)/python -m tests.campaigns.ipfs --kubo-python $(KUBO)/bin/python

lint: $(DEV) ## style, formatting, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

reference: $(DEV) ## generate reference pages, error codes, JSON types and typed methods anew
	@$(BIN)/integritee reference

bench: $(DEV) ## measure, with the reference of the same run beside each figure
	@$(BIN)/python -m bench

campaign-stf: $(DEV) ## a million arbitrary steps of the ledger with all its apps, on all cores
	@$(BIN)/python -m tests.campaigns.stf

campaign-chaos: $(DEV) ## 200 seeds of dying nodes and enclaves, forks, lost extrinsics; checked to the last unit
	@$(BIN)/python -m tests.campaigns.chaos

campaign-sim: $(DEV) ## 10,000 networks of validateers with faults and traitors; and every planted bug found
	@$(BIN)/python -m tests.campaigns.sim

campaign-bots: $(DEV) ## 16 ceremonies of a bot community, with one validateer and with two of which one is killed
	@$(BIN)/python -m tests.campaigns.bots

lock: ## pin the dependencies of pyproject.toml anew
	@rm -rf $(LOCKED) && $(PYTHON) -m venv $(LOCKED)
	@$(LOCKED)/bin/python -m pip --disable-pip-version-check -qq install pip-tools==7.6.2
	$(LOCKED)/bin/pip-compile $(LOCK_OPTIONS) --only-build-deps --build-deps-for editable --allow-unsafe \
	  -o requirements-build.lock pyproject.toml
	$(LOCKED)/bin/pip-compile $(LOCK_OPTIONS) -o requirements.lock pyproject.toml
	$(LOCKED)/bin/pip-compile $(LOCK_OPTIONS) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(LOCKED)/bin/pip-compile $(LOCK_OPTIONS) --allow-unsafe -o requirements-ipfs.lock requirements-ipfs.in

LOCK_OPTIONS := --quiet --upgrade --generate-hashes --strip-extras --no-header \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

clean: ## caches and build products
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis src/*.egg-info
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## the installed environments, too
	rm -rf $(VENV) $(KUBO) .venv-clients tests/js/node_modules tests/js/build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	  sys.exit(None if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}: make PYTHON=…")'
	@echo "creating $(VENV)" && $(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-build.lock -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src  # so that processes start fast even where Python may not write bytecode
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "installing the development tools into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(KUBO)/.installed: requirements-ipfs.lock
	@echo "installing Kubo into $(KUBO)"
	@$(PYTHON) -m venv $(KUBO)
	@$(KUBO)/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements-ipfs.lock
	@touch $@
