"""Every column of the cache: name, type, unit, meaning.

The DDL, the column schema in the Dagster UI, the check of every frame before it is written and the
tables of the documents are all made from here, so they cannot drift apart.

Conventions, stated once: times are UTC; implied volatility, rates and yields are decimals a year;
prices are dollars a share; delta is signed; theta is dollars a share a calendar day; vega and rho are
dollars a share for one percentage point; `option_symbol` is the padded 21-character OSI code.
Missing is NULL, never 0.
"""

from __future__ import annotations

from wheel_assets.columns import Column as Column
from wheel_assets.columns import SnapshotTable as SnapshotTable
from wheel_assets.columns import Table as Table

PUT_OR_CALL = ("put", "call")
QUOTE_QUALITIES = ("ok", "no_bid", "no_ask", "crossed", "locked", "wide", "missing")
ASSET_TYPES = ("stock", "option", "cash")
SPOT_SOURCES = ("quoted", "implied")
EARLY_EXERCISE_REASONS = ("dividend", "interest")
EVENT_KINDS = ("earnings", "ex_dividend")
TIMES_OF_DAY = ("before_open", "after_close")
TRANSACTION_KINDS = (
    *("trade", "assignment", "exercise", "expiration", "dividend", "fee"),
    *("split", "other", "none"),
)
ACTIONS = ("open_csp", "open_cc", "close", "roll", "hold", "none")

_TIMESTAMP = Column("timestamp", "TIMESTAMP", "as-of time of the data, not of the download", "UTC", required=True)
_SYMBOL = Column("symbol", "VARCHAR", "ticker of the underlying", required=True)
_OPTION_SYMBOL = Column("option_symbol", "VARCHAR", "padded 21-character OSI code", required=True)
_EXPIRATION = Column("expiration", "DATE", "last day of the contract", required=True)
_STRIKE = Column("strike", "DOUBLE", "strike price", "dollars a share", required=True, low=0)
_OPTION_TYPE = Column("option_type", "VARCHAR", "right", required=True, values=PUT_OR_CALL)
_CONTRACT = (_SYMBOL, _OPTION_SYMBOL, _EXPIRATION, _STRIKE, _OPTION_TYPE)
_SOURCE = Column("source", "VARCHAR", "where the data came from", required=True)
_MODEL_VERSION = Column("model_version", "VARCHAR", "version of the model", required=True)

OPTION_CHAINS = SnapshotTable(
    "option_chains",
    "Every listed contract of each symbol, as quoted.",
    (
        _TIMESTAMP,
        *_CONTRACT,
        Column("bid", "DOUBLE", "best bid", "dollars a share", low=0),
        Column("ask", "DOUBLE", "best ask", "dollars a share", low=0),
        Column("last", "DOUBLE", "last trade", "dollars a share", low=0),
        Column("bid_size", "BIGINT", "size at the bid", "contracts", low=0),
        Column("ask_size", "BIGINT", "size at the ask", "contracts", low=0),
        Column("volume", "BIGINT", "traded today", "contracts", low=0),
        Column("open_interest", "BIGINT", "open interest", "contracts", low=0),
        Column("iv", "DOUBLE", "the vendor's implied volatility", "decimal a year", low=0),
        Column("spot_price", "DOUBLE", "price of the underlying", "dollars a share", required=True, low=0),
        Column("multiplier", "BIGINT", "shares a contract", "shares", required=True, low=1),
        Column("quote_quality", "VARCHAR", "what the quote is good for", required=True, values=QUOTE_QUALITIES),
        _SOURCE,
    ),
    key="symbol",
    key_config="symbols",
)

POSITIONS = SnapshotTable(
    "positions",
    "What the account holds: shares, options, cash.",
    (
        _TIMESTAMP,
        Column("account_id", "VARCHAR", "the account; of a number only its end: ...678", required=True),
        Column("asset_type", "VARCHAR", "kind of holding", required=True, values=ASSET_TYPES),
        Column("symbol", "VARCHAR", "of the holding: ticker, OSI code, or USD for cash", required=True),
        Column("underlying", "VARCHAR", "ticker that an option is written on"),
        Column("option_type", "VARCHAR", "right", values=PUT_OR_CALL),
        Column("expiration", "DATE", "last day of the contract"),
        Column("strike", "DOUBLE", "strike price", "dollars a share", low=0),
        Column("multiplier", "BIGINT", "shares a contract; 1 for shares and cash", "shares", required=True, low=1),
        Column("quantity", "DOUBLE", "shares or contracts, short negative; cash free to trade", required=True),
        Column("average_price", "DOUBLE", "what was paid or received, fees in", "dollars a share"),
        Column("market_value", "DOUBLE", "signed, of the whole position", "dollars"),
        _SOURCE,
    ),
    key="account_id",
    key_config="account_id",
)

RISK_FREE_RATE = SnapshotTable(
    "risk_free_rate",
    "What money earns without risk, by tenor, as last published; or as set, one row for every tenor.",
    (
        _TIMESTAMP,
        Column("observation_date", "DATE", "day that the published value is of", required=True),
        Column("tenor_years", "DOUBLE", "time to maturity; a lone row holds for every tenor", "years", low=0),
        Column("value", "DOUBLE", "continuously compounded", "decimal a year", required=True, low=-0.02, high=0.25),
        _SOURCE,
    ),
)

PRICE_HISTORY = SnapshotTable(
    "price_history",
    "A year of daily prices of each symbol, oldest first.",
    (
        _TIMESTAMP,
        _SYMBOL,
        Column("date", "DATE", "the session, a day in New York", required=True),
        Column("open", "DOUBLE", "first trade", "dollars a share", low=0),
        Column("high", "DOUBLE", "highest trade", "dollars a share", low=0),
        Column("low", "DOUBLE", "lowest trade", "dollars a share", low=0),
        Column("close", "DOUBLE", "last trade", "dollars a share", required=True, low=0),
        Column("volume", "BIGINT", "traded", "shares", low=0),
        _SOURCE,
    ),
    key="symbol",
    key_config="symbols",
)

EVENTS = SnapshotTable(
    "events",
    "Earnings and ex-dividend dates ahead of each symbol; a row without a date says that none is known.",
    (
        _TIMESTAMP,
        _SYMBOL,
        Column("kind", "VARCHAR", "what happens", required=True, values=EVENT_KINDS),
        Column("date", "DATE", "the day in New York; NULL where none is announced"),
        Column("time_of_day", "VARCHAR", "when on that day", values=TIMES_OF_DAY),
        Column("estimated", "BOOLEAN", "whether the date is a projection; NULL where the source does not say"),
        Column("amount", "DOUBLE", "of the dividend", "dollars a share", low=0),
        Column("announced_until", "DATE", "last day asked about: none is announced up to it; NULL where unknown"),
        _SOURCE,
    ),
    key="symbol",
    key_config="symbols",
)

TRANSACTIONS = SnapshotTable(
    "transactions",
    "What happened in the account, oldest first; an assignment has a row for the contract and one for the shares.",
    (
        _TIMESTAMP,
        Column("account_id", "VARCHAR", "the account; of a number only its end: ...678", required=True),
        Column(
            "executed_at", "TIMESTAMP", "when it happened; 16:00 in New York where only the day is known", "UTC", True
        ),
        Column("symbol", "VARCHAR", "ticker of the shares, or that an option is written on"),
        Column("option_symbol", "VARCHAR", "the contract, padded 21-character OSI code"),
        Column(
            "kind",
            "VARCHAR",
            "what happened; `none`: nothing is known of up to this time",
            required=True,
            values=TRANSACTION_KINDS,
        ),
        Column("quantity", "DOUBLE", "shares or contracts, received positive, delivered negative"),
        Column("price", "DOUBLE", "of a trade", "dollars a share", low=0),
        Column("fees", "DOUBLE", "commission and fees, paid positive", "dollars"),
        Column("amount", "DOUBLE", "change of the cash, fees taken off", "dollars", required=True),
        _SOURCE,
    ),
    key="account_id",
    key_config="account_id",
    record=True,
)

GREEKS = SnapshotTable(
    "greeks",
    "Implied volatility and sensitivities of every contract, at the mid of its quote.",
    (
        _TIMESTAMP,
        *_CONTRACT,
        Column("spot_price", "DOUBLE", "price of the underlying", "dollars a share", required=True, low=0),
        Column("mid", "DOUBLE", "middle of bid and ask", "dollars a share", low=0),
        Column("risk_free_rate", "DOUBLE", "continuously compounded", "decimal a year", required=True),
        Column("dividend_yield", "DOUBLE", "continuously compounded", "decimal a year", required=True),
        Column("years", "DOUBLE", "time to the end of trading, 365-day years", "years", required=True),
        Column("iv", "DOUBLE", "implied volatility of the mid", "decimal a year", low=0),
        Column("delta", "DOUBLE", "change of price for one dollar of spot, put negative", low=-1, high=1),
        Column("gamma", "DOUBLE", "change of delta for one dollar of spot", "per dollar"),
        Column("theta", "DOUBLE", "change of price a calendar day", "dollars a share a day"),
        Column("vega", "DOUBLE", "change of price for one volatility point", "dollars a share per 0.01"),
        Column("rho", "DOUBLE", "change of price for one point of rate", "dollars a share per 0.01"),
        Column("status", "VARCHAR", "ok, or why there is no implied volatility", required=True),
        Column("spot_source", "VARCHAR", "whether the vendor or the options say the spot", values=SPOT_SOURCES),
        Column("time_value", "DOUBLE", "mid less what exercising at once pays", "dollars a share"),
        Column("early_exercise", "VARCHAR", "why early assignment is to be expected", values=EARLY_EXERCISE_REASONS),
        Column("cash_dividends", "DOUBLE", "paid before expiration, as priced in", "dollars a share", low=0),
        Column("dividend_years", "DOUBLE", "time to their ex-date, of several the mean", "years", low=0),
        Column("event_from", "DATE", "first day of an event that the options price within the contract's life"),
        Column("event_to", "DATE", "last day of it"),
        Column("event_move", "DOUBLE", "move that the options price for it", "decimal, one standard deviation"),
    ),
    key="symbol",
    key_config="symbols",
)

VOLATILITY_HISTORY = SnapshotTable(
    "volatility_history",
    "At-the-money volatility of each symbol, a row a day on which there were Greeks, oldest first.",
    (
        _TIMESTAMP,
        _SYMBOL,
        Column("date", "DATE", "the day of the quotes in New York", required=True),
        Column("iv", "DOUBLE", "implied, at the money, 30 days ahead", "decimal a year", required=True, low=0),
        Column("iv_rank", "DOUBLE", "its place between the year's lowest and highest", "0 to 1", low=0, high=1),
        Column("iv_percentile", "DOUBLE", "share of the year's days that were lower", "0 to 1", low=0, high=1),
        Column("days", "BIGINT", "how many earlier days rank and percentile are of", "days", required=True, low=0),
        _SOURCE,
    ),
    key="symbol",
    key_config="symbols",
    record=True,
)

PREDICTIONS = SnapshotTable(
    "predictions",
    "What may happen to the seller of the contract, held to expiration.",
    (
        _TIMESTAMP,
        Column("prediction_id", "VARCHAR", "the same for the same inputs and model", required=True),
        *_CONTRACT,
        Column("prob_itm", "DOUBLE", "probability of finishing in the money", "0 to 1", low=0, high=1),
        Column("prob_touch", "DOUBLE", "probability of touching the strike before", "0 to 1", low=0, high=1),
        Column("expected_return", "DOUBLE", "mean profit over collateral", "decimal, whole period"),
        Column(
            "cvar_95",
            "DOUBLE",
            "mean of the worst 5 % of outcomes over collateral, losses negative",
            "decimal, whole period",
        ),
        Column("input_features", "JSON", "what the model saw", required=True),
        Column("predictions", "JSON", "everything the model said", required=True),
        _MODEL_VERSION,
        Column(
            "prob_itm_market", "DOUBLE", "prob_itm as the options price it; the one believed", "0 to 1", low=0, high=1
        ),
        Column(
            "prob_itm_history",
            "DOUBLE",
            "prob_itm with the realised volatility weighed in; shown, not used; NULL without price_history",
            "0 to 1",
            low=0,
            high=1,
        ),
        Column("implied_volatility", "DOUBLE", "of the expiration, at the forward", "decimal a year", low=0),
        Column("realised_volatility", "DOUBLE", "of the last 63 sessions, where known", "decimal a year", low=0),
    ),
    key="symbol",
    key_config="symbols",
)

RECOMMENDATION = SnapshotTable(
    "recommendation",
    "What to do now, best first. Advice only: nothing is ever ordered.",
    (
        _TIMESTAMP,
        Column("rank", "BIGINT", "1 is the first thing to do", required=True, low=1),
        Column("action", "VARCHAR", "what to do", required=True, values=ACTIONS),
        _SYMBOL,
        Column("option_symbol", "VARCHAR", "the contract to trade, padded OSI"),
        Column("expiration", "DATE", "its last day"),
        Column("strike", "DOUBLE", "its strike price", "dollars a share", low=0),
        Column("quantity", "BIGINT", "how many", "contracts", low=0),
        Column("limit_price", "DOUBLE", "price that it is valued at", "dollars a share", low=0),
        Column("limit_start", "DOUBLE", "limit to start with", "dollars a share", low=0),
        Column("limit_floor", "DOUBLE", "least to accept, most to pay where bought", "dollars a share", low=0),
        Column("credit", "DOUBLE", "cash received; paid where negative", "dollars"),
        Column("collateral", "DOUBLE", "cash or shares' value set aside", "dollars", low=0),
        Column("annualized_return", "DOUBLE", "credit over collateral, simple, 365 days", "decimal a year"),
        Column("prob_itm", "DOUBLE", "probability of assignment at expiration", "0 to 1", low=0, high=1),
        Column("breakeven", "DOUBLE", "share price below which money is lost", "dollars a share"),
        Column("max_loss", "DOUBLE", "loss if the shares went to zero", "dollars", low=0),
        Column(
            "cvar_95",
            "DOUBLE",
            "mean of the worst 5 % of outcomes over collateral, losses negative",
            "decimal, whole period",
        ),
        Column("objective", "DOUBLE", "what the ranking is by"),
        Column("expected_return", "DOUBLE", "mean profit of the model over collateral", "decimal, whole period"),
        Column("implied_volatility", "DOUBLE", "of the contract, at its mid", "decimal a year", low=0),
        Column(
            "realised_volatility", "DOUBLE", "of the shares of late; missing without a history", "decimal a year", low=0
        ),
        Column("roll_to_option_symbol", "VARCHAR", "the contract to roll into, padded OSI"),
        Column("alternatives", "JSON", "of an open option: roll, hold, assignment and close, with their numbers"),
        Column("reason", "VARCHAR", "why, in plain words", required=True),
        Column("portfolio_value", "DOUBLE", "what the sizes are measured against", "dollars", required=True),
        Column("data_age_minutes", "DOUBLE", "age of the oldest input when this was said", "minutes", low=0),
        Column("oldest_input", "VARCHAR", "which input that was"),
        _SOURCE,
        _MODEL_VERSION,
    ),
)

CANDIDATES = SnapshotTable(
    "candidates",
    "Every contract that could be opened, with its numbers and all the rules it breaks; the advised and nearest first.",
    (
        _TIMESTAMP,
        _SYMBOL,
        _OPTION_SYMBOL,
        _EXPIRATION,
        _STRIKE,
        _OPTION_TYPE,
        Column("days", "BIGINT", "until expiration", "days"),
        Column("bid", "DOUBLE", "best bid", "dollars a share"),
        Column("ask", "DOUBLE", "best ask", "dollars a share"),
        Column("spread", "DOUBLE", "ask less bid over their mean", "share"),
        Column("delta", "DOUBLE", "of the option", "dollars for a dollar"),
        Column("open_interest", "BIGINT", "open interest", "contracts"),
        Column("volume", "BIGINT", "traded today", "contracts"),
        Column("premium", "DOUBLE", "limit price of a sale", "dollars a share"),
        Column("collateral", "DOUBLE", "cash or shares' value behind one contract", "dollars"),
        Column("annualized_return", "DOUBLE", "credit over collateral, simple, 365 days", "decimal a year"),
        Column("prob_itm", "DOUBLE", "probability of assignment at expiration", "0 to 1"),
        Column("expected_return", "DOUBLE", "mean profit of the model over collateral", "decimal, whole period"),
        Column("objective", "DOUBLE", "what openings are ranked by"),
        Column("iv_rank", "DOUBLE", "IV rank of the symbol", "0 to 1"),
        Column("event_days", "DOUBLE", "until the next earnings; NULL where none is known", "days"),
        Column("quantity", "BIGINT", "how many there is room for", "contracts"),
        Column("advised", "BOOLEAN", "whether the advice opens it", required=True),
        Column("failures", "BIGINT", "how many rules it breaks", required=True, low=0),
        Column("failed", "VARCHAR", "the rules it breaks, in their order"),
        Column("reasons", "VARCHAR", "its numbers and the limits, one of each broken rule"),
        Column("settings", "VARCHAR", "the strategy settings behind them"),
    ),
)

SCAN = Table(
    "scan",
    "A Parquet file a symbol of a universe scan: its puts, with their numbers and how many rules they break.",
    (
        _TIMESTAMP,
        _SYMBOL,
        _OPTION_SYMBOL,
        _EXPIRATION,
        _STRIKE,
        Column("days", "BIGINT", "until expiration", "days"),
        Column("spot_price", "DOUBLE", "price of the underlying", "dollars a share"),
        Column("bid", "DOUBLE", "best bid", "dollars a share"),
        Column("ask", "DOUBLE", "best ask", "dollars a share"),
        Column("spread", "DOUBLE", "ask less bid over their mean", "share"),
        Column("open_interest", "BIGINT", "open interest", "contracts"),
        Column("volume", "BIGINT", "traded today", "contracts"),
        Column("iv", "DOUBLE", "implied volatility of the mid", "decimal a year"),
        Column("delta", "DOUBLE", "of the put", "dollars for a dollar"),
        Column("premium", "DOUBLE", "limit price of a sale", "dollars a share"),
        Column("collateral", "DOUBLE", "cash behind one contract", "dollars"),
        Column("annualized_return", "DOUBLE", "credit over collateral, simple, 365 days", "decimal a year"),
        Column("prob_itm", "DOUBLE", "probability of assignment at expiration", "0 to 1"),
        Column("expected_return", "DOUBLE", "mean profit of the model over collateral", "decimal, whole period"),
        Column("cvar_95", "DOUBLE", "mean of the worst 5 % of outcomes over collateral", "decimal, whole period"),
        Column("objective", "DOUBLE", "what the ranking is by"),
        Column("quantity", "BIGINT", "how many there is room for", "contracts"),
        Column("failures", "BIGINT", "how many rules it breaks", required=True, low=0),
        Column("first_failed", "VARCHAR", "the first rule that it breaks"),
        _SOURCE,
    ),
)

DATA_TABLES = (
    *(OPTION_CHAINS, POSITIONS, RISK_FREE_RATE, PRICE_HISTORY),
    *(EVENTS, TRANSACTIONS, GREEKS, VOLATILITY_HISTORY, PREDICTIONS, RECOMMENDATION, CANDIDATES),
)

DOCUMENTS = SnapshotTable(
    "documents",
    "What users of the Python API had fetched, exactly as they got it.",
    (
        _TIMESTAMP,
        Column("key", "VARCHAR", "what it answers: table, then symbol and expiration, account or id", required=True),
        Column("document", "VARCHAR", "JSON text, as `cache/documents.py` writes it", required=True),
    ),
    key="key",
)

STORED_TABLES = (*DATA_TABLES, DOCUMENTS)

SNAPSHOTS = Table(
    "snapshots",
    "The index: one row a snapshot.",
    (
        Column("snapshot_id", "BIGINT", "rising, in order of commit", required=True),
        Column("table_name", "VARCHAR", "table that holds its rows", required=True),
        Column("key", "VARCHAR", "symbol or account; `all` where the table has no key", required=True),
        Column("timestamp", "TIMESTAMP", "as-of time of the data", "UTC", required=True),
        Column("created_at", "TIMESTAMP", "when it was cached", "UTC", required=True),
        Column("last_used_at", "TIMESTAMP", "when it was last read", "UTC", required=True),
        Column("hits", "BIGINT", "how often it was used again", required=True),
        Column("rows", "BIGINT", "how many rows", required=True),
        Column("bytes", "BIGINT", "estimated size in the file", "bytes", required=True),
        Column("content_hash", "VARCHAR", "of its rows as stored, to verify them", required=True),
        Column("source", "VARCHAR", "where the data came from", required=True),
        Column("run_id", "VARCHAR", "the run that made it"),
        Column("inputs", "BIGINT[]", "ids of the snapshots it was built from", required=True),
        Column("recipe", "VARCHAR", "what made it besides its inputs: code version and settings", required=True),
        Column("notes", "VARCHAR[]", "what is unusual about it, a line each"),
    ),
)

API_CALLS = Table(
    "api_calls",
    "The ledger: one row an HTTP request, and one for what downloads under way may cost. Survives every cleanup.",
    (
        Column("at", "TIMESTAMP", "when the request was sent", "UTC", required=True),
        Column("source", "VARCHAR", "vendor", required=True),
        Column("endpoint", "VARCHAR", "path without its query", required=True),
        Column("status", "BIGINT", "HTTP status; NULL where there was no answer"),
        Column("duration_ms", "DOUBLE", "until the body was read", "milliseconds", low=0),
        Column("bytes", "BIGINT", "size of the body", "bytes", low=0),
        Column("cost_usd", "DOUBLE", "estimated cost", "dollars", required=True, low=0),
        Column("key", "VARCHAR", "symbol or account asked for"),
        Column("error", "VARCHAR", "what went wrong, without secrets"),
    ),
)
