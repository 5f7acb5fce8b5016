# Every command, one sentence each: `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
NPM    := web/scripts/npm
FORM   := $(shell find web/src web/public web/scripts -type f) $(wildcard web/*.json web/*.ts) web/index.html schemas/asyncapi.yaml

.DEFAULT_GOAL := help
.PHONY: help up web demo backup restore eval knowledge test test-faults test-soak chaos chaos-mutants check format lock schemas bench bench-compare bench-growth bench-sources clean

help: ## List the commands.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run it
up: $(VENV)/ready ## Start PostgreSQL, the broker and every service, and print where to go; Ctrl-C stops all.
	@$(MAKE) --no-print-directory web || echo "The web form could not be built; everything else runs without it."
	@$(RUN) -m local up

web: $(VENV)/ready web/dist/index.html ## Build the web form into web/dist, where it is missing or older than its sources.

demo: $(VENV)/ready ## Post 200 varied fictional orders to the running system, so that there is something to look at.
	@$(RUN) -m local demo

backup: $(VENV)/ready ## Write everything the all-in-one keeps into one file, while it runs or not: BACKUP=file.
	@$(RUN) -m local backup $(or $(BACKUP),careplan-backup.tar)

restore: $(VENV)/ready ## Make an empty CAREPLAN_HOME from that file; `make up` carries on from there.
	@$(RUN) -m local restore $(or $(BACKUP),careplan-backup.tar)

##@ Work on it
eval: $(VENV)/ready ## Grade the care plans of `scripted` on 30 cases; EVAL="--provider recorded:FILE --report out.md" for others.
	@$(RUN) -m evals $(EVAL)
	@$(RUN) -m evals.retrieval

knowledge: $(VENV)/ready ## Write the pages of docs/knowledge from the drug files.
	@$(RUN) -m knowledge.page

test: $(VENV)/ready web ## Run the tests with everything they need: their own PostgreSQL and broker.
	$(RUN) -m pytest -m "not faults and not soak" -n 3 --dist loadfile --no-loadscope-reorder -o faulthandler_timeout=1800 $(ONLY)

chaos: $(VENV)/ready ## Harm the whole system by a seeded schedule and judge it: SEED=7 MINUTES=2 BROKER=kafka (docs/chaos.md).
	@$(RUN) -m tests.chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),2) --broker $(or $(BROKER),embedded)

chaos-mutants: $(VENV)/ready ## Prove that chaos can fail: broken copies of this code, each of which it must catch.
	@$(RUN) -m tests.chaos.mutants

test-faults: $(VENV)/ready ## Kill, pause, fill and repeat for real, on the embedded broker and on Apache Kafka: the promises (docs/messaging.md).
	$(RUN) -m pytest -m faults $(ONLY)

test-soak: $(VENV)/ready ## Fill the running system for many minutes, and watch its memory.
	$(RUN) -m pytest -m soak -s -o faulthandler_timeout=7200

check: $(VENV)/ready web/node_modules/.package-lock.json ## Style, types and the walls between the rooms.
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	$(NPM) run --silent check

bench: $(VENV)/ready ## Measure a fresh all-in-one by itself, in under two minutes: BROKER=kafka (docs/performance.md).
	@$(RUN) bench/ours.py --broker $(or $(BROKER),embedded)

bench-compare: $(VENV)/ready ## Measure ours and the Django peer in turns, three pairs (needs Debian's postgresql-15 and redis-server).
	@$(RUN) bench/compare.py

bench-growth: $(VENV)/ready ## Measure what an order costs with 1k, 10k and 100k orders stored, and with more processes (20 minutes).
	@$(RUN) bench/growth.py

bench-sources: $(VENV)/ready ## Measure what a partner's format costs beside the canonical JSON, at intake alone (starts its own).
	@$(RUN) bench/sources.py

format: $(VENV)/ready ## Put the code into its one form, and mend what can be mended without thinking.
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

schemas: $(VENV)/ready ## Write the JSON Schemas and the AsyncAPI document from the code.
	$(RUN) -m schemas.publish

lock: $(VENV)/ready ## Resolve the dependencies of pyproject.toml into requirements.lock.
	$(RUN) -m uv pip compile pyproject.toml --group local --group dev --universal --generate-hashes --no-annotate --no-header --quiet -o requirements.lock
	$(RUN) -m uv pip compile pyproject.toml -c requirements.lock --universal --generate-hashes --no-annotate --no-header --quiet -o requirements-runtime.lock

clean: ## Remove what the commands made, but for the all-in-one's data in var/.
	rm -rf web/dist web/node_modules $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/ready: requirements.lock
	@echo "Installing what requirements.lock lists (a minute, once) …"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json | $(VENV)/ready
	@echo "Installing what web/package-lock.json lists (once) …"
	@$(NPM) ci --silent
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(FORM)
	@echo "Building the web form …"
	@$(NPM) run --silent build >/dev/null
	@touch $@
