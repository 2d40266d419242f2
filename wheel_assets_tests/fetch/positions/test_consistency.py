"""A file whose numbers contradict each other is refused, whole, with the row and what contradicts what."""

from __future__ import annotations

from pathlib import Path

import pytest

from wheel_assets.errors import BadPositionsFile
from wheel_assets.fetch.positions.file import FileAccount

CALL = "XYZ 01/15/2027 40.00 C"


@pytest.fixture
def read(tmp_path: Path, now):
    def read(text: str) -> list[list[object]]:
        (tmp_path / "positions.csv").write_text(text)
        frame = FileAccount(tmp_path / "positions.csv").positions("default", now).frame
        told = frame[["symbol", "quantity", "average_price", "market_value"]]
        return told.astype(object).where(told.notna(), None).values.tolist()

    return read


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            f"symbol,quantity,market_value,cost\n{CALL},3,-90,-360\n",
            "quantity 3 is long, a value of -90.00 is that of a",
        ),
        (f"symbol,quantity,cost\n{CALL},3,-360\n", "a cost of -360.00 is that of a short position"),
        (f"symbol,quantity,avg_price\n{CALL},3,-1.2\n", "an? average price of -1.20"),
        ("symbol,quantity,price,market_value\nU,3000,38,11400\n", "3000 shares at 38.00 are 114,000.00 dollars"),
        ("symbol,quantity,avg_price,market_value\nU,3000,38,11400\n", "0.1 times the cost; a digit slipped"),
        ("symbol,quantity,avg_price,market_value\nU,300,31500,9900\n", "a digit slipped"),
        ("symbol,quantity,avg_price,cost\nU,300,31.5,945\n", "its cost is 945.00"),
        (f"symbol,quantity,price,market_value\n{CALL},-3,0.3,-9\n", "300 shares at 0.30 are 90.00 dollars"),
        ("symbol,quantity,avg_price\nU,3.000,31.5\n", "'3.000' can be 3.0 or 3000"),
        ('symbol,quantity,avg_price\nU,300,"31,500"\n', "'31,500' can be 31.5 or 31500"),
        ("symbol,quantity,market_value\nU,300,\nCASH,,60.000\n", "row 3: '60.000' can be 60.0 or 60000"),
        ('symbol,quantity,avg_price\nU,100,"31,5"\nF,100,12.25\n', "two styles: '12.25' in row 3 and '31,5' in row 2"),
        ("symbol,quantity,market_value\nU,1,\nCASH,,60000\nCASH,,60000\n", "cash in USD stands in row 3 already"),
        ("symbol,quantity,market_value\nCASH,,60000\nUSD,,60000\n", "cash in USD stands in row 2 already"),
        ("symbol,quantity,cash\nU,1,\n,,60000\n,,60000\n", "cash in USD stands in row 3 already"),
        ("symbol,quantity,market_value\nSPAXX**,,60000\nSPAXX**,,60000\n", r"SPAXX\*\* stands in row 2 already"),
    ],
)
def test_a_contradiction_is_refused(read, text, why):
    with pytest.raises(BadPositionsFile, match=why):
        read(text)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("symbol;quantity;avg_price;market_value\nU;3.000;31,500;94.500,00\n", ["U", 3000.0, 31.5, 94500.0]),
        ('symbol,quantity,avg_price\nU,300,"31,5"\n', ["U", 300.0, 31.5, None]),
        ("symbol,quantity,avg_price,market_value\nU,3.000,31.5,96\n", ["U", 3.0, 31.5, 96.0]),
        ('symbol,quantity,price,market_value\nNVR,2,"8,500","17,000.00"\n', ["NVR", 2.0, None, 17000.0]),
        ("symbol,quantity,avg_price,market_value\nU,22.046,31.50,694\n", ["U", 22.046, 31.5, 694.0]),
        ("symbol,quantity,price,market_value\nU,500,0.05,23.50\n", ["U", 500.0, None, 23.5]),
        (f"symbol,quantity,avg_price,market_value\n{CALL},-1,3,-30\n", ["XYZ   270115C00040000", -1.0, 3.0, -30.0]),
        ("symbol,quantity,avg_price,market_value\nU,100,31.50,0\n", ["U", 100.0, 31.5, 0.0]),
    ],
)
def test_what_the_file_itself_explains_is_read(read, text, row):
    assert read(text)[0] == row
