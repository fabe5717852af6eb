import { randomBytes } from 'node:crypto';

/** What people and libraries do to a text before they write it down. */
export const disguises: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => secret,
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64 behind one byte': (secret) => Buffer.from(`:${secret};`).toString('base64'),
  'in base64 behind two bytes': (secret) => Buffer.from(`a:${secret};b`).toString('base64'),
  'in base64url': (secret) => Buffer.from(secret).toString('base64url'),
  'in base64url behind one byte': (secret) => Buffer.from(`:${secret};`).toString('base64url'),
  'in base64url behind two bytes': (secret) => Buffer.from(`a:${secret};b`).toString('base64url'),
  'percent-encoded': encodeURIComponent,
  'form-encoded': (secret) => new URLSearchParams({ note: secret }).toString(),
  'in hex': (secret) => Buffer.from(secret).toString('hex'),
  'in hex in capitals': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'in JSON': (secret) => JSON.stringify({ note: secret }),
  'in base64 in JSON in base64': (secret) => nested(Buffer.from(secret).toString('base64')),
  'in hex in JSON in base64url': (secret) =>
    Buffer.from(nested(Buffer.from(secret).toString('hex'))).toString('base64url'),
};

/** One whose encoded forms all differ. */
export function newPlantedSecret(): string {
  return `a"\\ +/?=é${randomBytes(12).toString('base64')}`;
}

function nested(text: string): string {
  return Buffer.from(JSON.stringify({ data: text })).toString('base64');
}
