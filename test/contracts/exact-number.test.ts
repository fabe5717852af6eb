import { describe, expect, test } from 'vitest';
import { isExactNumber } from '../../src/contracts/exact-number.ts';
import { leastDelay } from '../support/longest-delay.ts';
import { EXACT, INEXACT } from '../support/number-literals.ts';

/** Reads and writes a number as JavaScript does. */
const passedOn = (literal: string) => JSON.stringify(JSON.parse(literal));

describe('a number of a JSON text', () => {
  test.each(EXACT)('is exact: %s', (literal) => {
    expect(isExactNumber(literal)).toBe(true);
  });

  test.each(INEXACT)('is not exact: %s', (literal) => {
    expect(isExactNumber(literal)).toBe(false);
  });

  // A step's number is read and written many times. Each reader must judge it in the same way.
  test.each(EXACT)('that is exact stays exact when it is written and read again: %s', (literal) => {
    expect(isExactNumber(passedOn(literal))).toBe(true);
    expect(passedOn(passedOn(literal))).toBe(passedOn(literal));
  });

  test('that is an integer is exact only if the same integer is written again', () => {
    for (let power = 50n; power < 75n; power++) {
      for (const near of [-3n, -2n, -1n, 0n, 1n, 2n, 3n]) {
        const literal = String(2n ** power + near);
        const printed = passedOn(literal);
        const comesOut = !printed.includes('e') && BigInt(printed) === BigInt(literal);
        const isHeld = BigInt(Number(literal)) === BigInt(literal);
        expect([literal, isExactNumber(literal)]).toEqual([literal, isHeld && comesOut]);
      }
    }
  });

  test('of a megabyte is judged at once', async () => {
    const zeros = '0'.repeat(1_000_000);
    const took = await leastDelay(
      async () => {
        expect(isExactNumber(`1.${zeros}1`)).toBe(false);
        expect(isExactNumber(`1.5${zeros}`)).toBe(true);
        expect(isExactNumber(`1${zeros}`)).toBe(false);
        expect(isExactNumber(`0.${zeros}`)).toBe(true);
      },
      { below: 2_000 },
    );
    expect(took).toBeLessThan(2_000);
  });
});
