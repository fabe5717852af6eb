/** What several pages are made of: cards, notices, statuses, lists, tabs. */
export const PARTS = `.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem; margin-bottom: 1rem; }
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
.status[data-state="about-to-go-on"] { background: var(--accent-soft); color: var(--accent); }
.status[data-state="cancelling"] { background: var(--grey-soft); color: var(--muted); }
@media (prefers-reduced-motion: no-preference) {
  .status[data-status="running"]:not([data-state])::before { animation: pulse 1.6s ease-in-out infinite; }
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
form.narrow { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 0.5rem 1rem; margin: 0 0 1rem; }
form.narrow > div { flex: 1 1 9rem; min-width: 0; max-width: 16rem; }
form.narrow label { margin-top: 0; }
.filters select { width: auto; min-width: 0; max-width: 16rem; }
`;
