"""Scan ranking: the best put of each symbol of the universe."""

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.assets.universe.scan import scan
from wheel_assets.defs.declare import OWNER, settings
from wheel_assets.defs.flow import scan_fingerprints
from wheel_assets.show import markdown

AT_A_GLANCE = 50  # lines on the asset's page


@dg.asset(group_name="universe", deps=[scan], kinds={"duckdb", "parquet"}, owners=[OWNER])
def scan_ranking(store: dg.ResourceParam[Store]) -> dg.MaterializeResult[None]:
    """The best put of each symbol that was scanned and is fresh, best first. Nothing is fetched or valued."""
    from wheel_assets.scan.ranking import ranked
    from wheel_assets.scan.snapshots import ScanFolder
    from wheel_assets.show.views.scan_view import COLUMNS, NUMBERS, scan_cells

    folder = ScanFolder(settings().scan.dir)
    _, results = scan_fingerprints(settings())
    with one_line_errors():
        ranking = ranked(folder, now=store.clock(), max_age=settings().max_age.of("option_chains"), fingerprint=results)
        place = folder.write_ranking(ranking) if len(ranking) else ""
    page = (
        markdown.table(COLUMNS, scan_cells(ranking.head(AT_A_GLANCE).to_dict("records")), NUMBERS)
        if len(ranking)
        else "nothing is fresh"
    )
    return dg.MaterializeResult(
        metadata={"symbols": len(ranking), "ranking": dg.MetadataValue.md(page), "file": place or "none"}
    )
