# `make recommend` and `make test` do all set-up themselves, in a virtual environment of their own.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: recommend test test-browser chromium ui benchmark lock clean

recommend: $(VENV)/installed
	@$(BIN)/wheel recommend

test: $(VENV)/installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# What a newcomer does in the browser, done in a headless Chromium; makes the pictures of the README anew.
SCREENSHOTS ?= docs
test-browser: $(VENV)/installed-browser chromium
	SCREENSHOTS=$(SCREENSHOTS) $(BIN)/python -m pytest -rs wheel_assets_tests/end_to_end/test_browser.py

ui: $(VENV)/installed
	$(BIN)/dagster dev

benchmark: $(VENV)/installed-test
	$(BIN)/python benchmarks/commands.py

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing wheel_assets into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "Installing the test tools into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

$(VENV)/installed-browser: $(VENV)/installed-test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	@touch $@

chromium:
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "test-browser: Chromium or its driver is missing; install Debian's packages chromium and chromium-driver" >&2; \
		exit 1; \
	fi; \
	echo "Installing chromium and chromium-driver (once) ..."; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium chromium-driver >/dev/null

# Pin what a clean environment resolves to today.
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check '.[test,browser]'
	build/lock/bin/python -m pip freeze --exclude wheel_assets > constraints.txt

clean:
	rm -rf $(VENV) build *.egg-info .dagster .tmp_dagster_home_* .pytest_cache
