# One command each: demo, test, lint, bench. Everything is installed below this folder: .uv (uv), .venv (the rest).
export UV_COMPILE_BYTECODE = 1
UV = .uv/bin/uv
SYNC = $(UV) sync --locked
# a folder of our own: Debian's Python refuses `pip install` elsewhere, and may lack `venv`
PIP = python3 -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target .uv

.PHONY: check demo test lint bench drill faults privacy audit sbom clean
check: lint test

.uv/bin/uv: uv.txt
	@echo "installing uv (into .uv)"
	@rm -rf .uv && $(PIP) -r uv.txt

.venv/.demo: uv.lock .uv/bin/uv
	@echo "installing the locked packages (into .venv; about 2 GB)"
	@$(SYNC) --inexact && touch $@

.venv/.dev: uv.lock .uv/bin/uv
	@echo "installing the locked packages for development (into .venv)"
	@$(SYNC) --inexact --group dev --extra airflow && touch $@

demo: .venv/.demo
	@.venv/bin/thoroughfare demo

test: .venv/.dev
	@.venv/bin/python -m pytest

drill: .venv/.dev
	@.venv/bin/python -m tests.drills --json out/faults.json
	@.venv/bin/python -m pytest -m drill

faults: .venv/.dev
	@.venv/bin/python -m tests.faults --json out/bad_input.json

privacy: .venv/.demo
	@test -d out/demo/demo || .venv/bin/thoroughfare demo
	@.venv/bin/thoroughfare privacy report --scan demo --lake out/demo --canaries --also out/demo/map.html --also out/demo/report.html

lint: .venv/.dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/sqlfluff lint sql
	@.venv/bin/hadolint docker/*.Dockerfile
	@.venv/bin/shellcheck docker/*.sh
	@.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker/compose*.yml
	@.venv/bin/kubernetes-validate --quiet --strict docker/kubernetes/base.yaml

bench: .venv/.dev
	@.venv/bin/python -m benchmarks.networks
	@.venv/bin/python -m benchmarks.fetch
	@.venv/bin/python -m benchmarks.observability
	@.venv/bin/python -m benchmarks.decoding
	@.venv/bin/python -m benchmarks.links
	@.venv/bin/python -m benchmarks.trajectories
	@.venv/bin/python -m benchmarks.desk

audit: .venv/.dev
	@.venv/bin/python -m tests.supply_chain audit

sbom: .uv/bin/uv
	@python3 -m tests.supply_chain sbom

clean:
	rm -rf .uv .venv out
