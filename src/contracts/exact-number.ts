interface Decimal {
  /** Without zeros at either end; empty for zero. */
  digits: string;
  exponent: number;
}

const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const FLOATING_POINT = /[eE]/;
/** A literal of at most this many characters without an exponent is always exact: a double keeps 15 digits. */
const ALWAYS_EXACT_CHARACTERS = 15;
/** The digits that identify a double among all others. IEEE 754-2019 §5.12.2. */
const DIGITS_OF_A_DOUBLE = 17;
/** From here on JavaScript prints an exponent. ECMA-262, Number::toString. */
const PRINTED_WITH_EXPONENT = 1e21;

/**
 * Whether a number in a JSON text survives `JSON.parse` and `JSON.stringify`.
 *
 * An integer is exact if a double holds it and prints it back with the same value. Below 10^21 the notation does not
 * matter, because JavaScript prints an integer there. A fraction may have as many digits as a double can have; more
 * only if they are printed back. A number that becomes infinite, zero or an integer by being read is not exact. `-0`
 * is exact: it becomes `0`, which is the same number.
 */
export function isExactNumber(literal: string): boolean {
  const isFloat = FLOATING_POINT.test(literal);
  if (literal.length <= ALWAYS_EXACT_CHARACTERS && !isFloat) return true;
  const value = Number(literal);
  if (!Number.isFinite(value)) return false;
  const written = decimalOf(literal);
  if (written.digits === '') return true;
  const printsBack = isSame(written, decimalOf(String(value)));
  if (!Number.isInteger(value)) return printsBack || written.digits.length <= DIGITS_OF_A_DOUBLE;
  if (isFloat && Math.abs(value) >= PRINTED_WITH_EXPONENT) return printsBack;
  return printsBack && isSame(written, decimalOf(String(BigInt(value))));
}

function isSame(a: Decimal, b: Decimal): boolean {
  return a.digits === b.digits && a.exponent === b.exponent;
}

function decimalOf(literal: string): Decimal {
  const [, integer = '', fraction = '', exponent = '0'] = PARTS.exec(literal) ?? [];
  const digits = (integer + fraction).replace(/^0+/, '');
  // A loop: a regular expression for zeros at the end takes quadratic time on zeros in the middle.
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end -= 1;
  return { digits: digits.slice(0, end), exponent: Number(exponent) - fraction.length + digits.length - end };
}
