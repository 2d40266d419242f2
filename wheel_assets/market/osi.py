"""Option symbols of the Options Symbology Initiative (OSI): parsed padded or compact, always written padded.

The 21-character key is the root in six characters, left-justified and padded with spaces, the
expiration as YYMMDD, `C` or `P`, and the strike in thousandths of a dollar in eight digits. Vendors
also send it compact, without the padding; both are anchored at the right, because roots vary.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from wheel_assets.errors import BadSymbol
from wheel_assets.market.indices import INDEX_OF, roots_of

if TYPE_CHECKING:
    import pandas as pd

OptionType = Literal["put", "call"]

# A leading digit marks a FLEX series (`1XYZ`), a trailing one an adjusted series (`XYZ1`).
_OSI = r"^(?=.{1,6}\s*\d{6}[CP])(?P<root>[0-9]?[A-Z][A-Z0-9]*)\s*(?P<ymd>\d{6})(?P<right>[CP])(?P<strike>\d{8})$"
_RIGHTS: dict[str, OptionType] = {"P": "put", "C": "call"}
_MAX_STRIKE = 99_999.999
# A root has no dot: of these it is known which share class it stands for.
_SHARE_CLASSES = {"BRKB": "BRK.B", "BFB": "BF.B", "HEIA": "HEI.A", "LENB": "LEN.B", "MOGA": "MOG.A"}


class OptionSymbol(NamedTuple):
    """One option contract: `strike` in dollars a share, `expiration` as listed."""

    root: str
    expiration: date
    option_type: OptionType
    strike: float

    @property
    def is_adjusted(self) -> bool:
        """Whether the root marks an adjusted or FLEX series: the deliverable may not be 100 shares."""
        return _is_adjusted_root(self.root)

    @property
    def deliverable_note(self) -> str:
        """Warning about the deliverable of an adjusted or FLEX contract; empty for a standard one."""
        what = f"{self.osi} is adjusted or FLEX: what it delivers is not plainly 100 shares"
        return what if self.is_adjusted else ""

    @property
    def underlying(self) -> str:
        """Ticker that the contract is on, as far as its root says.

        >>> [parse_osi(f"{root}270115P00095000").underlying for root in ("XYZ", "XYZ1", "1XYZ", "SPXW", "BRKB")]
        ['XYZ', 'XYZ', 'XYZ', 'SPX', 'BRK.B']
        """
        plain = self.root.strip("0123456789")
        return _SHARE_CLASSES.get(plain) or INDEX_OF.get(plain, plain)

    @property
    def osi(self) -> str:
        """The padded 21-character code."""
        return format_osi(*self)


def parse_osi(text: str) -> OptionSymbol:
    """Parse one option symbol, padded or compact; raises BadSymbol for anything else.

    >>> parse_osi("XYZ270115P00095000")
    OptionSymbol(root='XYZ', expiration=datetime.date(2027, 1, 15), option_type='put', strike=95.0)
    """
    match = re.match(_OSI, text.strip().upper(), re.ASCII)
    if not match or int(match["strike"]) == 0:
        raise _not_osi(text)
    try:
        expiration = date.fromisoformat(f"20{match['ymd']}")
    except ValueError:
        raise _not_osi(text) from None
    return OptionSymbol(match["root"], expiration, _RIGHTS[match["right"]], int(match["strike"]) / 1000)


def format_osi(root: str, expiration: date, option_type: str, strike: float) -> str:
    """The padded 21-character code of a contract, `strike` in dollars; raises BadSymbol where the parts do not fit.

    >>> format_osi("XYZ", date(2027, 1, 15), "put", 95.5)
    'XYZ   270115P00095500'
    """
    thousandths = round(strike * 1000) if 0 < strike <= _MAX_STRIKE else 0
    exact = thousandths > 0 and abs(thousandths - strike * 1000) < 1e-4
    right = {"put": "P", "call": "C"}.get(option_type, "?")
    code = f"{root:<6}{expiration:%y%m%d}{right}{thousandths:08d}"
    if not exact or not 2000 <= expiration.year <= 2099 or not re.match(_OSI, code):
        what = f"{root} {expiration} {option_type} {strike} is not a listed contract"
        raise BadSymbol(what, "it has no OSI code", "check its expiration and strike")
    return code


def parse_osi_column(codes: pd.Series) -> pd.DataFrame:
    """Parse many option symbols: columns option_symbol (padded), root, expiration, option_type, strike.

    The index is that of `codes`; an invalid code is a row of missing values.
    A chain has thousands of codes but few expirations and strikes, so each distinct part is parsed once.
    """
    import pandas as pd

    text = [code.strip().upper() if isinstance(code, str) else "" for code in codes]
    numbers, heads = pd.factorize(pd.Series([code[:-9] for code in text], dtype="object"))
    series = pd.DataFrame([_series(head) for head in heads], columns=["head", "root", "expiration"]).iloc[numbers]
    numbers, tails = pd.factorize(pd.Series([code[-9:] for code in text], dtype="object"))
    sides = pd.DataFrame([_side(tail) for tail in tails], columns=["tail", "option_type", "strike"]).iloc[numbers]
    frame = pd.concat([series.set_axis(codes.index), sides.set_axis(codes.index)], axis=1)
    frame["expiration"] = pd.to_datetime(frame["expiration"]).astype("datetime64[us]")
    frame.insert(0, "option_symbol", frame.pop("head") + frame.pop("tail"))
    return frame.mask(frame["option_symbol"].isna())


def _series(head: str) -> tuple[str, str, date] | tuple[None, None, None]:
    """The part before the right: padded text, root and expiration."""
    try:
        option = parse_osi(f"{head}P00001000")
    except BadSymbol:
        return None, None, None
    return option.osi[:-9], option.root, option.expiration


def _side(tail: str) -> tuple[str, OptionType, float] | tuple[None, None, None]:
    """The part from the right on: text, option type and strike."""
    try:
        option = parse_osi(f"X270115{tail}")
    except BadSymbol:
        return None, None, None
    return tail, option.option_type, option.strike


def roots(option_symbols: pd.Series) -> pd.Series:
    """Root of each padded 21-character code.

    >>> import pandas as pd
    >>> roots(pd.Series(["SPXW  261120P05000000"])).tolist()
    ['SPXW']
    """
    import numpy as np
    import pandas as pd

    codes, distinct = pd.factorize(option_symbols.str.slice(0, 6))
    stripped = np.array([str(code).strip() for code in distinct], dtype=object)
    return pd.Series(stripped[codes], index=option_symbols.index)


def is_adjusted(roots: pd.Series) -> pd.Series:
    """Whether each root belongs to an adjusted or FLEX series; False where there is no root."""
    return roots.map(_is_adjusted_root, na_action="ignore").eq(True)


def is_standard(option_symbol: str) -> bool:
    """Whether a contract delivers plain shares, by the root of its padded code.

    >>> is_standard("U     261218P00028000"), is_standard("U1    261218P00028000")
    (True, False)
    """
    root = option_symbol[:-15].strip()
    return bool(root) and not _is_adjusted_root(root)


@cache
def _is_adjusted_root(root: str) -> bool:
    return root[:1].isdigit() or root[-1:].isdigit()


def option_root(ticker: str) -> str:
    """Root of a ticker's standard options: `BRKB` for `BRK.B`."""
    return ticker.replace(".", "").replace("/", "").lstrip("$_")


def listed_roots(ticker: str) -> tuple[str, ...]:
    """The roots of a ticker's standard options: one for a share, one or two for an index.

    >>> listed_roots("SPX"), listed_roots("BRK.B")
    (('SPX', 'SPXW'), ('BRKB',))
    """
    root = option_root(ticker)
    return roots_of(root) or (root,)


def _not_osi(text: str) -> BadSymbol:
    return BadSymbol(f"{text[:40]!r} is not an option symbol", "", "for example 'XYZ   270115P00095000'")
