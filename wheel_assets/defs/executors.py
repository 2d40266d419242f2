"""Executors of a scan by name: Dagster's own and its integrations."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import dagster as dg

from wheel_assets.errors import SettingError
from wheel_assets.sections import ScanSettings

# Module and name; all but the first two are extras of this package.
_HOMES = {
    "in_process": ("dagster", "in_process_executor"),
    "multiprocess": ("dagster", "multiprocess_executor"),
    "dask": ("dagster_dask", "dask_executor"),
    "celery": ("dagster_celery", "celery_executor"),
    "k8s": ("dagster_k8s", "k8s_job_executor"),
}

# Where nothing else is set: a worker begins with everything imported, which takes longer than a share of the work.
_USUAL: dict[str, dict[str, Any]] = {
    "multiprocess": {
        "start_method": {"forkserver": {"preload_modules": ["wheel_assets.definitions", "wheel_assets.scan.valuation"]}}
    },
    "dask": {"cluster": {"local": {}}},
}


def executor_of(scan: ScanSettings) -> dg.ExecutorDefinition:
    """The executor that the settings name, with its configuration.

    Raises SettingError where its package is not installed, and where it refuses the configuration.
    """
    module, name = _HOMES[scan.executor]
    try:
        executor: dg.ExecutorDefinition = getattr(import_module(module), name)
    except ImportError as error:
        why, remedy = f"{error}", f"pip install 'wheel_assets[{scan.executor}]'"
        raise SettingError(f"WHEEL_SCAN__EXECUTOR={scan.executor} is refused", why, remedy) from error
    config = {**_USUAL.get(scan.executor, {}), **scan.executor_config}
    if not config:
        return executor
    configured = executor.configured(config)
    errors = configured.apply_config_mapping({"config": {}}).errors  # else every job that has it would fail to load
    if errors:
        raise SettingError(f"WHEEL_SCAN__EXECUTOR_CONFIG of {scan.executor} is refused", errors[0].message)
    return configured
