import { describe, expect, test } from 'vitest';
import { PIECE_CHARACTERS } from '../../src/contracts/json-string.ts';
import { readForm } from '../../src/http/plugins/form-body.ts';

function read(text: string) {
  const reading = readForm(text);
  for (;;) {
    const piece = reading.next();
    if (piece.done) return piece.value;
  }
}

describe('a form', () => {
  test.each([
    ['nothing', ''],
    ['empty parts', '&&a=1&&'],
    ['spaces and signs', 'a+b=c+d%2B%26%3D'],
    ['a value with equal signs', 'a==b=c'],
    ['no value', 'a'],
    ['no name', '=a'],
    ['broken escapes', 'a=%&b=%4&c=%zz&d=%ff%fe'],
    ['a name of a prototype', '__proto__=1&constructor=2'],
  ])('with %s is read as the URL standard says', (_, text) => {
    expect(read(text)).toEqual(Object.fromEntries(new URLSearchParams(text)));
  });

  test('whose long texts are cut inside of characters is read like a short one', () => {
    for (const character of ['é', '€', '😀', '%', '+', 'a']) {
      for (let shift = 0; shift < 12; shift += 1) {
        const value = 'x'.repeat(PIECE_CHARACTERS - shift) + character.repeat(40);
        const text = `a=${encodeURIComponent(value)}&b=${value.replaceAll('%', '%25').replaceAll('+', '%2B')}`;
        expect(read(text)).toEqual({ a: value, b: value });
      }
    }
  });

  test('that has a field twice, or more fields than any form, is refused', () => {
    expect(read('a=1&b=2&%61=3')).toBeUndefined();
    expect(read('a=1&'.repeat(600))).toBeUndefined();
    expect(read(Array.from({ length: 501 }, (_, n) => `f${n}=`).join('&'))).toBeUndefined();
    expect(Object.keys(read(Array.from({ length: 500 }, (_, n) => `f${n}=`).join('&')) ?? {})).toHaveLength(
      500,
    );
  });
});
