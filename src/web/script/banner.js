import { pageState } from './page-state.js';

/** A server that restarts is back before this. */
const SHOW_AFTER_MS = 1_500;

/** Says at the bottom of the window that the page is not up to date, and why. */
export function createBanner() {
  const banner = document.createElement('div');
  banner.className = 'banner';
  banner.setAttribute('role', 'status');
  banner.hidden = true;
  document.body.append(banner);
  let timer;
  const show = (kind, ...content) => {
    clearTimeout(timer);
    timer = undefined;
    if (banner.dataset.kind === kind) return;
    banner.dataset.kind = kind;
    banner.replaceChildren(...content);
    banner.hidden = false;
  };
  return {
    away() {
      if (banner.dataset.kind === 'signed-out') return;
      timer ??= setTimeout(show, SHOW_AFTER_MS, 'away', 'No connection. Trying again…');
    },
    signedOut() {
      show('signed-out', 'You are signed out. ', signInLink());
    },
    clear() {
      clearTimeout(timer);
      timer = undefined;
      if (banner.hidden) return;
      banner.hidden = true;
      delete banner.dataset.kind;
      banner.replaceChildren();
    },
  };
}

function signInLink() {
  const link = document.createElement('a');
  const here = location.pathname.slice(pageState.base.length) + location.search;
  link.href = `${pageState.base}/sign-in?returnTo=${encodeURIComponent(here)}`;
  link.textContent = 'Sign in';
  return link;
}
