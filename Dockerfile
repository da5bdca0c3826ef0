# The images: api, worker, standalone (CPU, nothing in them but the program and the C library), and worker-cuda and trainer
# (with libtorch). Needs BuildKit, and no newer Dockerfile syntax than Docker 20.10 brings:
#
#   docker build --target worker --tag byecaptcha-worker .
#
# One image is built upon: the C library of the finished images is the builder's, so the two always fit.
ARG RUST_IMAGE=rust:1.95.0-slim-bookworm
ARG CUDA_IMAGE=nvidia/cuda:13.0.2-base-ubuntu24.04
ARG TORCH_VERSION=2.11.0

FROM ${RUST_IMAGE} AS source
# Writes the list of crates into each program, where scanners (syft, trivy, grype) and `cargo audit bin` find it: the
# part of the SBOM that no package database holds.
ARG CARGO_AUDITABLE_VERSION=0.7.7
RUN --mount=type=cache,id=byecaptcha-registry,target=/usr/local/cargo/registry,sharing=locked \
    cargo install --quiet --locked cargo-auditable@${CARGO_AUDITABLE_VERSION}
WORKDIR /src
COPY . .

# The three CPU programs at once, so that what they have in common is compiled once. The folders of downloads and of build
# results outlive the build: after a change, only what it touches is compiled.
FROM source AS build
RUN --mount=type=cache,id=byecaptcha-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=byecaptcha-target,target=/src/target,sharing=locked \
    cargo auditable build --release --locked -p byecaptcha-api -p byecaptcha-worker -p byecaptcha-cli \
 && scripts/image_root.sh target/release/byecaptcha-api /images/api \
 && scripts/image_root.sh target/release/byecaptcha-worker /images/worker \
 && scripts/image_root.sh target/release/byecaptcha /images/standalone

FROM scratch AS api
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="byecaptcha-api" \
      org.opencontainers.image.description="Takes pictures over HTTP, has workers read them, and tells the results" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /images/api /
USER 65532:65532
ENV BYECAPTCHA_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/byecaptcha-api", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/byecaptcha-api"]

FROM scratch AS worker
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="byecaptcha-worker" \
      org.opencontainers.image.description="Takes jobs from the broker, reads their pictures and writes the results" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /images/worker /
USER 65532:65532
ENV BYECAPTCHA_LISTEN=0.0.0.0:8081
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/byecaptcha-worker", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/byecaptcha-worker"]

# Serves as soon as it runs. In a container it must listen to more than the loopback address; who gets there is said by
# where its port is published, and by the keys in the volume as soon as there is one.
FROM scratch AS standalone
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="byecaptcha" \
      org.opencontainers.image.description="Reads text captchas: API, web page and worker in one process" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /images/standalone /
USER 65532:65532
ENV BYECAPTCHA_LISTEN=0.0.0.0:8080 \
    BYECAPTCHA_ALLOW_PUBLIC=true \
    BYECAPTCHA_ALLOWED_HOSTS=localhost,127.0.0.1,[::1] \
    BYECAPTCHA_DATA=/var/lib/byecaptcha/byecaptcha.db
VOLUME /var/lib/byecaptcha
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/byecaptcha", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/byecaptcha"]
CMD ["serve"]

# libtorch with CUDA, out of the wheels of PyPI: torch and the NVIDIA libraries that it names, whose places relative to
# one another it counts on. The same version as scripts/libtorch.sh.
FROM source AS libtorch
ARG TORCH_VERSION
RUN apt-get update && apt-get install -y --no-install-recommends g++ python3-pip && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,id=byecaptcha-pip,target=/var/cache/pip \
    pip install --cache-dir /var/cache/pip --break-system-packages --quiet --only-binary=:all: --target /opt/wheels "torch==${TORCH_VERSION}" \
 && echo "${TORCH_VERSION}" > /opt/wheels/torch/build-version
# What a running program needs of them: the libraries, and no Python, headers or static archives.
RUN mkdir /opt/runtime && cd /opt/wheels \
 && find torch/lib nvidia \( -name '*.so' -o -name '*.so.*' \) -exec cp --parents -t /opt/runtime {} +
ENV LIBTORCH=/opt/wheels/torch

FROM libtorch AS build-worker-cuda
RUN --mount=type=cache,id=byecaptcha-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=byecaptcha-target-cuda,target=/src/target,sharing=locked \
    cargo auditable build --release --locked -p byecaptcha-worker --features torch \
 && install target/release/byecaptcha-worker /usr/local/bin/

FROM libtorch AS build-trainer
RUN --mount=type=cache,id=byecaptcha-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=byecaptcha-target-cuda,target=/src/target,sharing=locked \
    cargo auditable build --release --locked -p byecaptcha-trainer \
 && install target/release/byecaptcha-trainer /usr/local/bin/

# Where the programs look for libtorch is where the build found it. The driver's own libraries come from the host, by the
# NVIDIA container toolkit, to which the base image says what it needs.
FROM ${CUDA_IMAGE} AS cuda
COPY --from=libtorch /opt/runtime /opt/wheels
# Whom it trusts over TLS, whatever the base has of that.
COPY --from=libtorch /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
RUN install -d -o 65532 -g 65532 /var/lib/byecaptcha
USER 65532:65532

FROM cuda AS worker-cuda
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="byecaptcha-worker-cuda" \
      org.opencontainers.image.description="The worker with libtorch and CUDA" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build-worker-cuda /usr/local/bin/byecaptcha-worker /usr/local/bin/
ENV BYECAPTCHA_LISTEN=0.0.0.0:8081
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/usr/local/bin/byecaptcha-worker", "healthcheck"]
# Not `auto`: where the driver is missing or too old, it says so in place of reading on the CPU with a GPU to itself.
ENTRYPOINT ["/usr/local/bin/byecaptcha-worker", "--engine", "torch", "--device", "cuda:0"]

# Trains in the folder that is mounted there: checkpoints and exports stay when the container goes.
FROM cuda AS trainer
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="byecaptcha-trainer" \
      org.opencontainers.image.description="Trains, evaluates and exports the networks" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build-trainer /usr/local/bin/byecaptcha-trainer /usr/local/bin/
COPY trainer/configs /usr/local/share/byecaptcha/configs
WORKDIR /var/lib/byecaptcha
VOLUME /var/lib/byecaptcha
ENTRYPOINT ["/usr/local/bin/byecaptcha-trainer"]
CMD ["--help"]
