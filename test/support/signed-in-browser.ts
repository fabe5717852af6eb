import { hiddenFields } from '../http/browser-client.ts';

/** A browser in which a user is signed in to a running server with the development sign-in. */
export interface SignedInBrowser {
  open(path: string): Promise<Response>;
  /** Submits the form of a page with this action. Does not follow the redirect. */
  submit(action: string, fields: Record<string, string>): Promise<Response>;
}

/** @param url the server's address, which is its `PUBLIC_URL` too */
export async function signIn(url: string, userId: string): Promise<SignedInBrowser> {
  const cookies = new Map<string, string>();
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html', cookie, origin: url };
    const response = await fetch(`${url}${path}`, { redirect: 'manual', headers, ...init });
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=');
      cookies.set(name, value);
    }
    return response;
  };
  const browser: SignedInBrowser = {
    open: (path) => send(path),
    submit: (action, fields) => send(action, { method: 'POST', body: new URLSearchParams(fields) }),
  };
  const fields = hiddenFields(await (await browser.open('/sign-in')).text(), '/sign-in');
  await browser.submit('/sign-in', { ...fields, user: userId });
  return browser;
}
