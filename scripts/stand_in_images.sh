#!/usr/bin/env bash
# Makes images that stand in for the public ones which the Dockerfile and docker-compose.yml name, out of Debian packages
# and the Rust toolchain of this machine, for checking the stack where no image registry can be reached. They are tagged
# with the public names, and only where no image of that name is there. Not for anything but checking: RabbitMQ and Redis
# are Debian's versions of them.
#
#   sudo scripts/stand_in_images.sh
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
named() { grep -ohE "(image:|FROM|ARG [A-Z_]+=) *$1:[^ \"]+" Dockerfile docker-compose.yml | grep -oE "$1:[^ \"]+" | head -1; }
there() { docker image inspect "$1" >/dev/null 2>&1; }
build() { # build NAME < Dockerfile: in a context of the machine's certificates, which a proxy on the way may need
  cat > "$work/Dockerfile"
  cp /etc/ssl/certs/ca-certificates.crt "$work/"
  docker build --quiet --tag "$1" "$work"
}

# Before anything that takes minutes. Where rustup has it, sudo's PATH has not.
if [ -n "${SUDO_USER:-}" ]; then
  sysroot=$(sudo -iu "$SUDO_USER" rustc --print sysroot)
else
  sysroot=$(rustc --print sysroot)
fi

base=byecaptcha-stand-in:$suite
if ! there "$base"; then
  debootstrap --variant=minbase "$suite" "$work/root" >&2
  tar -C "$work/root" -c . | docker import - "$base"
  rm -rf "$work/root"
fi

rust=$(named rust)
if ! there "$rust"; then
  mkdir "$work/toolchain"
  tar -C "$sysroot" --exclude=share --exclude='*-tools' -c bin lib | tar -C "$work/toolchain" -x
  build "$rust" <<DOCKERFILE
FROM $base
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev ca-certificates && rm -rf /var/lib/apt/lists/*
COPY ca-certificates.crt /etc/ssl/certs/
COPY toolchain /usr/local/rust
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/rust/bin:/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKERFILE
  rm -rf "$work/toolchain"
fi

redis=$(named redis)
there "$redis" || build "$redis" <<DOCKERFILE
FROM $base
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data && chown redis:redis /data
WORKDIR /data
USER redis
CMD ["redis-server"]
DOCKERFILE

rabbitmq=$(named rabbitmq)
there "$rabbitmq" || build "$rabbitmq" <<DOCKERFILE
FROM $base
RUN apt-get update && apt-get install -y --no-install-recommends rabbitmq-server && rm -rf /var/lib/apt/lists/* \
 && rm -rf /var/lib/rabbitmq/* /var/log/rabbitmq/* && mkdir -p /etc/rabbitmq/conf.d \
 && echo '[rabbitmq_management,rabbitmq_prometheus].' > /etc/rabbitmq/enabled_plugins \
 && chown -R rabbitmq:rabbitmq /var/lib/rabbitmq /var/log/rabbitmq /etc/rabbitmq
ENV RABBITMQ_LOGS=- PATH=/usr/lib/rabbitmq/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER rabbitmq
CMD ["rabbitmq-server"]
DOCKERFILE
docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -E '^(rust|redis|rabbitmq):'
