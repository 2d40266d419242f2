"""Transactions out of a file, or a folder of files: the exports of Schwab, Fidelity, Robinhood, tastytrade, IBKR.

A file is recognised by its headings, and read in full or refused: a cycle with half of its trades is worse
than none. Exports may overlap; what several of them list alike counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from wheel_assets.errors import BadSymbol, BadTransactionsFile
from wheel_assets.fetch.positions.file import of_account
from wheel_assets.fetch.positions.spelling import day
from wheel_assets.fetch.positions.text import Row, csv_records, decoded, letters
from wheel_assets.fetch.source import TransactionSource
from wheel_assets.fetch.transactions import fidelity, ibkr, own, robinhood, schwab, tastytrade
from wheel_assets.fetch.transactions.closing_signs import with_signs
from wheel_assets.fetch.transactions.frame import Transaction, transaction_frame
from wheel_assets.fetch.transactions.layout import Layout
from wheel_assets.rows import Rows

if TYPE_CHECKING:
    pass

LAYOUTS = (schwab.LAYOUT, fidelity.LAYOUT, robinhood.LAYOUT, tastytrade.LAYOUT, ibkr.FLEX, own.LAYOUT)
MAX_BYTES, MAX_FILES = 20_000_000, 200
_SHOWN = 5
_NOTICE_CELLS = 3  # lines below the rows have hardly any cell
REMEDY = "export the transactions once more as CSV; see docs/events-and-history.md"


class FileTransactions(TransactionSource):
    """All that the exports at `path` list, read anew each time.

    >>> FileTransactions("transactions/").transactions("default", None, now)  # doctest: +SKIP
    """

    name = "file"
    incremental = False

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """Everything that the files list of the account; raises BadTransactionsFile naming what is not understood.

        The notes say what several files list alike and which quantities are not known.
        """
        listed = [self._listed(path, account_id) for path in self._files()]
        every, repeated = _once(listed)
        signed, notes = with_signs([each for each in every if each.executed_at <= now])
        if later := len(every) - len(signed):
            notes.append(f"{later} transactions are of a day that is still to come and were left out")
        if repeated:
            notes.append(f"{repeated} transactions stand in more than one of the files and count once")
        frame = transaction_frame(self.name, signed, account_id, now)
        return Rows(frame, tuple(notes))

    def _files(self) -> list[Path]:
        try:
            path = self.path.expanduser()
            files = (
                sorted(p for p in path.iterdir() if p.suffix.lower() in (".csv", ".xml")) if path.is_dir() else [path]
            )
        except (OSError, RuntimeError) as error:
            raise self._refusal(self.path, f"{error}", "check WHEEL_BROKER__TRANSACTIONS_FILE") from error
        if not files or len(files) > MAX_FILES:
            raise self._refusal(self.path, f"it holds {len(files)} CSV or XML files", "name a folder of exports")
        return files

    def _listed(self, path: Path, account_id: str) -> list[Transaction]:
        """The transactions of one file, oldest first."""
        try:
            layout, rows = _recognised(self._text(path))
            rows = of_account(rows, account_id)
        except ValueError as error:
            raise self._refusal(path, str(error)) from error
        listed, bad = [], []
        for row in rows:
            try:
                found = layout.read(row)
            except (ValueError, BadSymbol) as error:
                bad.append(f"row {row.number} [{row.text}]: {error}")
                continue
            listed += [found] if found else []
        if bad:
            more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
            why = f"{len(bad)} of {len(rows)} rows are not understood: {'; '.join(bad[:_SHOWN])}{more}"
            raise self._refusal(path, why, "mend or delete these rows")
        newest_first = bool(listed) and listed[0].executed_at >= listed[-1].executed_at
        return sorted(reversed(listed) if newest_first else listed, key=lambda each: each.executed_at)

    def _text(self, path: Path) -> str:
        try:
            if not path.is_file():
                raise self._refusal(path, "there is no such file", "check WHEEL_BROKER__TRANSACTIONS_FILE")
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise self._refusal(path, f"{error}", "check WHEEL_BROKER__TRANSACTIONS_FILE") from error
        if len(content) > MAX_BYTES:
            raise self._refusal(path, f"it is larger than {MAX_BYTES / 1e6:g} MB")
        return decoded(content)

    def _refusal(self, path: Path, why: str, remedy: str = REMEDY) -> BadTransactionsFile:
        return BadTransactionsFile(f"the transactions file {path} was refused", why, remedy, source=self.name)


def _recognised(text: str) -> tuple[Layout, list[Row]]:
    """Whose export it is, and its rows; raises ValueError where no broker's is known to look so."""
    if text.lstrip().startswith("<"):
        return ibkr.FLEX, ibkr.flex_rows(_xml(text))
    records = csv_records(text, ",", strict=True)
    if any(cells[:2] == ["Trades", "Header"] for _, cells in records):
        return ibkr.STATEMENT, ibkr.statement_rows(records)
    for place, (_, cells) in enumerate(records):
        headings = [letters(cell) for cell in cells]
        layout = next((layout for layout in LAYOUTS if layout.headings <= set(headings)), None)
        if layout:
            rows = _rows(layout, headings, records[place + 1 :])
            return layout, ibkr.one_detail(rows, "levelofdetail") if layout is ibkr.FLEX else rows
    raise ValueError("no row of it has the headings of a broker whose export is known: Schwab, Fidelity, "
                     "Robinhood, tastytrade, Interactive Brokers, or our own")  # fmt: skip


def _rows(layout: Layout, headings: list[str], records: Sequence[tuple[int, list[str]]]) -> list[Row]:
    """The rows under a header; repeated headers, empty lines and notices left out."""
    rows = []
    for place, cells in records:
        fields = dict(zip(headings, cells, strict=False))
        if not any(cell.strip() for cell in cells) or [letters(cell) for cell in cells] == headings:
            continue
        if not _is_day(fields.get(layout.ends, "")) and sum(bool(cell.strip()) for cell in cells) <= _NOTICE_CELLS:
            continue
        account = next((fields[name] for name in layout.account if fields.get(name, "").strip()), "")
        rows.append(Row(place, {**fields, "account": account}))
    return rows


def _is_day(text: str) -> bool:
    try:
        day(text.split()[0][:10] if text.strip() else "")
    except ValueError:
        return False
    return True


def _xml(text: str) -> ElementTree.Element:
    """The root of a Flex statement; raises ValueError."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it is a web page or defines entities, not a Flex statement")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"its XML is damaged: {error}") from error
    if root.find(".//FlexStatement") is None:
        raise ValueError("its XML holds no FlexStatement")
    return root


def _once(listed: Sequence[list[Transaction]]) -> tuple[list[Transaction], int]:
    """The transactions of all files, oldest first; one in several files as often as in the file that has it most."""
    most: Counter[Transaction] = Counter()
    for transactions in listed:
        most |= Counter(transactions)
    every = sorted(most.elements(), key=lambda each: each.executed_at)
    return every, sum(map(len, listed)) - len(every)
