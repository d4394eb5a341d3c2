# One image for web, worker, beat and migrate: the argument says which (deploy/entrypoint). It runs as uid 10001 and
# writes nothing but /tmp, so start it with a read-only root file system. Configuration: docs/operations.md.
#
#   docker build -t slipway .        `./dev image` builds and tries it without a container engine
FROM docker.io/library/debian:bookworm-slim AS build

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
 && apt-get clean && rm -rf /var/lib/apt/lists/*

# pip's ordinary settings, for those who have an index or a folder of wheels of their own. The lock's hashes hold anyway.
ARG PIP_INDEX_URL
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS

COPY requirements/base.txt requirements/templates.txt /build/
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --disable-pip-version-check --no-cache-dir --only-binary :all: --require-hashes \
    -r /build/base.txt \
 && /opt/venv/bin/pip uninstall -y -q pip setuptools \
 && python3 -m venv /opt/templates \
 && /opt/templates/bin/pip install --disable-pip-version-check --no-cache-dir --only-binary :all: --require-hashes \
    -r /build/templates.txt \
 && /opt/templates/bin/pip uninstall -y -q pip setuptools

COPY . /app
WORKDIR /app
# Copied from npm by `./dev`; git does not have it.
RUN test -f static/vendor/bootstrap.min.css \
 || { echo "static/vendor/bootstrap.min.css is missing: run ./dev up once, which copies it from npm" >&2; exit 1; }
RUN SLIPWAY_BUILD_ONLY=1 /opt/venv/bin/python manage.py translations \
 && SLIPWAY_BUILD_ONLY=1 /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
 && /opt/venv/bin/python -m compileall -q portal projects provisioning


FROM docker.io/library/debian:bookworm-slim

LABEL org.opencontainers.image.title="Slipway" \
      org.opencontainers.image.description="A self-service portal for machine-learning teams" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 tzdata \
 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 slipway \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin slipway

COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/templates /opt/templates
COPY --from=build /app /app
WORKDIR /app

# In a container the port is published by whoever runs it, so web listens on all of the container's addresses.
ENV PATH=/opt/venv/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    MALLOC_MMAP_THRESHOLD_=65536 \
    HOME=/tmp \
    BIND=0.0.0.0:8000 \
    SLIPWAY_CATALOGUE=/etc/slipway/platform.yaml \
    SLIPWAY_SECRETS_DIR=/run/secrets \
    SLIPWAY_TEMPLATES_PYTHON=/opt/templates/bin/python

USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["/app/deploy/entrypoint"]
CMD ["web"]
