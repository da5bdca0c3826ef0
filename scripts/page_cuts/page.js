// The HTML of a page that asks for a captcha, as sites write it: in flow, so that the picture comes to lie where the
// form, its fonts and its gaps put it.

import { MARGIN } from "./plan.js";
import { css, isDark, paint } from "./ground.js";

const TEXTS = [
  ["Enter the characters you see", "Case matters. Cannot read it? Get another one.", "Refresh"],
  ["Verification code:", "Required", "Change"],
  ["Security check *", "Letters and digits, without spaces", "New image"],
  ["Sicherheitscode", "Bitte geben Sie die Zeichen aus dem Bild ein.", "Neues Bild"],
  ["Code de vérification", "Recopiez les caractères de l’image ci-dessus", "Actualiser"],
  ["Type the text in the picture to sign in", "This helps us to keep the service free of spam.", "Sign in"],
];
/** Room in CSS pixels for what stands beside the picture, under it and over it. */
const BESIDE = { alone: 60, stacked: 140, row: 280 };
const UNDER = 110;

/** The window that shows all of the cut, whatever the plan. */
export function viewport({ layout, offset }, { width, height }) {
  return {
    width: Math.ceil(offset.left + width * (1 + 2 * MARGIN.most) + BESIDE[layout.kind]),
    height: Math.ceil(offset.top + height * (1 + 2 * MARGIN.most) + UNDER + 30),
  };
}

/** The page for a picture of that size; `source` is its data URL. A canvas comes empty. */
export function html(plan, source, { width, height }) {
  const { ground, layout, frame, element, offset, scroll } = plan;
  const size = `width="${width}" height="${height}"`;
  const picture = {
    img: `<img id="captcha" alt="captcha" src="${source}" ${size}>`,
    background: `<span id="captcha" style="background-image: url(${source})"></span>`,
    canvas: `<canvas id="captcha" ${size}></canvas>`,
  }[element];
  const [label, hint, button] = TEXTS[layout.text];
  const content = {
    alone: picture,
    stacked: `<label>${label}</label>${picture}<input placeholder="${label}"><small>${hint}</small>`,
    row:
      `<label>${label}</label><div class="row"><input>${picture}<button>${button}</button></div>` +
      `<small>${hint}</small>`,
  }[layout.kind];
  const { card } = layout;
  const plate = card && (card.dark ? [38, 40, 44] : [255, 255, 255]);
  const light = isDark(plate ? [plate] : ground.colours);
  // The page is as far scrolled as it begins further down, so the picture is in the window either way.
  return `<head><meta charset="utf-8"><style>
    * { box-sizing: border-box }
    html { background: ${paint(ground)}; background-attachment: fixed; overflow: hidden }
    body { margin: 0; height: 2000px; font: ${layout.fontSize}px ${layout.font}; color: ${light ? "#ddd" : "#222"};
      padding: ${offset.top + MARGIN.most * height + scroll}px 0 0 ${offset.left + MARGIN.most * width}px }
    main { display: inline-flex; flex-direction: column; align-items: flex-start; gap: ${layout.gap}px;
      white-space: nowrap; ${card ? plateStyle(card, css(plate)) : ""} }
    .row { display: flex; align-items: center; gap: ${layout.gap}px }
    input { width: 100px; height: 26px; font: inherit; border: 1px solid #999; border-radius: 3px; padding: 2px 5px }
    button { height: 28px; font: inherit; border: 0; border-radius: 4px; color: #fff; padding: 0 10px;
      background: ${css(layout.accent)} }
    small { opacity: 0.75 }
    #captcha { display: block; flex: none; box-sizing: content-box; width: ${width}px; height: ${height}px;
      border: ${frame.border}px solid ${css(frame.colour)}; padding: ${frame.padding}px; background-color: #fff;
      background-repeat: no-repeat; background-origin: content-box; border-radius: ${frame.radius}px;
      ${frame.shadow ? `box-shadow: 0 ${frame.shadow / 3}px ${frame.shadow}px rgba(0, 0, 0, 0.45)` : ""} }
  </style></head><body><main>${content}</main></body>`;
}

function plateStyle({ padding, radius }, colour) {
  return (
    `background: ${colour}; padding: ${padding}px; border: 1px solid rgba(128, 128, 128, 0.4); ` +
    `border-radius: ${radius}px; box-shadow: 0 1px 6px rgba(0, 0, 0, 0.2)`
  );
}
