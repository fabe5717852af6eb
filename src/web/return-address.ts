const MAX_LENGTH = 2048;

/** What may follow PUBLIC_URL in a link back. `//host` and `/\host` are other hosts to a browser, so they are refused. */
const OWN_PATH = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/;

export interface ReturnRules {
  /** Without a trailing slash. */
  publicUrl: string;
  /** Origins that a whole URL may have. */
  origins: readonly string[];
}

/** Whether a text is a path below PUBLIC_URL, such as `/connect/notes?step=s1`. */
export function isOwnPath(text: string): boolean {
  return text.length <= MAX_LENGTH && OWN_PATH.test(text);
}

/** Returns the URL that a path below PUBLIC_URL or a URL of an allowed origin leads to; undefined for anything else. */
export function returnAddress(text: string, { publicUrl, origins }: ReturnRules): string | undefined {
  if (isOwnPath(text)) return `${publicUrl}${text}`;
  if (text.length > MAX_LENGTH || !/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/i.test(text)) return undefined;
  const url = URL.parse(text);
  const isAllowed =
    url !== null && url.username === '' && url.password === '' && origins.includes(url.origin);
  return isAllowed ? url.href : undefined;
}
