import { createHash } from 'node:crypto';

/** The path of the stylesheet below PUBLIC_URL. It changes with the text, so browsers may cache it indefinitely. */
export function stylesheetPath(): string {
  const hash = createHash('sha256').update(STYLESHEET).digest('base64url').slice(0, 16);
  return `/assets/latchkey-${hash}.css`;
}

/** The only stylesheet: one accent colour and one type scale, in light and dark, from 360 px on. */
export const STYLESHEET = `:root {
  color-scheme: light dark;
  --text: #1b2130;
  --muted: #596275;
  --page: #f6f7f9;
  --surface: #ffffff;
  --line: #d5d9e2;
  --accent: #2b5bc7;
  --on-accent: #ffffff;
  --danger: #b3261e;
  --small: 0.875rem;
  --large: 1.25rem;
  --huge: 1.75rem;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e9f0;
    --muted: #a3acbf;
    --page: #12151c;
    --surface: #1b202a;
    --line: #343b4a;
    --accent: #8fb1ff;
    --on-accent: #0f1624;
    --danger: #ff9d94;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--page);
  color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere;
}
nav {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 0.5rem 1.25rem;
  padding: 0.75rem 1rem;
  background: var(--surface);
  border-bottom: 1px solid var(--line);
}
nav form { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem; margin-left: auto; }
nav .brand { color: var(--text); font-weight: 700; text-decoration: none; }
nav .user { color: var(--muted); font-size: var(--small); }
main { max-width: 42rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { margin: 0 0 1rem; font-size: var(--huge); line-height: 1.2; }
h2 { margin: 2rem 0 0.5rem; font-size: var(--large); line-height: 1.3; }
p, ul, ol, dl { margin: 0 0 1rem; }
a { color: var(--accent); }
small, .muted { color: var(--muted); font-size: var(--small); }
code { font: 0.9375em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; }
dt { color: var(--muted); }
dd { margin: 0; }
main form { margin: 0 0 1rem; }
label { display: block; margin-bottom: 0.25rem; font-weight: 600; }
input[type="text"] {
  display: block;
  width: 100%;
  min-height: 2.75rem;
  margin-bottom: 1rem;
  padding: 0.5rem 0.75rem;
  background: var(--surface);
  color: var(--text);
  border: 1px solid var(--muted);
  border-radius: 0.375rem;
  font: inherit;
}
button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-height: 2.75rem;
  padding: 0.5rem 1.125rem;
  background: var(--accent);
  color: var(--on-accent);
  border: 1px solid var(--accent);
  border-radius: 0.375rem;
  font: inherit;
  font-weight: 600;
  line-height: 1.5;
  text-decoration: none;
  cursor: pointer;
}
button.quiet, .button.quiet { background: transparent; color: var(--accent); border-color: var(--line); }
button.danger, .button.danger { background: transparent; color: var(--danger); border-color: currentColor; }
nav button.quiet { min-height: 2.25rem; padding: 0.25rem 0.75rem; font-size: var(--small); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; }
.actions form { margin: 0; }
.card {
  margin: 0 0 1rem;
  padding: 1rem;
  background: var(--surface);
  border: 1px solid var(--line);
  border-radius: 0.5rem;
}
.card h2, .card h3 { margin: 0 0 0.25rem; font-size: var(--large); line-height: 1.3; }
.card > :last-child { margin-bottom: 0; }
ul.plain { padding: 0; list-style: none; }
ul.plain > li + li { margin-top: 1.25rem; }
.notice { padding: 0.75rem 1rem; background: var(--surface); border-left: 4px solid var(--accent); }
.notice.problem { border-left-color: var(--danger); }
@media (max-width: 30rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
}
`;
