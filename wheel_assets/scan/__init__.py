"""Many symbols at once: a universe of them, their chains and results as Parquet files, and the ranking over all.

Reads in this order: `universe` names the symbols, `snapshots` are the Parquet files in a folder or bucket,
`valuation` is what is computed of a batch of chains, `ranking` the one query over all results.
"""
