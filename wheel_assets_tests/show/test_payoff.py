"""The picture shows what the trades make, and is well-formed whatever stands in the answer."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.show.answer import answer_document
from wheel_assets.show.markdown import as_markdown
from wheel_assets.show.payoff import MOST, Trade, breakevens, payoff_svg
from wheel_assets.show.svg import ticks

SVG = "{http://www.w3.org/2000/svg}"


def row(rank: int = 1, **other: object) -> dict[str, object]:
    """One line of advice: sell two puts at 28 for 54 cents a share, commission off."""
    plain = {"rank": rank, "action": "open_csp", "symbol": "U", "contract": "U 18 Dec 2026 28 put"}
    return {**plain, "strike": 28.0, "breakeven": 27.46, "quantity": 2, **other}


def drawn(*rows: dict[str, object], **spots: float) -> ElementTree.Element:
    return ElementTree.fromstring(payoff_svg({"advice": list(rows), "spot_prices": spots or {"U": 30.0}}))


def texts(picture: ElementTree.Element) -> list[str]:
    return [element.text for element in picture.iter(f"{SVG}text")]


# Natenberg, Option Volatility and Pricing, 2nd ed., chapter 2: a short put makes its premium above the
# strike and loses point for point below it; a covered call is the same picture (synthetics, chapter 14).
@pytest.mark.parametrize("at", [0.0, 10.0, 27.46, 28.0, 35.0])
def test_a_short_put_makes_its_credit_less_what_it_is_in_the_money(at):
    put = Trade("", strike=28, breakeven=28 - 0.54, shares=200, style="")
    assert put.profit(at) == pytest.approx(200 * 0.54 - 200 * max(0, 28 - at))


@pytest.mark.parametrize("at", [0.0, 20.0, 31.0, 37.5, 60.0])
def test_a_covered_call_makes_its_credit_and_what_the_shares_make(at):
    call = Trade("", strike=37.5, breakeven=31.96 - 0.89, shares=200, style="")
    shares, option = 200 * (at - 31.96), 200 * (0.89 - max(0, at - 37.5))
    assert call.profit(at) == pytest.approx(shares + option)


def test_the_words_below_say_the_same_in_numbers():
    assert "1. sell 2 × 18 Dec 2026 28 put: $108 at 28 or above, $0 at 27.46" in texts(drawn(row()))
    assert "now 30.00" in texts(drawn(row()))


def test_the_line_goes_level_at_the_strike_and_crosses_zero_at_the_dot():
    picture = drawn(row())
    (line,) = picture.iter(f"{SVG}polyline")
    (x0, y0), (x1, y1), (x2, y2) = [map(float, point.split(",")) for point in line.get("points").split()]
    (dot,) = picture.iter(f"{SVG}circle")
    x, y = float(dot.get("cx")), float(dot.get("cy"))
    assert y1 == y2 < y < y0
    assert (y - y0) / (x - x0) == pytest.approx((y1 - y0) / (x1 - x0), rel=0.02)


def test_what_is_held_is_dashed():
    picture = drawn(row(), row(2, action="hold"))
    styles = [line.get("stroke-dasharray") for line in picture.iter(f"{SVG}polyline")]
    assert styles[0] is None
    assert styles[1]


def test_a_roll_draws_what_is_held_after_it():
    rolled = {"action": "roll", "roll_to": "U 1 Jan 2027 29 put", "roll_to_option_symbol": "U     270101P00029000"}
    assert "1. roll into 2 × 1 Jan 2027 29 put: $308 at 29 or above, $0 at 27.46" in texts(drawn(row(**rolled)))


def test_several_trades_have_one_line_together_and_its_breakeven():
    trades = [Trade("", 28, 27.46, 200, ""), Trade("", 31, 30.0, 100, "")]
    (even,) = breakevens(trades)
    assert sum(trade.profit(even) for trade in trades) == pytest.approx(0)
    picture = drawn(row(), row(2, strike=31.0, breakeven=30.0, quantity=1))
    assert "together: $208 at 31 or above, $0 at 28.92" in texts(picture)
    assert len(list(picture.iter(f"{SVG}polyline"))) == 3


@pytest.mark.parametrize(
    "other", [{"action": "close"}, {"action": "none"}, {"breakeven": None}, {"strike": None}, {"symbol": "Z"}]
)
def test_what_cannot_be_drawn_is_left_out(other):
    assert payoff_svg({"advice": [row(**other)], "spot_prices": {"U": 30.0}}) == ""
    assert len(list(drawn(row(**other), row(2)).iter(f"{SVG}polyline"))) == 1


def test_one_panel_a_symbol_in_the_order_of_the_advice_and_not_too_many():
    symbols = [f"S{number}" for number in range(9, 0, -1)]
    picture = drawn(*(row(n, symbol=s) for n, s in enumerate(symbols)), **dict.fromkeys(sorted(symbols), 30.0))
    titles = [text.split(":")[0] for text in texts(picture) if "profit at expiration" in text]
    assert titles == symbols[:MOST]


def test_a_name_is_not_read_as_markup():
    assert "<b>&" in " ".join(texts(drawn(row(contract="U <b>& put"))))


PRICES = st.floats(0.01, 1e5)


@given(spot=PRICES, strike=PRICES, breakeven=PRICES, quantity=st.integers(1, 10_000))
def test_every_point_lies_in_the_picture(spot, strike, breakeven, quantity):
    picture = drawn(row(strike=strike, breakeven=breakeven, quantity=quantity), U=spot)
    width, height = float(picture.get("width")), float(picture.get("height"))
    for line in picture.iter(f"{SVG}polyline"):
        for x, y in (map(float, point.split(",")) for point in line.get("points").split()):
            assert 0 <= x <= width
            assert 0 <= y <= height


@given(low=st.floats(-1e6, 1e6), span=st.floats(0.01, 1e6), most=st.integers(2, 9))
def test_ticks_are_even_and_within(low, span, most):
    found = ticks(low, low + span, most)
    assert len(found) <= most + 1
    assert all(low - 1e-6 * span <= at <= low + span + 1e-6 * span for at in found)
    steps = [b - a for a, b in zip(found, found[1:], strict=False)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6) if steps else True


def test_the_advice_carries_the_picture_itself(desk):
    document = answer_document(desk.cash(9_000).put(28, 0.55, 0.60).advise())
    svg = payoff_svg(document)
    (encoded,) = re.findall(r"!\[[\w ]+\]\(data:image/svg\+xml;base64,([\w+/=]+)\)", as_markdown(document, svg))
    assert base64.b64decode(encoded).decode() == svg
    assert "data:" not in as_markdown(document)
    assert document["spot_prices"] == {"U": 30.0}
