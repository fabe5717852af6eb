/**
 * A browser without a window, for the demo and tests: it keeps cookies, follows redirects and submits forms, as a
 * browser without JavaScript does. It reads only the HTML of this project's pages and of the embedded authorization
 * server, and speaks only to servers on this machine.
 */
import { request } from 'undici';

export interface HeadlessPage {
  /** After all redirects. */
  url: URL;
  status: number;
  html: string;
  /** The text of the `h1`. */
  heading: string;
}

export interface HeadlessBrowser {
  open(url: string | URL): Promise<HeadlessPage>;
  /**
   * Presses a button of a page: submits its form with the values that the page filled in, and with these instead.
   *
   * @param button its text
   * @throws if the page has no such button in a form
   */
  press(page: HeadlessPage, button: string, values?: Record<string, string>): Promise<HeadlessPage>;
}

interface Navigation {
  method: 'GET' | 'POST';
  url: URL;
  body?: string;
  /** The page that the form is on. */
  from?: URL;
}

/** Per origin, by name. Paths are ignored. */
type Cookies = Map<string, Map<string, string>>;

const MAX_REDIRECTS = 12;
const ACCEPT = 'text/html,application/xhtml+xml,*/*;q=0.8';

export function createHeadlessBrowser(): HeadlessBrowser {
  const cookies: Cookies = new Map();
  return {
    open: (url) => navigate(cookies, { method: 'GET', url: new URL(url) }),
    press: (page, button, values = {}) => navigate(cookies, submission(page, button, values)),
  };
}

async function navigate(cookies: Cookies, first: Navigation): Promise<HeadlessPage> {
  let next = first;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const { statusCode, headers, body } = await send(cookies, next);
    const html = await body.text();
    const { location } = headers;
    if (statusCode < 300 || statusCode > 399 || typeof location !== 'string') {
      return { url: next.url, status: statusCode, html, heading: headingOf(html) };
    }
    next = { method: 'GET', url: new URL(location, next.url) };
  }
  throw new Error(
    `more than ${MAX_REDIRECTS} redirects, the last one to ${next.url.origin}${next.url.pathname}`,
  );
}

async function send(cookies: Cookies, { method, url, body, from }: Navigation) {
  const jar = cookies.get(url.origin) ?? new Map<string, string>();
  cookies.set(url.origin, jar);
  const headers = {
    accept: ACCEPT,
    ...(jar.size > 0 && { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
    ...(from && { origin: from.origin, 'content-type': 'application/x-www-form-urlencoded' }),
  };
  const response = await request(url, { method, headers, ...(body !== undefined && { body }) });
  keepCookies(jar, [response.headers['set-cookie'] ?? []].flat());
  return response;
}

/** An empty value deletes the cookie. */
function keepCookies(jar: Map<string, string>, setCookies: readonly string[]): void {
  for (const setCookie of setCookies) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(setCookie) ?? [];
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
}

const FORM = /<form\b([^>]*)>(.*?)<\/form>/gis;
const BUTTON = /<button\b([^>]*)>(.*?)<\/button>/gis;
const INPUT = /<input\b([^>]*)>/gi;

function submission({ url, html }: HeadlessPage, text: string, values: Record<string, string>): Navigation {
  for (const [, form = '', content = ''] of html.matchAll(FORM)) {
    const button = [...content.matchAll(BUTTON)].find(([, , label = '']) => textOf(label) === text);
    if (button === undefined) continue;
    const fields = new URLSearchParams(fieldsOf(content));
    const [, pressed = ''] = button;
    const name = attribute(pressed, 'name');
    if (name !== undefined) fields.set(name, attribute(pressed, 'value') ?? '');
    for (const [field, value] of Object.entries(values)) fields.set(field, value);
    return toNavigation(form, fields, url);
  }
  throw new Error(`no button "${text}" on the page "${headingOf(html)}" at ${url.pathname}`);
}

function toNavigation(form: string, fields: URLSearchParams, page: URL): Navigation {
  const url = new URL(attribute(form, 'action') || page, page);
  if (attribute(form, 'method')?.toLowerCase() === 'post') {
    return { method: 'POST', url, body: fields.toString(), from: page };
  }
  url.search = fields.toString();
  return { method: 'GET', url };
}

function fieldsOf(form: string): [string, string][] {
  return [...form.matchAll(INPUT)].flatMap(([, input = '']) => {
    const name = attribute(input, 'name');
    const isOff = /^(radio|checkbox)$/.test(attribute(input, 'type') ?? '') && !/\schecked\b/.test(input);
    return name === undefined || isOff ? [] : [[name, attribute(input, 'value') ?? '']];
  });
}

function attribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(`(?:^|\\s)${name}="([^"]*)"`, 'i').exec(tag) ?? [];
  return value === undefined ? undefined : decode(value);
}

function headingOf(html: string): string {
  return textOf(/<h1\b[^>]*>(.*?)<\/h1>/is.exec(html)?.[1] ?? '');
}

function textOf(html: string): string {
  return decode(html.replaceAll(/<[^>]*>/g, ''))
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
