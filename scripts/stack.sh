#!/usr/bin/env bash
# Starts and stops the stack of docker-compose.yml, with `docker compose` or, where that is not there, docker-compose.
#
#   scripts/stack.sh up [ARGUMENT…]     makes the secrets, builds, starts, waits until all is healthy
#   scripts/stack.sh down [ARGUMENT…]   stops; jobs and results stay, unless --volumes is among the arguments
#   scripts/stack.sh ARGUMENT…          anything else of Compose's
set -euo pipefail
cd "$(dirname "$0")/.."
export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi

secrets=compose/secrets
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# Files that only their owner finds. The files themselves can be read by others, since containers have other users.
make_secrets() {
  (umask 077 && mkdir -p "$secrets")
  [ -e "$secrets/grafana_password" ] && return
  local broker results
  broker=$(random)
  results=$(random)
  printf 'default_user = byecaptcha\ndefault_pass = %s\n' "$broker" > "$secrets/rabbitmq_user"
  printf 'amqp://byecaptcha:%s@rabbitmq:5672/%%2f\n' "$broker" > "$secrets/broker_url"
  printf 'requirepass %s\n' "$results" > "$secrets/redis_password"
  printf 'redis://:%s@redis:6379/0\n' "$results" > "$secrets/results_url"
  random > "$secrets/grafana_password" # the last one: all of them are there, or none counts
  chmod 644 "$secrets"/*
}

# The settings, too, where git made them for their owner alone.
open_settings() { find compose/*.conf compose/*.yml compose/grafana grafana ! -perm -004 -exec chmod a+rX {} +; }

# Names of containers that are not (yet) what they should be.
unwell() {
  local ids
  ids=$("${compose[@]}" ps -q)
  [ -n "$ids" ] || return 0
  # shellcheck disable=SC2086 # one argument for each container
  docker inspect --format '{{.Name}} {{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' $ids |
    grep -vE ' (healthy|running)$' || true
}

case "${1:-}" in
  up)
    shift
    make_secrets
    open_settings
    "${compose[@]}" up --build --detach "$@"
    for _ in $(seq 120); do
      left=$(unwell)
      [ -z "$left" ] && break
      sleep 1
    done
    if [ -n "$left" ]; then
      echo "stack.sh: not healthy after two minutes:" >&2
      echo "$left" >&2
      exit 1
    fi
    echo "ByeCaptcha is at http://127.0.0.1:${BYECAPTCHA_PORT:-8080}, RabbitMQ's pages are at http://127.0.0.1:${RABBITMQ_MANAGEMENT_PORT:-15672}"
    ;;
  *)
    make_secrets # Compose reads none of its file while one is missing
    "${compose[@]}" "$@"
    ;;
esac
