/** Colours, sizes and plain text. */
export const FOUNDATION = `:root {
  color-scheme: light dark;
  --text: #1c1f2b;
  --muted: #5b6070;
  --page: #f7f7f9;
  --surface: #ffffff;
  --sunken: #f1f1f5;
  --line: #dfe0e7;
  --line-strong: #82879a;
  --accent: #3b48c4;
  --accent-soft: #ecedfb;
  --on-accent: #ffffff;
  --green: #146c3a;
  --green-soft: #e2f4e9;
  --amber: #8a4b00;
  --amber-soft: #fdf0dc;
  --red: #b3261e;
  --red-soft: #fdeae8;
  --grey-soft: #ececf1;
  --small: 0.8125rem;
  --base: 0.9375rem;
  --large: 1.125rem;
  --huge: 1.625rem;
  --radius: 0.5rem;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e8e9f0;
    --muted: #a4a8b8;
    --page: #111219;
    --surface: #191b24;
    --sunken: #20222d;
    --line: #2e313e;
    --line-strong: #767b8f;
    --accent: #a5b0ff;
    --accent-soft: #262a4a;
    --on-accent: #12142a;
    --green: #7fd6a0;
    --green-soft: #14301f;
    --amber: #f2bd6b;
    --amber-soft: #38280f;
    --red: #ff9d94;
    --red-soft: #3d1c1a;
    --grey-soft: #282a36;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--page);
  color: var(--text);
  font: var(--base)/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 5rem; }
main:not(.wide) > * { max-width: 44rem; }
/* Where a page begins for the keyboard. Nothing can be pressed there. */
[tabindex="-1"]:focus { outline: none; }
h1 { margin: 0 0 1rem; font-size: var(--huge); line-height: 1.25; letter-spacing: -0.01em; }
h2 { margin: 2.25rem 0 0.75rem; font-size: var(--large); line-height: 1.3; }
h3 { margin: 0 0 0.25rem; font-size: var(--base); line-height: 1.4; }
p, ul, ol, dl, pre { margin: 0 0 1rem; }
a { color: var(--accent); text-underline-offset: 0.15em; }
small, .muted, .meta { color: var(--muted); font-size: var(--small); }
.meta { font-weight: 400; }
code, pre, .code { font-family: var(--mono); font-size: var(--small); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
[hidden] { display: none !important; }
.skip { position: absolute; left: 1rem; top: -4rem; padding: 0.5rem 1rem; background: var(--surface); z-index: 1; }
.skip:focus { top: 0.5rem; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
