# `make recommend` and `make test` do all set-up themselves, in a virtual environment of their own.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
# The tests on all cores; each file of tests in one process.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
IN_A_BROWSER := $(addprefix wheel_assets_tests/end_to_end/,test_browser.py test_cross_site.py test_report_in_a_browser.py)

BUILD := 1.6.1
CYCLONEDX := 7.5.0
PIP_LICENSES := 5.5.5
EXTRAS := cloud postgres polars dask celery k8s

# Without compiled modules each of the commands that the tests start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: recommend ui check test-fast test test-browser test-scale fuzz coverage chromium postgresql redis benchmark benchmark-scale build sbom licences lock clean

recommend: $(VENV)/installed
	@$(BIN)/wheel recommend

ui: $(VENV)/installed
	@$(BIN)/wheel ui

# What a reader would object to: lint, format, types.
check: $(VENV)/installed-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests of each part by itself.
test-fast: $(VENV)/installed-test
	$(PYTEST) -m "not slow" --ignore wheel_assets_tests/end_to_end --ignore wheel_assets_tests/scale

# All tests but those in a browser, and those of real servers beside it.
test: $(VENV)/installed-test
	$(PYTEST) $(addprefix --ignore ,$(IN_A_BROWSER) wheel_assets_tests/scale)

# The properties, more examples of each, drawn from a new seed each time.
fuzz: $(VENV)/installed-test
	HYPOTHESIS_PROFILE=fuzz $(PYTEST) -m "not slow" --ignore wheel_assets_tests/end_to_end --ignore wheel_assets_tests/scale

# Which lines and branches the tests of the parts reach; below the floor it fails.
coverage: $(VENV)/installed-test
	$(PYTEST) --ignore wheel_assets_tests/end_to_end --ignore wheel_assets_tests/scale --cov --cov-report=term --cov-fail-under=80

# A newcomer, a hostile page and the report, each in a headless Chromium; makes the pictures of the documents anew.
SCREENSHOTS ?= docs
test-browser: $(VENV)/installed-browser chromium
	@mkdir -p $(SCREENSHOTS)
	SCREENSHOTS=$(abspath $(SCREENSHOTS)) $(BIN)/python -m pytest --numprocesses auto --dist worksteal -rs $(IN_A_BROWSER)

# Real servers beside it: PostgreSQL, Redis, a bucket; many runs and many workers at once.
test-scale: $(VENV)/installed-scale postgresql redis
	$(BIN)/python -m pytest wheel_assets_tests/scale

benchmark: $(VENV)/installed-test
	$(BIN)/python benchmarks/commands.py

# 500 symbols through every executor, into benchmarks/results/scale.txt and docs/scale.md.
benchmark-scale: $(VENV)/installed-scale redis
	$(BIN)/python benchmarks/scale.py --keep
	$(BIN)/python -m wheel_assets_tests.test_docs

# The source archive and the wheel, in dist/; of the same commit the wheel has the same bytes, wherever it is built.
build: $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build==$(BUILD)
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)} $(BIN)/python -m build

# What an installation of requirements.lock is made of, which is what the image has, as CycloneDX, in dist/sbom.json.
sbom: build/requirements/installed
	mkdir -p dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==$(CYCLONEDX)
	$(BIN)/cyclonedx-py environment build/requirements/bin/python --output-reproducible --output-file dist/sbom.json

# The licences of all that any user installs, in docs/licences.md.
licences: build/requirements-all/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-licenses==$(PIP_LICENSES)
	( echo "# Licences of the dependencies"; echo; \
	  echo "Of everything that [requirements-all.lock](../requirements-all.lock) installs: the package's dependencies and those"; \
	  echo "of its extras $(EXTRAS). What only tests and development need is not in it. Made by \`make licences\`."; echo; \
	  $(BIN)/pip-licenses --python build/requirements-all/bin/python --format=markdown --order=name ) > docs/licences.md

# An environment with what a lock names and nothing else.
build/%/installed: %.lock | $(VENV)/bin/python
	$(PYTHON) -m venv build/$*
	build/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing wheel_assets into $(VENV) (once) ..."
	@$(PIP) .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "Installing the test tools into $(VENV) (once) ..."
	@$(PIP) '.[test]'
	@touch $@

$(VENV)/installed-check: $(VENV)/installed
	@$(PIP) '.[check]'
	@touch $@

$(VENV)/installed-browser: $(VENV)/installed-test
	@$(PIP) '.[browser]'
	@touch $@

$(VENV)/installed-scale: $(VENV)/installed-test
	@$(PIP) '.[scale]'
	@touch $@

postgresql:
	@if ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then exit 0; fi; \
	echo "Installing postgresql (once) ..."; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null

redis:
	@if command -v redis-server >/dev/null; then exit 0; fi; \
	echo "Installing redis-server (once) ..."; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server >/dev/null

chromium:
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "test-browser: Chromium or its driver is missing; install Debian's packages chromium and chromium-driver" >&2; \
		exit 1; \
	fi; \
	echo "Installing chromium and chromium-driver (once) ..."; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
		chromium chromium-driver fonts-noto-color-emoji >/dev/null

# Pin what a clean environment resolves to today: every tool by version, what is installed to use it by hash too:
# requirements.lock for one machine or the image, requirements-all.lock with every extra for users.
COMPILE := uv pip compile --quiet pyproject.toml --constraint constraints.txt --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-header --no-annotate
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check '.[test,check,browser,polars,scale]'
	build/lock/bin/python -m pip freeze --exclude wheel_assets > constraints.txt
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	build/lock/bin/$(COMPILE) --extra cloud --extra postgres --output-file requirements.lock
	build/lock/bin/$(COMPILE) $(addprefix --extra ,$(EXTRAS)) --output-file requirements-all.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .tmp_dagster_home_* .pytest_cache .mypy_cache .ruff_cache .coverage*
