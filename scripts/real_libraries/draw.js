//! Labelled pictures by Node's captcha libraries: `node draw.js LIBRARY FOLDER COUNT`. What draws SVG is made pixels by resvg.

import { writeFileSync } from "node:fs";
import path from "node:path";

import { Resvg } from "@resvg/resvg-js";
import CaptchaPng from "captchapng";
import ppfun from "ppfun-captcha";
import svgCaptcha from "svg-captcha";
import trek from "trek-captcha";

/** Text, file and file name extension of an SVG. */
const drawn = ({ text, data }) => [text, new Resvg(data, { background: "white" }).render().asPng(), "png"];

const libraries = {
  "svg-captcha": () => drawn(svgCaptcha.create()),
  "svg-captcha-colour": () =>
    drawn(svgCaptcha.create({ size: 5, noise: 3, color: true, background: "#f0f0f0" })),
  "ppfun-captcha": () => drawn(ppfun.create()),
  "trek-captcha": async () => {
    const { token, buffer } = await trek();
    return [token, buffer, "gif"];
  },
  captchapng: () => {
    const number = Math.floor(Math.random() * 9000 + 1000);
    const picture = new CaptchaPng(80, 30, number);
    picture.color(0, 0, 0, 0);
    picture.color(80, 80, 80, 255);
    return [String(number), Buffer.from(picture.getBase64(), "base64"), "png"];
  },
};

const [library, folder, count] = process.argv.slice(2);
for (let number = 0; number < Number(count); number += 1) {
  const [text, picture, extension] = await libraries[library]();
  writeFileSync(path.join(folder, `${text}_num${number}.${extension}`), picture);
}
