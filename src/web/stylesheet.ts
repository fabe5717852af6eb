import { createHash } from 'node:crypto';

/** The path of the stylesheet below PUBLIC_URL. It changes with the text, so browsers may cache it indefinitely. */
export function stylesheetPath(): string {
  const hash = createHash('sha256').update(STYLESHEET).digest('base64url').slice(0, 16);
  return `/assets/latchkey-${hash}.css`;
}

/**
 * The only stylesheet: one accent colour, one type scale (0.8125, 0.9375, 1.125 and 1.625 rem), in
 * light and dark, from 360 px on. The colours of statuses appear only where a status is meant.
 */
export const STYLESHEET = `:root {
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
main:focus { outline: none; }
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

nav { background: var(--surface); border-bottom: 1px solid var(--line); }
nav .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.5rem; max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
nav .brand { display: inline-flex; align-items: center; gap: 0.5rem; min-height: 3.25rem; color: var(--text); font-weight: 700; text-decoration: none; }
nav .sign { color: var(--accent); }
nav .sections { display: flex; gap: 1.25rem; margin: 0; padding: 0; list-style: none; }
nav .sections a { display: inline-flex; align-items: center; min-height: 3.25rem; color: var(--muted); text-decoration: none; border-bottom: 2px solid transparent; border-top: 2px solid transparent; white-space: nowrap; }
nav .sections a:hover { color: var(--text); }
nav .sections a[aria-current] { color: var(--text); font-weight: 600; border-bottom-color: var(--accent); }
nav form { display: flex; align-items: center; gap: 0.75rem; margin: 0 0 0 auto; min-width: 0; }
nav .user { max-width: 14rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--muted); font-size: var(--small); }

button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-height: 2.75rem;
  padding: 0.375rem 1.125rem;
  background: var(--accent);
  color: var(--on-accent);
  border: 1px solid var(--accent);
  border-radius: var(--radius);
  font: inherit;
  font-weight: 600;
  text-decoration: none;
  text-align: center;
  cursor: pointer;
}
button:hover, .button:hover { filter: brightness(1.08); }
button:disabled { opacity: 0.6; cursor: progress; }
button.quiet, .button.quiet { background: var(--surface); color: var(--text); border-color: var(--line-strong); }
button.danger, .button.danger { background: var(--surface); color: var(--red); border-color: currentColor; }
button.small, .button.small { min-height: 2.25rem; padding: 0.125rem 0.75rem; font-size: var(--small); }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 0.625rem; }
.actions form { margin: 0; }

main form { margin: 0 0 1rem; }
.field { margin: 0 0 1.25rem; }
label, legend { display: block; margin-bottom: 0.25rem; font-weight: 600; }
label .optional { color: var(--muted); font-weight: 400; font-size: var(--small); }
.hint { margin: 0 0 0.375rem; color: var(--muted); font-size: var(--small); }
.complaint { margin: 0 0 0.375rem; color: var(--red); font-size: var(--small); font-weight: 600; }
input:not([type="checkbox"], [type="radio"], [type="hidden"]), textarea, select {
  display: block;
  width: 100%;
  min-height: 2.75rem;
  padding: 0.5rem 0.75rem;
  background: var(--surface);
  color: var(--text);
  border: 1px solid var(--line-strong);
  border-radius: var(--radius);
  font: inherit;
}
textarea.code { font-family: var(--mono); font-size: var(--small); line-height: 1.5; }
[aria-invalid="true"] { border-color: var(--red) !important; border-width: 2px !important; }
legend { padding: 0; }
.server-form details { margin-bottom: 1.25rem; }
.server-form:has([value="oauth2"]:checked) [data-auth="bearer"], .server-form:has([value="bearer"]:checked) [data-auth="oauth2"], .server-form:has([value="none"]:checked) [data-auth] { display: none; }
.check { display: flex; gap: 0.5rem; align-items: baseline; }
.check label { font-weight: 400; margin: 0; }
fieldset { margin: 0 0 1.25rem; padding: 0; border: 0; }
form.search { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 0.625rem; }
form.search .field { flex: 1 1 14rem; margin: 0; }
.check > div { flex: 1; min-width: 0; }
fieldset .check { margin-bottom: 0.5rem; }
fieldset .hint { margin: 0; }
legend { padding: 0; }
input[type="radio"], input[type="checkbox"] { margin: 0; accent-color: var(--accent); }

.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem; margin-bottom: 1rem; }
.head h1, .head h2 { margin: 0; }
.card { margin: 0 0 1rem; padding: 1.125rem 1.25rem; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); }
.card > h2:first-child { margin: 0 0 0.5rem; }
.card > :last-child { margin-bottom: 0; }
.card.attention { border-left: 4px solid var(--amber); }
.card .actions { margin-top: 0.75rem; }
h1 + section > h2 { margin-top: 1.25rem; }
.begin-program { margin-top: 1rem; text-align: center; }
.need { display: flex; flex-wrap: wrap; align-items: center; gap: 0.75rem 1.5rem; margin-bottom: 0.625rem; }
.need > div { flex: 1 1 18rem; min-width: 0; }
.need p { margin: 0; }
.notice { margin: 0 0 1rem; padding: 0.75rem 1rem; background: var(--accent-soft); border-radius: var(--radius); border-left: 4px solid var(--accent); }
.notice > :last-child { margin-bottom: 0; }
.notice ul { padding-left: 1.25rem; }
.notice.success { background: var(--green-soft); border-left-color: var(--green); }
.notice.warning { background: var(--amber-soft); border-left-color: var(--amber); }
.notice.problem { background: var(--red-soft); border-left-color: var(--red); }
.banner { position: fixed; left: 1rem; right: 1rem; bottom: 1rem; z-index: 2; width: fit-content; margin: 0 auto; padding: 0.5rem 1rem; background: var(--text); color: var(--page); border-radius: var(--radius); font-size: var(--small); font-weight: 600; }
.banner a { color: inherit; margin-left: 0.375rem; }
.empty { padding: 2rem 1.25rem; background: var(--surface); border: 1px dashed var(--line-strong); border-radius: var(--radius); text-align: center; }
.empty h2 { margin: 0 0 0.5rem; }
.empty > :last-child { margin-bottom: 0; }
.empty .actions { justify-content: center; }

.status { display: inline-flex; align-items: center; gap: 0.4rem; padding: 0.0625rem 0.625rem 0.0625rem 0.5rem; border-radius: 1rem; font-size: var(--small); font-weight: 600; white-space: nowrap; background: var(--grey-soft); color: var(--muted); }
.status::before { content: ""; flex: none; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: currentColor; }
.status[data-state="connected"] { background: var(--green-soft); color: var(--green); }
.status[data-state="reauth-required"], .status[data-state="scope-required"], .status[data-state="paused"] { background: var(--amber-soft); color: var(--amber); }
.status[data-status="running"] { background: var(--accent-soft); color: var(--accent); }
.status[data-status="awaiting-input"] { background: var(--amber-soft); color: var(--amber); }
.status[data-status="success"] { background: var(--green-soft); color: var(--green); }
.status[data-status="error"] { background: var(--red-soft); color: var(--red); }
@media (prefers-reduced-motion: no-preference) {
  .status[data-status="running"]::before { animation: pulse 1.6s ease-in-out infinite; }
}
@keyframes pulse { 50% { opacity: 0.3; } }

ul.plain { padding: 0; list-style: none; }
.rows { margin: 0 0 1rem; padding: 0; list-style: none; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); }
.rows > li { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 1rem; padding: 0.75rem 1.25rem; }
.rows > li + li { border-top: 1px solid var(--line); }
.rows .grow { flex: 1 1 16rem; min-width: 0; }
.rows .grow > a { color: var(--text); font-weight: 600; text-decoration: none; }
.rows .grow > a:hover { color: var(--accent); text-decoration: underline; }
/* The whole row leads where its name does. What else can be pressed in it stays above. */
.rows > li:has(.grow > a) { position: relative; }
.rows .grow > a::after { content: ""; position: absolute; inset: 0; }
.rows > li > :not(.grow) :is(a, button), .rows > li > :is(a, button) { position: relative; }
.rows .meta { display: block; }
.accounts { margin: 0; padding: 0; list-style: none; }
.accounts > li { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 0.75rem 1rem; padding: 0.875rem 0; border-top: 1px solid var(--line); }
.accounts > li:last-child { padding-bottom: 0; }
.accounts .grow { flex: 1 1 16rem; min-width: 0; }
.accounts p { margin: 0 0 0.25rem; }
.accounts .columns > div { min-width: 0; }
.columns > :first-child > :first-child, .columns > :first-child > section:first-child > h2 { margin-top: 0; }
.card > div > :last-child { margin-bottom: 0; }
@media (min-width: 60rem) {
  .columns { display: grid; grid-template-columns: minmax(0, 1fr) 19rem; gap: 0 2.5rem; align-items: start; }
  .columns > div > h2:first-child { margin-top: 0; }
  .columns .facts { grid-template-columns: 1fr; gap: 0; }
  .columns .facts dd + dt { margin-top: 0.5rem; }
}
.title { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.625rem; }
.accounts .actions { margin: 0; }
.more { margin-top: 0.875rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
.more > summary { color: var(--accent); }
.more[open] > summary { margin-bottom: 0.75rem; }
.chips { display: flex; flex-wrap: wrap; gap: 0.25rem 0.375rem; margin: 0.375rem 0 0; padding: 0; list-style: none; }
dd .chips { margin-top: 0.125rem; }
.chips code { padding: 0.0625rem 0.4375rem; background: var(--sunken); border-radius: 0.25rem; }
.tabs { display: flex; flex-wrap: wrap; gap: 0.375rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.tabs a { display: inline-flex; align-items: center; min-height: 2.25rem; padding: 0.125rem 0.75rem; color: var(--muted); text-decoration: none; border: 1px solid transparent; border-radius: 1.25rem; font-size: var(--small); }
.tabs a:hover { color: var(--text); border-color: var(--line); }
.tabs a[aria-current] { background: var(--accent-soft); color: var(--accent); font-weight: 600; }
.stages { display: flex; flex-wrap: wrap; gap: 0.25rem 0.5rem; margin: 0 0 1rem; padding: 0; list-style: none; counter-reset: stage; color: var(--muted); font-size: var(--small); }
.stages li { display: flex; gap: 0.5rem; min-width: 0; counter-increment: stage; }
.stages li:not(:last-child)::after { content: "›"; font-weight: 400; }
.stages .stage::before { content: counter(stage) ". "; }
.stages li[aria-current] > span { color: var(--text); font-weight: 600; }
.stages a { color: inherit; }
.tag { display: inline-block; padding: 0 0.5rem; border-radius: 1rem; background: var(--grey-soft); color: var(--muted); font-size: var(--small); font-weight: 600; }
.tag.risky { background: var(--amber-soft); color: var(--amber); }
.rows .grow > .tag { margin-left: 0.5rem; }
.rows h3 { margin: 0; }
.description { white-space: pre-line; }

.filters { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1.5rem; margin: 0 0 1rem; }
.filters .tabs { margin: 0; }
.filters form { display: flex; gap: 0.5rem; min-width: 0; max-width: 100%; margin: 0; }
.filters select { width: auto; min-width: 0; max-width: 16rem; }

dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: 0.375rem 1.5rem; }
dt { color: var(--muted); }
dd { margin: 0; min-width: 0; }
pre { padding: 0.75rem 1rem; background: var(--sunken); border-radius: var(--radius); white-space: pre-wrap; overflow-x: auto; }
summary { cursor: pointer; }
blockquote { margin: 0 0 1rem; padding: 0.25rem 0 0.25rem 1rem; border-inline-start: 3px solid var(--line-strong); white-space: pre-wrap; }
figure { margin: 0 0 1rem; }
figcaption { margin: 0.25rem 0; font-size: var(--small); }
progress { display: block; width: 100%; height: 0.5rem; margin: 0.25rem 0 0.75rem; accent-color: var(--accent); }
progress[value] { appearance: none; border: 0; border-radius: 0.25rem; background: var(--grey-soft); overflow: hidden; }
progress[value]::-webkit-progress-bar { background: var(--grey-soft); }
progress[value]::-webkit-progress-value { background: var(--accent); }
progress[value]::-moz-progress-bar { background: var(--accent); }
.card.failed { border-left: 4px solid var(--red); }
.step-head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.25rem 1rem; margin-bottom: 1.25rem; }
.step-head h1 { margin: 0; }
.step-head .meta { flex-basis: 100%; margin: 0; }
.card > .head { margin-bottom: 0.5rem; }
.card > .head .meta { margin: 0; }
.facts .meta, .timeline .meta { display: block; }
.facts dt { font-size: var(--small); }
.aside { margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
.scopes { padding-left: 1.25rem; }
.choices { display: grid; gap: 0.75rem; }
.choice { margin: 0; padding: 0.875rem 1rem; border: 1px solid var(--line); border-radius: var(--radius); }
.choice p { margin-bottom: 0.75rem; }
.tree, .tree ul { margin: 0; padding: 0; list-style: none; }
.tree ul ul { padding-left: 1.25rem; border-left: 1px solid var(--line); margin-left: 0.25rem; }
.tree li { padding: 0.125rem 0; }
.tree .key { color: var(--muted); margin-right: 0.375rem; unicode-bidi: isolate; }
.tree .key.item { font-size: var(--small); font-variant-numeric: tabular-nums; }
.tree .text { white-space: pre-wrap; unicode-bidi: isolate; }
.tree code { font-family: inherit; font-size: inherit; font-variant-numeric: tabular-nums; }
.tree + details { margin-top: 0.75rem; }
.words { font-family: inherit; font-size: inherit; background: var(--surface); border: 1px solid var(--line); }
.media img, .media audio { display: block; max-width: 100%; height: auto; border-radius: var(--radius); }
.media img { background: var(--sunken); }
.media audio { width: 100%; height: 2.75rem; }
.timeline { margin: 0; padding: 0; list-style: none; }
.timeline li { display: grid; grid-template-columns: 5.5rem 1fr; gap: 0 1rem; }
.timeline li > div { position: relative; padding: 0 0 0.875rem 1.25rem; border-left: 2px solid var(--line); min-width: 0; }
.timeline li > div::before { content: ""; position: absolute; left: -0.375rem; top: 0.4375rem; width: 0.625rem; height: 0.625rem; border-radius: 50%; background: var(--line-strong); border: 2px solid var(--page); }
.timeline:last-of-type li:last-child > div { border-color: transparent; }
.timeline:last-of-type li:last-child > div::before { background: var(--accent); }
.timeline time { color: var(--muted); font-size: var(--small); line-height: 1.75; font-variant-numeric: tabular-nums; }
.timeline .day { display: block; margin: 0.5rem 0 0.75rem; color: var(--muted); font-size: var(--small); font-weight: 600; border-bottom: 1px solid var(--line); }
.middle { padding: 0.375rem 0; }
@media (max-width: 36rem) {
  main { padding-top: 1.25rem; }
  nav .bar { gap: 0 1rem; }
  nav .sections { order: 3; flex-basis: 100%; gap: 0.75rem; overflow-x: auto; }
  nav .sections a { min-height: 2.5rem; }
  nav .user { max-width: 6rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
  .timeline li { grid-template-columns: 1fr; }
  .filters .tabs { gap: 0; }
  .filters .tabs a { padding: 0 0.5625rem; }
  .card, .rows > li { padding-left: 1rem; padding-right: 1rem; }
}
`;
