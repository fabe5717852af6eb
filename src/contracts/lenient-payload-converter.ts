import type { Payload } from '@temporalio/common';
import { ExactPayloadConverter } from './exact-payload-converter.ts';

/** The value of an undecodable payload in a workflow. No check accepts this string in place of an object. */
export const UNDECODABLE = 'undecodable payload';

/** The message for the client that sent it. Python's json module writes NaN and Infinity, which are not JSON. */
export function unreadable(what: string): string {
  return `the ${what} can't be read: it is not JSON (NaN and Infinity are not), or its encoding is not known here`;
}

/**
 * For the workflow bundle, which loads this file by its path. The SDK decodes inputs and signals before any workflow
 * code runs, and a payload that it can't decode fails the workflow task again and again: one malformed signal would
 * block a step permanently.
 */
class LenientPayloadConverter extends ExactPayloadConverter {
  override fromPayload<T>(payload: Payload): T {
    try {
      return super.fromPayload<T>(payload);
    } catch {
      // The cast hides that this is not a T. All code that reads input from outside checks its type first.
      return UNDECODABLE as T;
    }
  }
}

export const payloadConverter = new LenientPayloadConverter();
