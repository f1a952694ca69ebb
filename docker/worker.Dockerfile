# syntax=docker/dockerfile:1
# Dask scheduler and workers with TensorFlow and the models' weights.
# Build from the repository's root: docker build -f docker/worker.Dockerfile -t thoroughfare-worker:0.1.0 .
# For NVIDIA GPUs add: --build-arg ACCELERATOR=gpu -t thoroughfare-worker:0.1.0-gpu
# A newer base: docker buildx imagetools inspect python:3.11-slim-bookworm, and put its version and Digest here.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${PYTHON_IMAGE} AS build
ARG ACCELERATOR=cpu
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
RUN /uv/bin/uv sync --locked --no-default-groups --extra "${ACCELERATOR}" --group build --no-install-project
COPY pipeline ./pipeline
COPY sql ./sql
RUN /uv/bin/uv sync --locked --no-default-groups --extra "${ACCELERATOR}" --group build --no-editable --no-build-isolation \
    && /uv/bin/uv sync --locked --no-default-groups --extra "${ACCELERATOR}" --no-editable --no-build-isolation

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="thoroughfare-worker" \
      org.opencontainers.image.description="Dask scheduler and workers of Thoroughfare, with TensorFlow" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# no installer stays; a volume that is mounted here takes over mode 1777, so that any numeric user may own its files
RUN rm -rf /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip* \
    && install -d -m 1777 /lake
COPY --from=build /opt/thoroughfare/venv /opt/thoroughfare/venv
COPY docker/health.py /opt/thoroughfare/
# one thread a worker process: two workers share two cores
ENV PATH=/opt/thoroughfare/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    USER=thoroughfare \
    HOME=/tmp \
    TF_CPP_MIN_LOG_LEVEL=3 \
    THOROUGHFARE_THREADS=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1
WORKDIR /tmp
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["python", "/opt/thoroughfare/health.py", "http://127.0.0.1:8788/health"]
CMD ["dask", "worker", "tls://dask-scheduler:8786", "--nworkers", "1", "--nthreads", "1", "--local-directory", "/tmp", "--dashboard-address", "127.0.0.1:8788"]
