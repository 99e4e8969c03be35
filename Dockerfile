# syntax=docker/dockerfile:1
# One image for every part; the command says which: serve (default), worker, scheduler, migrate.
#   docker build --tag llm-test-bench:local .
ARG NODE_IMAGE=node:22-bookworm-slim
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${NODE_IMAGE} AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund --loglevel=error
COPY web/ ./
# Writes /src/app/static.
RUN npm run build

FROM ${PYTHON_IMAGE} AS wheel
# The compiler stays in this stage; its version is the one of the base image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir --root-user-action=ignore uv==0.13.8
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/llm-test-bench
WORKDIR /src
COPY pyproject.toml uv.lock ./
# The dependencies of the lock file, in a layer that changes only with it.
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --extra aws --extra otel --no-install-project
COPY hatch_build.py README.md LICENSE CHANGELOG.md ./
COPY migrations/ migrations/
COPY app/ app/
COPY --from=web /src/app/static/ app/static/
# The measuring engine's reader must be compiled: without it a chunk takes twice the CPU time.
RUN --mount=type=cache,target=/root/.cache/uv \
    LOADGEN_NATIVE=1 uv build --quiet --wheel --out-dir /dist \
    && uv pip install --quiet --python /opt/llm-test-bench --no-deps /dist/*.whl

FROM ${PYTHON_IMAGE} AS runtime
LABEL org.opencontainers.image.title="LLM Test Bench" \
      org.opencontainers.image.description="Measures LLM APIs with kernel receive stamps" \
      org.opencontainers.image.licenses="Apache-2.0"
# The one folder that is written, /data, takes any user: the compose file runs as whoever owns the secrets.
RUN groupadd --gid 10001 llm-test-bench \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin llm-test-bench \
    && install --directory --owner=10001 --group=10001 --mode=1777 /data
COPY --from=wheel /opt/llm-test-bench /opt/llm-test-bench
ENV PATH=/opt/llm-test-bench/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    LTB_SERVER__HOST=0.0.0.0 \
    LTB_STORAGE__DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["llm-test-bench", "health"]
ENTRYPOINT ["llm-test-bench"]
CMD ["serve"]
