# syntax=docker/dockerfile:1
# Airflow with the `thoroughfare` command and its DAGs, without TensorFlow: the models run in worker.Dockerfile's image.
# Build from the repository's root: docker build -f docker/airflow.Dockerfile -t thoroughfare-airflow:0.1.0 .
# A newer base: docker buildx imagetools inspect python:3.11-slim-bookworm, and put its version and Digest here.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${PYTHON_IMAGE} AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/thoroughfare/venv \
    UV_PYTHON=/usr/local/bin/python \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY uv.txt ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --target /uv -r uv.txt
# what is installed and its hashes stand in uv.lock, the builder of our own wheel included
COPY pyproject.toml uv.lock README.md LICENSE settings.toml ./
RUN /uv/bin/uv sync --locked --no-default-groups --extra airflow --group build --no-install-project
COPY pipeline ./pipeline
COPY sql ./sql
RUN /uv/bin/uv sync --locked --no-default-groups --extra airflow --group build --no-editable --no-build-isolation \
    && /uv/bin/uv sync --locked --no-default-groups --extra airflow --no-editable --no-build-isolation

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="thoroughfare-airflow" \
      org.opencontainers.image.description="Airflow for Thoroughfare's nightly scans; no TensorFlow" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# no installer stays; volumes that are mounted here take over mode 1777, so that any numeric user may own their files
RUN rm -rf /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip* \
    && install -d -m 1777 /lake /var/log/airflow
COPY --from=build /opt/thoroughfare/venv /opt/thoroughfare/venv
COPY docker/health.py docker/init.sh /opt/thoroughfare/
COPY dags /opt/thoroughfare/dags
ENV PATH=/opt/thoroughfare/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    USER=thoroughfare \
    HOME=/tmp \
    AIRFLOW_HOME=/tmp/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/thoroughfare/dags \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/airflow
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["python", "/opt/thoroughfare/health.py", "http://127.0.0.1:8080/api/v2/monitor/health", "metadatabase"]
CMD ["airflow", "api-server"]
