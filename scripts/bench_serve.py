"""Measures `byecaptcha serve` as a newcomer meets it: time from process start to the first text, the time an answer
takes alone, pictures a second with eight clients, and the memory it holds then. Build with `cargo build --release`."""

import concurrent.futures
import json
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
import urllib.request

from bench_setting import setting

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURES = sorted((ROOT / "trainer/tests/fixtures/var456").glob("*.jpg"))
CLIENTS = 8
REQUESTS = 2000


def read(address: str, picture: bytes) -> str:
    request = urllib.request.Request(
        f"{address}/v1/jobs", data=picture, headers={"Content-Type": "image/jpeg", "Prefer": "wait=10"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["result"]["text"]


def resident_megabytes(pid: int) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def main() -> None:
    print(setting())
    pictures = [path.read_bytes() for path in PICTURES]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        server = subprocess.Popen(
            [ROOT / "target/release/byecaptcha", "serve", "--listen", "127.0.0.1:0", "--data", f"{folder}/bench.db"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            address = re.search(r"http://\S+", server.stdout.readline()).group(0)
            read(address, pictures[0])
            first = time.perf_counter() - started

            times = []
            for picture in pictures:
                before = time.perf_counter()
                read(address, picture)
                times.append(time.perf_counter() - before)

            before = time.perf_counter()
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
                for _ in clients.map(lambda index: read(address, pictures[index % len(pictures)]), range(REQUESTS)):
                    pass
            rate = REQUESTS / (time.perf_counter() - before)
            memory = resident_megabytes(server.pid)
        finally:
            server.terminate()
            server.wait()
    print(f"process start to first text   {first * 1000:.0f} ms")
    print(f"one request alone, median     {statistics.median(times) * 1000:.1f} ms")
    print(f"{CLIENTS} clients                     {rate:.0f} pictures/s")
    print(f"resident after {REQUESTS} requests   {memory:.0f} MB")


if __name__ == "__main__":
    main()
