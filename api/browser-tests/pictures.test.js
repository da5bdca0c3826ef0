// Ways that pictures get onto the page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";

import { assertRead, drop, first, open, page, pictures, second, service } from "./setting.js";

describe("pictures go in", () => {
  test("one and several picked files", async () => {
    await page.setInputFiles("#picker", first);
    await assertRead(first);
    await page.setInputFiles("#picker", [second, pictures[2]]);
    await assertRead(second);
    await assertRead(pictures[2]);
    assert.equal(await page.locator(".card").count(), 3);
    assert.equal(await page.locator("#tally").textContent(), "3 of 3 read");
  });

  test("a photo from the camera's input", async () => {
    await page.setInputFiles("#camera", first);
    await assertRead(first);
  });

  test("dropped anywhere", async () => {
    const { highlighted, after } = await drop([
      { path: first, type: "image/jpeg" },
      { path: second, type: "" },
    ]);
    assert.ok(highlighted, "the page shows that it takes what is dragged");
    assert.ok(!after);
    await assertRead(first);
    await assertRead(second);
  });

  test("pasted with the keyboard", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    const base64 = (await readFile(first)).toString("base64");
    const png = await page.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/jpeg;base64,${base64}`;
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      canvas.getContext("2d").drawImage(image, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/png" });
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    }, base64);
    await page.keyboard.press("Control+V");
    const expected = await service.read(new Uint8Array(png), "image/png");
    await page.locator(".card .text").waitFor();
    assert.equal(await page.locator(".card .text").textContent(), expected.text);
    assert.equal(await page.locator(".card .name").textContent(), "Pasted picture");
  });

  test("pasted with the button, where the browser allows it", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(60, 30);
      canvas.getContext("2d").fillText("7", 20, 20);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await canvas.convertToBlob() })]);
    });
    await page.getByRole("button", { name: "Paste", exact: true }).click();
    assert.equal(await page.locator(".card .name").textContent(), "Pasted picture");
    await page.locator(".card[data-state=done]").waitFor();

    await page.evaluate(() => (navigator.clipboard.read = () => Promise.reject(new Error("not allowed"))));
    await page.getByRole("button", { name: "Paste", exact: true }).click();
    await page.getByText("does not let this page read the clipboard").first().waitFor();
  });

  test("the empty space around the button opens the dialog too", async () => {
    const chooser = page.waitForEvent("filechooser");
    await page.locator("#drop").click({ position: { x: 20, y: 20 } });
    await (await chooser).setFiles(first);
    await assertRead(first);
  });

  test("a folder, with folders in it", async () => {
    const base64 = (await readFile(first)).toString("base64");
    // Scripts cannot make a dropped folder, so this is the part of one that the page uses.
    await page.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const file = (name) => ({
        name,
        isDirectory: false,
        file: (found) => found(new File([bytes], name, { type: "image/jpeg" })),
      });
      const folder = (name, ...entries) => ({
        name,
        isDirectory: true,
        createReader: () => {
          const parts = [entries, []];
          return { readEntries: (found) => found(parts.shift()) };
        },
      });
      const entry = folder("all", file("10.jpg"), file("9.jpg"), file(".hidden"), folder("deeper", file("11.jpg")));
      const items = [{ kind: "file", webkitGetAsEntry: () => entry }];
      const event = new Event("drop", { bubbles: true, cancelable: true });
      document.dispatchEvent(Object.assign(event, { dataTransfer: { items, files: [new File([], "all")] } }));
    }, base64);
    await page.getByText("3 of 3 read", { exact: true }).first().waitFor();
    assert.deepEqual(await page.locator(".card .name").allTextContents(), ["9.jpg", "10.jpg", "11.jpg"]);
  });

  test("a folder of which not all can be opened", async () => {
    const base64 = (await readFile(first)).toString("base64");
    const dropped = (whole) => page.evaluate(([base64, whole]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const refuse = (found, failed) => failed(new DOMException("gone", "NotFoundError"));
      const files = [
        { name: "there.jpg", file: (found) => found(new File([bytes], "there.jpg", { type: "image/jpeg" })) },
        { name: "gone.jpg", file: refuse },
      ];
      const parts = [files, []];
      const readEntries = whole ? (found) => found(parts.shift()) : refuse;
      const entry = { name: "all", isDirectory: true, createReader: () => ({ readEntries }) };
      const items = [{ kind: "file", webkitGetAsEntry: () => entry }];
      const event = new Event("drop", { bubbles: true, cancelable: true });
      document.dispatchEvent(Object.assign(event, { dataTransfer: { items, files: [new File([], "all")] } }));
    }, [base64, whole]);
    await dropped(true);
    await page.getByText("Cannot be opened: gone.jpg.").first().waitFor();
    await page.getByText("1 of 1 read", { exact: true }).first().waitFor();
    await dropped(false);
    await page.getByText("Cannot be opened: all.").first().waitFor();
    assert.equal(await page.locator(".card").count(), 1);
  });

  test("text on the clipboard is refused in words", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.evaluate(() => navigator.clipboard.writeText("no picture"));
    await page.keyboard.press("Control+V");
    await page.getByText("There is no picture on the clipboard.").first().waitFor();
    assert.equal(await page.locator(".card").count(), 0);
  });

  test("text that is pasted into a field is the field's own", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.evaluate(async () => {
      document.getElementById("access").hidden = false;
      await navigator.clipboard.writeText("bc_1_2");
    });
    await page.focus("#key");
    await page.keyboard.press("Control+V");
    assert.equal(await page.inputValue("#key"), "bc_1_2");
    assert.ok(await page.locator("#message").isHidden());
  });

  test("twenty at once, four under way at most", async () => {
    let underWay = 0;
    let most = 0;
    page.on("request", (request) => {
      if (request.method() !== "POST") return;
      underWay += 1;
      most = Math.max(most, underWay);
    });
    const over = (request) => {
      if (request.method() === "POST") underWay -= 1;
    };
    page.on("requestfinished", over);
    page.on("requestfailed", over);
    const bytes = await Promise.all(pictures.map((path) => readFile(path)));
    const files = Array.from({ length: 20 }, (_, index) => ({
      name: `picture ${String(index).padStart(2, "0")}.jpg`,
      mimeType: "image/jpeg",
      buffer: bytes[index % bytes.length],
    }));
    await page.setInputFiles("#picker", files);
    await page.getByText("20 of 20 read", { exact: true }).first().waitFor();
    assert.deepEqual(await page.locator(".card .name").allTextContents(), files.map(({ name }) => name));
    const expected = await Promise.all(bytes.map(async (bytes) => (await service.read(bytes)).text));
    const texts = await page.locator(".card .text").allTextContents();
    assert.deepEqual(texts, files.map((_, index) => expected[index % expected.length]));
    assert.ok(most > 1 && most <= 4, `${most} at once`);
  });
});
