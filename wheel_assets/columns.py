"""A column and a table as they are declared: their DDL, and frames that fit them.

The declarations themselves are in `tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wheel_assets.errors import BadFrame, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Type = Literal["VARCHAR", "BOOLEAN", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "JSON", "BIGINT[]", "VARCHAR[]"]
Dtype = Literal["object", "boolean", "Int64", "float64", "datetime64[us]"]

# The one pandas dtype of each type, so that a frame read back equals the frame written.
DTYPES: dict[Type, Dtype] = {
    "VARCHAR": "object",
    "BOOLEAN": "boolean",
    "BIGINT": "Int64",
    "DOUBLE": "float64",
    "DATE": "datetime64[us]",
    "TIMESTAMP": "datetime64[us]",
    "JSON": "object",
    "BIGINT[]": "object",
    "VARCHAR[]": "object",
}


@dataclass(frozen=True)
class Column:
    """One column: `required` refuses NULL, `values`, `low` and `high` refuse anything else."""

    name: str
    type: Type
    meaning: str
    unit: str = ""
    required: bool = False
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def description(self) -> str:
        """Meaning, unit and allowed values in one line."""
        unit = f" ({self.unit})" if self.unit else ""
        values = f": {', '.join(self.values)}" if self.values else ""
        return f"{self.meaning}{unit}{values}"

    @property
    def ddl(self) -> str:
        """Its part of a CREATE TABLE statement."""
        return f"{identifier(self.name)} {self.type}{' NOT NULL' if self.required else ''}"


@dataclass(frozen=True)
class Table:
    """A table by its name and columns."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns as they lie in the file."""
        return self.columns

    @property
    def ddl(self) -> str:
        """The CREATE TABLE statement."""
        columns = ", ".join(
            f"{identifier(c.name)} {c.type}{' NOT NULL' if c.required else ''}" for c in self.stored_columns
        )
        return f"CREATE TABLE IF NOT EXISTS {identifier(self.name)} ({columns})"

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame's declared columns, in order, each in its one dtype.

        Raises BadFrame, naming the column and the first bad value, where a declared column is
        missing, a value cannot be converted, is NULL but required, or lies out of bounds. Columns
        that are not declared are refused too: silently dropping data is losing data.
        """
        import pandas as pd

        undeclared = [name for name in frame.columns if name not in {c.name for c in self.columns}]
        missing = [c.name for c in self.columns if c.name not in frame.columns]
        if undeclared or missing:
            raise BadFrame(
                f"a frame does not fit table {self.name}",
                f"missing columns {missing}, undeclared columns {undeclared}",
                "declare the columns in tables.py or correct the asset",
            )
        whole = frame.reset_index(drop=True)
        return pd.DataFrame({c.name: _converted(self, c, whole[c.name]) for c in self.columns})


def identifier(name: str) -> str:
    """A name for SQL, quoted.

    >>> identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for SQL where no parameter can stand, quoted.

    >>> literal("O'Hara")
    "'O''Hara'"
    """
    return "'" + text.replace("'", "''") + "'"


def _converted(table: Table, column: Column, values: pd.Series) -> pd.Series:
    """One column in its dtype and within its bounds."""
    dtype = DTYPES[column.type]
    try:
        converted = values if values.dtype == dtype else values.astype(dtype)
    except (ValueError, TypeError) as error:
        raise _refused(table, column, f"{error}") from error
    null = converted.isna().to_numpy()
    if dtype == "object" and null.any():
        converted = converted.where(~null, None)
    if column.required and null.any():
        raise _refused(table, column, f"row {null.argmax()} has no value")
    bad = _out_of_bounds(column, converted) & ~null
    if bad.any():
        raise _refused(table, column, f"row {bad.argmax()} has {converted[bad].iloc[0]}")
    return converted


def _out_of_bounds(column: Column, values: pd.Series) -> np.ndarray:
    import numpy as np

    bad = np.zeros(len(values), dtype=bool)
    if column.values:
        bad |= ~values.isin(column.values).to_numpy()
    if column.low is not None or column.high is not None:
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        bad |= (numbers < (-np.inf if column.low is None else column.low)) | np.isinf(numbers)
        bad |= numbers > (np.inf if column.high is None else column.high)
    return bad


def _refused(table: Table, column: Column, why: str) -> BadFrame:
    bounds = f" {column.values}" if column.values else ""
    if column.low is not None or column.high is not None:
        bounds = f" from {column.low} to {column.high}"
    return BadFrame(f"column {table.name}.{column.name} was refused", why, f"it holds {column.type}{bounds}")


_SNAPSHOT_ID = Column("snapshot_id", "BIGINT", "the snapshot this row belongs to", required=True)
_CREATED_AT = Column("created_at", "TIMESTAMP", "when the row was cached", "UTC", required=True)


@dataclass(frozen=True)
class SnapshotTable(Table):
    """A table of snapshots: the rows of one fetch or one computation are kept and replaced together.

    A snapshot belongs to one value of the `key` column, and is found by it; `key_config` is the field
    of an asset's run config that says which keys are wanted. Without a key there is one for all. Of a
    table that is a `record`, each snapshot holds all that the one before it did: no source may have it any
    more, so the newest snapshot of a key outlives the retention time.
    """

    key: str | None = None
    key_config: str | None = None
    record: bool = False

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The declared columns between those that the store adds."""
        return (_SNAPSHOT_ID, *self.columns, _CREATED_AT)

    def check(self, columns: Sequence[str]) -> None:
        """Raise UsageError for a column that the table does not have."""
        known = [column.name for column in self.stored_columns]
        if unknown := [name for name in columns if name not in known]:
            what = f"{self.name} has no column {' and '.join(map(str, unknown))}"
            raise UsageError(what, f"its columns are {', '.join(known)}", "name one of them")

    def restore(self, frame: pd.DataFrame, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Rows read from the file, in the declared order and dtypes; only `columns`, where some are named.

        DuckDB's dtypes depend on whether a column happens to hold a NULL; these do not, so that what
        a hit returns equals what the miss stored.
        """
        for column in self.stored_columns:
            if columns and column.name not in columns:
                continue
            values, dtype = frame[column.name], DTYPES[column.type]
            if values.dtype != dtype:
                frame[column.name] = values.astype(dtype)
                if dtype == "object":  # from a pandas string type, which has a missing value of its own
                    frame[column.name] = frame[column.name].where(values.notna(), None)
        return frame[list(columns) or [column.name for column in self.stored_columns]]
