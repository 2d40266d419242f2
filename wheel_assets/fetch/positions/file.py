"""An account out of a file: our own layout, or an export of Schwab, Fidelity or Interactive Brokers.

A file is read in full or refused: advice on half an account is worse than none. So is one with an
option that has expired since: it was exercised, assigned or worthless, and only the broker knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import BadPositionsFile
from wheel_assets.fetch.positions.consistency import in_one_style
from wheel_assets.fetch.positions.exports import CASH_SYMBOLS, Holding, holding_of
from wheel_assets.fetch.positions.spelling import as_of_time
from wheel_assets.fetch.positions.text import Row, Sheet, read_sheet
from wheel_assets.fetch.source import Access, AccountSource
from wheel_assets.market.calendar import last_session, new_york_day
from wheel_assets.rows import Rows
from wheel_assets.sanitise import is_account, masked_account
from wheel_assets.tables import POSITIONS

if TYPE_CHECKING:
    pass

MAX_BYTES = 2_000_000
OLD = timedelta(days=3)
_SHOWN = 5

REMEDY = "export the positions once more as CSV, or see examples/positions.csv"


class FileAccount(AccountSource):
    """Positions out of one CSV, JSON or Flex XML file, read anew each time.

    >>> FileAccount("positions.csv").positions("default", now)  # doctest: +SKIP
    """

    name = "file"

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def positions(self, account_id: str, now: datetime) -> Rows:
        """Holdings and cash; raises BadPositionsFile naming every row that cannot be understood.

        Cash is the whole of it, as exports state it: what secures short puts is not taken off here.
        `timestamp` is the file's own as-of time, else when it was last written. Notes say what was
        skipped or assumed.
        """
        import pandas as pd

        content, written = self._read()
        try:
            sheet = read_sheet(content)
            rows = list(in_one_style(of_account(sheet.rows, account_id)))
            _refuse_lots_only(rows)
        except ValueError as error:
            raise self._refusal(str(error)) from error
        holdings, skipped = self._holdings(rows, now)
        notes = [holding.note for holding in holdings if holding.note]
        if account_id != "default" and not any(row.get("account") for row in rows):
            notes.append(f"the file names no account: all of it is taken as that of {masked_account(account_id)}")
        skipped += sheet.notices
        notes += [f"{skipped} rows of totals, notices, lots or closed positions were skipped"] if skipped else []
        timestamp = self._as_of(sheet, rows, written, now, notes)
        records = [_record(holding) for holding in holdings if holding.asset_type != "cash"]
        records.append(_cash_record(holdings, notes))
        frame = pd.DataFrame(records, columns=[column.name for column in POSITIONS.columns])
        positions = POSITIONS.conform(frame.assign(account_id=account_id, timestamp=timestamp, source=self.name))
        return Rows(positions, tuple(notes))

    def _read(self) -> tuple[bytes, datetime]:
        """The bytes of the file and when they were written."""
        try:
            path = self.path.expanduser()
            if not path.is_file():
                why = "it is a folder or device" if path.exists() else "there is no such file"
                raise self._refusal(why, "check WHEEL_BROKER__FILE")
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except (OSError, RuntimeError) as error:
            raise self._refusal(f"{error}", "check WHEEL_BROKER__FILE and its permissions") from error
        if len(content) > MAX_BYTES:
            raise self._refusal(f"it is larger than {MAX_BYTES / 1e6:g} MB")
        return content, written

    def _holdings(self, rows: list[Row], now: datetime) -> tuple[list[Holding], int]:
        """What the rows hold and how many hold nothing; raises BadPositionsFile."""
        holdings: list[Holding] = []
        bad: list[tuple[Row, str]] = []
        skipped = 0
        for row in rows:
            try:
                holding = holding_of(row)
            except ValueError as error:
                bad.append((row, str(error)))
                continue
            skipped += holding is None
            holdings += [holding] if holding else []
        bad += _duplicates(holdings) + _expired(holdings, now)
        if bad:
            bad.sort(key=lambda each: each[0].number)
            shown = "; ".join(f"row {row.number} [{row.text}]: {why}" for row, why in bad[:_SHOWN])
            more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
            why = f"{len(bad)} of {len(rows)} rows are not understood: {shown}{more}"
            raise self._refusal(why, "mend or delete these rows")
        if not holdings:
            raise self._refusal("it holds no position and no cash")
        return holdings, skipped

    def _as_of(self, sheet: Sheet, rows: list[Row], written: datetime, now: datetime, notes: list[str]) -> datetime:
        """The oldest time the file states, else when it was written; naive UTC, at most `now`."""
        stated = []
        for text in dict.fromkeys([*sheet.as_of, *(row.get("as_of") for row in rows)]):
            try:
                stated += [as_of_time(text)] if text else []
            except ValueError as error:
                notes.append(f"the as-of time {error}; the time of the file is taken instead")
        moment = min(stated, default=min(written, now))
        if new_york_day(moment) > new_york_day(now):
            raise self._refusal(f"it says to be of {moment:%Y-%m-%d}, which is still to come")
        if now - moment > OLD:
            notes.append(f"the positions are {(now - moment).days} days old")
        return min(moment, now).astimezone(UTC).replace(tzinfo=None)

    def _refusal(self, why: str, remedy: str = REMEDY) -> BadPositionsFile:
        return BadPositionsFile(f"the positions file {self.path} was refused", why, remedy, source=self.name)


def open_account(access: Access) -> FileAccount:
    """Factory named in the registry entry, which ensures that a file is named."""
    return FileAccount(access.settings.broker.file or "")


def of_account(rows: list[Row], account_id: str) -> list[Row]:
    """The rows of one account; raises ValueError listing the accounts, masked, where it is not clear which."""
    accounts = {row.get("account") for row in rows if row.get("symbol") or row.get("cash")} - {""}
    if len(accounts) <= 1 and (account_id == "default" or not accounts):
        return rows
    chosen = {account for account in accounts if is_account(account_id, account)}
    if len(chosen) != 1:
        listed = ", ".join(sorted(f"...{account[-3:]}" for account in accounts))
        raise ValueError(f"it holds the accounts {listed} and WHEEL_ACCOUNT_ID has to name one of them")
    homeless = [row.number for row in rows if not row.get("account")]
    if homeless and len(accounts) > 1:
        raise ValueError(f"it holds several accounts, and row {homeless[0]} does not say whose it is")
    return [row for row in rows if row.get("account") in chosen | {""}]


def _refuse_lots_only(rows: list[Row]) -> None:
    """Lots are left out beside their sums; without the sums nothing would be left."""
    details = {row.get("detail").upper() for row in rows if row.get("quantity")}
    if details and not details & {"", "SUMMARY"}:
        raise ValueError("it lists lots without their sums; set the level of detail to Summary")


def _duplicates(holdings: Iterable[Holding]) -> list[tuple[Row, str]]:
    """Holdings that stand in the file twice: two lots, or the same one pasted twice; who knows. Cash likewise."""
    seen: dict[str, Row] = {}
    twice = []
    for holding in holdings:
        first = seen.setdefault(_named(holding), holding.row)
        if first is not holding.row:
            twice.append((holding.row, f"{_named(holding)} stands in row {first.number} already; hold it in one row"))
    return twice


def _named(holding: Holding) -> str:
    """The name under which a holding has one row; a sweep fund may stand beside the cash."""
    if holding.asset_type != "cash":
        return holding.symbol
    fund = holding.row.get("symbol").upper()
    return f"cash in {holding.symbol}" if not fund or fund in CASH_SYMBOLS else fund


def _expired(holdings: Iterable[Holding], now: datetime) -> list[tuple[Row, str]]:
    """Options of an earlier session: settled by now. Those of the last one are kept, and advised to wait for that."""
    settled = last_session(new_york_day(now))
    return [
        (holding.row, f"it expired on {holding.contract.expiration}, the account has changed since")
        for holding in holdings
        if holding.contract and holding.contract.expiration < settled
    ]


def _record(holding: Holding) -> dict[str, Any]:
    """One row of the frame for shares or an option."""
    contract = holding.contract
    return {
        "asset_type": holding.asset_type,
        "symbol": holding.symbol,
        "underlying": holding.underlying,
        "option_type": contract and contract.option_type,
        "expiration": contract and contract.expiration,
        "strike": contract and contract.strike,
        "multiplier": holding.multiplier,
        "quantity": holding.quantity,
        "average_price": holding.average_price,
        "market_value": holding.market_value,
    }


def _cash_record(holdings: list[Holding], notes: list[str]) -> dict[str, Any]:
    """All cash in dollars as one row; a broker's total over all currencies only where there is no other."""
    by_currency: dict[str, float] = {}
    for holding in holdings:
        if holding.asset_type == "cash":
            by_currency[holding.symbol] = by_currency.get(holding.symbol, 0.0) + holding.quantity
    if not by_currency:
        notes.append("the file has no cash row: cash is taken to be 0 dollars")
    elif others := set(by_currency) - {"USD", "BASE_SUMMARY"}:
        notes.append(f"cash in {', '.join(sorted(others))} is left out")
    cash = by_currency.get("USD", by_currency.get("BASE_SUMMARY", 0.0))
    return {"asset_type": "cash", "symbol": "USD", "multiplier": 1, "quantity": cash, "market_value": cash}
