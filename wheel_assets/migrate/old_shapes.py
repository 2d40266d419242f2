"""What the original design stored, as rows of our tables: its JSON documents and its flat rows.

A document is taken apart first (`*_document`); then each flat row is put into our columns (`*_row`), its
values still as they were found: `values` reads those. Names are in lower case. ValueError with
the reason where a row cannot be understood.

Schemas: the original's `duckdb_cache.py` (option_chains, position_snapshots, greeks_cache,
predictions_cache), and the SQLite database that its Schwab ingestion wrote (positions,
account_snapshots).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wheel_assets.errors import BadSymbol
from wheel_assets.fetch.normalise.quotes import numbers, quote_quality
from wheel_assets.market.calendar import SECONDS_PER_YEAR
from wheel_assets.market.expiration import end_of_trading
from wheel_assets.market.indices import AM_SETTLED_ROOTS
from wheel_assets.market.osi import OptionSymbol, format_osi, option_root, parse_osi
from wheel_assets.migrate.values import day, moment
from wheel_assets.sanitise import SHOWN_OF_NUMBER, account_alias

OldRow = Mapping[str, Any]

_SPELLINGS = {
    "ask_price": "ask",
    "askprice": "ask",
    "bid_price": "bid",
    "bidprice": "bid",
    "expiration_date": "expiration",
    "expiry": "expiration",
    "implied_volatility": "iv",
    "impliedvolatility": "iv",
    "last_price": "last",
    "occ_symbol": "option_symbol",
    "openinterest": "open_interest",
    "right": "option_type",
    "strike_price": "strike",
    "strikeprice": "strike",
    "type": "option_type",
    "underlying_price": "spot_price",
}
_SIDES = {"calls": "call", "puts": "put", "options": None, "contracts": None, "chain": None, "quotes": None}
_RIGHTS = {"P": "put", "PUT": "put", "C": "call", "CALL": "call"}


def chain_document(old: OldRow) -> list[dict[str, Any]]:
    """The contracts of a chain of one expiration, which is all in the JSON column `data`."""
    document = json_value(old.get("data"), "data")
    contracts = contracts_in(document) if isinstance(document, Mapping | list) else []
    if not contracts:
        raise ValueError("data holds no contracts")
    return [{**_chain_facts(document), **_present(old), **contract} for contract in contracts]


def contracts_in(document: Any) -> list[dict[str, Any]]:
    """The contracts of a document: lists, or mappings by strike, under calls, puts, options or contracts."""
    sides = document if isinstance(document, Mapping) else {"contracts": document}
    found = []
    for side, contracts in sides.items():
        name = str(side).lower()
        if isinstance(contracts, Mapping):
            contracts = [
                {"strike": strike, **given} for strike, given in contracts.items() if isinstance(given, Mapping)
            ]
        if name in _SIDES and isinstance(contracts, list):
            given = [respelt(contract) for contract in contracts if isinstance(contract, Mapping)]
            found += [{"option_type": _SIDES[name], **contract} for contract in given]
    return found


def chain_row(old: OldRow) -> dict[str, Any]:
    """One quoted contract, of a document or of a flat table."""
    row = respelt(old)
    contract = _contract(row)
    spot = row.get("spot_price")
    bid, ask = (numbers([row.get(name)]) for name in ("bid", "ask"))
    return {
        **row,
        **_contract_columns(contract),
        "symbol": row.get("symbol") or contract.underlying,
        "quote_quality": row.get("quote_quality") or str(quote_quality(bid, ask)[0]),
        "spot_price": None if spot in (0, "0", "") else spot,  # the original wrote 0 where it had no price
        "multiplier": row.get("multiplier") or 100,
        "source": row.get("source") or "migrated",
    }


def positions_document(old: OldRow) -> list[dict[str, Any]]:
    """The holdings of an account at one moment: JSON in the columns `positions` and `account_data`."""
    document = {name: json_value(old.get(name), name) for name in ("positions", "account_data")}
    at = {name: respelt(old).get(name) for name in ("account_id", "account_number", "timestamp")}
    holdings = holdings_in(document)
    if not holdings:
        raise ValueError("it holds no positions and no cash")
    return [{**holding, **_present(at)} for holding in holdings]


def holdings_in(document: Any) -> list[dict[str, Any]]:
    """The holdings of a document of positions, cash among them where the account's is given."""
    if not isinstance(document, Mapping):
        document = {"positions": document}
    holdings = document.get("positions") or []
    if isinstance(holdings, Mapping):
        holdings = holdings.get("positions", [holdings])
    found = (
        [respelt(holding) for holding in holdings if isinstance(holding, Mapping)] if isinstance(holdings, list) else []
    )
    account = document.get("account_data") or document.get("account") or {}
    cash = account.get("cash_balance", account.get("cash")) if isinstance(account, Mapping) else None
    return found if cash is None else [*found, {"symbol": "USD", "position_type": "CASH", "quantity": cash}]


def holding_row(old: OldRow) -> dict[str, Any]:
    """One holding of an account."""
    row = respelt(old)
    kind = _asset_type(row)
    row |= {"asset_type": kind, "account_id": _account(row), "source": row.get("source") or "migrated"}
    if kind == "option":
        contract = _contract(row)
        row |= {
            **_contract_columns(contract),
            "symbol": contract.osi,
            "underlying": row.get("underlying") or contract.underlying,
        }
    else:
        row |= dict.fromkeys(("option_type", "expiration", "strike"))
    row["multiplier"] = row.get("multiplier") or (100 if kind == "option" else 1)
    if row.get("average_price") is None and kind != "cash":
        row["average_price"] = _average_price(row)
    if kind == "cash":
        row |= {"market_value": row.get("market_value", row.get("quantity")), "symbol": "USD"}
    return row


def account_row(old: OldRow) -> dict[str, Any]:
    """The cash of one of the old database's account_snapshots."""
    return holding_row({**old, "symbol": "USD", "position_type": "CASH", "quantity": old.get("cash_balance")})


def greeks_row(old: OldRow) -> dict[str, Any]:
    """One line of Greeks. The original's model knew no dividends, and wrote 0 for what it had not."""
    row = respelt(old)
    contract = _contract(row)
    return {
        **row,
        **_contract_columns(contract),
        "symbol": row.get("symbol") or contract.underlying,
        "dividend_yield": row.get("dividend_yield") or 0.0,
        "years": row.get("years") or _years(contract, moment(row.get("timestamp"))),
        "iv": row.get("iv") or None,
        "status": row.get("status") or "migrated",
    }


def prediction_row(old: OldRow) -> dict[str, Any]:
    """One prediction; the contract it is about is given among its features or its results, if anywhere."""
    row = respelt(old)
    given: dict[str, Any] = {}
    for column in ("predictions", "input_features"):
        document = json_value(row.get(column), column)
        given |= respelt(document) if isinstance(document, Mapping) else {}
        row[column] = json.dumps(document if document is not None else {})
    contract = _contract({**given, **_present(row)})
    measures = {name: given.get(name) for name in ("prob_itm", "prob_touch", "expected_return", "cvar_95")}
    symbol = row.get("symbol") or given.get("symbol") or contract.underlying
    version = row.get("model_version") or "unknown"
    return {**measures, **row, **_contract_columns(contract), "symbol": symbol, "model_version": version}


def respelt(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row with our names for its columns.

    Its `created_at` stands only for a missing `timestamp`: DuckDB wrote it in local time, while the
    original's `timestamp` was UTC and taken at the same moment.
    """
    lower = {str(name).lower(): value for name, value in row.items()}
    created_at = lower.pop("created_at", None)
    if created_at and not lower.get("timestamp"):
        lower["timestamp"] = created_at
    return {**{_SPELLINGS[name]: value for name, value in lower.items() if name in _SPELLINGS}, **lower}


def json_value(value: Any, name: str) -> Any:
    """What JSON text holds, also text in text; raises ValueError. Other values are what they are."""
    for _ in range(2):
        if isinstance(value, str | bytes):
            try:
                value = json.loads(value) if value else None
            except ValueError as error:
                raise ValueError(f"{name} is not JSON: {error}") from error
    return value


def _present(row: OldRow) -> dict[str, Any]:
    """A row without its documents and without what it has no value for."""
    return {name: value for name, value in row.items() if value is not None and name != "data"}


def _chain_facts(document: Mapping[str, Any] | list[Any]) -> dict[str, Any]:
    """Fields of a chain common to all its contracts."""
    facts = respelt(document) if isinstance(document, Mapping) else {}
    return {name: facts[name] for name in ("symbol", "expiration", "spot_price") if name in facts}


def _contract(row: OldRow) -> OptionSymbol:
    """The contract a row is about: by its option symbol, else by its parts; raises ValueError."""
    code = next((str(row[name]) for name in ("option_symbol", "symbol") if _is_osi(row.get(name))), None)
    if code:
        return parse_osi(code)
    missing = [name for name in ("strike", "expiration", "option_type") if row.get(name) in (None, "")]
    root = row.get("underlying") or row.get("symbol")
    if missing or not root:
        raise ValueError(f"no contract is named: no {', '.join(missing) or 'symbol'}")
    right = _RIGHTS.get(str(row["option_type"]).upper(), "?")
    try:
        return parse_osi(
            format_osi(option_root(str(root).upper()), day(row["expiration"]), right, float(row["strike"]))
        )
    except (BadSymbol, TypeError) as error:
        raise ValueError(str(error)) from error


def _years(contract: OptionSymbol, at: datetime) -> float:
    end = end_of_trading(contract.expiration, contract.root in AM_SETTLED_ROOTS)
    return (end - at).total_seconds() / SECONDS_PER_YEAR


def _is_osi(text: Any) -> bool:
    try:
        parse_osi(str(text or ""))
    except BadSymbol:
        return False
    return True


def _contract_columns(contract: OptionSymbol) -> dict[str, Any]:
    return {
        "option_symbol": contract.osi,
        "expiration": contract.expiration,
        "option_type": contract.option_type,
        "strike": contract.strike,
    }


def _asset_type(row: OldRow) -> str:
    given = str(row.get("asset_type") or row.get("position_type") or "").lower()
    if given in ("stock", "option", "cash"):
        return given
    if given in ("equity", "etf"):
        return "stock"
    return "option" if row.get("strike") or _is_osi(row.get("symbol")) else "stock"


def _account(row: OldRow) -> Any:
    """The account as it was configured; a broker's number is given by its end only, as everywhere here."""
    if row.get("account_id"):
        return account_alias(str(row["account_id"]))
    number = str(row.get("account_number") or "")
    return f"...{number[-SHOWN_OF_NUMBER:]}" if number else "default"


def _average_price(row: OldRow) -> float | None:
    """The original's cost basis was the average price a share times the size, without the multiplier."""
    try:
        return abs(float(row["cost_basis"]) / float(row["quantity"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
