"""Chart the roads of a scan: feed -> roads."""

import pyarrow as pa

from pipeline import feeds
from pipeline.scans import Scan
from pipeline.tables import ROADS


def chart(scan: Scan) -> pa.Table:
    """Ask the scan's feed for its road graph.

    Returns:
        The `roads` table; empty where the scan has none, which gives straight lines between cameras.

    Raises:
        FeedError: the road graph cannot be read.
    """
    return ROADS.check(feeds.load(scan.feed).roads(scan))
