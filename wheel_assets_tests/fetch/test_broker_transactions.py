"""One story, a put sold and assigned, the shares, a dividend, told by every broker in its way: the same rows."""

import pytest

from wheel_assets.errors import UnexpectedAnswer

HASH, PUT, PADDED = "A" * 64, "XYZ261016P00095000", "XYZ   261016P00095000"
SOLD, ASSIGNED, PAID = "2026-09-14T14:30:00.000Z", "2026-10-16T20:00:00.000Z", "2026-11-02"
DIVIDEND_AT = "2026-11-02T21:00:00"  # 16:00 in New York


def tradier():
    sold = {"symbol": PUT, "quantity": -1, "price": 2.0, "commission": 0.65, "trade_type": "Option"}
    shares = {"symbol": "XYZ", "quantity": 100, "price": 95.0, "commission": 0.0}
    events = [
        {"date": "2026-11-02T00:00:00Z", "type": "dividend", "amount": 11.0, "dividend": {"symbol": "XYZ"}},
        {"date": "2026-10-16T00:00:00Z", "type": "trade", "amount": -9500.0, "trade": shares},
        {"date": "2026-10-16T00:00:00Z", "type": "option", "amount": 0, "option": {"option_type": "Assignment"}},
        {"date": "2026-09-14T00:00:00Z", "type": "trade", "amount": 199.35, "trade": sold},
    ]
    events[2]["option"] |= {"symbol": PUT, "quantity": 1}
    return {"/v1/accounts/87654321/history": {"history": {"event": events}}}


def tastytrade():
    fees = {"commission": "0.65", "commission-effect": "Debit"}
    sold = {"transaction-type": "Trade", "transaction-sub-type": "Sell to Open", "action": "Sell to Open"}
    sold |= {"symbol": PADDED, "price": "2.0", "quantity": "1", "value": "200.0", "value-effect": "Credit"} | fees
    gone = {
        "transaction-type": "Receive Deliver",
        "transaction-sub-type": "Assignment",
        "symbol": PADDED,
        "quantity": "1",
    }
    came = {"transaction-type": "Receive Deliver", "transaction-sub-type": "Buy to Open", "action": "Buy to Open"}
    came |= {"symbol": "XYZ", "quantity": "100", "price": "95.0", "net-value": "9500.0", "net-value-effect": "Debit"}
    paid = {"transaction-type": "Money Movement", "transaction-sub-type": "Dividend", "symbol": "XYZ"}
    paid |= {"net-value": "11.0", "net-value-effect": "Credit", "executed-at": PAID}
    rows = [paid, came | {"executed-at": ASSIGNED}, gone | {"executed-at": ASSIGNED}, sold | {"executed-at": SOLD}]
    return {"/accounts/87654321/transactions": {"data": {"items": rows}, "pagination": {"total-pages": 1}}}


def alpaca():
    sold = {"id": "1", "activity_type": "FILL", "transaction_time": SOLD, "side": "sell", "qty": "1", "price": "2.0"}
    gone = {"id": "2", "activity_type": "OPASN", "date": "2026-10-16", "qty": "1", "net_amount": "0", "symbol": PUT}
    came = {"id": "3", "activity_type": "OPTRD", "date": "2026-10-16", "qty": "100", "price": "95", "symbol": "XYZ"}
    paid = {"id": "4", "activity_type": "DIV", "date": PAID, "net_amount": "11", "symbol": "XYZ"}
    return {"/v2/account/activities": [sold | {"symbol": PUT}, gone, came | {"net_amount": "-9500"}, paid]}


def schwab():
    put, shares = ({"assetType": kind, "symbol": name} for kind, name in (("OPTION", PADDED), ("EQUITY", "XYZ")))
    fee = {"feeType": "COMMISSION", "cost": -0.65, "instrument": {"assetType": "CURRENCY"}}
    sold = {"type": "TRADE", "time": SOLD, "netAmount": 199.35}
    sold["transferItems"] = [fee, {"instrument": put, "amount": -1.0, "price": 2.0, "cost": 200.0}]
    gone = {
        "type": "RECEIVE_AND_DELIVER",
        "time": ASSIGNED,
        "netAmount": 0.0,
        "description": "Removed due to Assignment",
    }
    came = {"type": "RECEIVE_AND_DELIVER", "time": ASSIGNED, "netAmount": -9500.0, "description": "Assigned shares"}
    gone["transferItems"] = [{"instrument": put, "amount": 1.0, "price": 0.0}]
    came["transferItems"] = [{"instrument": shares, "amount": 100.0, "price": 95.0}]
    paid = {"type": "DIVIDEND_OR_INTEREST", "time": PAID, "netAmount": 11.0, "description": "XYZ dividend"}
    paid["transferItems"] = [{"instrument": shares, "amount": 0.0}]
    numbers = [{"accountNumber": "87654321", "hashValue": HASH}]
    path = "/trader/v1/accounts"
    return {f"{path}/accountNumbers": numbers, f"{path}/{HASH}/transactions": [paid, came, gone, sold]}


STORIES = {"tradier": tradier, "tastytrade": tastytrade, "alpaca": alpaca, "schwab": schwab}


@pytest.fixture
def told(vendor_named, fake, vendors, now):
    """The rows of a broker's story."""
    from wheel_assets.fetch.alpaca.transactions import AlpacaTransactions
    from wheel_assets.fetch.schwab.transactions import SchwabTransactions
    from wheel_assets.fetch.tastytrade.transactions import TastytradeTransactions
    from wheel_assets.fetch.tradier.transactions import TradierTransactions

    kinds = {"tradier": TradierTransactions, "tastytrade": TastytradeTransactions}
    kinds |= {"alpaca": AlpacaTransactions, "schwab": SchwabTransactions}

    def tell(broker, since=None, **changed):
        source = kinds[broker](vendor_named(f"{broker} account").source._session)
        for path, document in (STORIES[broker]() | changed).items():
            fake.on(path, vendors.Reply(document))
        return source.transactions("default", since, now)

    return tell


@pytest.mark.parametrize("broker", STORIES)
def test_every_broker_tells_the_same_story(told, broker):
    frame = told(broker).frame
    rows = {(row.kind, row.option_symbol): row for row in frame.itertuples()}
    assert frame["executed_at"].is_monotonic_increasing
    sold, gone = rows["trade", PADDED], rows["assignment", PADDED]
    assert (sold.quantity, sold.price, gone.quantity) == (-1, 2.0, 1)
    assert sold.amount == pytest.approx(200.0 if broker == "alpaca" else 199.35)  # whose fees are rows of their own
    shares = next(row for row in frame.itertuples() if row.quantity == 100)
    assert (shares.symbol, shares.price, shares.amount) == ("XYZ", 95.0, -9500.0)
    paid = next(row for row in frame.itertuples() if row.kind == "dividend")
    assert (paid.symbol, paid.amount, paid.executed_at.isoformat()) == ("XYZ", 11.0, DIVIDEND_AT)


@pytest.mark.parametrize("broker", STORIES)
def test_a_quiet_account_says_so(told, broker):
    empty = {"tradier": {"history": "null"}, "tastytrade": {"data": {"items": []}}, "alpaca": [], "schwab": []}
    path = list(STORIES[broker]())[-1]
    assert told(broker, **{path: empty[broker]}).frame["kind"].tolist() == ["none"]


@pytest.mark.parametrize("broker", STORIES)
def test_only_what_is_new_is_told(told, broker, now):
    since = now.replace(month=11, day=1)
    assert told(broker, since).frame["kind"].tolist() == ["dividend"]


@pytest.mark.parametrize("broker", STORIES)
def test_half_a_history_is_none(told, broker):
    broken = {
        "tradier": {"history": {"event": {"type": "trade", "date": "2026-11-02", "amount": "x", "trade": {}}}},
        "tastytrade": {"data": {"items": [{"transaction-type": "Trade", "executed-at": "noon"}]}},
        "alpaca": [{"activity_type": "FILL", "transaction_time": SOLD, "qty": "many"}],
        "schwab": [{"type": "TRADE", "time": SOLD, "netAmount": None}],
    }
    path = list(STORIES[broker]())[-1]
    with pytest.raises(UnexpectedAnswer, match="sent transactions that cannot be read; .* export them as CSV"):
        told(broker, **{path: broken[broker]})
