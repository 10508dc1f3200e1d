"""Counts the rows of a Delta table with two engines that are not ours.

usage: count.py TABLE_FOLDER
       count.py TABLE_URL STORAGE_OPTIONS_JSON
"""

import json
import sys

import duckdb
from deltalake import DeltaTable, QueryBuilder

COUNT = """
    select count(*) as n, count(distinct event_id) as ids,
           min(event_id) as first, max(event_id) as last
    from {}
"""


def by_deltalake(table):
    """delta-rs reads log and files."""
    rows = QueryBuilder().register("t", table).execute(COUNT.format("t")).read_all()
    return {name: rows.column(name).to_pylist()[0] for name in rows.column_names}


def by_duckdb(table):
    """DuckDB reads the files that the log names."""
    files = duckdb.read_parquet(table.file_uris())
    relation = files.query("t", COUNT.format("t"))
    return dict(zip(relation.columns, relation.fetchall()[0]))


if len(sys.argv) > 2:
    # DuckDB needs an extension for S3, which it would fetch.
    table = DeltaTable(sys.argv[1], storage_options=json.loads(sys.argv[2]))
    counts = {"deltalake": by_deltalake(table)}
else:
    table = DeltaTable(sys.argv[1])
    counts = {"deltalake": by_deltalake(table), "duckdb": by_duckdb(table)}
print(json.dumps(counts))
