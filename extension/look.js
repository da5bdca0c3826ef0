// How the overlay and the toast look, within their shadow roots. In pixels: pages change the root's font size.

globalThis.byecaptcha = {
  look: `
:host {
  --surface: #fff;
  --ink: #17211f;
  --quiet: #56625f;
  --edge: #7d8b86;
  --line: #d4dad6;
  --accent: #0f6b5c;
  --on-accent: #fff;
  --wash: #e6f2ee;
  --doubt: #9a4d00;
  --doubt-wash: #fff0d9;
  --wrong: #a8261c;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  color-scheme: light;
}
@media (prefers-color-scheme: dark) {
  :host {
    --surface: #1a2220;
    --ink: #e9efec;
    --quiet: #a3b0ab;
    --edge: #74837d;
    --line: #323d39;
    --accent: #63cdb5;
    --on-accent: #06231d;
    --wash: #17302a;
    --doubt: #ffbe5c;
    --doubt-wash: #3a2a10;
    --wrong: #ff9d92;
    color-scheme: dark;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
p, h2 { margin: 0; font: inherit; }
.overlay, .toast {
  color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  text-align: start;
}
button, input {
  min-height: 34px;
  padding: 4px 12px;
  border: 1px solid var(--edge);
  border-radius: 8px;
  background: var(--surface);
  color: var(--ink);
  font: inherit;
  font-weight: 600;
}
button { cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--accent); background: var(--wash); }
button:disabled { border-color: var(--line); background: none; color: var(--quiet); cursor: default; }
.primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.primary:hover { background: var(--accent); filter: brightness(1.1); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
kbd {
  padding: 0 6px;
  border: 1px solid var(--edge);
  border-bottom-width: 2px;
  border-radius: 5px;
  font: 13px var(--mono);
}

.overlay { position: fixed; inset: 0; overflow: hidden; cursor: crosshair; touch-action: none; outline: none; user-select: none; }
.view { position: fixed; transform-origin: 0 0; pointer-events: none; }
.view > * { pointer-events: auto; }
.overlay.clear { background: rgb(10 20 17 / 45%); }
.frame {
  position: absolute;
  border-radius: 2px;
  box-shadow: 0 0 0 200vmax rgb(10 20 17 / 45%);
  outline: 2px solid #fff;
  pointer-events: none;
}
.frame::after { position: absolute; inset: -4px; border: 2px solid #0f6b5c; border-radius: 5px; content: ""; }
.frame.proposed::after { border-style: dashed; }
.bar {
  position: absolute;
  bottom: 24px;
  left: 50%;
  display: flex;
  flex-wrap: wrap;
  gap: 10px 16px;
  align-items: center;
  justify-content: center;
  width: max-content;
  max-width: min(720px, calc(100% - 32px));
  padding: 12px 16px;
  border: 1px solid var(--line);
  border-radius: 14px;
  background: var(--surface);
  box-shadow: 0 8px 32px rgb(0 0 0 / 35%);
  transform: translateX(-50%);
}
.bar .words { flex: 1 1 260px; }
.hint { font-weight: 600; }
.keys { color: var(--quiet); font-size: 13px; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; cursor: default; }
.dragging .bar { opacity: 0; pointer-events: none; }

.toast {
  position: absolute;
  top: 16px;
  right: 16px;
  width: min(404px, calc(100% - 32px));
  max-height: calc(100% - 32px);
  overflow: auto;
  padding: 14px 16px 16px;
  border: 1px solid var(--line);
  border-radius: 14px;
  background: var(--surface);
  box-shadow: 0 8px 32px rgb(0 0 0 / 25%);
}
.top { display: flex; gap: 8px; align-items: center; margin-bottom: 2px; }
.name { flex: 1; color: var(--quiet); font-size: 13px; }
.mark { flex: none; width: 18px; height: 18px; border-radius: 5px; background: #0f6b5c; }
.close { min-height: 28px; margin: -4px -6px 0 0; padding: 0 9px; border-color: transparent; background: none; color: var(--quiet); font-size: 18px; font-weight: 400; }
.reading { display: flex; gap: 10px; align-items: center; padding: 6px 0; font-weight: 600; }
.reading::before {
  flex: none;
  width: 16px;
  height: 16px;
  border: 2px solid var(--line);
  border-top-color: var(--accent);
  border-radius: 50%;
  animation: turn 0.9s linear infinite;
  content: "";
}
@keyframes turn { to { transform: rotate(1turn); } }
.text { overflow-wrap: anywhere; white-space: pre-wrap; letter-spacing: 0.06em; font: 600 32px/1.35 var(--mono); font-variant-ligatures: none; user-select: all; }
.doubtful {
  border-radius: 0.2em;
  background: var(--doubt-wash);
  color: var(--doubt);
  text-decoration: underline wavy 2px;
  text-decoration-skip-ink: none;
  text-underline-offset: 0.16em;
}
.state { color: var(--quiet); font-size: 14px; }
.done { color: var(--accent); font-weight: 600; }
.doubts { color: var(--doubt); font-size: 14px; }
.trouble { padding: 4px 0; color: var(--wrong); font-weight: 600; }
.toast .buttons { gap: 6px; margin-top: 12px; }
.toast .buttons button { padding: 4px 10px; font-size: 14px; }
form { display: grid; gap: 6px; margin-top: 12px; }
label { color: var(--quiet); font-size: 13px; }
input { width: 100%; font: 600 18px var(--mono); letter-spacing: 0.06em; }
@media (prefers-reduced-motion: reduce) { .reading::before { animation: none; } }
`,
};
