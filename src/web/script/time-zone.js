import { pageState } from './page-state.js';

const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** Tells the server the browser's time zone. Returns whether the page should be fetched again for it. */
export function tellTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || zone === pageState.timeZone) return false;
  const cookie = `latchkey-time-zone=${encodeURIComponent(zone)}`;
  // The server has been told and does not know this zone.
  if (document.cookie.includes(cookie)) return false;
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API.
  document.cookie = `${cookie}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
  return document.cookie.includes(cookie);
}
