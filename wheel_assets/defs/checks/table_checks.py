"""Checks of a table's rows before they are stored, in the step that makes them.

Rows that do not fit their table or exceed a fatal limit are left out, key by key, with the reason; where
nothing is left the step fails and nothing is stored, so that no later run loads bad rows as fresh. Each table that
advice is built on has one blocking asset check for all its measures. A check result costs a run some 30 ms of event log
and look-ups: one for each measure was rejected, and so was one for tables with few measures, whose results are in the
notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.cache.policy import WHOLE
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.defs.checks.sanity import SANITY
from wheel_assets.errors import BadFrame, CheckFailed
from wheel_assets.rows import Rows
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

NAMES = {
    "option_chains": "schema_and_quotes",
    "positions": "schema_and_totals",
    "greeks": "schema_and_bounds",
    "predictions": "schema_and_probabilities",
}

Checked = Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]


def checks_of(table: SnapshotTable) -> list[dg.AssetCheckSpec]:
    """The check of a table, if it has one, as the UI lists it."""
    if table.name not in NAMES:
        return []
    schema = f"Rows fit the columns, types and bounds of {table.name}, or they are not stored."
    tests = SANITY.get(table.name, ())
    lines = [f"- {sanity.name}: above {sanity.limit:g} it {sanity.consequence}" for sanity in tests]
    return [dg.AssetCheckSpec(_name(table), asset=table.name, blocking=True, description="\n".join((schema, *lines)))]


def checked(
    table: SnapshotTable,
    rows: Rows,
    metadata: Mapping[str, Any] | None = None,
    before: Mapping[str, float] = MappingProxyType({}),
) -> Checked:
    """The rows that pass, and the result of the asset check if the table has one, for its asset to yield.

    Keys that do not pass are added to those not fetched, with the reason. Where none passes, the check fails
    and the step with it: raises CheckFailed as a one-line error, and nothing is stored. `before` is what a
    measure of change gave for earlier rows, by key.
    """
    found = _examined(table, rows, before)
    results = [found.result] if table.name in NAMES else []
    if found.rows.frame.empty:
        yield from results
        with one_line_errors():
            raise _failure(table, "; ".join(found.refused.values()))
    yield dg.MaterializeResult(value=found.rows, metadata=metadata, check_results=results)


@dataclass(frozen=True)
class _Examined:
    """Result of a check: the rows that passed, the reasons of keys that did not, and warnings."""

    table: SnapshotTable
    rows: Rows
    refused: Mapping[str, str]
    warnings: tuple[str, ...]
    worst: Mapping[str, float]

    @property
    def result(self) -> dg.AssetCheckResult:
        """The result, with numbers that the UI plots over time; a visible warning where a key is missing.

        An error only where no key is left.
        """
        missing = [why for key, why in self.rows.not_fetched.items() if key not in self.refused]
        complaints = (*self.refused.values(), *missing, *self.warnings)
        return dg.AssetCheckResult(
            check_name=_name(self.table),
            passed=not complaints,
            severity=dg.AssetCheckSeverity.ERROR if self.rows.frame.empty else dg.AssetCheckSeverity.WARN,
            description="; ".join(complaints) or f"{len(self.rows.frame)} rows make sense",
            metadata={"rows": len(self.rows.frame), **self.worst},
        )


def _examined(table: SnapshotTable, given: Rows, before: Mapping[str, float]) -> _Examined:
    """Conform the rows, measure them, and leave out the keys beyond a fatal limit."""
    rows, refused = _conformed(table, given.frame)
    warnings: list[str] = []
    worst: dict[str, float] = {}
    for sanity in SANITY.get(table.name, ()) if len(rows) else ():
        measured = sanity.measured(rows, before)
        exceeded = {str(key): f"{key}: {sanity.name} is {value:.3g}" for key, value in sanity.beyond(measured).items()}
        worst |= {sanity.name: float(measured.max())} if len(measured) else {}
        refused |= exceeded if sanity.fatal else {}
        warnings += [] if sanity.fatal else exceeded.values()
    kept = rows[~rows[table.key].isin(list(refused))] if table.key and refused and len(rows) else rows
    reasons = {key: str(_failure(table, why)) for key, why in refused.items()}
    passed = Rows(kept, (*given.notes, *warnings), {**given.not_fetched, **reasons})
    return _Examined(table, passed, refused, tuple(warnings), worst)


def _conformed(table: SnapshotTable, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of the keys that fit the table, and why those of the others do not."""
    if frame.empty:
        return frame, {WHOLE: "there are no rows"}
    refused: dict[str, str] = {}
    try:
        conformed = table.conform(frame)
    except BadFrame as error:
        if table.key not in frame:
            return frame.iloc[:0], {WHOLE: str(error)}
        conformed, refused = _fitting(table, frame)
    return conformed, refused


def _fitting(table: SnapshotTable, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of each key that fit the table, checked key by key."""
    import pandas as pd

    fitting, refused = [], {}
    for key, rows in frame.groupby(table.key):
        try:
            fitting.append(table.conform(rows))
        except BadFrame as error:
            refused[str(key)] = f"{key!s}: {error}"
    return pd.concat(fitting, ignore_index=True) if fitting else frame.iloc[:0], refused


def _name(table: SnapshotTable) -> str:
    return NAMES.get(table.name, "schema")


def _failure(table: SnapshotTable, why: str) -> CheckFailed:
    """Error of a run whose rows were all refused."""
    return CheckFailed(f"check {_name(table)} of {table.name} failed", why, "nothing of it was stored")
