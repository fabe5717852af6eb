/** The page of a step, and what it shows of JSON. */
export const STEP = `dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: 0.375rem 1.5rem; }
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
`;
