/**
 * Reads to screen readers what has changed in the elements with `data-announce`, and nothing else. Returns a function
 * that does so after an update.
 */
export function createAnnouncer() {
  const region = document.createElement('div');
  region.className = 'visually-hidden';
  region.setAttribute('aria-live', 'polite');
  document.body.append(region);
  let last = announced();
  return () => {
    const now = announced();
    const news = [...now]
      .filter(([key, text]) => text !== '' && last.get(key) !== text)
      .map(([, text]) => text);
    last = now;
    if (news.length > 0) region.textContent = news.join('. ');
  };
}

/** The texts of the elements, by id. */
function announced() {
  const elements = [...document.querySelectorAll('main [data-announce]')];
  return new Map(elements.map((element, index) => [element.id || index, element.textContent.trim()]));
}
