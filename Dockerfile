# docker build -t wheel_assets .
# docker run --rm -e PORTFOLIO_VALUE=50000 -e ACCOUNT_ID=default -v wheel:/home/wheel/.wheel_trading wheel_assets
# docker run --rm --network host -v wheel:/home/wheel/.wheel_trading wheel_assets ui
# Cloud Run: docs/deploy.md
#
# The digest is that of the multi-platform image of this tag. Another: `docker buildx imagetools inspect TAG`.
ARG BASE=python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1

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
