#!/usr/bin/env bash
# Installs what the tests run against: RabbitMQ and Redis, Chromium and Node.js for the page and the extension,
# onnxruntime for the parity of engines, a reader of TFRecord files, schemathesis for the API, and what its clients in
# docs/clients.md need. ESLint comes with them, for `make lint`.
# System packages come by apt, as root or with passwordless sudo; otherwise it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null || [ -n "${CHROMIUM:-}" ] || missing+=(chromium)
command -v npm >/dev/null || missing+=(nodejs npm)
command -v curl >/dev/null || missing+=(curl)
command -v jq >/dev/null || missing+=(jq)
command -v redis-server >/dev/null || missing+=(redis-server)
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || [ -x /opt/rabbitmq/sbin/rabbitmq-server ] || missing+=(rabbitmq-server)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)

[ ${#missing[@]} -eq 0 ] || scripts/packages.sh "${missing[@]}"

requirements=scripts/requirements.txt
if ! cmp -s "$requirements" .venv/installed.txt; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r "$requirements"
  cp "$requirements" .venv/installed.txt
fi

for tools in api/browser-tests scripts/lint_js; do
  (cd "$tools" && npm ci --silent --no-audit --no-fund)
done
