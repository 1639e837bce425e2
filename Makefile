# Everything about this project that is done by a command. Needs Python >= 3.11 (with pip) and make, nothing else:
# the first target that needs the environment makes it, in .venv, from requirements.lock (and requirements-train.lock).

.DEFAULT_GOAL := help
.PHONY: help setup setup-train setup-browser demo test test-fast lint format types docs docs-check coverage bench lock clean

VENV      := .venv
PY        := $(VENV)/bin/python
BAROGRAPH := $(PY) -m barograph
LOCK      := requirements.lock
# What the tests that train need. torch is not in the lock: each platform has builds of its own (the processor's alone
# is a tenth of the one for GPUs), and which of them is to be had is for pip's own settings to say.
LOCK_TRAIN := requirements-train.lock
TORCH     := torch==2.13.0
# Where there is no card, PyTorch's own index has a build that is a tenth as large.
TORCH_INDEX := https://download.pytorch.org/whl/cpu
CARDS     := /dev/nvidiactl /dev/nvidia0 /dev/dxg /dev/kfd

# An environment holds absolute paths. Its stamps carry a checksum of this folder, so that a copied or moved checkout
# makes its own instead of silently running the code of the old one.
HERE      := $(shell pwd | cksum | cut -d ' ' -f 1)
INSTALLED := $(VENV)/installed-$(HERE)
READY     := $(VENV)/ready-$(HERE)
TRAINS    := $(VENV)/trains-$(HERE)

help: ## this list
	@echo "make TARGET, where TARGET is"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  %-14s %s\n' "$$name" "$$text"; done

setup: $(READY) ## make .venv, with the locked dependencies and this package

setup-train: $(TRAINS) ## the same, and what tests and examples that train need: torch, transformers, TRL

# $(call make-venv,FOLDER), by the first fitting Python. To take another: make PYTHON=/path/to/python3 ...
define make-venv
@python=; \
for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python python3.14 python3.13 python3.12 python3.11); do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo "barograph needs Python 3.11 or newer, and $(if $(PYTHON),$(PYTHON) is not that,none is on the PATH):" \
		"install one, or name it with 'make PYTHON=/path/to/python3 ...'." >&2; exit 1; fi; \
if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	echo "$$python lacks the venv module or pip: install them" \
		"(on Debian and Ubuntu: apt install python3-venv), then run make again." >&2; exit 1; fi; \
echo "making $(1) with $$("$$python" --version)"; \
"$$python" -m venv --clear $(1)
endef

# A new lock makes a new environment, so that nothing from the old one lingers.
$(INSTALLED): $(LOCK)
	$(call make-venv,$(VENV))
	@echo "installing what $(LOCK) names"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCK)
	@touch $@

$(READY): $(INSTALLED) pyproject.toml hatch_build.py src/barograph/__init__.py
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(TRAINS): $(INSTALLED) $(LOCK_TRAIN) | $(READY)
	@echo "installing $(TORCH), and what $(LOCK_TRAIN) names"
	@if [ "$$(uname -s)" = Linux ] && [ -z "$$(ls $(CARDS) 2>/dev/null)" ]; then \
		$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --timeout 10 --retries 1 \
			--index-url $(TORCH_INDEX) "$(TORCH)" 2>/dev/null || \
		echo "PyTorch's build for processors is out of reach: taking the one for GPUs, which is several times as large"; fi
	@$(PY) -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCK_TRAIN)
	@touch $@

# Not by a file that says it is done: a browser may come and go, and looking for one takes a moment only.
setup-browser: $(TRAINS) ## find a browser for the tests that drive one, or install it: by Playwright, or by apt as root
	@$(PY) tools/browser.py

demo: $(TRAINS) ## set up, then judge a healthy and a sick log, and train a tiny model by KTO before your eyes
	$(BAROGRAPH) check examples/kto-healthy.jsonl
	@# 3 says that there are findings, as there should be: only another failure is one.
	$(BAROGRAPH) check examples/kto-sick.jsonl || [ $$? -eq 3 ]
	$(BAROGRAPH) train kto

test: lint types docs-check setup-browser ## set up, then run every check and every test
	$(PY) -m pytest

test-fast: $(READY) ## the core suite alone: no slow, browser or training test
	$(PY) -m pytest -q -m "not slow and not browser and not train"

lint: $(READY) ## ruff: rules and format
	$(PY) -m ruff check
	$(PY) -m ruff format --check

format: $(READY) ## let ruff mend what it can
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

types: $(READY) ## mypy, strict, on src
	$(PY) -m mypy

docs: $(READY) ## write the generated pages again
	$(PY) tools/generate.py

docs-check: $(READY) ## the generated pages say what the code says
	$(PY) tools/generate.py --check

coverage: $(READY) ## which lines no test runs
	$(PY) -m coverage run -m pytest -q
	$(PY) -m coverage report

bench: $(READY) ## run every benchmark
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(PY) "$$script" || exit 1; done

COMPILE = UV_SYSTEM_CERTS=1 build/uv/bin/python -m uv pip compile --quiet --no-config \
	--default-index https://pypi.org/simple --no-emit-index-url --custom-compile-command "make lock" \
	--universal --upgrade --generate-hashes

# For every platform and every Python that pyproject.toml allows. The index is named, so that no local setting leaks in.
lock: ## resolve the dependencies anew into the two locks
	$(call make-venv,build/uv)
	@build/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --extra dev --extra parquet --extra zst --extra remote pyproject.toml --output-file $(LOCK)
	@echo "torch ; python_version < '3'" > build/without-torch.txt
	$(COMPILE) --extra dev-train --extra dev-browser --constraint $(LOCK) --override build/without-torch.txt pyproject.toml --output-file $(LOCK_TRAIN)

clean: ## remove the environment, the caches and what was built; runs are left alone
	rm -rf $(VENV) build dist htmlcov .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
