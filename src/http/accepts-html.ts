/** The media ranges that include HTML, the most specific first. The most specific one in the header applies. */
const HTML_RANGES = ['text/html', 'text/*', '*/*'];

/**
 * Whether an `Accept` header allows an HTML response. Without the header, any type is allowed.
 *
 * @see RFC 9110 §12.5.1
 */
export function acceptsHtml(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  const given = accept.split(',').map(rangeOf);
  const closest = HTML_RANGES.map((range) => given.find(({ name }) => name === range)).find((found) => found);
  return closest !== undefined && closest.weight > 0;
}

/** Whether an `Accept` header names HTML, as browsers do when they open an address. Programs send any type or JSON. */
export function namesHtml(accept = ''): boolean {
  return accept.split(',').some((part) => {
    const { name, weight } = rangeOf(part);
    return name === 'text/html' && weight > 0;
  });
}

function rangeOf(text: string): { name: string; weight: number } {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { name, weight: weight === undefined ? 1 : Number(weight.slice(2)) };
}
