"""What Tradier, tastytrade and Alpaca send otherwise than anybody would think."""

import pytest

from wheel_assets.errors import LoginExpired, SettingError, SourceRefused, UnexpectedAnswer
from wheel_assets.fetch.kept_secrets import keep_secrets, read_secrets
from wheel_assets.fetch.tradier.session import TradierSession

ACCOUNTS = ["tradier account", "tastytrade account", "alpaca account", "schwab account"]
CHAINS = ["tradier chains", "tastytrade chains", "alpaca chains"]
TRADIER_HELD, TASTYTRADE_HELD = "/v1/accounts/87654321/positions", "/accounts/87654321/positions"
PUT = "XYZ   270115P00095000"


@pytest.fixture
def reply(vendors):
    return vendors.Reply


def notes(rows):
    return rows.notes


@pytest.mark.parametrize("name", ACCOUNTS)
def test_one_account_is_the_same_from_every_broker(vendor_named, name):
    frame = vendor_named(name).ask().frame.set_index("symbol")
    numbers = frame[["quantity", "average_price", "market_value"]].astype(float).round(4)
    assert numbers.loc[PUT].tolist() == [-2, 1.2434, -230]
    assert numbers.loc["XYZ", ["quantity", "market_value"]].tolist() == [100, 9990]
    assert numbers.loc["USD", ["quantity", "market_value"]].tolist() == [25000, 25000]
    assert frame.loc[PUT, ["asset_type", "underlying", "option_type", "strike"]].tolist() == [
        "option",
        "XYZ",
        "put",
        95,
    ]


@pytest.mark.parametrize("name", ACCOUNTS)
def test_the_field_that_the_cash_is_of_is_told(vendor_named, name):
    assert any("cash is" in note for note in notes(vendor_named(name).ask()))


@pytest.mark.parametrize("name", CHAINS)
def test_a_contract_is_the_same_from_every_vendor(vendor_named, name):
    row = vendor_named(name).ask().frame.set_index("option_symbol").loc[PUT]
    assert row[["bid", "ask", "last", "bid_size", "ask_size", "spot_price"]].tolist() == [1.1, 1.2, 1.15, 12, 20, 99.9]
    assert row["open_interest"] == 4821
    assert f"{row['timestamp']:%Y-%m-%d %H:%M}" == "2026-11-20 19:59"


@pytest.mark.parametrize("sent", ["null", None, {"position": []}])
def test_tradier_writes_none_as_a_text(vendor_named, fake, reply, sent):
    vendor = vendor_named("tradier account")
    fake.on(TRADIER_HELD, reply({"positions": sent}))
    assert vendor.ask().frame["symbol"].tolist() == ["USD"]


def test_tradier_sends_one_object_for_a_list_of_one(vendor_named, fake, reply, brokers):
    vendor = vendor_named("tradier account")
    fake.on(TRADIER_HELD, reply({"positions": {"position": brokers.tradier_position("XYZ", 10.0, 981.0)}}))
    assert vendor.ask().frame.set_index("symbol").loc["XYZ", "average_price"] == pytest.approx(98.1)


def test_tradier_cash_that_is_not_settled_is_not_free(vendor_named, fake, reply, brokers):
    vendor = vendor_named("tradier account")
    told = brokers.tradier_balances(account_type="cash", cash={"unsettled_funds": 1000.0, "cash_available": 1.0})
    fake.on("/v1/accounts/87654321/balances", reply(told))
    rows = vendor.ask()
    assert rows.frame.set_index("symbol").loc["USD", "quantity"] == 24000
    assert "cash is total_cash less unsettled_funds" in notes(rows)


@pytest.mark.parametrize("size", [10, 150])
def test_a_contract_of_another_size_is_left_out(vendor_named, fake, reply, brokers, size):
    vendor = vendor_named("tradier chains")
    odd = brokers.tradier_option("XYZ270115P00090000", contract_size=size, strike=90.0)
    fake.on(vendor.path, reply({"options": {"option": [brokers.tradier_option(), odd]}}))
    assert vendor.ask().frame["option_symbol"].tolist() == [PUT]


@pytest.mark.parametrize("greeks", [None, {"mid_iv": 0}, {"mid_iv": "NaN"}, []])
def test_a_volatility_of_nothing_is_missing(vendor_named, fake, reply, brokers, greeks):
    vendor = vendor_named("tradier chains")
    fake.on(vendor.path, reply({"options": {"option": brokers.tradier_option(greeks=greeks)}}))
    assert vendor.ask().frame["iv"].isna().all()


@pytest.mark.parametrize("seconds", [1795204799, 1795204799000])
def test_times_in_seconds_and_in_milliseconds_are_the_same(vendor_named, fake, reply, brokers, seconds):
    vendor = vendor_named("tradier chains")
    fake.on(vendor.path, reply({"options": {"option": brokers.tradier_option(bid_date=seconds, ask_date=None)}}))
    assert f"{vendor.ask().frame['timestamp'][0]}" == "2026-11-20 19:59:59"


@pytest.mark.parametrize("url", ["{}", "{}/v1", "{}/v1/"])
def test_tradiers_address_may_end_in_its_version(fake, calls, reply, url):
    fake.on("/v1/user/profile", reply({"profile": {}}))
    TradierSession(url.format(fake.url), calls.append, "token").get("/v1/user/profile", {}, "profile")
    assert fake.seen[0].headers["Accept"] == "application/json"


@pytest.mark.parametrize(("direction", "quantity"), [("Long", 2), ("Short", -2), ("Zero", None)])
def test_the_direction_is_the_sign(vendor_named, fake, reply, brokers, direction, quantity):
    vendor = vendor_named("tastytrade account")
    held = brokers.tastytrade_position(**{"quantity-direction": direction})
    fake.on(TASTYTRADE_HELD, reply(brokers.tastytrade_data({"items": [held]})))
    assert vendor.ask().frame.set_index("symbol")["quantity"].get(PUT) == quantity


@pytest.mark.parametrize(("side", "qty"), [("short", "2"), ("short", "-2"), ("long", "2")])
def test_the_side_is_the_sign_whatever_that_of_the_quantity(vendor_named, fake, reply, brokers, side, qty):
    vendor = vendor_named("alpaca account")
    fake.on("/v2/positions", reply([brokers.alpaca_position(qty=qty, side=side)]))
    row = vendor.ask().frame.set_index("symbol").loc[PUT]
    assert (row["quantity"] < 0, row["market_value"] < 0) == (side == "short", side == "short")


def test_other_instruments_are_told(vendor_named, fake, reply, brokers):
    vendor = vendor_named("tastytrade account")
    held = brokers.tastytrade_position("/ESZ6", **{"instrument-type": "Future"})
    fake.on(TASTYTRADE_HELD, reply(brokers.tastytrade_data({"items": [held]})))
    assert "1 Future positions are valued with the cash" in notes(vendor.ask())


@pytest.mark.parametrize(
    ("name", "path", "document"),
    [
        ("tradier account", TRADIER_HELD, {"positions": {"position": {"symbol": "XYZ270115X00095000"}}}),
        ("tradier account", TRADIER_HELD, {"positions": {"position": {"symbol": "XYZ", "quantity": 1e12}}}),
        ("tradier account", "/v1/accounts/87654321/balances", {"balances": {"total_cash": "lots"}}),
        ("tastytrade account", TASTYTRADE_HELD, {"data": {"items": [{"instrument-type": "Equity"}]}}),
        ("alpaca account", "/v2/positions", [{"asset_class": "us_option", "side": "short", "qty": "x"}]),
        ("alpaca account", "/v2/account", {"account_number": "87654321", "cash": "1e300"}),
        ("alpaca account", "/v2/account", {"account_number": "../../v2/orders", "cash": "1"}),
    ],
)
def test_half_an_account_is_none(vendor_named, fake, reply, name, path, document):
    vendor = vendor_named(name)
    fake.on(path, reply(document))
    with pytest.raises(UnexpectedAnswer, match="sent an account that cannot be read"):
        vendor.ask()


def test_the_same_option_twice_is_no_account(vendor_named, fake, reply, brokers):
    vendor = vendor_named("alpaca account")
    fake.on("/v2/positions", reply([brokers.alpaca_position(), brokers.alpaca_position(qty="1")]))
    with pytest.raises(UnexpectedAnswer, match="it lists XYZ 270115P00095000 twice"):
        vendor.ask()


@pytest.mark.parametrize(("last", "rows"), [("9000", 2), ("9990", None)])
def test_shares_in_two_lots_are_two_rows_and_one_lot_twice_is_no_account(
    vendor_named, fake, reply, brokers, last, rows
):
    vendor = vendor_named("alpaca account")
    shares = {"symbol": "XYZ", "asset_class": "us_equity", "side": "long", "qty": "100"}
    fake.on("/v2/positions", reply([brokers.alpaca_position(**shares, market_value=each) for each in ("9990", last)]))
    if rows is None:
        with pytest.raises(UnexpectedAnswer, match="it lists XYZ twice"):
            vendor.ask()
    else:
        assert vendor.ask().frame["symbol"].eq("XYZ").sum() == rows


@pytest.mark.parametrize("name", ["alpaca account", "tastytrade account"])
def test_an_option_that_is_called_shares_is_no_account(vendor_named, fake, reply, brokers, name):
    vendor = vendor_named(name)
    if name == "alpaca account":
        fake.on("/v2/positions", reply([brokers.alpaca_position(asset_class="us_equity")]))
    else:
        held = brokers.tastytrade_position(**{"instrument-type": "Equity"})
        fake.on(TASTYTRADE_HELD, reply(brokers.tastytrade_data({"items": [held]})))
    with pytest.raises(UnexpectedAnswer, match="is no symbol of stock"):
        vendor.ask()


def test_a_grant_without_quotes_is_found_out_once(vendor_named, fake, reply):
    vendor = vendor_named("tastytrade chains")
    fake.on(vendor.path, reply({"error": {"code": "forbidden", "message": "not entitled"}}, 403))
    for _ in range(2):
        with pytest.raises(SourceRefused, match="gives no quotes to this grant; HTTP 403 not entitled; use another"):
            vendor.ask()
    assert fake.paths().count(vendor.path) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_grant_that_is_turned_down_asks_for_a_login(vendor_named, fake, reply, status):
    vendor = vendor_named("tastytrade account")
    fake.on("/oauth/token", reply({"error": {"code": "invalid_grant", "message": "Grant revoked"}}, status))
    with pytest.raises(LoginExpired, match="turned the grant down; HTTP .* Grant revoked; .*wheel login tastytrade"):
        vendor.ask()


def test_access_is_bought_once_in_fifteen_minutes(vendor_named, fake):
    vendor = vendor_named("tastytrade account")
    vendor.ask()
    vendor.ask()
    assert fake.paths().count("/oauth/token") == 1


def test_alpacas_free_quotes_are_labelled_and_its_interest_is_elsewhere(vendor_named, fake, reply):
    vendor = vendor_named("alpaca chains")
    rows = vendor.ask()
    assert rows.frame["source"].unique().tolist() == ["alpaca-indicative"]
    assert any("check every limit price" in note for note in notes(rows))
    fake.on("/v2/options/contracts", reply({}, 500))
    assert any("no open interest" in note for note in notes(vendor.ask()))


def test_alpacas_pages_are_put_together(vendor_named, fake, reply, brokers):
    vendor = vendor_named("alpaca chains")
    first = {"snapshots": {"XYZ270115C00105000": brokers.alpaca_snapshot()}, "next_page_token": "more"}
    fake.on(vendor.path, reply(first), vendor.good)
    assert len(vendor.ask().frame) == 2
    assert fake.seen[1].query["page_token"] == "more"


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_token_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "own" / "token.json"
    keep_secrets(path, "tradier", {"token": "planted"})
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert read_secrets(path, "tradier", "token") == {"token": "planted"}
    path.chmod(mode)
    with pytest.raises(LoginExpired, match="can be read by others; run `chmod 600"):
        read_secrets(path, "tradier", "token")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"token": 5}', '{"token": ""}'])
def test_a_damaged_login_asks_for_another(tmp_path, content):
    path = tmp_path / "token.json"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(LoginExpired, match="damaged; .*; run `wheel login tradier`"):
        read_secrets(path, "tradier", "token")


@pytest.mark.parametrize("token", ["tökén", "two\nlines"])
def test_a_token_of_other_letters_is_refused_unseen(fake, calls, token):
    with pytest.raises(SettingError, match="a key or token of tradier is refused") as refused:
        TradierSession(fake.url, calls.append, token)
    assert token not in str(refused.value)
