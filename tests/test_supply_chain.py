"""What is locked: its bill of materials is whole and valid, and what is known against it is said, or that nobody was asked."""

import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cyclonedx.schema
import jsonschema
import pytest
import supply_chain
from referencing import Registry, Resource

SCHEMAS = Path(cyclonedx.schema.__file__).parent / "_res"
LOCK = """
[[package]]
name = "thoroughfare"
version = "0.1.0"
source = { editable = "." }
""" + "".join(
    f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://pypi.org/simple" }}\n'
    for name, version in (("numpy", "2.4.6"), ("numpy", "2.5.0"), ("scipy", "1.17.1"))
)
KNOWN = {
    "id": "PYSEC-2026-1", "affected": [{"package": {"name": "scipy", "ecosystem": "PyPI"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "1.18.0"}]}]}],
}  # fmt: skip


@contextmanager
def advisories(known: dict[str, dict[str, object]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Answer as osv.dev does; yields the address, and what was asked."""
    asked: list[tuple[str, str]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = wanted["package"]["name"]
            asked.append((name, wanted["version"]))
            body = json.dumps({"vulns": [known[name]]} if name in known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "uv.lock").write_text(LOCK)
    return tmp_path / "uv.lock"


def test_every_locked_version_of_a_package_is_asked_about_and_our_own_is_not(lock, tmp_path, capsys):
    with advisories({}) as (service, asked):
        assert supply_chain.audit(lock, service, tmp_path) == supply_chain.CLEAN
    assert sorted(asked) == [("numpy", "2.4.6"), ("numpy", "2.5.0"), ("scipy", "1.17.1")]
    assert "3 packages of uv.lock, 0 with a known vulnerability" in capsys.readouterr().out


def test_a_known_vulnerability_is_named_with_its_mend(lock, tmp_path, capsys):
    with advisories({"scipy": KNOWN}) as (service, _):
        assert supply_chain.audit(lock, service, tmp_path) == supply_chain.VULNERABLE
    assert "scipy 1.17.1: PYSEC-2026-1, mended in 1.18.0" in capsys.readouterr().out


def test_a_service_that_does_not_answer_makes_nothing_clean(lock, tmp_path, capsys):
    with advisories({}) as (service, _):
        pass
    assert supply_chain.audit(lock, service, tmp_path) == supply_chain.UNASKED
    assert "so nothing is said of any" in capsys.readouterr().err
    assert not (tmp_path / "audit.json").exists()


def test_the_bills_of_materials_are_valid_and_hold_all_that_is_locked(tmp_path):
    schema = json.loads((SCHEMAS / "bom-1.5.SNAPSHOT.schema.json").read_text())
    beside = {
        name: json.loads((SCHEMAS / name).read_text())
        for name in ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    }
    known = Registry().with_resources([(each["$id"], Resource.from_contents(each)) for each in beside.values()])
    checks = jsonschema.Draft7Validator(schema, registry=known)
    listed = set()
    for path in supply_chain.bills(tmp_path):
        bill = json.loads(path.read_text())
        checks.validate(bill)
        assert bill["specVersion"] == "1.5"
        assert all(any(each.get("hashes") for each in one["externalReferences"]) for one in bill["components"])
        listed |= {(one["name"], one["version"]) for one in bill["components"]}
    assert listed == set(supply_chain.locked())


def test_every_locked_file_has_a_hash_and_comes_from_one_registry():
    packages = tomllib.loads(supply_chain.LOCK.read_text())["package"]
    files = [file for each in packages for file in (*each.get("wheels", []), *filter(None, [each.get("sdist")]))]
    assert len(files) > 1000
    assert all(file["hash"].startswith("sha256:") for file in files)
    assert {json.dumps(each["source"]) for each in packages} == {
        '{"registry": "https://pypi.org/simple"}',
        '{"editable": "."}',
    }
