import { expect, test } from 'vitest';
import { formsOf, headsOf, maxFormLength } from '../../src/net/secret-forms.ts';
import { createSecretRedaction } from '../../src/net/secret-redaction.ts';

test.each([
  ['letters', 'aZ9-_.~'.repeat(40)],
  ['characters that encoders replace', '/+=&<>"\'\\%'.repeat(20)],
  ['characters of two and three bytes', 'ü漢'.repeat(50)],
  ['characters of two units', `x${'🔑'.repeat(60)}`],
  ['control characters', '\u0001a\u007f'.repeat(40)],
  ['half a character', `${'ab\ud800'.repeat(30)}`],
  ['few characters', 'hunter22'],
])('the forms of a secret of %s begin with its heads, and all are redacted', (_what, secret) => {
  const heads = headsOf(secret);
  for (const form of formsOf(secret)) {
    expect(heads.some((head) => form.startsWith(head))).toBe(true);
    expect(form.length).toBeLessThanOrEqual(maxFormLength(secret));
    expect(createSecretRedaction(secret).inText(`x${form}y`)).not.toContain(form);
  }
});
