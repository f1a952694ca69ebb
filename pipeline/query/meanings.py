"""Say what each table, product, gold table and view of a database is, and what its columns mean."""

from pipeline.query import columns, header, names, view_meaning, views
from pipeline.tables import TABLES

OWN = {
    "about": ("What this database is", {"topic": "what the words are about", "words": "the words"}),
    "files": (
        "One committed Parquet file that a view or a table here stands on",
        {
            "table_name": "view or table",
            "scan_date": "night, its first local date",
            "path": "below the folder this database lies in",
            "rows": "rows its record names",
            "size_bytes": "bytes its record names",
            "sha256": "hash its record names",
            "made_by": "equal for files of one version of their stage",
        },
    ),
    "sanity": (
        "Whether the files are where this database looks for them, and what to do where not",
        {
            "files": "files that the views and tables stand on",
            "missing": "those that are not there",
            "first_missing": "one of them",
            "message": "what to do",
        },
    ),
}


def of(name: str) -> tuple[str, dict[str, str]]:
    """Return what a table, product, gold table or view is, and what its columns mean."""
    night = {"scan_date": "night, its first local date"}
    if name in OWN:
        return OWN[name]
    if name in TABLES:
        docs = {field.name: field.metadata[b"doc"].decode() for field in TABLES[name].schema}
        return TABLES[name].grain, docs | night
    for file in (f"products/{name}", f"gold/{name}"):
        if file in names():
            return ", ".join(header(file)["grain"]), columns(file) | night
    return view_meaning(name), _columns_of_view(name) | night


def _columns_of_view(name: str) -> dict[str, str]:
    """Say of a view's columns what the header of `sql/views.sql` says, else what the tables beneath say."""
    beneath = views().get(name, ("", set()))[1]
    docs = {f.name: f.metadata[b"doc"].decode() for table in sorted(beneath) for f in TABLES[table].schema}
    return docs | columns("views") if beneath else {}
