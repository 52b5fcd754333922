# Everything goes into .venv beside this file, .venv-localstack for the tests' LocalStack, .venv-infra and
# .venv-moto for infra-check; nothing else on the machine is changed, save the Debian packages that the tests' RTSP server needs
# (tests/servers/install).

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(name) 2>/dev/null),$(name))))
UV ?= uv
OUT ?= out/demo
VENV := .venv
LOCALSTACK := .venv-localstack
INFRA := .venv-infra
MOTO := .venv-moto
TERRAFORM ?= terraform
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --no-compile
LOCKS := detection agent officer dev train
TOOL_LOCKS := localstack image infra moto gpu
IMAGES := detection agent officer
PYTHON_IMAGE ?= python:3.11-slim

.DEFAULT_GOAL := help
.PHONY: help install demo test check format lock clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/officer.stamp ## make .venv with the command officer in it
	@echo "Ready: $(BIN)/officer --help"

demo: $(VENV)/officer.stamp ## run the bundled clip through both services and show what was found
	$(BIN)/officer demo --out $(OUT)

test: $(VENV)/dev.stamp $(VENV)/servers.stamp $(LOCALSTACK)/stamp ## install what tests need, start the real components, run all tests
	$(BIN)/pytest

infra-check: $(VENV)/dev.stamp $(INFRA)/stamp $(MOTO)/stamp ## check infra/terraform: format, logic, apply and destroy on this machine (needs terraform)
	@command -v "$(TERRAFORM)" >/dev/null || { echo "NOT CHECKED: infra/terraform. There is no $(TERRAFORM); do: install Terraform 1.11 or newer, or name it: make infra-check TERRAFORM=/path/to/it" >&2; exit 1; }
	INFRA_CHECK=1 TERRAFORM="$$(realpath -s "$$(command -v "$(TERRAFORM)")")" $(BIN)/pytest --timeout 1800 tests/infra
.PHONY: infra-check

check: $(VENV)/dev.stamp static test ## format, lint, types, import contracts, docs, lock, tests

static: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_lock.py
	$(BIN)/python tools/check_docs.py
.PHONY: static

format: $(VENV)/dev.stamp ## put code into the project's format
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

lock: ## resolve the requirements again (needs uv), with releases that are at least a week old
	@for purpose in $(LOCKS); do \
	    $(UV) pip compile pyproject.toml --quiet --extra $$purpose --generate-hashes --no-header \
	        --python-version 3.11 --python-platform linux --no-emit-index-url --no-emit-find-links \
	        --exclude-newer $$(date -u -d '7 days ago' +%F) -o requirements/$$purpose.txt || exit 1; \
	done
	@for tool in $(TOOL_LOCKS); do \
	    $(UV) pip compile requirements/$$tool.in --quiet --generate-hashes --no-header \
	        --python-version 3.11 --python-platform linux --no-emit-index-url --no-emit-find-links \
	        --exclude-newer $$(date -u -d '7 days ago' +%F) -o requirements/$$tool.txt || exit 1; \
	done

images: ## build the container images of both services and of the command line
	@for image in $(IMAGES); do \
	    docker build --quiet -f docker/$$image.Dockerfile -t officer/$$image --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) \
	        --build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
	        --build-arg REVISION=$$(git rev-parse HEAD) . || exit 1; \
	done

sbom: images ## write what is in the images to out/NAME.cdx.json (CycloneDX)
	@mkdir -p out
	@for image in $(IMAGES); do \
	    docker run --rm --entrypoint cat officer/$$image /usr/share/sbom/sbom.cdx.json > out/$$image.cdx.json || exit 1; \
	    echo out/$$image.cdx.json; \
	done

compose-test: $(VENV)/dev.stamp ## run docker compose from a fresh clone and check camera to mail (needs Docker; about 10 minutes)
	@docker compose version >/dev/null || { echo "make compose-test needs Docker with its plug-in compose, version 2.24 or newer" >&2; exit 1; }
	$(BIN)/pytest tests/compose/test_compose.py
.PHONY: images sbom compose-test

clean: ## remove the environments, caches and the demo's output
	rm -rf $(VENV) $(LOCALSTACK) $(INFRA) $(MOTO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache out
	find officer services shared tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python found. Install Python 3.11 or newer: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is older than 3.11, which is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "$(PYTHON) cannot make environments. On Debian and Ubuntu: sudo apt-get install $(PYTHON)-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The dev requirements hold the officer's: whoever has run the tests need not install again.
$(VENV)/officer.stamp: requirements/officer.txt pyproject.toml | $(BIN)/python
	$(PIP) --no-deps --require-hashes -r requirements/officer.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(PIP) --no-deps --require-hashes -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/officer.stamp

$(VENV)/servers.stamp: tests/servers/install | $(BIN)/python
	tests/servers/install
	@touch $@

# An environment for each tool whose requirements would not go with ours.
.venv-%/stamp: requirements/%.txt | $(BIN)/python
	$(BIN)/python -m venv .venv-$*
	.venv-$*/bin/python -m pip --disable-pip-version-check --no-input install --quiet --no-compile \
	    --no-deps --require-hashes -r requirements/$*.txt
	@touch $@
