/** The server sends the first event at once. A stream without it passes a proxy that waits for the end of the answer. */
const SILENCE_MS = 5_000;
/** The server sends an event every 30 s. A stream without one has lost its server. */
const LOST_MS = 75_000;
/** All browsers lose a server that restarts at once, and are not to come back at once. */
const FIRST_PAUSE_MS = 500;
const ASK_MS = 5_000;
const ASK_TIMEOUT_MS = 10_000;
/** How often to ask before the next try of a stream, where no stream passed. */
const ASKS = 6;
const MAX_ASKS = 60;
/** Where there is no stream, as often as the server sends `recheck`. */
const ASKS_TO_RECHECK = 6;
const MAX_BACKOFF_MS = 15_000;

/**
 * Learns from the server that something has changed, until `signal` aborts or the reader is signed out. Begins with a
 * stream. When the stream ends, or does not get through, it asks, which also tells why, and tries a stream again later.
 *
 * @param seen returns the latest change number that the page has heard of, if any
 * @param onNumber called with each change number
 * @param onChange called for each change
 * @param onRecheck called when the page should look again without a known change
 */
export async function followChanges(options) {
  const { signal } = options;
  let failures = 0;
  while (!signal.aborted) {
    const hasPassed = await readStream(options);
    failures = hasPassed ? 0 : failures + 1;
    const isSignedIn = await askFor(hasPassed ? 1 : Math.min(ASKS * failures, MAX_ASKS), options);
    if (!isSignedIn) return;
  }
}

/** Resolves when the stream is over: true if it got through, and lasted. */
function readStream({ events, seen, onNumber, onChange, onRecheck, onBack, signal }) {
  return new Promise((resolve) => {
    const openedAt = performance.now();
    const source = new EventSource(addressAfter(events, seen()));
    let timer;
    let hasPassed = false;
    const end = () => {
      clearTimeout(timer);
      source.close();
      signal.removeEventListener('abort', end);
      resolve(hasPassed && performance.now() - openedAt > SILENCE_MS);
    };
    const on = (name, handle) =>
      source.addEventListener(name, ({ data }) => {
        clearTimeout(timer);
        timer = setTimeout(end, LOST_MS);
        hasPassed = true;
        const { change, changed } = JSON.parse(data);
        onNumber(change);
        handle(changed);
      });
    on('ready', (changed) => (changed ? onChange() : onBack()));
    on('change', onChange);
    on('recheck', onRecheck);
    // A browser that connects again by itself would not tell a restart from a sign-out.
    source.addEventListener('error', end);
    signal.addEventListener('abort', end);
    timer = setTimeout(end, SILENCE_MS);
  });
}

/** Asks so many times, and on while the server is away. Returns false after a sign-out. */
async function askFor(times, options) {
  const { onChange, onRecheck, onAway, onSignedOut, signal } = options;
  let failures = 0;
  await pause(FIRST_PAUSE_MS, signal);
  for (let asked = 1; !signal.aborted; asked += 1) {
    const answer = await ask(options);
    if (signal.aborted) return true;
    if (answer === 'signed-out') {
      onSignedOut();
      return false;
    }
    const isBack = failures > 0;
    failures = answer === 'away' ? failures + 1 : 0;
    if (answer === 'away') onAway();
    else if (answer === 'changed') onChange();
    else if (isBack || asked % ASKS_TO_RECHECK === 0) onRecheck();
    if (failures === 0 && asked >= times) return true;
    await pause(failures === 0 ? ASK_MS : Math.min(500 * 2 ** failures, MAX_BACKOFF_MS), signal);
  }
  return true;
}

/** @returns {Promise<'changed' | 'same' | 'signed-out' | 'away'>} */
async function ask({ events, seen, onNumber, signal }) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ASK_TIMEOUT_MS);
  const abort = () => limit.abort();
  signal.addEventListener('abort', abort);
  try {
    const headers = { accept: 'application/json' };
    const response = await fetch(addressAfter(events, seen()), {
      headers,
      signal: limit.signal,
      cache: 'no-store',
    });
    if (response.status === 401) return 'signed-out';
    if (!response.ok) return 'away';
    const { change, changed } = await response.json();
    onNumber(change);
    return changed ? 'changed' : 'same';
  } catch {
    return 'away';
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms * (0.75 + Math.random() / 2));
    function end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end);
  });
}

function addressAfter(events, seen) {
  return seen === undefined ? events : `${events}?after=${encodeURIComponent(seen)}`;
}
