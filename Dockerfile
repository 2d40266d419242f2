# docker build -t wheel_assets .
# docker run --rm -e PORTFOLIO_VALUE=50000 -e ACCOUNT_ID=default -v wheel:/home/wheel/.wheel_trading wheel_assets
# docker run --rm --network host -v wheel:/home/wheel/.wheel_trading wheel_assets ui
# Cloud Run: docs/deploy.md
#
# Pinned by version. Pin it by digest too before you publish an image, which only a registry can tell:
# docker buildx imagetools inspect python:3.11.13-slim-bookworm, then --build-arg BASE=…@sha256:…
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS build
COPY requirements.lock /tmp/
RUN python -m venv /opt/wheel && /opt/wheel/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements.lock
COPY pyproject.toml setup.cfg README.md LICENSE /tmp/wheel_assets/
COPY wheel_assets /tmp/wheel_assets/wheel_assets
RUN /opt/wheel/bin/pip install --no-cache-dir --no-deps /tmp/wheel_assets

FROM ${BASE}
RUN useradd --create-home --uid 10001 wheel && install -d -o wheel -g wheel -m 700 /home/wheel/.wheel_trading
COPY --from=build /opt/wheel /opt/wheel
ENV PATH=/opt/wheel/bin:$PATH PYTHONUNBUFFERED=1
USER wheel
WORKDIR /home/wheel
# The cache opens: it is there, whole, and of a version that this image knows.
HEALTHCHECK --interval=5m --timeout=30s CMD ["wheel", "stats", "--json"]
ENTRYPOINT ["wheel"]
CMD ["recommend"]
