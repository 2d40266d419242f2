"""The report: the answer, what stands behind it and what is cached, as one HTML page that needs nothing else.

Jinja2 fills `report.html`, escaping everything; pictures are SVG in the page, the one script and the styles too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.recommend.wording import dollars, percent, price
from wheel_assets.sanitise import for_terminal
from wheel_assets.show import answer_view
from wheel_assets.show.candidates import candidates, candidates_svg
from wheel_assets.show.freshness import Freshness, shared_cells
from wheel_assets.show.payoff import payoff_pictures
from wheel_assets.show.reliability import diagram
from wheel_assets.show.views import account_view

if TYPE_CHECKING:
    from jinja2 import Template

CANDIDATE_COLUMNS = ("contract", "action", "limit", "credit", "a year", "assigned", "breakeven", "set aside", "advised")


def report_html(
    document: Mapping[str, Any],
    *,
    made_at: datetime,
    matrix: Freshness | None = None,
    outcomes: Mapping[str, Any] | None = None,
) -> str:
    """The page of the document of `answer.answer_document`, made at a naive UTC time.

    `outcomes` is the document of `outcomes.outcomes`.
    """
    scored = bool(outcomes and outcomes["in_the_money"]["scores"])
    return _template().render(
        document=document,
        view=answer_view,
        made=f"{made_at.replace(tzinfo=UTC).astimezone(NEW_YORK):%Y-%m-%d %H:%M} ET",
        payoff=payoff_pictures(document),
        picture=candidates_svg(document),
        candidates=_candidate_rows(document),
        candidate_columns=CANDIDATE_COLUMNS,
        collateral=collateral(document),
        account=account_view,
        matrix=matrix,
        shared=shared_cells(matrix) if matrix else [],
        outcomes=outcomes,
        reliability=diagram(outcomes) if outcomes and scored else "",
    )


def collateral(document: Mapping[str, Any]) -> dict[str, float]:
    """Dollars behind each symbol once the advice is followed, most first."""
    tied: dict[str, float] = {}
    for row in document["advice"]:
        if row["collateral"] and row["action"] != "close":
            tied[row["symbol"]] = tied.get(row["symbol"], 0.0) + row["collateral"]
    return dict(sorted(tied.items(), key=lambda entry: -entry[1]))


def _candidate_rows(document: Mapping[str, Any]) -> list[list[tuple[str, Any]]]:
    """The cells of each candidate: what is shown, and the number that it is sorted by."""
    rows = []
    for row in candidates(document):
        numbers: list[tuple[Any, str]] = [
            (dollars, "credit"),
            (percent, "annualized_return"),
            (percent, "prob_itm"),
            (price, "breakeven"),
            (dollars, "collateral"),
        ]
        cells = [("" if row[name] is None else show(row[name]), row[name]) for show, name in numbers]
        kind = "put" if row["action"] == "open_csp" else "covered call"
        first = [(row["contract"], row["contract"]), (kind, kind), (answer_view.limit(row), row["limit_price"])]
        rows.append([*first, *cells, ("yes" if row["chosen"] else "", int(row["chosen"]))])
    return rows


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["clean"] = lambda text: for_terminal(str(text))
    environment.filters["dollars"] = dollars
    return environment.from_string(files(__package__).joinpath("report.html").read_text("utf-8"))
