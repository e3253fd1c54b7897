# Delays the network of the container whose network it shares; see compose.yaml.

FROM debian:stable-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends iproute2 \
 && rm -rf /var/lib/apt/lists/*
COPY --chmod=755 deploy/docker/delay.sh /usr/local/bin/delay

HEALTHCHECK NONE
ENTRYPOINT ["delay"]
