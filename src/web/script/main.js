import { createAnnouncer } from './announcer.js';
import { createBanner } from './banner.js';
import { followChanges } from './changes.js';
import { watchForms } from './forms.js';
import { pageState } from './page-state.js';
import { createRefresher } from './refresh.js';
import { tellTimeZone } from './time-zone.js';

const banner = createBanner();
const announce = createAnnouncer();
const refresher = createRefresher({
  onUpdated() {
    banner.clear();
    announce();
  },
  onAway: banner.away,
  onRedirected: findOutWhy,
});
/** The latest change that the page has heard of. */
let seen = pageState.change;
let following;

watchForms();
if (tellTimeZone() && !pageState.answersForm && showsTimes()) refresher.refresh();
if (!pageState.answersForm) {
  document.addEventListener('visibilitychange', () => (document.hidden ? stop() : resume()));
  window.addEventListener('pagehide', stop);
  window.addEventListener('pageshow', ({ persisted }) => persisted && resume());
  if (!document.hidden) start();
}

function showsTimes() {
  return document.querySelector('main time') !== null;
}

function start() {
  refresher.start();
  if (pageState.events === undefined) return;
  following?.abort();
  following = new AbortController();
  void followChanges({
    events: pageState.events,
    signal: following.signal,
    seen: () => seen,
    onNumber: (change) => {
      seen = change;
    },
    onChange: refresher.refreshAfterChange,
    onRecheck: refresher.refresh,
    onBack: banner.clear,
    onAway: banner.away,
    onSignedOut: banner.signedOut,
  });
}

function stop() {
  following?.abort();
  refresher.stop();
}

function resume() {
  start();
  if (pageState.events !== undefined) refresher.refresh();
}

/** The page now leads elsewhere: to the sign-in, or on. */
async function findOutWhy() {
  if (pageState.events !== undefined) {
    const response = await fetch(pageState.events, { headers: { accept: 'application/json' } }).catch(
      () => undefined,
    );
    if (response?.status === 401) {
      stop();
      return banner.signedOut();
    }
  }
  if (document.querySelector('form[data-touched]') === null) location.reload();
}
