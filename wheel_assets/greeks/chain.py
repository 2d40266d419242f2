"""A chain of quotes in, implied volatility and Greeks out: the one place where frames meet formulas."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.curve import ZeroCurve
from wheel_assets.greeks.forward import chain_yields
from wheel_assets.greeks.quotes import mid_prices, quote_status, quoted_prices
from wheel_assets.greeks.units import ONE_POINT, WIDE_SHARE_OF_VOLATILITY
from wheel_assets.greeks.valuation import valued
from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.expiration import years_to_expiration
from wheel_assets.market.indices import AM_SETTLED_ROOTS, EUROPEAN_ROOTS
from wheel_assets.market.osi import roots
from wheel_assets.rows import Rows
from wheel_assets.tables import GREEKS

Texts = NDArray[np.object_]


def value_chain(option_chains: pd.DataFrame, *, risk_free_rate: float | ZeroCurve) -> pd.DataFrame:
    """The frame of `valued_chain`, for whoever does not read its notes."""
    return valued_chain(option_chains, risk_free_rate=risk_free_rate).frame


def valued_chain(option_chains: pd.DataFrame, *, risk_free_rate: float | ZeroCurve) -> Rows:
    """Implied volatility and Greeks at the mid of every quote: the columns of `tables.GREEKS`.

    Takes the columns of `tables.OPTION_CHAINS`, any symbols and expirations mixed, and gives one row a
    contract in the same order. Units, signs and the meaning of `status`: `wheel_assets.greeks.units`.
    `risk_free_rate` is one rate for every tenor, or a curve from which each contract takes its own.
    A contract without a volatility keeps its row: a named status, NaN Greeks. Expirations whose chain
    implies no credible forward are valued without dividends and counted in the notes.
    """
    bid, ask = quoted_prices(option_chains["bid"]), quoted_prices(option_chains["ask"])
    mid = mid_prices(bid, ask)
    root = roots(option_chains["option_symbol"])
    european_style = root.isin(EUROPEAN_ROOTS).to_numpy()
    curve = risk_free_rate if isinstance(risk_free_rate, ZeroCurve) else ZeroCurve.flat(risk_free_rate)
    contracts = _contracts(option_chains, root, curve)
    lifeless = [~(contracts.years > 0), np.isnan(contracts.spot), np.isnan(contracts.strike)]
    status = np.select(lifeless, ["expired", "no_spot", "no_strike"], quote_status(bid, ask)).astype(object)
    expiration = _numbered_expirations(option_chains, root)
    yields = chain_yields(contracts, european_style, np.where(status == "ok", mid, np.nan), ask - bid, expiration)
    contracts = contracts._replace(dividend_yield=yields.dividend_yield[expiration])
    status = _outside_bounds(contracts, european_style, mid, status)
    iv, greeks = valued(contracts, european_style, np.where(status == "ok", mid, np.nan))
    greeks = greeks._replace(delta=_within_bounds(greeks.delta, contracts.is_put))
    status = _unsolved_or_wide(status, iv, greeks, ask - bid)
    frame = _frame(option_chains, contracts, {"mid": mid, "iv": iv} | greeks._asdict(), status)
    return Rows(frame, _notes(option_chains["symbol"], expiration, yields.credible, contracts.years > 0))


def volatility_at(option_chains: pd.DataFrame, greeks: pd.DataFrame, price: Literal["bid", "ask", "last"]) -> pd.Series:
    """Implied volatility of another price than the mid, decimal a year; NaN where the price has none.

    `greeks` is what `value_chain` gave for these contracts, in any order; its carry and time are used again.
    A contract that it does not hold has none. The index is that of `option_chains`.
    """
    code = option_chains["option_symbol"]
    valued_before = greeks.set_index("option_symbol").reindex(code)
    names = ("spot_price", "strike", "years", "risk_free_rate", "dividend_yield")
    terms = (valued_before[name].to_numpy() for name in names)
    contracts = Contracts.of(option_chains["option_type"].eq("put").to_numpy(), *terms)
    alive = (contracts.years > 0) & (contracts.spot > 0)
    prices = np.where(alive, quoted_prices(option_chains[price]), np.nan)
    iv, _ = valued(contracts, roots(code).isin(EUROPEAN_ROOTS).to_numpy(), prices)
    return pd.Series(iv, index=option_chains.index, name=f"{price}_iv")


def _contracts(chain: pd.DataFrame, root: pd.Series, curve: ZeroCurve) -> Contracts:
    """The chain's contracts, still without a dividend yield."""
    am_settled = root.isin(AM_SETTLED_ROOTS).to_numpy()
    years = years_to_expiration(chain["timestamp"], chain["expiration"], am_settled)
    spot, strike = (chain[name].to_numpy(dtype=float, na_value=np.nan) for name in ("spot_price", "strike"))
    return Contracts.of(chain["option_type"].eq("put").to_numpy(), spot, strike, years, curve.at(years), 0.0)


def _numbered_expirations(chain: pd.DataFrame, root: pd.Series) -> NDArray[np.intp]:
    """A number from 0 for each series of contracts that share one forward."""
    keys = ["symbol", "root", "expiration", "timestamp"]
    return chain.assign(root=root).groupby(keys, sort=False, dropna=False).ngroup().to_numpy(dtype=np.intp)


def _outside_bounds(contracts: Contracts, european_style: Bools, mid: Floats, status: Texts) -> Texts:
    """Names the mids that no volatility gives: what an option is worth at none and at endless volatility."""
    c = contracts
    share, cash = c.spot * np.exp(-c.dividend_yield * c.years), c.strike * c.discount
    held = np.maximum(np.where(c.is_put, cash - share, share - cash), 0.0)
    lower = np.where(european_style, held, np.maximum(held, c.intrinsic))
    upper = np.where(european_style, np.where(c.is_put, cash, share), np.where(c.is_put, c.strike, c.spot))
    good = status == "ok"
    outside = [good & ~(mid > lower), good & ~(mid < upper)]
    return np.select(outside, ["below_intrinsic", "above_bound"], status).astype(object)


def _within_bounds(delta: Floats, is_put: Bools) -> Floats:
    """Calls 0 to 1, puts -1 to 0, which rounding leaves by a hair, and deep calls with a negative yield by more."""
    return np.clip(delta, np.where(is_put, -1.0, 0.0), np.where(is_put, 0.0, 1.0))


def _unsolved_or_wide(status: Texts, iv: Floats, greeks: Sensitivities, spread: Floats) -> Texts:
    """Names the quotes that have a mid within bounds and still no volatility worth having."""
    good = status == "ok"
    wide = spread > WIDE_SHARE_OF_VOLATILITY * iv * greeks.vega / ONE_POINT
    return np.select([good & np.isnan(iv), good & wide], ["no_convergence", "wide"], status).astype(object)


def _frame(chain: pd.DataFrame, contracts: Contracts, values: dict[str, Floats], status: Texts) -> pd.DataFrame:
    """The columns of `tables.GREEKS`, in order; what was computed only where the status is ok."""
    computed = {name: np.where((status == "ok") | (name == "mid"), column, np.nan) for name, column in values.items()}
    columns = computed | {
        "risk_free_rate": contracts.rate,
        "dividend_yield": contracts.dividend_yield,
        "years": contracts.years,
        "status": status,
    }
    names = [column.name for column in GREEKS.columns]
    return pd.DataFrame({name: columns[name] if name in columns else chain[name].to_numpy() for name in names})


def _notes(symbols: pd.Series, expiration: NDArray[np.intp], credible: Bools, alive: Bools) -> tuple[str, ...]:
    """One sentence for each symbol with expirations that imply no credible forward."""
    each = pd.DataFrame({"symbol": symbols.to_numpy(), "expiration": expiration})[alive].drop_duplicates()
    counts = each.assign(bad=~credible[each["expiration"]]).groupby("symbol", sort=False)["bad"].agg(["sum", "size"])
    return tuple(
        f"{symbol}: {bad} of {size} expirations imply no credible forward and are valued without dividends"
        for symbol, bad, size in counts[counts["sum"] > 0].itertuples()
    )
