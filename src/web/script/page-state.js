const { base = '', change, events, timeZone = '', form } = document.body.dataset;

/** What the server wrote on the page. */
export const pageState = {
  /** The path of PUBLIC_URL without a trailing slash. */
  base,
  /** The change number that the page shows at least; undefined: the server did not know it. */
  change,
  /** The address of the events; undefined: the page does not change. */
  events,
  /** The time zone that the page was written for; empty: the server did not know it. */
  timeZone,
  /** The page answers a form. Its address may be the form's, which can't be fetched again. */
  answersForm: form !== undefined,
};
