# docker build -t wheel_assets . && docker run --rm -v wheel_cache:/home/wheel/.wheel_trading wheel_assets
FROM python:3.11-slim
RUN useradd --create-home wheel
COPY . /home/wheel/wheel_assets
WORKDIR /home/wheel/wheel_assets
RUN pip install --no-cache-dir --constraint constraints.txt . && chown -R wheel /home/wheel
USER wheel
RUN mkdir -p -m 700 /home/wheel/.wheel_trading
ENTRYPOINT ["wheel"]
CMD ["recommend"]
