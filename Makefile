# `make demo` shows it, `make test` proves it, `make ui` opens it. Each prepares .venv by itself.

PYTHON ?= python3
TRACKS_HOME ?= $(CURDIR)/.tracks
DAGSTER_HOME = $(abspath $(TRACKS_HOME))/dagster
export TRACKS_HOME DAGSTER_HOME
# Without compiled files each of pytest's workers would rewrite every test module again.
unexport PYTHONDONTWRITEBYTECODE

BIN = .venv/bin
READY = .venv/ready
SQL_LINTED = .venv/sql_linted

SENT = $(CURDIR)/.sent
NOT_QUICK = integration or emulator or dagster or browser or slow
MARKED = not (thorough or nightly)
TOGETHER = TRACKS_TESTS_SENT=$(SENT) $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --ignore=tests/integration/sent

.PHONY: setup demo ui test check lint types quick integration suite thorough nightly property format docs screenshots generate lock benchmark benchmark-dedup benchmark-cost benchmark-bigquery benchmark-anomalies benchmark-live benchmark-consumers benchmark-mixpanel benchmark-persons soak clean

setup: $(READY) $(DAGSTER_HOME)/dagster.yaml

$(READY): requirements.lock pyproject.toml
	@echo "Preparing .venv (locked versions)..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $(READY)

$(DAGSTER_HOME)/dagster.yaml: dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@cp dagster.yaml $(DAGSTER_HOME)/dagster.yaml

# Warnings of libraries are for developers, not for readers of the demo.
demo: setup
	@$(BIN)/python -W ignore -m examples.demo

ui: setup
	@$(BIN)/python -m tracks_assets
	@echo "The Dagster UI is at 127.0.0.1:3000 (Ctrl-C ends it)."
	@$(BIN)/dg dev --host 127.0.0.1 --port 3000

test: setup lint types suite

lint: setup $(SQL_LINTED)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

# Most of the time of `make lint`, so SQL that has not changed is not read again. Only dbt's own SQL needs its macros,
# which sqlfluff compiles once more for each file.
$(SQL_LINTED): $(READY) $(shell find tracks_assets examples dbt_project -name '*.sql') $(shell find lint -name '*.py')
	@$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar tracks_assets examples
	@$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar --config lint/dbt.cfg dbt_project
	@touch $@

types: setup
	@$(BIN)/mypy

# Everything that is known within one to three minutes: one part at a time, no emulator, no Dagster, no dbt.
check: setup
	@$(MAKE) --no-print-directory --jobs 2 lint types quick

# Some tests are not read at all, because their imports take longer than many a test.
quick: setup
	@$(BIN)/pytest -q -n 2 -m "not ($(NOT_QUICK) or thorough or nightly)" --ignore=tests/integration --ignore=tests/outages \
		--ignore=tests/warehouse/statements/test_google.py

# What `make quick` leaves out.
integration: MARKED = ($(NOT_QUICK)) and not (thorough or nightly)
integration: suite

# The tests that take seconds each. Two cores are busy with three at a time.
suite: setup
	@rm -rf $(SENT)
	@$(TOGETHER) -m "$(MARKED)"

# The rest of what the CI runs: the same scenarios on the other engine, other places of a crash, Dagster's own processes,
# the demo, a browser. Then Google's analyzer reads every statement that all these tests sent.
thorough: suite
	@$(TOGETHER) -m "thorough and not nightly"
	@TRACKS_TESTS_SENT=$(SENT) $(BIN)/pytest tests/integration/sent

# What shows a guarantee again: in other places of a crash, for other names, on other jobs. Also the short soak.
nightly: setup
	@$(TOGETHER) -m nightly

# The property tests on many more random examples than `make test` takes: some half an hour.
property: setup
	@TRACKS_TESTS_EXAMPLES=500 $(BIN)/pytest -q -n 2 --dist worksteal tests/dbt_project/test_*_property.py \
		tests/quality/uploads/test_decide_property.py tests/transform/test_transform_agrees.py

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# The pictures of the docs, taken by the tests that drive the browser.
screenshots: setup
	@TRACKS_SCREENSHOTS=$(CURDIR)/docs/images $(BIN)/pytest -q tests/integration/browser

# The files that follow from the code: dbt's description of tracks, and two pages of the docs.
generate: setup
	@$(BIN)/python -m tracks_assets.warehouse.dbt_properties
	@$(BIN)/python -m docs.generate

# The site of the docs, in .site; a broken link fails it.
docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "The site is in .site: open .site/index.html"

lock:
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --extra dev --extra examples --output-file requirements.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --extra production --constraint requirements.lock \
		--output-file deploy/requirements.lock pyproject.toml

benchmark: setup
	@$(BIN)/python -m benchmarks.load

benchmark-dedup: setup
	@$(BIN)/python -m benchmarks.dedup

benchmark-cost: setup
	@$(BIN)/python -m benchmarks.bigquery_cost

benchmark-bigquery: setup
	@$(BIN)/python -m benchmarks.bigquery_load

benchmark-live: setup
	@$(BIN)/python -m benchmarks.live

benchmark-consumers: setup
	@$(BIN)/python -m benchmarks.consumers

benchmark-anomalies: setup
	@$(BIN)/python -m benchmarks.anomalies

benchmark-persons: setup
	@$(BIN)/python -m benchmarks.persons

benchmark-mixpanel: setup
	@$(BIN)/python -m benchmarks.mixpanel

# 200 hourly runs in a row by the sensor under Dagster's daemon, some of them killed: takes about an hour.
soak: setup
	@$(BIN)/python -m benchmarks.soak --hours 200

clean:
	rm -rf .venv .tracks .site
