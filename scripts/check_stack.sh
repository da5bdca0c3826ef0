#!/usr/bin/env bash
# Shows with a real Docker engine what the stack promises: it becomes healthy, reads captchas, shares load, loses nothing
# when a worker or the broker is killed, and keeps what waits through `down` and `up`. Uses a project and ports of its own,
# and removes both, volumes included, at its end.
#
#   scripts/check_stack.sh [PICTURE]      where no registry can be reached: scripts/stand_in_images.sh first
set -euo pipefail
cd "$(dirname "$0")/.."
export COMPOSE_PROJECT_NAME=byecaptcha-check BYECAPTCHA_PORT=18080 RABBITMQ_MANAGEMENT_PORT=18672
picture=${1:-cli/tests/fixtures/kuEr_num5412.jpg}
text=$(basename "$picture" | sed 's/_.*//')
url=http://127.0.0.1:$BYECAPTCHA_PORT
jobs=400
work=$(mktemp -d)
stack() { scripts/stack.sh "$@"; }
containers() { # containers SERVICE: running or not
  docker ps --all --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter "label=com.docker.compose.service=$1"
}
end() {
  stack down --volumes --timeout 5 > "$work/down.log" 2>&1 || cat "$work/down.log" >&2
  rm -rf "$work"
}
trap end EXIT
fail() { echo "check_stack: $*" >&2; stack logs --tail 20 >&2; exit 1; }
say() { printf '%-58s %s\n' "$1" "$2"; }

submit() { # submit COUNT: as many jobs in bulk, whose ids come out; what is put off is sent again under the same key
  seq "$1" | xargs -P 8 -I{} curl --silent --fail --retry 60 --retry-all-errors --retry-delay 1 \
    --data-binary "@$picture" -H 'Content-Type: image/jpeg' -H "Idempotency-Key: $$-$RANDOM-{}" --output /dev/null \
    --write-out '%header{location}\n' "$url/v1/jobs?queue=${queue:-interactive}"
}
ended() { # ended IDS: each with how it ended and what was read
  xargs -P 8 -I{} curl --silent --fail --retry 60 --retry-all-errors --retry-delay 1 -H 'Prefer: wait=25' "$url{}" < "$1" |
    python3 -c '
import json, sys
decode, text = json.JSONDecoder(), sys.stdin.read()
while text := text.lstrip():
    job, end = decode.raw_decode(text)
    print(job["id"], job["status"], (job.get("result") or {}).get("text"))
    text = text[end:]'
}
check_all() { # check_all IDS WHAT
  ended "$1" > "$work/ended"
  local right
  right=$(grep -c " succeeded $text\$" "$work/ended" || true)
  [ "$right" = "$(wc -l < "$1")" ] && [ "$(sort -u "$1" | wc -l)" = "$right" ] || { sort "$work/ended" | uniq -c | head; fail "$2: $right of $(wc -l < "$1") read"; }
  say "$2" "$right of $right read"
}
served() { # jobs that each worker has finished
  for id in $(containers worker); do
    address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$id")
    curl --silent "http://$address:8081/metrics" | awk '/^jobs_finished_total\{.*succeeded/ { print int($2) }'
  done
}

begun=$SECONDS
stack up > "$work/up.log" 2>&1 || { cat "$work/up.log"; fail "up"; }
say "up, all healthy after" "$((SECONDS - begun)) s"
docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -E '^byecaptcha-(api|worker|standalone):' | sort | while read -r image size; do say "image $image" "$size"; done

read_text=$(curl --silent --fail --data-binary "@$picture" -H 'Content-Type: image/jpeg' -H 'Prefer: wait=10' "$url/v1/jobs" |
  python3 -c 'import json,sys; print(json.load(sys.stdin)["result"]["text"])')
[ "$read_text" = "$text" ] || fail "read $read_text instead of $text"
say "a captcha goes through" "$read_text"

for _ in 1 2 3; do
  docker stop $(containers worker) > /dev/null
  submit 1 > "$work/ids"
  docker start $(containers worker) > /dev/null
  curl --silent --fail -H 'Prefer: wait=25' "$url$(cat "$work/ids")" > "$work/job"
  say "a worker's start to its first result" "$(docker inspect --format '{{.State.StartedAt}}' $(containers worker) | python3 -c '
import datetime, json, sys
started = datetime.datetime.fromisoformat(sys.stdin.read().strip()[:26] + "+00:00").timestamp()
print(round(json.load(open(sys.argv[1]))["finished_at_ms"] - 1000 * started))' "$work/job") ms"
done

stack up --scale worker=3 > "$work/up.log" 2>&1 || { cat "$work/up.log"; fail "scale"; }
submit "$jobs" > "$work/ids"
check_all "$work/ids" "three workers"
shares=$(served | tr '\n' ' ')
[ "$(echo "$shares" | wc -w)" = 3 ] || fail "a worker has read nothing: $shares"
say "jobs of each worker" "$shares"

submit "$jobs" > "$work/ids" &
submitting=$!
sleep 1
docker kill "$(containers worker | head -1)" > /dev/null
wait "$submitting"
check_all "$work/ids" "a worker killed under load"

submit "$jobs" > "$work/ids" &
submitting=$!
sleep 1
docker kill "$(containers rabbitmq)" > /dev/null
sleep 3
docker start "$(containers rabbitmq)" > /dev/null
wait "$submitting"
check_all "$work/ids" "the broker killed under load, and started again"

docker stop $(containers worker) > /dev/null
queue=bulk submit 50 > "$work/ids"
queue=interactive submit 50 >> "$work/ids"
stack down > "$work/down.log" 2>&1 || fail "down"
say "down, with 100 jobs queued and no worker" "$(docker volume ls -q | grep -c "^$COMPOSE_PROJECT_NAME") volumes stay"
stack up > "$work/up.log" 2>&1 || { cat "$work/up.log"; fail "up again"; }
check_all "$work/ids" "up again"
echo "check_stack: all as promised"
