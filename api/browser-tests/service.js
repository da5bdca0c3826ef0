// The program under test, on a port and a database of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export const PROGRAM = process.env.BYECAPTCHA_SERVER_BIN
  ? resolve(process.env.BYECAPTCHA_SERVER_BIN)
  : resolve(import.meta.dirname, "../../target/release/byecaptcha");
const START_TIMEOUT_MS = 60_000;

export class Service {
  #child;
  #folder;

  static async start() {
    const service = new Service();
    service.#folder = await mkdtemp(join(tmpdir(), "byecaptcha-browser-"));
    try {
      await service.resume();
    } catch (error) {
      await service.end();
      throw error;
    }
    return service;
  }

  /** Its database, with its keys beside it. */
  get data() {
    return join(this.#folder, "byecaptcha.db");
  }

  /** Starts the program, again at the same address where it had one before. */
  async resume() {
    const listen = this.url ? new URL(this.url).host : "127.0.0.1:0";
    const child = spawn(PROGRAM, ["serve", "--listen", listen, "--data", this.data], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    let log = "";
    child.stderr.on("data", (part) => (log += part));
    this.url = await new Promise((found, failed) => {
      const timer = setTimeout(() => failed(new Error(`no address after a minute\n${log}`)), START_TIMEOUT_MS);
      child.once("error", failed);
      child.once("exit", (code) => failed(new Error(`${PROGRAM} ended with ${code}\n${log}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
        if (!address) return;
        clearTimeout(timer);
        found(address[0]);
      });
    });
  }

  /** Ends the program and waits for its end. */
  async stop() {
    const child = this.#child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async end() {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What the HTTP API itself says of a picture. */
  async read(bytes, type = "image/jpeg") {
    const answer = await fetch(`${this.url}/v1/jobs`, {
      method: "POST",
      headers: { "Content-Type": type, Prefer: "wait=20" },
      body: bytes,
    });
    const record = await answer.json();
    if (answer.status !== 200 || record.status !== "succeeded") throw new Error(JSON.stringify(record));
    return record.result;
  }
}
