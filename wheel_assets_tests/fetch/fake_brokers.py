"""Answers of Tradier, tastytrade, Alpaca, Nasdaq and Finnhub about XYZ and an account, from their specifications."""

from __future__ import annotations

from typing import Any

PUT, STOCK = "XYZ270115P00095000", "XYZ"
PADDED = "XYZ   270115P00095000"
NUMBER = "87654321"
QUOTED_MS, QUOTED = 1795204799000, "2026-11-20T19:59:59.123456789Z"


def tradier_option(code: str = PUT, **changes: Any) -> dict[str, Any]:
    row = {"symbol": code, "bid": 1.10, "ask": 1.20, "last": 1.15, "bidsize": 12, "asksize": 20, "volume": 314}
    row |= {"open_interest": 4821, "strike": 95.0, "contract_size": 100, "bid_date": QUOTED_MS, "ask_date": QUOTED_MS}
    return row | {"greeks": {"mid_iv": 0.2413, "delta": -0.23, "updated_at": "2026-11-20 19:59:59"}} | changes


def tradier_position(symbol: str = PUT, quantity: float = -2.0, cost: float = -248.68) -> dict[str, Any]:
    return {"symbol": symbol, "quantity": quantity, "cost_basis": cost, "id": 7, "date_acquired": "2026-11-02"}


def tradier_balances(**changes: Any) -> dict[str, Any]:
    told = {"account_number": NUMBER, "account_type": "margin", "total_cash": 25000.0, "total_equity": 34760.0}
    return {"balances": told | {"margin": {"option_buying_power": 90000.0}} | changes}


def tastytrade_position(symbol: str = PADDED, quantity: str = "2", **changes: Any) -> dict[str, Any]:
    kind = "Equity Option" if len(symbol) == 21 else "Equity"
    row = {"symbol": symbol, "instrument-type": kind, "quantity": quantity, "quantity-direction": "Short"}
    row |= {"average-open-price": "1.2434", "multiplier": 100 if kind == "Equity Option" else 1}
    return row | {"mark-price": "1.15", "mark": "230.0", "cost-effect": "Debit"} | changes


def tastytrade_quote(symbol: str = PADDED, **changes: Any) -> dict[str, Any]:
    row = {"symbol": symbol, "bid": "1.10", "ask": "1.20", "last": "1.15", "bid-size": "12", "ask-size": "20"}
    return row | {"volume": "314", "open-interest": "4821", "updated-at": QUOTED} | changes


def tastytrade_data(document: Any) -> dict[str, Any]:
    return {"data": document, "context": "/", "pagination": None}


def tastytrade_nested(*strikes: Any) -> dict[str, Any]:
    strikes = strikes or ({"strike-price": "95.0", "put": PADDED, "call": PADDED.replace("P", "C")},)
    listed = {"expiration-date": "2027-01-15", "settlement-type": "PM", "strikes": list(strikes)}
    chain = {"root-symbol": "XYZ", "option-chain-type": "Standard", "shares-per-contract": 100, "expirations": [listed]}
    return tastytrade_data({"items": [chain]})


def alpaca_snapshot(**changes: Any) -> dict[str, Any]:
    quote = {"t": QUOTED, "bp": 1.10, "ap": 1.20, "bs": 12, "as": 20, "bx": "C", "ax": "C", "c": "A"} | changes
    return {"latestQuote": quote, "latestTrade": {"t": QUOTED, "p": 1.15}, "impliedVolatility": 0.2413}


def alpaca_position(symbol: str = PUT, qty: str = "-2", **changes: Any) -> dict[str, Any]:
    row = {"symbol": symbol, "asset_class": "us_option", "qty": qty, "side": "short", "avg_entry_price": "1.2434"}
    return row | {"market_value": "-230", "cost_basis": "-248.68", "current_price": "1.15"} | changes


def tradier_company(table: str, *rows: Any) -> list[Any]:
    """Of several results of a company the first may be empty."""
    results = [{"type": "Company", "tables": {table: None}}, {"type": "Stock", "tables": {table: list(rows)}}]
    return [{"request": STOCK, "type": "Symbol", "results": results}]


def events(fake: Any, reply: Any) -> dict[str, tuple[str, Any]]:
    """Earnings of XYZ on Monday, 23 November 2026, and a dividend: see `serve`."""
    paid = {"ex_date": "2026-11-23", "cash_amount": 0.25, "frequency": 4}
    fake.on("/beta/markets/fundamentals/dividends", reply(tradier_company("cash_dividends", paid)))
    results = {"begin_date_time": "2026-11-23", "event_type": 10, "event": "Fourth Quarter Results", "company_id": "0C"}
    report = {"expected-report-date": "2026-11-23", "time-of-day": "AMC", "estimated": False}
    metrics = {"symbol": STOCK, "implied-volatility-index-rank": "0.42", "implied-volatility-percentile": "0.5"}
    metrics |= {"earnings": report, "dividend-ex-date": "2026-11-23", "dividend-rate-per-share": "0.25"}
    status = {"status": {"rCode": 200}}
    told = {"symbol": STOCK, "time": "time-after-hours", "epsForecast": "($0.12)", "marketCap": "$1,234"}
    fake.on("/api/calendar/dividends", reply({"data": {"calendar": {"rows": None}}, **status}))
    monday = {"date": "2026-11-23", "symbol": STOCK, "hour": "amc", "quarter": 4, "year": 2026}
    return {
        "tradier events": (
            "/beta/markets/fundamentals/calendars",
            reply(tradier_company("corporate_calendars", results)),
        ),
        "tastytrade events": ("/market-metrics", reply(tastytrade_data({"items": [metrics]}))),
        "nasdaq": ("/api/calendar/earnings", reply({"data": {"rows": [told]}, **status})),
        "finnhub": ("/api/v1/calendar/earnings", reply({"earningsCalendar": [monday]})),
    }


def serve(fake: Any, reply: Any) -> dict[str, tuple[str, Any]]:
    """Have the fake answer all three; by name of `VENDORS`, the path in question and its good reply."""
    account = f"/accounts/{NUMBER}"
    fake.on("/v1/markets/options/expirations", reply({"expirations": {"date": "2027-01-15"}}))
    quotes = [{"symbol": STOCK, "last": 99.9, "bid": 99.88, "ask": 99.92}, {"symbol": PUT, "bid": 1.1, "ask": 1.2}]
    fake.on("/v1/markets/quotes", reply({"quotes": {"quote": quotes}}))
    fake.on(f"/v1{account}/balances", reply(tradier_balances()))
    held = [tradier_position(), tradier_position(STOCK, 100.0, 9810.0)]
    fake.on(f"/v1{account}/positions", reply({"positions": {"position": held}}))
    fake.on("/oauth/token", reply({"access_token": "planted-access-2", "expires_in": 900}))
    fake.on("/option-chains/XYZ/nested", reply(tastytrade_nested()))
    fake.on("/market-metrics", reply(tastytrade_data({"items": []})))
    balances = {"cash-balance": "25000.0", "net-liquidating-value": "34760.0", "derivative-buying-power": "90000"}
    fake.on(f"{account}/balances/USD", reply(tastytrade_data(balances)))
    shares = tastytrade_position(STOCK, "100", **{"quantity-direction": "Long", "mark-price": "99.9"})
    fake.on(f"{account}/positions", reply(tastytrade_data({"items": [tastytrade_position(), shares]})))
    long = {"asset_class": "us_equity", "side": "long", "market_value": "9990", "avg_entry_price": "98.1"}
    fake.on("/v2/positions", reply([alpaca_position(), alpaca_position(STOCK, "100", **long)]))
    fake.on("/v2/stocks/snapshots", reply({STOCK: {"latestTrade": {"p": 99.9}}}))
    contracts = [{"symbol": PUT, "size": "100", "open_interest": "4821"}]
    fake.on("/v2/options/contracts", reply({"option_contracts": contracts, "next_page_token": None}))
    accounts = {"items": [{"account": {"account-number": NUMBER, "is-closed": False}}]}
    spot = tastytrade_quote(STOCK, last="99.9")
    snapshots = {"snapshots": {PUT: alpaca_snapshot()}, "next_page_token": None}
    return events(fake, reply) | {
        "tradier chains": ("/v1/markets/options/chains", reply({"options": {"option": tradier_option()}})),
        "tradier account": ("/v1/user/profile", reply({"profile": {"account": {"account_number": NUMBER}}})),
        "tastytrade chains": ("/market-data/by-type", reply(tastytrade_data({"items": [spot, tastytrade_quote()]}))),
        "tastytrade account": ("/customers/me/accounts", reply(tastytrade_data(accounts))),
        "alpaca chains": ("/v1beta1/options/snapshots/XYZ", reply(snapshots)),
        "alpaca account": ("/v2/account", reply({"account_number": NUMBER, "cash": "25000", "equity": "34760"})),
    }
