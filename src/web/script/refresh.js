import { morphMain } from './morph.js';

const INTERVAL_MS = 1_000;
const RETRY_MS = 5_000;
/** What lists show may lag behind a change by about a second. */
const ECHO_MS = 2_000;

/**
 * Fetches the page again and updates it, at most once a second and only while it is visible. `onUpdated` is called
 * after each update, `onAway` when the server does not answer, `onRedirected` when it leads elsewhere.
 */
export function createRefresher({ onUpdated, onAway, onRedirected }) {
  let shown = '';
  let timer;
  let dueAt = Infinity;
  let echoAt = 0;
  let startedAt = -INTERVAL_MS;
  let request;

  const schedule = (delayMs) => {
    const at = Math.max(performance.now() + delayMs, startedAt + INTERVAL_MS);
    if (document.hidden || at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(run, at - performance.now());
  };
  const run = async () => {
    dueAt = Infinity;
    if (request !== undefined) return schedule(INTERVAL_MS);
    startedAt = performance.now();
    request = new AbortController();
    const { signal } = request;
    const page = await fetchPage(signal).catch(() => ({ kind: 'away' }));
    request = undefined;
    if (!signal.aborted) schedule(update(page));
  };
  /** Returns in how many milliseconds the page is to be fetched again. */
  const update = ({ kind, html }) => {
    if (kind === 'redirected') {
      onRedirected();
      return Infinity;
    }
    if (kind === 'away') {
      onAway();
      return RETRY_MS;
    }
    if (html !== shown) morphMain(html);
    shown = html;
    onUpdated();
    const echoMs = echoAt > startedAt ? echoAt - performance.now() : Infinity;
    return Math.min(echoMs, refreshMs());
  };
  return {
    refresh: () => schedule(0),
    /** Also looks again a little later. */
    refreshAfterChange() {
      echoAt = performance.now() + ECHO_MS;
      schedule(0);
    },
    start: () => schedule(refreshMs()),
    stop() {
      clearTimeout(timer);
      dueAt = Infinity;
      request?.abort();
    },
  };
}

/** How often the page wants to be fetched again without a change, in milliseconds. */
function refreshMs() {
  const wishes = [...document.querySelectorAll('[data-refresh-seconds]')];
  const seconds = wishes.map(({ dataset }) => Number(dataset.refreshSeconds)).filter((wish) => wish > 0);
  return Math.min(...seconds) * 1_000;
}

async function fetchPage(signal) {
  // The header marks a request of the script, which does not extend the session. It says for how long the page has been
  // open, by which the server decides how soon it is to be fetched again.
  const openSeconds = Math.ceil(performance.now() / 1_000);
  const headers = { accept: 'text/html', 'latchkey-refresh': String(openSeconds) };
  const response = await fetch(location.href, { headers, signal, cache: 'no-store', redirect: 'manual' });
  if (response.type === 'opaqueredirect') return { kind: 'redirected' };
  if (response.status === 429 || response.status >= 500) return { kind: 'away' };
  // Also the page that says that what was shown is gone, or is not for this reader any more.
  return { kind: 'page', html: await response.text() };
}
