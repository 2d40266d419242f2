"""One made-up market and account, served on loopback in the protocol of every vendor, with the vendors' traps.

The prices are those of the sample market: without arbitrage, the same all day. What is served has the
shape of recorded answers: texts for numbers, one object for a list of one, unsigned quantities with a
direction, open interest elsewhere, several pages. A wrong key or token is turned away as the vendor does.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import pandas as pd

from wheel_assets.fetch.sample.sources import STOCKS, SampleAccount, SampleMarket

TOKEN, GRANT, ACCESS = "synthetic-token", "synthetic-grant", "synthetic-access"
NUMBER = "SYN12345"
HASH = "5" * 64  # stands for the account's number in Schwab's paths
NEW_YORK = ZoneInfo("America/New_York")
Query = dict[str, list[str]]


class Refused(Exception):
    """An answer that is no success: its status and document."""

    def __init__(self, status: int, document: Any) -> None:
        super().__init__(status)
        self.status, self.document = status, document


class SyntheticMarket:
    """The server, as of `now` (aware); `asked` counts the paths that were asked for, `close` ends it."""

    def __init__(self, port: int = 0, now: datetime | None = None) -> None:
        self.now, self.asked = now or datetime.now(UTC), Counter[str]()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def settings(self, folder: Path) -> dict[str, dict[str, str]]:
        """What to set, by vendor; what has to lie on disk (a login, a positions file) is written to the folder."""
        login = {"access_token": ACCESS, "refresh_token": TOKEN, "expires_at": time.time() + 86_400}
        token = _write(folder / "schwab_token.json", {"creation_timestamp": time.time(), "token": login})
        (folder / "positions.csv").write_text(self.positions_file())
        return {
            "cboe": {"WHEEL_CBOE__BASE_URL": self.url},
            "schwab": {
                "WHEEL_SCHWAB__BASE_URL": self.url,
                "WHEEL_SCHWAB__APP_KEY": "synthetic-key",
                "WHEEL_SCHWAB__APP_SECRET": "synthetic-secret",
                "WHEEL_SCHWAB__TOKEN_FILE": str(token),
            },
            "tradier": {"WHEEL_TRADIER__BASE_URL": self.url, "WHEEL_TRADIER__TOKEN": TOKEN},
            "tastytrade": {
                "WHEEL_TASTYTRADE__BASE_URL": self.url,
                "WHEEL_TASTYTRADE__CLIENT_SECRET": GRANT,
                "WHEEL_TASTYTRADE__REFRESH_TOKEN": TOKEN,
            },
            "alpaca": {
                "WHEEL_ALPACA__BASE_URL": self.url,
                "WHEEL_ALPACA__KEY_ID": "synthetic-id",
                "WHEEL_ALPACA__SECRET_KEY": TOKEN,
            },
            "nasdaq": {"WHEEL_NASDAQ__BASE_URL": self.url},
            "finnhub": {"WHEEL_FINNHUB__BASE_URL": self.url, "WHEEL_FINNHUB__API_KEY": TOKEN},
            "file": {"WHEEL_BROKER__FILE": str(folder / "positions.csv")},
            "treasury": {"WHEEL_TREASURY__BASE_URL": self.url},
            "fred": {"WHEEL_FRED__BASE_URL": self.url},
        }

    def chain(self, symbol: str) -> pd.DataFrame:
        """The chain of a stock, quotes without a price as NaN."""
        return _chain(symbol, self.now)

    def account(self) -> pd.DataFrame:
        """The holdings and the cash."""
        return SampleAccount().positions("default", self.now).frame

    def positions_file(self) -> str:
        """The account as a CSV of our own layout."""
        lines = ["symbol,asset_type,quantity,average_price,market_value,expiration,strike,put_call"]
        for row in self.account().itertuples():
            option = row.asset_type == "option"
            contract = [f"{row.expiration:%Y-%m-%d}", row.strike, row.option_type] if option else ["", "", ""]
            name, price = (
                (row.underlying if option else row.symbol),
                "" if pd.isna(row.average_price) else row.average_price,
            )
            lines.append(",".join(map(str, [name, row.asset_type, row.quantity, price, row.market_value, *contract])))
        return "\n".join(lines) + "\n"

    @property
    def equity(self) -> float:
        """What liquidation would bring."""
        return float(self.account()["market_value"].sum())

    @property
    def cash(self) -> float:
        """The cash in the account."""
        account = self.account()
        return float(account.loc[account["asset_type"] == "cash", "market_value"].iloc[0])

    def holdings(self) -> list[Any]:
        """The rows of shares and options."""
        account = self.account()
        return list(account[account["asset_type"] != "cash"].itertuples())

    def answer(self, path: str, query: Query, headers: Any, body: str) -> Any:
        """The document (text for CSV) of a path; raises Refused."""
        self.asked[path] += 1
        for pattern, reply in ROUTES.items():
            if found := re.fullmatch(pattern, path):
                return reply(self, query, headers, body, *found.groups())
        raise Refused(404, {"message": "no such path"})


@cache
def _chain(symbol: str, now: datetime) -> pd.DataFrame:
    if symbol not in STOCKS:
        raise Refused(404, {"error": {"code": "not_found", "message": f"no {symbol}"}})
    return SampleMarket().option_chain(symbol, now).frame


def number(value: Any) -> float | None:
    """A number as JSON has it: null where there is none."""
    return None if pd.isna(value) else float(value)


def compact(code: str) -> str:
    """An option symbol without its padding."""
    return code.replace(" ", "")


def epoch_ms(row: Any) -> int:
    """The quote's time in milliseconds since 1970."""
    return int(row.timestamp.tz_localize("UTC").timestamp() * 1000)


def iso(row: Any) -> str:
    """The quote's time as ISO 8601 in UTC, with nanoseconds."""
    return f"{row.timestamp.isoformat()}.123456789Z"


def price(row: Any) -> float:
    """What one unit of a holding is worth."""
    return abs(row.market_value / row.quantity / row.multiplier)


def cboe_chain(market: SyntheticMarket, query: Query, headers: Any, body: str, symbol: str) -> Any:
    chain = market.chain(symbol)
    names = ("bid", "ask", "bid_size", "ask_size", "iv", "open_interest", "volume")
    options = [
        {"option": compact(row.option_symbol), "last_trade_price": number(row.last)}
        | {name: number(getattr(row, name)) for name in names}
        for row in chain.itertuples()
    ]
    local = chain["timestamp"].dt.tz_localize("UTC").dt.tz_convert(NEW_YORK).iloc[0]
    data = {"symbol": symbol, "current_price": float(chain["spot_price"].iloc[0]), "options": options}
    return {"symbol": symbol, "data": data | {"last_trade_time": f"{local:%Y-%m-%dT%H:%M:%S}"}}


def schwab_token(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    return {"access_token": ACCESS, "refresh_token": TOKEN, "expires_in": 1800, "token_type": "Bearer"}


def schwab_chain(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    chain, maps = market.chain(query["symbol"][0]), {"put": {}, "call": {}}
    chain = chain[chain["expiration"].between(query["fromDate"][0], query["toDate"][0])]
    for row in chain.itertuples():
        contract = {
            "symbol": row.option_symbol,
            "bid": number(row.bid),
            "ask": number(row.ask),
            "last": number(row.last),
        }
        contract |= {"bidSize": number(row.bid_size), "askSize": number(row.ask_size), "volatility": -999.0}
        contract |= {"openInterest": number(row.open_interest), "totalVolume": number(row.volume)}
        contract |= {"multiplier": 100.0, "nonStandard": False, "mini": False, "quoteTimeInLong": epoch_ms(row)}
        strikes = maps[row.option_type].setdefault(f"{row.expiration:%Y-%m-%d}:0", {})
        strikes.setdefault(str(row.strike), []).append(contract)
    spot = float(market.chain(query["symbol"][0])["spot_price"].iloc[0])
    told = {"status": "SUCCESS", "underlyingPrice": spot, "isDelayed": False, "numberOfContracts": len(chain)}
    return told | {"putExpDateMap": maps["put"], "callExpDateMap": maps["call"]}


def schwab_accounts(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    positions = []
    for row in market.holdings():
        option = row.asset_type == "option"
        instrument = {"assetType": "OPTION" if option else "EQUITY", "symbol": row.symbol}
        instrument |= {"underlyingSymbol": row.underlying, "putCall": row.option_type.upper()} if option else {}
        held = {"longQuantity": max(row.quantity, 0), "shortQuantity": max(-row.quantity, 0)}
        positions.append(
            held | {"averagePrice": row.average_price, "marketValue": row.market_value, "instrument": instrument}
        )
    balances = {"cashAvailableForTrading": market.cash, "cashBalance": market.cash, "liquidationValue": market.equity}
    account = {"type": "CASH", "accountNumber": "12345678", "currentBalances": balances, "positions": positions}
    return [{"securitiesAccount": account}]


def tradier_profile(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    return {"profile": {"account": {"account_number": NUMBER, "type": "margin", "status": "active"}}}


def tradier_balances(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    told = {
        "account_number": NUMBER,
        "account_type": "margin",
        "total_cash": market.cash,
        "total_equity": market.equity,
    }
    return {"balances": told | {"margin": {"option_buying_power": 3 * market.cash}}}


def tradier_positions(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    rows = [
        {"id": n, "symbol": compact(row.symbol), "quantity": row.quantity, "date_acquired": "2026-01-05T15:00:00.000Z"}
        | {"cost_basis": round(row.average_price * row.quantity * row.multiplier, 2)}
        for n, row in enumerate(market.holdings())
    ]
    return {"positions": {"position": rows} if rows else "null"}


def tradier_quotes(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    found = []
    for symbol in query["symbols"][0].split(","):
        if symbol in STOCKS:
            spot = float(market.chain(symbol)["spot_price"].iloc[0])
            found.append({"symbol": symbol, "last": spot, "bid": spot, "ask": spot, "prevclose": spot})
        else:
            chain = pd.concat([market.chain(stock) for stock in STOCKS])
            found += [tradier_option(row) for row in chain[chain["option_symbol"].map(compact) == symbol].itertuples()]
    return {"quotes": {"quote": found[0] if len(found) == 1 else found}}


def tradier_option(row: Any) -> dict[str, Any]:
    """One contract as Tradier writes it."""
    told = {"symbol": compact(row.option_symbol), "bid": number(row.bid), "ask": number(row.ask), "strike": row.strike}
    told |= {"last": number(row.last), "bidsize": number(row.bid_size), "asksize": number(row.ask_size)}
    told |= {"volume": number(row.volume), "open_interest": number(row.open_interest), "contract_size": 100}
    greeks = {"mid_iv": number(row.iv) or 0.0, "delta": 0.0, "updated_at": "2026-01-05 15:00:00"}
    return told | {"bid_date": epoch_ms(row), "ask_date": epoch_ms(row), "greeks": greeks}


def tradier_expirations(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    symbol = query["symbol"][0]
    days = sorted(market.chain(symbol)["expiration"].unique()) if symbol in STOCKS else []
    return {"expirations": {"date": [f"{day:%Y-%m-%d}" for day in days]} if days else None}


def tradier_chain(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    chain = market.chain(query["symbol"][0])
    rows = [tradier_option(row) for row in chain[chain["expiration"] == query["expiration"][0]].itertuples()]
    return {"options": {"option": rows} if rows else None}


def tradier_calendars(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    event = {"event_type": 8, "event": "Second Quarter Results", "begin_date_time": day_ahead(market, 30)}
    results = [{"tables": {"corporate_calendars": None}}, {"tables": {"corporate_calendars": event}}]
    return [{"request": symbol, "results": results} for symbol in query["symbols"][0].split(",")]


def tradier_dividends(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, TOKEN)
    dividends = [
        {"ex_date": day_ahead(market, -60), "cash_amount": 0.1},
        {"ex_date": day_ahead(market, 31), "cash_amount": 0.11},
    ]
    return [
        {"request": s, "results": [{"tables": {"cash_dividends": dividends}}]} for s in query["symbols"][0].split(",")
    ]


def tastytrade_token(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    if json.loads(body) != {"grant_type": "refresh_token", "client_secret": GRANT, "refresh_token": TOKEN}:
        raise Refused(401, {"error": {"code": "invalid_grant", "message": "Grant revoked"}})
    return {"access_token": ACCESS, "expires_in": 900, "token_type": "Bearer"}


def data(document: Any) -> Any:
    """tastytrade's envelope."""
    return {"data": document, "context": "/", "pagination": None}


def tastytrade_accounts(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    closed = {"account-number": "SYN00001", "is-closed": True}
    return data({"items": [{"account": closed}, {"account": {"account-number": NUMBER, "is-closed": False}}]})


def tastytrade_balances(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    told = {"cash-balance": f"{market.cash:.2f}", "net-liquidating-value": f"{market.equity:.6f}"}
    return data(told | {"derivative-buying-power": f"{2 * market.cash:.2f}"})


def tastytrade_positions(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    rows = []
    for row in market.holdings():
        kind = "Equity Option" if row.asset_type == "option" else "Equity"
        told = {"symbol": row.symbol, "instrument-type": kind, "quantity": f"{abs(row.quantity):.1f}"}
        told |= {"quantity-direction": "Long" if row.quantity > 0 else "Short", "multiplier": row.multiplier}
        told |= {"average-open-price": f"{row.average_price}", "mark-price": f"{price(row)}"}
        rows.append(
            told | {"mark": f"{abs(row.market_value)}", "cost-effect": "Credit" if row.quantity < 0 else "Debit"}
        )
    return data({"items": rows})


def tastytrade_chain(market: SyntheticMarket, query: Query, headers: Any, body: str, symbol: str) -> Any:
    bearer(headers, ACCESS)
    expirations = []
    for day, listed in market.chain(symbol).groupby("expiration"):
        codes = listed.pivot_table(index="strike", columns="option_type", values="option_symbol", aggfunc="first")
        strikes = [{"strike-price": f"{row.Index}", "put": row.put, "call": row.call} for row in codes.itertuples()]
        expirations.append({"expiration-date": f"{day:%Y-%m-%d}", "settlement-type": "PM", "strikes": strikes})
    told = {"underlying-symbol": symbol, "root-symbol": symbol, "shares-per-contract": 100}
    adjusted = {
        "expiration-date": f"{day:%Y-%m-%d}",
        "strikes": [{"strike-price": "5.0", "put": f"{symbol}1 ", "call": None}],
    }
    odd = told | {"root-symbol": f"{symbol}1", "option-chain-type": "Non-standard", "expirations": [adjusted]}
    return data({"items": [told | {"option-chain-type": "Standard", "expirations": expirations}, odd]})


def tastytrade_quotes(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    if sum(map(len, query.values())) > 100:
        raise Refused(400, {"error": {"code": "bad_request", "message": "too many symbols"}})
    found = []
    for symbol in query.get("equity", []):
        spot = f"{float(market.chain(symbol)['spot_price'].iloc[0])}"
        found.append({"symbol": symbol, "instrument-type": "Equity", "last": spot, "mark": spot})
    asked = set(query.get("equity-option", []))
    for stock in {code[:6].strip() for code in asked}:
        chain = market.chain(stock)
        for row in chain[chain["option_symbol"].isin(asked)].itertuples():
            told = {name: number(getattr(row, name)) for name in ("bid", "ask", "last", "bid_size", "ask_size")}
            texts = {name.replace("_", "-"): None if value is None else f"{value}" for name, value in told.items()}
            counts = {"volume": f"{number(row.volume)}", "open-interest": f"{number(row.open_interest)}"}
            found.append(texts | counts | {"symbol": row.option_symbol, "updated-at": iso(row)})
    return data({"items": found})


def tastytrade_metrics(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    earnings = {"expected-report-date": day_ahead(market, 30), "estimated": True, "time-of-day": "AMC"}
    told = {"implied-volatility-index": "0.55", "implied-volatility-index-rank": "0.42", "earnings": earnings}
    told |= {"implied-volatility-percentile": "0.61", "dividend-ex-date": day_ahead(market, -60)}
    told |= {"dividend-next-date": day_ahead(market, 31), "dividend-rate-per-share": "0.11"}
    return data({"items": [told | {"symbol": symbol} for symbol in query["symbols"][0].split(",")]})


def nasdaq_day(market: SyntheticMarket, query: Query, headers: Any, days: int, row: dict[str, Any]) -> list[Any] | None:
    """The rows of a day's calendar: every stock on one day, none on the others; browsers only."""
    if "Mozilla" not in (headers["User-Agent"] or ""):
        raise Refused(403, "Access Denied")
    asked = datetime.fromisoformat(query["date"][0]).date()
    if f"{asked}" != weekday_ahead(market, days):
        return None
    us = f"{asked.month}/{asked.day}/{asked.year}"
    return [{"symbol": symbol, "companyName": symbol, **row, "dividend_Ex_Date": us} for symbol in STOCKS]


def nasdaq_earnings(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    rows = nasdaq_day(market, query, headers, 30, {"time": "time-after-hours", "epsForecast": "($0.12)"})
    return {"data": {"asOf": query["date"][0], "rows": rows}, "status": {"rCode": 200}}


def nasdaq_dividends(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    rows = nasdaq_day(market, query, headers, 31, {"dividend_Rate": 0.11, "announcement_Date": "N/A"})
    return {"data": {"calendar": {"rows": rows}}, "status": {"rCode": 200}}


def finnhub_earnings(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    if headers["X-Finnhub-Token"] != TOKEN:
        raise Refused(401, {"error": "Invalid API key"})
    row = {"symbol": query["symbol"][0], "date": weekday_ahead(market, 30), "hour": "amc", "quarter": 4}
    return {"earningsCalendar": [row] if query["symbol"][0] in STOCKS else []}


def alpaca_keys(headers: Any) -> None:
    """Turn wrong keys away."""
    if (headers["APCA-API-KEY-ID"], headers["APCA-API-SECRET-KEY"]) != ("synthetic-id", TOKEN):
        raise Refused(403, {"code": 40310000, "message": "forbidden."})


def alpaca_account(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    alpaca_keys(headers)
    told = {"account_number": NUMBER, "cash": f"{market.cash}", "equity": f"{market.equity}"}
    return told | {"options_buying_power": f"{2 * market.cash}", "multiplier": "2"}


def alpaca_positions(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    alpaca_keys(headers)
    return [
        {"symbol": compact(row.symbol), "asset_class": "us_option" if row.asset_type == "option" else "us_equity"}
        | {"qty": f"{row.quantity}", "side": "long" if row.quantity > 0 else "short"}
        | {"avg_entry_price": f"{row.average_price}", "market_value": f"{row.market_value}"}
        for row in market.holdings()
    ]


def alpaca_snapshots(market: SyntheticMarket, query: Query, headers: Any, body: str, symbol: str) -> Any:
    alpaca_keys(headers)
    rows = list(market.chain(symbol).itertuples()) if symbol in STOCKS else []
    first = int(query.get("page_token", ["0"])[0])
    page, size = {}, min(int(query["limit"][0]), 400)  # more pages than one, whatever is asked for
    for row in rows[first : first + size]:
        quote = {"t": iso(row), "bp": number(row.bid), "ap": number(row.ask), "bs": number(row.bid_size)}
        told = {"latestQuote": quote | {"as": number(row.ask_size), "bx": "C", "ax": "C"}}
        told |= {"latestTrade": {"t": iso(row), "p": number(row.last)}} if number(row.last) else {}
        page[compact(row.option_symbol)] = told | ({"impliedVolatility": number(row.iv)} if number(row.iv) else {})
    return {"snapshots": page, "next_page_token": f"{first + size}" if first + size < len(rows) else None}


def alpaca_contracts(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    alpaca_keys(headers)
    rows = market.chain(query["underlying_symbols"][0]).itertuples()
    contracts = [
        {"symbol": compact(row.option_symbol), "size": "100", "open_interest": f"{row.open_interest}", "tradable": True}
        for row in rows
    ]
    return {"option_contracts": contracts, "next_page_token": None}


def alpaca_stocks(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    alpaca_keys(headers)
    symbol = query["symbols"][0]
    return {symbol: {"latestTrade": {"p": float(market.chain(symbol)["spot_price"].iloc[0])}}}


def schwab_numbers(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    bearer(headers, ACCESS)
    return [{"accountNumber": "12345678", "hashValue": HASH}]


def nothing(empty: Any) -> Callable[..., Any]:
    """A history of an account in which nothing happened, as its vendor writes that."""
    return lambda market, query, headers, body: empty


def treasury(market: SyntheticMarket, query: Query, headers: Any, body: str, year: str) -> Any:
    days = [market.now.astimezone(NEW_YORK) - timedelta(days=back) for back in (1, 2, 3)]
    return 'Date,"1 Mo","3 Mo","1 Yr"\n' + "".join(f"{day:%m/%d/%Y},4.00,3.97,3.80\n" for day in days)


def fred_csv(market: SyntheticMarket, query: Query, headers: Any, body: str) -> Any:
    day = market.now.astimezone(NEW_YORK) - timedelta(days=1)
    return f"observation_date,DGS3MO,DGS1\n{day:%Y-%m-%d},3.97,3.80\n"


def bearer(headers: Any, token: str) -> None:
    """Turn a wrong token away, and whoever does not ask for JSON."""
    if headers["Authorization"] != f"Bearer {token}" or headers["Accept"] != "application/json":
        raise Refused(401, {"fault": {"faultstring": "Invalid Access Token"}})


def day_ahead(market: SyntheticMarket, days: int) -> str:
    """A day so many days after today in New York."""
    return f"{market.now.astimezone(NEW_YORK).date() + timedelta(days=days)}"


def weekday_ahead(market: SyntheticMarket, days: int) -> str:
    """The same, or the Monday after it."""
    day = market.now.astimezone(NEW_YORK).date() + timedelta(days=days)
    return f"{day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)}"


ROUTES: dict[str, Callable[..., Any]] = {
    r"/api/global/delayed_quotes/options/(\w+)\.json": cboe_chain,
    r"/v1/oauth/token": schwab_token,
    r"/marketdata/v1/chains": schwab_chain,
    r"/trader/v1/accounts": schwab_accounts,
    r"/v1/user/profile": tradier_profile,
    rf"/v1/accounts/{NUMBER}/balances": tradier_balances,
    rf"/v1/accounts/{NUMBER}/positions": tradier_positions,
    r"/v1/markets/quotes": tradier_quotes,
    r"/v1/markets/options/expirations": tradier_expirations,
    r"/v1/markets/options/chains": tradier_chain,
    r"/beta/markets/fundamentals/calendars": tradier_calendars,
    r"/beta/markets/fundamentals/dividends": tradier_dividends,
    r"/oauth/token": tastytrade_token,
    r"/customers/me/accounts": tastytrade_accounts,
    rf"/accounts/{NUMBER}/balances/USD": tastytrade_balances,
    rf"/accounts/{NUMBER}/positions": tastytrade_positions,
    r"/option-chains/(\w+)/nested": tastytrade_chain,
    r"/market-data/by-type": tastytrade_quotes,
    r"/market-metrics": tastytrade_metrics,
    r"/api/calendar/earnings": nasdaq_earnings,
    r"/api/calendar/dividends": nasdaq_dividends,
    r"/api/v1/calendar/earnings": finnhub_earnings,
    r"/v2/account": alpaca_account,
    r"/v2/positions": alpaca_positions,
    r"/v1beta1/options/snapshots/(\w+)": alpaca_snapshots,
    r"/v2/options/contracts": alpaca_contracts,
    r"/v2/stocks/snapshots": alpaca_stocks,
    r"/trader/v1/accounts/accountNumbers": schwab_numbers,
    rf"/trader/v1/accounts/{HASH}/transactions": nothing([]),
    rf"/v1/accounts/{NUMBER}/history": nothing({"history": "null"}),
    rf"/accounts/{NUMBER}/transactions": nothing(data({"items": []})),
    r"/v2/account/activities": nothing([]),
    r"/resource-center/.*/daily-treasury-rates\.csv/(\d+)/all": treasury,
    r"/graph/fredgraph\.csv": fred_csv,
}


def _write(path: Path, document: Any) -> Path:
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))
    return path


def _handler(market: SyntheticMarket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def log_message(self, *args: Any) -> None:
            """Quiet."""

        def do_GET(self) -> None:  # noqa: N802
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            try:
                status, told = 200, market.answer(unquote(url.path), parse_qs(url.query), self.headers, body)
            except Refused as refused:
                status, told = refused.status, refused.document
            text = told if isinstance(told, str) else json.dumps(told, default=float)
            self.send_response(status)
            self.send_header("Content-Type", "text/csv" if isinstance(told, str) else "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815

    return Handler
