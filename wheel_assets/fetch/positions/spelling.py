"""How brokers write numbers, days, times and options in their exports."""

from __future__ import annotations

import re
from datetime import date, datetime

from wheel_assets.errors import BadSymbol
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.market.osi import OptionSymbol, OptionType, option_root, parse_osi

RIGHTS: dict[str, OptionType] = {"P": "put", "PUT": "put", "C": "call", "CALL": "call"}

_NUMBER = re.compile(
    r"(?P<open>\()?(?P<sign>[-+]?\$?|\$[-+])(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)"
    r"(?P<exponent>[eE][-+]?\d{1,2})?(?P<trailing>-)?(?P<close>\))?",
    re.ASCII,
)
NOTHING = {"", "-", "--", "n/a", "na", "none", "null", "nan"}
_LARGEST = 1e12

_DATES = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%Y/%m/%d", "%m/%d/%y", "%b-%d-%Y", "%m-%d-%Y", "%m-%d-%y", "%d%b%y")
_TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?\s*(?P<half>[ap])?\.?m?", re.IGNORECASE | re.ASCII)
_DATE = re.compile(r"\d{1,4}[/-]\d{1,2}[/-]\d{1,4}|[a-z]{3}-\d{1,2}-\d{4}|\b\d{8}\b", re.IGNORECASE | re.ASCII)

# Fidelity: ` -XYZ270115P95.5`. Schwab: `XYZ 01/15/2027 95.50 P`. IBKR: `XYZ 15JAN27 95.5 P`. Robinhood:
# `XYZ 1/15/2027 Put $95.50`.
_FIDELITY = re.compile(r"(?P<root>\w{1,6}?)(?P<day>\d{6})(?P<right>[CP])(?P<strike>\d{1,5}(?:\.\d{1,3})?)", re.ASCII)
_SCHWAB = re.compile(r"(?P<root>[\w./$]{1,8}) +(?P<day>[\d/]{8,10}) +(?P<strike>[\d,.]+) +(?P<right>[CP])", re.ASCII)
_IBKR = re.compile(r"(?P<root>[\w. ]{1,8}) (?P<day>\d{2}[A-Z]{3}\d{2}) (?P<strike>[\d.]+) (?P<right>[CP])", re.ASCII)
_ROBINHOOD = re.compile(
    r"(?P<root>[\w.]{1,8}) (?P<day>[\d/]{8,10}) (?P<right>CALL|PUT) \$(?P<strike>[\d,.]+)", re.ASCII
)
_SPELLINGS = (_FIDELITY, _SCHWAB, _IBKR, _ROBINHOOD)


def number(text: str) -> float | None:
    """A number as brokers write it, None for the ways they write none; raises ValueError for other text.

    >>> number("-$1,234.50"), number("(3.20)"), number("--")
    (-1234.5, -3.2, None)
    """
    text = text.strip()
    if text.lower() in NOTHING:
        return None
    match = _NUMBER.fullmatch(text)
    if not match or bool(match["open"]) != bool(match["close"]):
        raise ValueError(f"{text[:30]!r} is not a number")
    size = float(match["digits"].replace(",", "") + (match["exponent"] or ""))
    if size > _LARGEST:
        raise ValueError(f"{text[:30]!r} is too large")
    return -size if match["open"] or match["trailing"] or "-" in match["sign"] else size


def day(text: str) -> date:
    """A date in any of the usual spellings; raises ValueError."""
    for spelling in _DATES:
        try:
            return datetime.strptime(text.strip(), spelling).date()
        except ValueError:
            continue
    raise ValueError(f"{text.strip()[:30]!r} is not a date")


def as_of_time(text: str) -> datetime:
    """The time a file says it is of, aware: New York where it names no offset, the close where it names no time.

    >>> as_of_time("12:33 PM ET, 2026/11/20").isoformat(), as_of_time("20261120").isoformat()
    ('2026-11-20T12:33:00-05:00', '2026-11-20T16:00:00-05:00')
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = _spelt_time(text)
    if not 2000 <= moment.year <= 2099:
        raise ValueError(f"{text[:30]!r} is no time of this century")
    if moment.tzinfo is None and not _TIME.search(text):
        moment = moment.replace(hour=16)
    return moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)


def _spelt_time(text: str) -> datetime:
    found, clock = _DATE.search(text), _TIME.search(text)
    if not found:
        raise ValueError(f"{text[:30]!r} is not a time")
    moment = datetime.combine(day(found[0]), datetime.min.time())
    if not clock:
        return moment
    hour = int(clock["hour"])
    if clock["half"]:
        hour = hour % 12 + 12 * (clock["half"].lower() == "p")
    return moment.replace(hour=hour, minute=int(clock["minute"]))


def spelt_contract(text: str) -> OptionSymbol | None:
    """An option written as OSI (padded or compact) or as a broker spells it; None for other text.

    The parts are not checked here: ask for `.osi`. Raises ValueError for a day that does not exist.

    >>> spelt_contract("-XYZ270115P95.5").osi, spelt_contract("XYZ 01/15/2027 95.50 P").osi
    ('XYZ   270115P00095500', 'XYZ   270115P00095500')
    """
    text = text.strip().upper().lstrip("-")
    try:
        return parse_osi(text)
    except BadSymbol:
        match = next((found for spelling in _SPELLINGS if (found := spelling.fullmatch(text))), None)
    if not match:
        return None
    expiration = day(f"20{match['day']}" if match["day"].isdigit() else match["day"])
    return OptionSymbol(option_root(match["root"]), expiration, RIGHTS[match["right"]], number(match["strike"]) or 0)
