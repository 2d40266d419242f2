# `make recommend` and `make test` do all set-up themselves, in a virtual environment of their own.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: recommend test test-browser ui benchmark lock clean

recommend: $(VENV)/installed
	@$(BIN)/wheel recommend

test: $(VENV)/installed-test
	$(BIN)/python -m pytest

# Wants Debian's chromium and chromium-driver; keeps the pictures of the README.
test-browser: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	SCREENSHOTS=docs $(BIN)/python -m pytest wheel_assets_tests/end_to_end/test_browser.py

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

# Pin what a clean environment resolves to today.
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check '.[test]'
	build/lock/bin/python -m pip freeze --exclude wheel_assets > constraints.txt

clean:
	rm -rf $(VENV) build *.egg-info .dagster .tmp_dagster_home_* .pytest_cache
