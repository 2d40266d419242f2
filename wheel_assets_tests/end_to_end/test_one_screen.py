"""What a trader of nine positions on five symbols sees on terminals of 80, 100 and 160 columns."""

MOST_LINES = {80: 36, 100: 30, 160: 24}


def test_warnings_and_orders_are_one_screen_at_every_width(wheeler):
    for width, most in MOST_LINES.items():
        wheeler.settings["COLUMNS"] = str(width)
        printed = wheeler.run("wheel", "recommend").stdout
        lines = printed.splitlines()
        assert sum("SELL TO OPEN" in line or "BUY TO CLOSE" in line for line in lines) >= 9
        assert len(lines) <= most, printed
        assert max(map(len, lines)) <= width, printed
        assert all(said in printed for said in ("SAMPLE DATA", "16 inputs", "All filled: ", "delta", " %"))


def test_the_inspections_fit_80_columns(wheeler):
    wheeler.settings["COLUMNS"] = "80"
    assert wheeler.run("wheel", "recommend").returncode == 0
    for command in ("stats", "costs"):
        printed = wheeler.run("wheel", command).stdout
        sentences = [line for line in printed.splitlines() if not line.startswith("/")]  # a path is one word
        assert max(map(len, sentences)) <= 80, printed
        assert "\N{HORIZONTAL ELLIPSIS}" not in printed
