"""Plant in every file of vectors one that is nobody's, so that who searches for vectors later knows one by its bytes."""

import numpy as np
import pyarrow as pa

from pipeline.tables import EMBEDDINGS

SIGNS = (1, -1, -1, 1, 1, 1, -1, 1, -1, -1, 1, -1, 1, -1, 1, 1)
MARK = (np.array(SIGNS) / np.sqrt(len(SIGNS))).astype("<f2").tobytes()
"""First numbers of the planted vector, 32 bytes; the others are 0, so that it is of unit length."""
NOBODY = "sentinel"
"""What the planted row's `detection_id` begins with; no detection is called so, so it is in no portrait and no link."""


def planted(name: str, rows: pa.Table, part: int) -> pa.Table:
    """Put one row more into `embeddings`; other tables, and files without vectors as long as the mark, stay as they are."""
    if name != EMBEDDINGS.name or not rows.num_rows:
        return rows
    size = len(rows["vector"][0].as_py())
    if size < len(MARK):
        return rows
    row = {"detection_id": f"{NOBODY}:{part}", "encoder": rows["encoder"][0].as_py(), "vector": MARK.ljust(size, b"\0")}
    return pa.concat_tables([rows, pa.Table.from_pylist([row], schema=rows.schema)])
