#!/usr/bin/env python3
"""A whole archive through `byecaptcha submit`, stopped in the middle and gone on with, and a person beside it.

  scripts/bench_bulk.py --pictures DIR [--servers]     # files named TEXT_numN.jpg, as byecaptcha-dataset makes them
Without --servers it is `byecaptcha serve`; with it, byecaptcha-api and one byecaptcha-worker on a RabbitMQ and a Redis that
are started here. Prints whether each picture has one row, how many are right, the rate against the engine alone, the most
memory that each process held, and how long one picture at a time takes a person, before and meanwhile. Build first:
`cargo build --release --workspace --exclude byecaptcha-trainer`.
"""

import argparse
import contextlib
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from bench_setting import setting

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "target/release"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Processes:
    """What was started, by name, ended together."""

    def __init__(self, stack: contextlib.ExitStack, folder: pathlib.Path) -> None:
        self.stack, self.folder, self.running = stack, folder, {}

    def start(self, name: str, command: list, **environment: str) -> None:
        log = self.stack.enter_context((self.folder / f"{name}.log").open("w"))
        process = subprocess.Popen(
            list(map(str, command)), stdout=log, stderr=log, env={**os.environ, **environment}, start_new_session=True
        )
        self.stack.callback(self.end, process)
        self.running[name] = process

    @staticmethod
    def end(process: subprocess.Popen) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)

    def peaks(self) -> dict:
        """The most memory that each program held, in MB."""
        return {name: peak(process.pid) for name, process in self.running.items() if name.startswith("byecaptcha")}


def peak(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) // 1024


def wait_for(what: str, ready, patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not ready():
        if time.monotonic() > end:
            raise SystemExit(f"{what} does not come up")
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def servers(processes: Processes, folder: pathlib.Path) -> dict:
    """RabbitMQ and Redis; the settings that name them."""
    amqp, distribution, mapper, redis = (free_port() for _ in range(4))
    processes.start("epmd", ["epmd", "-port", mapper, "-address", "127.0.0.1"])
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{amqp}\n")
    (folder / "plugins").write_text("[].\n")
    processes.start(
        "rabbitmq",
        ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
        HOME=str(folder),
        RABBITMQ_NODENAME="bulk@localhost",
        RABBITMQ_MNESIA_BASE=str(folder / "data"),
        RABBITMQ_LOG_BASE=str(folder / "log"),
        RABBITMQ_PID_FILE=str(folder / "pid"),
        RABBITMQ_CONFIG_FILE=str(folder / "rabbitmq.conf"),
        RABBITMQ_CONF_ENV_FILE=str(folder / "none"),
        RABBITMQ_ENABLED_PLUGINS_FILE=str(folder / "plugins"),
        RABBITMQ_DIST_PORT=str(distribution),
        ERL_EPMD_PORT=str(mapper),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-start_epmd false +S 2:2",
    )
    options = ["--port", redis, "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", "--dir", folder]
    processes.start("redis", ["redis-server", *options])
    wait_for("RabbitMQ", lambda: listens(amqp))
    wait_for("Redis", lambda: listens(redis))
    return {"BROKER_URL": f"amqp://guest:guest@127.0.0.1:{amqp}/%2f", "RESULTS_URL": f"redis://127.0.0.1:{redis}/0"}


def person(server: str, seconds: int) -> float:
    """The 95th percentile, in ms, of one client that sends one picture after the other."""
    command = [PROGRAMS / "byecaptcha", "bench", "--server", server, "--clients", "1", "--seconds", str(seconds)]
    figures = json.loads(subprocess.check_output([*command, "--format", "json"]))
    return figures["latency_ms"]["p95"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=pathlib.Path, required=True)
    parser.add_argument("--servers", action="store_true")
    parser.add_argument("--engine-alone", type=float, help="pictures a second, by bench-pipeline engine-alone")
    arguments = parser.parse_args()
    print(setting(), flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-bulk-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        processes = Processes(stack, folder)
        server = f"http://127.0.0.1:{free_port()}"
        listen = server.removeprefix("http://")
        if arguments.servers:
            settings = servers(processes, folder)
            processes.start("byecaptcha-api", [PROGRAMS / "byecaptcha-api", "--listen", listen], **settings)
            processes.start("byecaptcha-worker", [PROGRAMS / "byecaptcha-worker", "--listen", "127.0.0.1:0"], **settings)
        else:
            serve = [PROGRAMS / "byecaptcha", "serve", "--listen", listen, "--data", folder / "bulk.db"]
            processes.start("byecaptcha", serve)
        wait_for("the server", lambda: answers(f"{server}/readyz"))
        idle = person(server, 6)

        pictures = [path for path in arguments.pictures.rglob("*") if path.is_file()]
        table = folder / "results.csv"
        submit = [PROGRAMS / "byecaptcha", "submit", arguments.pictures, "--server", server, "--out", table]
        started = time.perf_counter()
        first = subprocess.Popen(submit, stderr=subprocess.PIPE, text=True)
        time.sleep(len(pictures) / 1500)
        client = peak(first.pid)
        first.send_signal(signal.SIGINT)
        print("stopped:", first.communicate()[1].strip().splitlines()[-1])
        with (folder / "submit.log").open("w") as log:
            second = subprocess.Popen(submit, stderr=log)
            time.sleep(len(pictures) / 3000)
            beside = person(server, 10)
            while second.poll() is None:
                client = max(client, peak(second.pid))
                time.sleep(0.5)
        seconds = time.perf_counter() - started

        with table.open(newline="") as rows:
            rows = list(csv.DictReader(rows))
        texts = {row["file"]: row["text"] for row in rows}
        right = sum(text == pathlib.Path(file).name.split("_num")[0] for file, text in texts.items())
        print(f"{len(pictures)} pictures, {len(rows)} rows, {len(texts)} files, {len({row['job_id'] for row in rows})} jobs")
        print(f"{right / len(rows):.1%} right, exit status {second.returncode}")
        rate = len(rows) / seconds
        share = f", {rate / arguments.engine_alone:.0%} of the engine alone" if arguments.engine_alone else ""
        print(f"{rate:.0f} a second, stop and person included{share}")
        print(f"most memory, MB: submit {client}, " + ", ".join(f"{name} {mb}" for name, mb in processes.peaks().items()))
        print(f"a person's 95th percentile, ms: {idle:.1f} before, {beside:.1f} beside it")


if __name__ == "__main__":
    main()
