// Between the extension and the program: answers that come late, or that say what a program seldom says.

import { createServer, request } from "node:http";

export class Proxy {
  /** What came, as "POST /v1/jobs". */
  seen = [];
  /** What was in them. */
  bodies = [];
  /** `(incoming, response) => handled` for a request; what it does not handle goes on to the program. */
  answer = () => false;
  #gate = Promise.resolve();

  static async start(target) {
    const proxy = new Proxy();
    proxy.server = createServer((incoming, response) => proxy.#pass(incoming, response, target));
    await new Promise((listening) => proxy.server.listen(0, "127.0.0.1", listening));
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  /** Keeps all answers back; gives what lets them go. */
  hold() {
    let release;
    this.#gate = new Promise((open) => (release = open));
    return release;
  }

  async #pass(incoming, response, target) {
    this.seen.push(`${incoming.method} ${new URL(incoming.url, target).pathname}`);
    const body = [];
    incoming.on("data", (part) => body.push(part));
    incoming.on("end", () => this.bodies.push(Buffer.concat(body)));
    if (this.answer(incoming, response)) return;
    const { host } = new URL(target);
    const outgoing = request(target + incoming.url, { method: incoming.method, headers: { ...incoming.headers, host } }, async (answer) => {
      await this.#gate;
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  }

  end() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}
