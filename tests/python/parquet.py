"""Counts the Parquet files below a folder, their bytes and their rows.

usage: parquet.py FOLDER
"""

import json
import sys
from pathlib import Path

import duckdb

# Those whose name begins with a dot are not closed yet.
files = [path for path in Path(sys.argv[1]).rglob("[!._]*") if path.is_file()]
query = "select sum(num_rows)::bigint from parquet_file_metadata(?)"
rows = duckdb.execute(query, [[str(path) for path in files]]).fetchone()[0]
size = sum(path.stat().st_size for path in files)
print(json.dumps({"files": len(files), "bytes": size, "rows": rows}))
