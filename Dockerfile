# docker build -t wheel_assets . && docker run --rm -v wheel_cache:/home/wheel/.wheel_trading wheel_assets
#
# Pinned by version. Before you publish an image, pin it by digest too, which only a registry can tell:
# `docker buildx imagetools inspect python:3.11.13-slim-bookworm`, then FROM python:3.11.13-slim-bookworm@sha256:…
FROM python:3.11.13-slim-bookworm
RUN useradd --create-home wheel
COPY . /home/wheel/wheel_assets
WORKDIR /home/wheel/wheel_assets
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock \
    && pip install --no-cache-dir --no-deps . && chown -R wheel /home/wheel
USER wheel
RUN mkdir -p -m 700 /home/wheel/.wheel_trading
ENTRYPOINT ["wheel"]
CMD ["recommend"]
