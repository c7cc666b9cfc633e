# `make help` lists what there is. Each target is short: the work is in the command it calls.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' >/dev/null 2>&1 && echo $(p))) python3)
BIN := .venv/bin
PAGE := services/dashboard
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet
export YES
.DEFAULT_GOAL := help
.PHONY: help install install-tests up down reset restart status logs trace load seed-large dev test test-cluster fuzz bench bench-reading bench-start audit audit-long audit-cluster check fmt stubs rules dashboards lock migrate

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

up: install ## install what is missing, start everything, wait until it is ready
	@$(BIN)/meshsplit up

down: ## stop everything cleanly; the data stays
	@[ ! -x $(BIN)/meshsplit ] || $(BIN)/meshsplit down

reset: ## stop everything and delete the data (asks; YES=1 answers)
	@[ ! -x $(BIN)/meshsplit ] || $(BIN)/meshsplit reset

restart: ## restart our services with the code of now
	@$(BIN)/meshsplit restart

status: ## show each service's process, ports and readiness
	@$(BIN)/meshsplit status

logs: ## follow the logs of everything
	@$(BIN)/meshsplit logs --follow

trace: ## show the slowest of the last requests that were traced, as trees
	@$(BIN)/meshsplit trace

load: ## send records steadily for five minutes (MESHSPLIT_LOAD_USERS, _RATE, _SECONDS)
	@$(BIN)/meshsplit load

seed-large: ## put ten million records straight into the running stack's ledger (minutes)
	@$(BIN)/meshsplit seed-large

dev: install ## the dashboard with hot reload, against the running stack
	@$(NODE) $(BIN)/meshsplit dev

install: ## install what running needs, and nothing that is there
	@$(PYTHON) -m meshsplit.local.install

install-tests: ## install what the tests need as well
	@$(PYTHON) -m meshsplit.local.install --tests

test: install-tests ## run every test, on real servers and a real browser of their own
	@$(NODE) $(BIN)/python -m pytest -n 2 --ignore=tests/cluster $(TESTS)

test-cluster: install-tests ## bring the system up in the cluster of KUBECONFIG, and test it there
	@$(NODE) $(BIN)/python -m pytest tests/cluster

fuzz: install-tests ## a million requests that nobody should send, and more (MESHSPLIT_FUZZ_SEED draws the same again)
	@MESHSPLIT_FUZZ_INPUTS=1000000 MESHSPLIT_FUZZ_CASES=2000 MESHSPLIT_FUZZ_CALLS=100000 $(BIN)/python -m pytest tests/fuzz

bench: install-tests ## measure what a record costs (CASES="even half" for a part), in minutes
	@$(BIN)/python -m bench $(BENCH)

bench-reading: install-tests ## measure reading, live clients and memory at 1,000, 1 and 10 million records (ten minutes)
	@$(BIN)/python -m bench.reading $(BENCH)

bench-start: install-tests ## measure how long `make up` takes to the first record (BENCH="--times 1")
	@$(BIN)/python -m bench.start $(BENCH)

audit: install-tests ## let every kind of fault happen once, and see that nothing is lost or doubled
	@$(BIN)/python -m audit $(AUDIT)

audit-long: install-tests ## the same for an hour, at random
	@$(BIN)/python -m audit --long $(AUDIT)

audit-cluster: install-tests ## the same on Galera's three nodes and Redis with Sentinels, in minutes
	@$(BIN)/python -m audit --stores cluster $(AUDIT)

check: install-tests ## lint, types, the directions of dependence, and what must not be stale
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NODE) $(BIN)/python -m pytest -q tests/unit/test_house.py tests/contract/test_proto.py
	cd $(PAGE) && $(NODE) npm run check

fmt: ## format the Python code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

stubs: ## generate the Python stubs from proto/
	@$(BIN)/python proto/generate.py

rules: ## write Prometheus' rules from observability/rules.py
	@$(BIN)/python -m observability.rules

dashboards: ## write Grafana's dashboards from observability/dashboards
	@$(BIN)/python -m observability.dashboards

migrate: ## bring a running stack's database to the newest schema
	@$(BIN)/meshsplit migrate

lock: ## pin and hash the requirements anew (needs uv)
	cd requirements && $(LOCK) dev.in -o dev.txt && $(LOCK) runtime.in local.in -c dev.txt -o local.txt && $(LOCK) runtime.in -c dev.txt -o runtime.txt && $(LOCK) load.in -c dev.txt -o load.txt && $(LOCK) node.in -o node.txt
