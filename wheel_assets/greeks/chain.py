"""Implied volatility and Greeks of an option chain: the one module that joins frames and formulas."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.curve import ZeroCurve
from wheel_assets.greeks.dividends import Dividends
from wheel_assets.greeks.early_exercise import early_exercise
from wheel_assets.greeks.quotes import BORROW_FEE
from wheel_assets.greeks.quotes.arbitrage import contradicted
from wheel_assets.greeks.quotes.ex_dates import announced
from wheel_assets.greeks.quotes.forward import ImpliedYields
from wheel_assets.greeks.quotes.implied_dividends import with_implied_dividends
from wheel_assets.greeks.quotes.parity import contradicting_parity
from wheel_assets.greeks.quotes.priced_events import event_columns, event_notes, priced_events
from wheel_assets.greeks.quotes.prices import mid_prices, quote_status, quoted_prices
from wheel_assets.greeks.quotes.spot import SpotMismatch, checked_spots
from wheel_assets.greeks.units import ONE_POINT, WIDE_SHARE_OF_VOLATILITY
from wheel_assets.greeks.valuation import valued
from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR
from wheel_assets.market.expiration import years_to_expiration
from wheel_assets.market.indices import AM_SETTLED_ROOTS, EUROPEAN_ROOTS
from wheel_assets.market.osi import roots
from wheel_assets.rows import Rows
from wheel_assets.tables import GREEKS

Texts = NDArray[np.object_]

BORROW_LEAST = 0.15  # yield, decimal a year, beyond cash dividends: more than any ordinary dividend
BORROW_WITHIN = 120 / DAYS_PER_YEAR  # years


def value_chain(
    option_chains: pd.DataFrame,
    *,
    risk_free_rate: float | ZeroCurve,
    events: pd.DataFrame | None = None,
    spot_mismatch: SpotMismatch = "implied",
) -> pd.DataFrame:
    """The frame of `valued_chain`, one row per contract, without its notes."""
    chain = valued_chain(option_chains, risk_free_rate=risk_free_rate, events=events, spot_mismatch=spot_mismatch)
    return chain.frame


def valued_chain(
    option_chains: pd.DataFrame,
    *,
    risk_free_rate: float | ZeroCurve,
    events: pd.DataFrame | None = None,
    spot_mismatch: SpotMismatch = "implied",
) -> Rows:
    """Implied volatility and Greeks at the mid of every quote: the columns of `tables.GREEKS`.

    Takes the columns of `tables.OPTION_CHAINS`, symbols and expirations in any order, and gives one row per contract
    in the same order. Units, signs and the meaning of `status`: `wheel_assets.greeks.units`.
    `risk_free_rate` is one rate for every tenor, or a curve from which each contract takes its own; `events` has the
    columns of `tables.EVENTS`, and its dividends are priced in as cash. A spot that the options contradict is
    replaced by the one that they imply, or its symbol left without Greeks, as `spot_mismatch` says.
    A contract without a volatility keeps its row: a named status, NaN Greeks. Expirations whose chain
    implies no credible forward are valued without a yield and counted in the notes.
    """
    quotes = _Quotes.of(option_chains, risk_free_rate)
    paid = announced(events, option_chains, quotes.contracts.spot, quotes.contracts.years)
    spots = checked_spots(option_chains, quotes.contracts, quotes.good_mid, quotes.expiration, paid, spot_mismatch)
    contracts = quotes.contracts._replace(spot=spots.price)
    quotes = quotes._replace(contracts=contracts, status=np.where(spots.refused, "spot_mismatch", quotes.status))
    # Only now: parity is judged beside the spot, and a late spot would condemn every right quote.
    quotes = quotes.within_parity()
    known = paid
    number, _ = pd.factorize(option_chains["symbol"])
    yields, paid = with_implied_dividends(
        contracts, quotes.european_style, quotes.good_mid, quotes.spread, quotes.expiration, paid, symbol=number
    )
    quotes = quotes.carried(yields, paid)
    iv, greeks = valued(quotes.contracts, quotes.european_style, quotes.good_mid, paid)
    greeks = greeks._replace(delta=_within_bounds(greeks.delta, contracts.is_put))
    status = _unsolved_or_wide(quotes.status, iv, greeks, quotes.spread)
    values = {"iv": iv} | greeks._asdict()
    # Half a row of Greeks invites use of the half: a row without a volatility has none.
    computed = {name: np.where(status == "ok", column, np.nan) for name, column in values.items()}
    columns = computed | quotes.columns(paid) | {"status": status, "spot_source": spots.source}
    priced = priced_events(_frame(option_chains, columns))
    frame = _frame(option_chains, columns | event_columns(option_chains, priced))
    bad = _notes(option_chains["symbol"], quotes.expiration, yields.credible, contracts.years > 0)
    carry = (*_borrow_notes(option_chains["symbol"], quotes.contracts), *_dividend_notes(option_chains, known, paid))
    return Rows(frame, (*spots.notes, *carry, *event_notes(priced, events), *bad))


class _Quotes(NamedTuple):
    """A chain as arrays, an element a contract; `expiration` numbers the series that share one forward."""

    contracts: Contracts
    european_style: Bools
    bid: Floats
    ask: Floats
    mid: Floats
    expiration: NDArray[np.intp]
    status: Texts

    @classmethod
    def of(cls, chain: pd.DataFrame, risk_free_rate: float | ZeroCurve) -> _Quotes:
        """The chain with its quotes judged, before spot and carry; contradicted quotes get the status `arbitrage`."""
        bid, ask = quoted_prices(chain["bid"]), quoted_prices(chain["ask"])
        root = roots(chain["option_symbol"])
        curve = risk_free_rate if isinstance(risk_free_rate, ZeroCurve) else ZeroCurve.flat(risk_free_rate)
        contracts, expiration = _contracts(chain, root, curve), _numbered_expirations(chain, root)
        lifeless = [~(contracts.years > 0), np.isnan(contracts.spot), np.isnan(contracts.strike)]
        status = np.select(lifeless, ["expired", "no_spot", "no_strike"], quote_status(bid, ask)).astype(object)
        wrong = contradicted(contracts.is_put, contracts.strike, bid, ask, 2 * expiration + contracts.is_put)
        status = np.where(wrong & (status == "ok"), "arbitrage", status)
        style = root.isin(EUROPEAN_ROOTS).to_numpy()
        return cls(contracts, style, bid, ask, mid_prices(bid, ask), expiration, status)

    @property
    def spread(self) -> Floats:
        """Ask less bid, dollars a share."""
        return self.ask - self.bid

    @property
    def good_mid(self) -> Floats:
        """The mids of quotes with status `ok`, NaN elsewhere; dollars a share."""
        return np.where(self.status == "ok", self.mid, np.nan)

    def within_parity(self) -> _Quotes:
        """With the quotes named that contradict the other pairs of their expiration."""
        good = np.where(self.status == "ok", 0.0, np.nan)
        wrong = contradicting_parity(self.contracts, self.bid + good, self.ask + good, self.expiration)
        return self._replace(status=np.where(wrong & (self.status == "ok"), "arbitrage", self.status))

    def carried(self, yields: ImpliedYields, paid: Dividends) -> _Quotes:
        """The quotes with the yield of each expiration; mids out of bounds get their status."""
        contracts = self.contracts._replace(dividend_yield=yields.dividend_yield[self.expiration])
        status = _outside_bounds(contracts, paid, self.european_style, self.mid, self.status)
        return self._replace(contracts=contracts, status=status)

    def columns(self, paid: Dividends) -> dict[str, NDArray[Any]]:
        """The columns of `tables.GREEKS` that need no volatility."""
        c = self.contracts
        time_value = self.mid - c.intrinsic
        return {
            "spot_price": c.spot,
            "mid": self.mid,
            "risk_free_rate": c.rate,
            "dividend_yield": c.dividend_yield + paid.as_yield(c),
            "years": c.years,
            "time_value": time_value,
            "early_exercise": early_exercise(c, paid, np.where(self.european_style, np.nan, time_value)),
            "cash_dividends": np.where(paid.any, paid.total, np.nan),
            "dividend_years": np.where(paid.any, paid.mean_years, np.nan),
        }


def volatility_at(option_chains: pd.DataFrame, greeks: pd.DataFrame, price: Literal["bid", "ask", "last"]) -> pd.Series:
    """Implied volatility of the bid, ask or last price, decimal a year; NaN where the price has none.

    `greeks` is what `value_chain` gave for these contracts, in any order; its carry, dividends and time are used again
    (several dividends of one contract as one at their mean time). A contract that it does not hold has none. The index
    is that of `option_chains`.
    """
    code = option_chains["option_symbol"]
    valued_before = greeks.set_index("option_symbol").reindex(code)
    names = ("spot_price", "strike", "years", "risk_free_rate", "dividend_yield")
    terms = (valued_before[name].to_numpy() for name in names)
    contracts = Contracts.of(option_chains["option_type"].eq("put").to_numpy(), *terms)
    cash = (valued_before[name].fillna(0.0).to_numpy()[:, None] for name in ("dividend_years", "cash_dividends"))
    paid = Dividends(*cash)
    beside = contracts.dividend_yield - paid.as_yield(contracts)
    alive = (contracts.years > 0) & (contracts.spot > 0)
    prices = np.where(alive, quoted_prices(option_chains[price]), np.nan)
    style = roots(code).isin(EUROPEAN_ROOTS).to_numpy()
    iv, _ = valued(contracts._replace(dividend_yield=beside), style, prices, paid)
    return pd.Series(iv, index=option_chains.index, name=f"{price}_iv")


def _contracts(chain: pd.DataFrame, root: pd.Series, curve: ZeroCurve) -> Contracts:
    """The chain's contracts, still without a dividend yield."""
    am_settled = root.isin(AM_SETTLED_ROOTS).to_numpy()
    years = years_to_expiration(chain["timestamp"], chain["expiration"], am_settled)
    spot, strike = (chain[name].to_numpy(dtype=float, na_value=np.nan) for name in ("spot_price", "strike"))
    return Contracts.of(chain["option_type"].eq("put").to_numpy(), spot, strike, years, curve.at(years), 0.0)


def _numbered_expirations(chain: pd.DataFrame, root: pd.Series) -> NDArray[np.intp]:
    """Number (from 0) of each contract's series; the contracts of a series share one forward."""
    keys = ["symbol", "root", "expiration", "timestamp"]
    number = chain.assign(root=root).groupby(keys, sort=False, dropna=False).ngroup()
    return np.asarray(number, dtype=np.intp)


def _outside_bounds(contracts: Contracts, paid: Dividends, european_style: Bools, mid: Floats, status: Texts) -> Texts:
    """The status with mids outside the no-arbitrage bounds named: the values at zero and at infinite volatility."""
    c = contracts
    c = c._replace(spot=np.where(european_style, c.spot - paid.value(c.rate), c.spot))
    share, cash = c.spot * np.exp(-c.dividend_yield * c.years), c.strike * c.discount
    held = np.maximum(np.where(c.is_put, cash - share, share - cash), 0.0)
    lower = np.where(european_style, held, np.maximum(held, c.intrinsic))
    upper = np.where(european_style, np.where(c.is_put, cash, share), np.where(c.is_put, c.strike, c.spot))
    good = (status == "ok") | (status == "arbitrage")
    outside = [good & ~(mid > lower), good & ~(mid < upper)]
    return np.select(outside, ["below_intrinsic", "above_bound"], status).astype(object)


def _within_bounds(delta: Floats, is_put: Bools) -> Floats:
    """Delta clipped to 0 to 1 (calls) or -1 to 0 (puts): rounding, and deep calls with a negative yield, exceed it."""
    return np.clip(delta, np.where(is_put, -1.0, 0.0), np.where(is_put, 0.0, 1.0))


def _unsolved_or_wide(status: Texts, iv: Floats, greeks: Sensitivities, spread: Floats) -> Texts:
    """The status with `no_convergence` and `wide` named, see `units`."""
    good = status == "ok"
    wide = spread > WIDE_SHARE_OF_VOLATILITY * iv * greeks.vega / ONE_POINT
    return np.select([good & np.isnan(iv), good & wide], ["no_convergence", "wide"], status).astype(object)


def _frame(chain: pd.DataFrame, columns: dict[str, NDArray[Any]]) -> pd.DataFrame:
    """The columns of `tables.GREEKS` in order, computed or taken over from the chain."""
    names = [column.name for column in GREEKS.columns if column.name in columns or column.name in chain]
    return pd.DataFrame({name: columns[name] if name in columns else chain[name].to_numpy() for name in names})


def _dividend_notes(chain: pd.DataFrame, known: Dividends, paid: Dividends) -> list[str]:
    """One note for each symbol whose options price a cash dividend that no event announces."""
    implied = np.flatnonzero(paid.any & ~known.any)
    amounts = pd.Series(paid.amount[implied].sum(axis=1)).groupby(chain["symbol"].to_numpy()[implied], sort=False)
    note = "the options price a cash dividend of about {:.2f} that no event announces; it is valued as such"
    return [f"{symbol}: {note.format(amount)}" for symbol, amount in amounts.median().items()]


def _borrow_notes(symbols: pd.Series, contracts: Contracts) -> list[str]:
    """One note for each symbol whose forwards fall like those of shares that cost a high fee to borrow.

    The fee is in the puts' premium: it is no reward for risk, and takes their probability of assignment above |delta|.
    """
    near = (contracts.years > 0) & (contracts.years < BORROW_WITHIN)
    fees = pd.Series(contracts.dividend_yield[near]).groupby(symbols.to_numpy()[near], sort=False).median()
    text = "the options price a fee of about {:.0f} % a year, and puts are assigned more often than their delta says"
    return [f"{symbol}: {BORROW_FEE}, {text.format(100 * fee)}" for symbol, fee in fees.items() if fee > BORROW_LEAST]


def _notes(symbols: pd.Series, expiration: NDArray[np.intp], credible: Bools, alive: Bools) -> tuple[str, ...]:
    """One note for each symbol with expirations that imply no credible forward."""
    each = pd.DataFrame({"symbol": symbols.to_numpy(), "expiration": expiration})[alive].drop_duplicates()
    counts = each.assign(bad=~credible[each["expiration"]]).groupby("symbol", sort=False)["bad"].agg(["sum", "size"])
    return tuple(
        f"{symbol}: {bad} of {size} expirations imply no credible forward and are valued without a yield"
        for symbol, bad, size in counts[counts["sum"] > 0].itertuples()
    )
