"""Read what an earlier version of the program wrote with today's columns: kept tables outlive the version that made them."""

import pyarrow as pa

from pipeline.errors import SchemaError
from pipeline.schemas import Table


def today(table: Table, rows: pa.Table, where: str) -> pa.Table:
    """Return rows with the columns that `tables.py` names now.

    Args:
        table: What they are rows of.
        rows: As they were written.
        where: Names them in the error.

    Returns:
        The same rows; columns that are newer than they are hold nulls, those that are gone since are left out.

    Raises:
        SchemaError: a column is of another type now.
    """
    if rows.schema.equals(table.schema):
        return rows
    columns, fields = [], []
    for field in table.schema:
        known = field.name in rows.column_names
        if known and rows[field.name].type != field.type:
            raise SchemaError(
                f"{where}: {field.name} is {rows[field.name].type}, not {field.type}: another version wrote it; "
                "run the scan again, or read it with that version"
            )
        columns.append(rows[field.name] if known else pa.nulls(rows.num_rows, field.type))
        fields.append(field if known else field.with_nullable(nullable=True))
    return pa.table(columns, schema=pa.schema(fields))
