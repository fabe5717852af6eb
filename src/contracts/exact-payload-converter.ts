import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  JsonPayloadConverter,
  type Payload,
  UndefinedPayloadConverter,
} from '@temporalio/common';
import { type NumberProblem, numbersNotExact } from './numbers-not-exact.ts';

/**
 * Marks a value that was read. Registered, since a bundle of others may hold this module twice; not enumerable, so
 * that no copy and no JSON of the value has it.
 */
const ROUNDED = Symbol.for('latchkey: numbers that were rounded');

/** The numbers that reading this value from a payload has rounded: of an input, or of an update's argument. */
export function roundedNumbersOf(value: unknown): NumberProblem[] {
  const marked = typeof value === 'object' && value !== null && ROUNDED in value;
  // The cast is safe: nothing else has the symbol.
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

/** Reads and writes as the SDK's default converter does, and remembers which numbers reading has rounded. */
export class ExactPayloadConverter extends CompositePayloadConverter {
  constructor() {
    super(new UndefinedPayloadConverter(), new BinaryPayloadConverter(), new ExactJsonPayloadConverter());
  }
}

/** For Workers of others: unlike the lenient one, it fails for what it can't decode, as their workflows expect. */
export const payloadConverter = new ExactPayloadConverter();
