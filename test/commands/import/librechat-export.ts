import { createCipheriv, randomBytes } from 'node:crypto';

export const CREDS_KEY = randomBytes(32).toString('hex');

/** As LibreChat encrypts what it stores of MCP servers. */
export function encrypted(text: string, key = CREDS_KEY): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', Buffer.from(key, 'hex'), iv);
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `${iv.toString('hex')}:${ciphertext.toString('hex')}`;
}

export const ADA = '65f0c0ffee65f0c0ffee0001';
export const BOB = '65f0c0ffee65f0c0ffee0002';

const ENDS = { mcp_oauth: '', mcp_oauth_refresh: ':refresh', mcp_oauth_client: ':client' };

/** A document of the collection `tokens`, as `mongoexport` writes it in relaxed mode. */
export function document(
  type: keyof typeof ENDS,
  text: string,
  {
    user = ADA,
    server = 'ledger',
    ...changes
  }: { user?: string; server?: string; [field: string]: unknown } = {},
) {
  return {
    _id: { $oid: randomBytes(12).toString('hex') },
    userId: { $oid: user },
    type,
    identifier: `mcp:${server}${ENDS[type]}`,
    token: encrypted(text),
    createdAt: { $date: '2026-11-01T00:00:00Z' },
    expiresAt: { $date: new Date(Date.now() + 3_600_000).toISOString() },
    __v: 0,
    ...changes,
  };
}

/** A client of which LibreChat stored the metadata that it was registered with. */
export function client(changes: Parameters<typeof document>[2] = {}, info: object = {}) {
  const metadata = {
    issuer: 'https://as.example',
    token_endpoint: 'https://as.example/token',
    server_url: 'https://ledger.example/mcp',
    client_source: 'dynamic',
    resource: 'https://ledger.example/mcp',
  };
  const stored = { client_id: 'registered', redirect_uris: ['https://chat.example/cb'], ...info };
  return document('mcp_oauth_client', JSON.stringify(stored), { metadata, ...changes });
}
