import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  JsonPayloadConverter,
  type Payload,
  UndefinedPayloadConverter,
} from '@temporalio/common';
import { type NumberProblem, numbersNotExact } from './number-problems.ts';

/**
 * Marks a decoded value. A registered symbol, because another application's bundle may hold this module twice. Set as
 * not enumerable, so that no copy and no JSON of the value has it.
 */
const ROUNDED = Symbol.for('latchkey: numbers that were rounded');

/** Returns the numbers that were rounded when this value was decoded: an input, or an update's argument. */
export function roundedNumbersOf(value: unknown): NumberProblem[] {
  const marked = typeof value === 'object' && value !== null && ROUNDED in value;
  // The cast is safe: only `fromPayload` below sets the symbol.
  return marked ? (value[ROUNDED] as NumberProblem[]) : [];
}

class ExactJsonPayloadConverter extends JsonPayloadConverter {
  override fromPayload<T>(payload: Payload): T {
    const value = super.fromPayload<T>(payload);
    if (typeof value !== 'object' || value === null || !payload.data) return value;
    const rounded = numbersNotExact(new TextDecoder().decode(payload.data));
    if (rounded.length > 0) Object.defineProperty(value, ROUNDED, { value: rounded });
    return value;
  }
}

/** Converts like the SDK's default converter, and remembers which numbers were rounded by decoding. */
export class ExactPayloadConverter extends CompositePayloadConverter {
  constructor() {
    super(new UndefinedPayloadConverter(), new BinaryPayloadConverter(), new ExactJsonPayloadConverter());
  }
}

/**
 * For other applications' Workers, which load this file by its path. Unlike the lenient converter, it throws for an
 * undecodable payload, as their workflows expect.
 */
export const payloadConverter = new ExactPayloadConverter();
