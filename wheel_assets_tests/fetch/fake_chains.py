"""One chain, written as each vendor writes it: contracts under our names in, the vendor's answer out."""

from __future__ import annotations

from typing import Any

# A sound contract under our own names; a test changes one or adds others.
CONTRACT = {
    **{"code": "XYZ   270219P00095000", "bid": 1.10, "ask": 1.20, "last": 1.15, "iv": 0.25},
    **{"bid_size": 12, "ask_size": 20, "volume": 314, "open_interest": 4821},
}
PUTS, CALLS = (
    [CONTRACT | {"code": f"XYZ   270219{right}{strike:05d}000"} for strike in (95, 100, 105)] for right in "PC"
)
SOUND = [*PUTS, *CALLS]

_SCHWAB_NAMES = {
    **{"code": "symbol", "bid_size": "bidSize", "ask_size": "askSize", "volume": "totalVolume"},
    **{"open_interest": "openInterest", "iv": "volatility"},
}
_CBOE_NAMES = {"code": "option", "last": "last_trade_price"}


def cboe(vendors: Any, contracts: list[Any], **document: Any) -> Any:
    """The reply of Cboe: compact codes, volatility as a decimal."""
    rows = [_renamed(contract, _CBOE_NAMES) for contract in contracts]
    for row in (row for row in rows if isinstance(row, dict)):
        row["option"] = row["option"].replace(" ", "") if isinstance(row["option"], str) else row["option"]
    return vendors.Reply(vendors.cboe_document(**{"options": rows} | document))


def schwab(vendors: Any, contracts: list[Any], **document: Any) -> Any:
    """The reply of Schwab: padded codes, volatility in percent, epoch milliseconds, by expiration and strike."""
    rows = [_renamed(contract, _SCHWAB_NAMES) for contract in contracts]
    for row in (row for row in rows if isinstance(row, dict)):
        iv = row["volatility"]
        row["volatility"] = iv * 100 if isinstance(iv, float) and iv > 0 else iv
        row["quoteTimeInLong"] = row.get("quoteTimeInLong", 1795204799000)
    maps = {"2027-02-19:91": {"95.0": rows}} if rows else {}
    return vendors.Reply(vendors.schwab_chain(**{"putExpDateMap": maps, "numberOfContracts": len(rows)} | document))


def databento(server: Any, contracts: list[dict[str, Any]]) -> Any:
    """The answers of Databento: one table each for definitions, quotes and open interest; text, empty for none."""
    stamp, expiration = "2026-11-20T20:14:00.000000000Z", "2027-02-19T00:00:00.000000000Z"
    for number, each in enumerate(contracts, 17_000_000):
        text = {name: "" if value is None else value for name, value in each.items()}
        code = text["code"]
        server.definitions.append(
            [stamp, number, code, code[12:13] if code[12:13] in ("C", "P") else "P", expiration, code[13:]]
        )
        prices, sizes = [text["bid"], text["ask"]], [text["bid_size"], text["ask_size"]]
        server.quotes.append([stamp, stamp, number, "N", text["last"], 1, *prices, *sizes])
        server.statistics.append([stamp, number, "", text["open_interest"], 9])
    return server.download


def _renamed(contract: Any, names: dict[str, str]) -> Any:
    return (
        {names.get(name, name): value for name, value in contract.items()} if isinstance(contract, dict) else contract
    )
