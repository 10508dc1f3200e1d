"""Adds up a column of any Delta table.

usage: sum.py TABLE_FOLDER COLUMN
"""

import json
import sys

from deltalake import DeltaTable, QueryBuilder

_, folder, column = sys.argv
query = f"select sum({column}) as n from t"
rows = QueryBuilder().register("t", DeltaTable(folder)).execute(query).read_all()
print(json.dumps({"sum": rows.column("n").to_pylist()[0]}))
