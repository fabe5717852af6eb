import { holdsKept, isKept } from './forms.js';

/**
 * Makes `<main>` what it is in another version of the page, and keeps the rest: focus, scroll positions, which details
 * are open, and forms that the reader has touched. Loads the page anew if by now somebody else is signed in, or the
 * reader's rights have changed: the links and forms of the old page are not theirs.
 */
export function morphMain(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const main = page.querySelector('main');
  if (page.body.dataset.signedIn !== document.body.dataset.signedIn) return location.reload();
  if (main === null) return;
  if (document.title !== page.title) document.title = page.title;
  useStylesheetOf(page);
  const focused = document.activeElement;
  Idiomorph.morph(document.querySelector('main'), main, {
    morphStyle: 'outerHTML',
    callbacks: {
      beforeNodeMorphed: (element) => !isElement(element) || !isKept(element),
      beforeNodeRemoved: (element) => !isElement(element) || !holdsKept(element, page),
      beforeAttributeUpdated: (name, element) => !(name === 'open' && element.matches('details')),
    },
  });
  // What was focused is gone: the reader goes on at the top of the content, not at the top of the window.
  if (focused?.isConnected === false) document.querySelector('main').focus({ preventScroll: true });
}

// The server may have another version by now.
function useStylesheetOf(page) {
  const [current, next] = [document, page].map((one) => one.querySelector('link[rel="stylesheet"]'));
  const href = next?.getAttribute('href');
  if (href && current?.getAttribute('href') !== href) current?.setAttribute('href', href);
}

function isElement(node) {
  return node.nodeType === Node.ELEMENT_NODE;
}
