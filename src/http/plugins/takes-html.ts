/** The media ranges that HTML is of, the closest first: it is the closest one in the header that counts. */
const RANGES = ['text/html', 'text/*', '*/*'];

/**
 * Whether an `Accept` header lets an answer be HTML; without one anything may be sent.
 *
 * @see RFC 9110 §12.5.1
 */
export function takesHtml(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  const given = accept.split(',').map(rangeOf);
  const closest = RANGES.map((range) => given.find(({ name }) => name === range)).find((found) => found);
  return closest !== undefined && closest.weight > 0;
}

function rangeOf(text: string): { name: string; weight: number } {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { name, weight: weight === undefined ? 1 : Number(weight.slice(2)) };
}
