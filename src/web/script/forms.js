/** A reader who stops the browser's request can send the form again after this time. */
const AGAIN_AFTER_MS = 15_000;
const FIELDS = 'input, textarea, select, [contenteditable]';

/** Keeps an update of the page from changing a form that the reader has begun to fill in or has sent. */
export function watchForms() {
  const touch = ({ target }) => target.closest('form')?.setAttribute('data-touched', '');
  document.addEventListener('input', touch);
  document.addEventListener('change', touch);
  document.addEventListener('reset', ({ target }) => target.removeAttribute('data-touched'));
  document.addEventListener('submit', sendOnce);
  window.addEventListener('pageshow', allowAgain);
}

/** Whether an update must leave this element as it is. */
export function isKept(element) {
  if (!element.matches('form')) return false;
  return element.hasAttribute('data-touched') || hasFocusedField(element);
}

/**
 * Whether an update must not remove this element. A form that the new page no longer has is removed in any case: what
 * it asks was decided elsewhere.
 */
export function holdsKept(element, newPage) {
  const forms = element.matches('form') ? [element] : [...element.querySelectorAll('form')];
  return forms.some((form) => isKept(form) && (form.id === '' || newPage.getElementById(form.id) !== null));
}

function hasFocusedField(element) {
  const focused = document.activeElement;
  return focused?.matches(FIELDS) && focused.closest('form') !== null && element.contains(focused);
}

function sendOnce(event) {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.hasAttribute('data-sent')) {
    event.preventDefault();
    return;
  }
  form.setAttribute('data-sent', '');
  form.setAttribute('data-touched', '');
  // Later, because the browser leaves disabled buttons out of what it sends.
  setTimeout(() => setDisabled(form, true));
  setTimeout(() => allowForm(form), AGAIN_AFTER_MS);
}

// A browser shows a page again as it was left when the reader goes back.
function allowAgain() {
  for (const form of document.querySelectorAll('form[data-sent]')) allowForm(form);
}

function allowForm(form) {
  form.removeAttribute('data-sent');
  setDisabled(form, false);
}

function setDisabled(form, isDisabled) {
  for (const button of form.elements) {
    if (button.matches('button, input[type="submit"]')) button.disabled = isDisabled;
  }
}
