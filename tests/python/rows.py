"""Counts the rows of any Delta table.

usage: rows.py TABLE_FOLDER
"""

import json
import sys

from deltalake import DeltaTable, QueryBuilder

query = "select count(*) as n from t"
rows = QueryBuilder().register("t", DeltaTable(sys.argv[1])).execute(query).read_all()
print(json.dumps({"rows": rows.column("n").to_pylist()[0]}))
