"""Say what a table is: an Arrow schema with a key, a grain, and days to live; hold rows against it."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SchemaError


@dataclass(frozen=True)
class Table:
    """An Arrow schema with a key, a grain and a number of days it may live."""

    name: str
    """Also the module, the SQL folder, the test file and the folder in the lake."""
    grain: str
    """What one row is."""
    key: tuple[str, ...]
    """Columns that are unique together; rows are stored in their order."""
    schema: pa.Schema
    """Columns with their meaning and unit in the field's `doc`."""
    lives_days: int | None
    """Days after the night's end; KEPT for ever; 0 until the stages that need it have committed."""

    def check(self, rows: pa.Table) -> pa.Table:
        """Return `rows` cast to this schema and sorted by its key; raise SchemaError when it does not fit."""
        missing = [name for name in self.schema.names if name not in rows.column_names]
        extra = [name for name in rows.column_names if name not in self.schema.names]
        if missing or extra:
            raise SchemaError(
                f"table {self.name}: columns missing {missing}, unknown {extra}; its stage must return those of tables.py"
            )
        for field in self.schema:
            if not field.nullable and rows[field.name].null_count:
                raise SchemaError(f"table {self.name}: {field.name} is null in a row; fill it or drop the row")
        try:
            rows = rows.select(self.schema.names).cast(self.schema)
        except (pa.ArrowNotImplementedError, ValueError) as error:
            raise SchemaError(f"table {self.name}: {error}; make its stage return the types of tables.py") from error
        rows = self._sorted(rows)
        if self._repeats(rows):
            raise SchemaError(f"table {self.name}: two rows share the key {self.key}; its grain is: {self.grain}")
        return rows

    def empty(self) -> pa.Table:
        """No rows, the right columns."""
        return self.schema.empty_table()

    def _sorted(self, rows: pa.Table) -> pa.Table:
        """Return rows in the order of the key; those that are so already are not copied, for they may hold pictures."""
        order = pc.sort_indices(rows.select(self.key), [(name, "ascending") for name in self.key]).to_numpy()
        return rows if np.array_equal(order, np.arange(rows.num_rows)) else rows.take(order)

    def _repeats(self, rows: pa.Table) -> bool:
        """Tell whether two rows, in the order of the key, share it."""
        keys = rows.select(self.key).combine_chunks()
        after, before = keys.slice(1), keys.slice(0, max(len(keys) - 1, 0))
        return bool(pc.any(reduce(pc.and_, map(pc.equal, after.columns, before.columns))).as_py())


def column(name: str, kind: pa.DataType, doc: str, *, null: bool = False) -> pa.Field:
    """Describe a column: its type, its meaning and unit, and whether it may be null."""
    return pa.field(name, kind, nullable=null, metadata={"doc": doc})
