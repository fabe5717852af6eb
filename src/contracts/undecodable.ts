/** What a payload that can't be decoded becomes in a workflow: no guard takes a text for what it expects. */
export const UNDECODABLE = 'undecodable payload';

/** For the client that sent it. Python's own JSON writes NaN and Infinity, which no other reader takes. */
export function unreadable(what: string): string {
  return `the ${what} can't be read: it is not JSON (NaN and Infinity are not), or its encoding is not known here`;
}
