import { createHash } from 'node:crypto';

/** The path of the script below PUBLIC_URL. It changes with the text, so browsers may cache it indefinitely. */
export function scriptPath(): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64url').slice(0, 16);
  return `/assets/latchkey-${hash}.js`;
}

/** The only script. Every page works without it. */
export const SCRIPT = `'use strict';
{
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = 'latchkey-time-zone=' + encodeURIComponent(zone) + '; Path=/; Max-Age=31536000; SameSite=Lax' + secure;
}
`;
