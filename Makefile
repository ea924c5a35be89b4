# docaxis. `make` or `make help` lists the targets.
#
# Set-up is done by need: each target makes `.venv` and installs what it lacks, once. Stamp files in
# `.venv` remember it, so that a second `make` starts at once. Everything installed is checked against
# the hashes in `requirements/`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# A Python of your own: make PYTHON=/path/to/python3.12 test
PYTHON ?=
# Arguments handed on: make test ARGS="-k submit"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
UV := VIRTUAL_ENV=$(VENV) UV_PYTHON=$(BIN)/python UV_LINK_MODE=copy $(BIN)/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
SOURCES := libs services tests benchmarks tools
# What an image is labelled with.
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
COMMIT = $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# pytest says 5 where it found no test: ARGS may name tests of one kind alone.
NONE_IS_FINE := || [ $$? -eq 5 ]

MOVE := tests/system/test_moving.py::test_a_standalone_moved_to_a_cluster_and_back_has_the_same_views

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### Use

.PHONY: run
run: $(VENV)/.run ## Start the axis on 127.0.0.1:8080, play the demonstration, keep serving (data in ./data)
	@$(BIN)/docaxis demo --data data --http-port $${DOCAXIS_HTTP_PORT:-8080} $(ARGS) || [ $$? -eq 130 ] # Ctrl-C is a good end

.PHONY: demo
demo: $(VENV)/.run ## Play the demonstration on a free port in a temporary folder, and end
	@$(BIN)/docaxis demo --once $(ARGS)

.PHONY: cluster
cluster: $(VENV)/.dev ## Start Kafka, MongoDB, S3 and each service as its own process, until Ctrl-C (data in ./cluster-data)
	@$(BIN)/python -m tools.cluster up $(ARGS)

.PHONY: up
up: ## Start the whole axis with Docker Compose and wait until it is healthy (docker-compose.yml)
	IMAGE_COMMIT=$(COMMIT) docker compose up --build --detach --wait $(ARGS)

.PHONY: down
down: ## Stop what `make up` started; its volumes stay
	docker compose --profile demo down $(ARGS)

.PHONY: build
build: ## Build the image docaxis:dev, labelled with version and commit
	$(or $(shell command -v docker),$(shell command -v buildah),docker) build -f deploy/Dockerfile -t docaxis:dev \
	  --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) $(ARGS) .

##### Check

.PHONY: test
test: $(VENV)/.dev ## Run all tests; those on real Kafka, MongoDB and S3 servers where Java, Maven and Go are installed
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not cluster" --ignore tests/image $(ARGS) $(NONE_IS_FINE)
	@$(MAKE) --no-print-directory test-cluster

# A whole axis runs alone: what runs beside it would be one of the faults.
.PHONY: test-cluster
test-cluster: $(VENV)/.dev ## Run the tests on real servers alone (part of `make test`)
	@if command -v java >/dev/null && command -v mvn >/dev/null && command -v go >/dev/null; \
	then $(BIN)/python -m tools.cluster fetch; \
	else echo "Java, Maven or Go is missing: tests on real servers are skipped, each says what it needs."; fi
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "cluster and not faults" --ignore tests/image $(ARGS) $(NONE_IS_FINE)
	$(BIN)/python -m pytest -m faults --ignore tests/image --deselect $(MOVE) $(ARGS) $(NONE_IS_FINE)

.PHONY: test-faults
test-faults: $(VENV)/.dev ## Kill services, brokers and stores of a whole axis under load (part of `make test`)
	$(BIN)/python -m tools.cluster fetch
	$(BIN)/python -m pytest -m faults tests/cluster/faults $(ARGS)

.PHONY: test-move
test-move: $(VENV)/.dev ## Move a standalone to a cluster and back (eight minutes; not part of `make test`)
	$(BIN)/python -m tools.cluster fetch
	$(BIN)/python -m pytest -m faults $(MOVE) $(ARGS)

.PHONY: test-image
test-image: $(VENV)/.dev ## Build the image and run it (as root, with buildah and debootstrap; not part of `make test`)
	$(BIN)/python -m tools.cluster fetch
	$(BIN)/python -m pytest tests/image $(ARGS)

.PHONY: test-java
test-java: $(VENV)/.dev ## Build and test the Java client, against an axis of its own (part of `make test`)
	$(BIN)/python -m pytest tests/java $(ARGS) $(NONE_IS_FINE)

.PHONY: check
check: lint types imports generated k8s-check ## Everything that is checked without running it: lint, types, imports, generated and deployment files

.PHONY: lint
lint: $(VENV)/.dev ## Style and common mistakes (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.dev ## Types (mypy, strict)
	$(BIN)/mypy

.PHONY: imports
imports: $(VENV)/.dev ## Which package may import which (import-linter)
	$(BIN)/lint-imports

.PHONY: generated
generated: $(VENV)/.dev ## Whether generated code and reference pages are current
	$(BIN)/python tools/generate_proto.py --check
	$(BIN)/python tools/stored_messages.py --check
	$(BIN)/python tools/generate_docs.py --check

.PHONY: k8s-check
k8s-check: $(VENV)/.dev ## Whether manifests and Compose file are well formed and name what the code reads
	$(BIN)/python -m tools.deployment check

.PHONY: bench
bench: $(VENV)/.dev ## Measure throughput and latency (never part of the tests)
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-all
bench-all: $(VENV)/.dev ## More of them, a JSON each: recipients, files, the catalogue, stored documents, rebuilds, a cluster (DOCUMENTS=100000)
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.many_recipients
	$(BIN)/python -m benchmarks.large_file
	$(BIN)/python -m benchmarks.import_catalogue
	@seeded="$$(mktemp -d)" && trap 'rm -rf "$$seeded"' EXIT && \
	$(BIN)/python -m benchmarks.seed --documents $(or $(DOCUMENTS),100000) --derive "$$seeded/data" && \
	$(BIN)/python -m benchmarks.rebuild --runs 1 "$$seeded/data" && \
	$(BIN)/python -m benchmarks.stored "$$seeded/data"
	$(BIN)/python -m tools.cluster fetch
	$(BIN)/python -m benchmarks.distributed

##### Change

.PHONY: format
format: $(VENV)/.dev ## Format the code and mend what can be mended (ruff)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: proto
proto: $(VENV)/.dev ## Generate libs/docaxis_proto from proto/
	$(BIN)/python tools/generate_proto.py
	$(BIN)/python tools/stored_messages.py

.PHONY: docs
docs: $(VENV)/.dev ## Generate the reference pages and the manifests of topics from code and protos
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python -m tools.deployment topics

.PHONY: lock
lock: $(VENV)/.tools ## Pin the dependencies again (UPGRADE=1 takes newer ones)
	$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/build.in -o requirements/build.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements/run.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra distributed -o requirements/distributed.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra distributed --group dev -o requirements/dev.txt

.PHONY: clean
clean: ## Remove .venv and caches; ./data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find libs services tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

##### Set-up, done by need

$(VENV)/.made:
	@found=; for each in "$(PYTHON)" python3 python3.13 python3.12 python3.11; do \
	  if [ -n "$$each" ] && "$$each" -c 'import sys, venv, ensurepip; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then found="$$each"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "docaxis needs Python 3.11 or newer with the venv module (on Debian: apt install python3 python3-venv)." >&2; \
	  echo "None was found as python3, python3.13, python3.12 or python3.11. Name one: make PYTHON=/path/to/python" >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)
	@touch $@

$(VENV)/.tools: requirements/build.txt | $(VENV)/.made
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@touch $@

# The project itself is installed editable: .venv/bin/docaxis runs the code as it stands here.
$(VENV)/.run: requirements/run.txt pyproject.toml $(VENV)/.tools
	@$(UV) pip install --quiet --require-hashes -r requirements/run.txt
	@$(UV) pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(UV) pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@
