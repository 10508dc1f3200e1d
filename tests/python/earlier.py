"""Gives a Delta table the columns that it had in an earlier version.

usage: earlier.py TABLE_FOLDER WITHOUT NEVER_NULL

Takes the columns WITHOUT out of it, and says of NEVER_NULL that they are never NULL;
both are names with commas between them, or nothing. Prints how many rows it has.
"""

import json
import sys

from arro3.core import Table
from deltalake import DeltaTable, Field, QueryBuilder, Schema, write_deltalake

_, folder, without, never_null = sys.argv
without, never_null = without.split(","), never_null.split(",")
table = DeltaTable(folder)
kept = [field for field in table.schema().fields if field.name not in without]
names = ", ".join(field.name for field in kept)
rows = QueryBuilder().register("t", table).execute(f"select {names} from t").read_all()
earlier = Schema([Field(f.name, f.type, f.nullable and f.name not in never_null) for f in kept])
columns = [column.cast(field.type) for column, field in zip(rows.columns, earlier.to_arrow())]
rows = Table.from_arrays(columns, schema=earlier.to_arrow())
write_deltalake(table, rows, mode="overwrite", schema_mode="overwrite")
print(json.dumps({"rows": rows.num_rows}))
