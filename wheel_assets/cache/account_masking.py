"""Account numbers in caches and archives of earlier versions, replaced by aliases.

The cache identifies an account by its alias (`sanitise.account_alias`). Earlier versions stored the number itself as
the key of positions and transactions, in their rows, and in the stored answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wheel_assets.cache.upkeep.snapshot_index import content_hashes
from wheel_assets.columns import identifier, literal
from wheel_assets.sanitise import DIGITS_OF_NUMBER, HASH_LENGTH, SHOWN_OF_NUMBER, account_alias

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_HOLDINGS = "positions:"  # how the keys of documents about an account's holdings begin
_DIGITS = "regexp_replace(account_id, '[^0-9]', '', 'g')"
_ACCOUNT = (
    f"CASE WHEN length({_DIGITS}) >= {DIGITS_OF_NUMBER} AND length(account_id) < {HASH_LENGTH} "
    f"AND NOT starts_with(account_id, '...') THEN '...' || right(account_id, {SHOWN_OF_NUMBER}) ELSE account_id END"
)
_ANSWER = (
    r"""regexp_replace(document::VARCHAR, '"account": "(?:[^".0-9]*[0-9]){2}[^"]*([^"]{3})"', '"account": "...\1"')"""
)
# SQL that masks each column which may contain an account number, by table; agrees with `account_alias`.
ACCOUNT_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "positions": {"account_id": _ACCOUNT},
    "transactions": {"account_id": _ACCOUNT},
    "documents": {"document": _ANSWER},
}


def account_key(account: str) -> str:
    """Key of an account's holdings stored through the Python API: its alias and a digest, since aliases may coincide.

    >>> account_key("12345678"), account_key("default")
    ('...678:ef797c8118f02dfb', 'default')
    """
    alias = account_alias(account)
    return alias if alias == account else f"{alias}:{hashlib.sha256(account.encode()).hexdigest()[:16]}"


def masked_key(table: str, key: str) -> str:
    """The key of a snapshot with the account number replaced by its alias; a key without a number as it is."""
    if table in ("positions", "transactions"):
        return account_alias(key)
    _, is_holdings, account = key.partition(_HOLDINGS)
    return _HOLDINGS + account_key(account) if is_holdings and ":" not in account else key


def mask_numbers(connection: DuckDBPyConnection) -> None:
    """Replace account numbers by aliases in the keys, rows and answers of the attached cache."""
    query = "SELECT DISTINCT table_name, key FROM snapshots WHERE list_contains(?, table_name)"
    for table, key in connection.execute(query, [list(ACCOUNT_COLUMNS)]).fetchall():
        if (alias := masked_key(table, key)) != key:
            where = "WHERE table_name = ? AND key = ?"
            connection.execute(f"UPDATE snapshots SET key = ? {where}", [alias, table, key])
    there = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'cache'"
    for (table,) in connection.execute(there).fetchall():
        for column, alias in ACCOUNT_COLUMNS.get(table, {}).items():
            _mask_column(connection, table, column, alias)


def _mask_column(connection: DuckDBPyConnection, table: str, column: str, alias: str) -> None:
    """Mask one column, and update the content hashes of the snapshots that change."""
    differs = f"{column}::VARCHAR <> {alias}"
    query = f"SELECT DISTINCT snapshot_id FROM {identifier(table)} WHERE {differs}"
    changed = [row[0] for row in connection.execute(query).fetchall()]
    if not changed:
        return
    connection.execute(f"UPDATE {identifier(table)} SET {column} = {alias} WHERE {differs}")
    for snapshot_id, (_, content_hash) in content_hashes(connection, identifier(table), changed).items():
        update = f"UPDATE snapshots SET content_hash = ? WHERE snapshot_id = ? AND table_name = {literal(table)}"
        connection.execute(update, [content_hash, snapshot_id])
