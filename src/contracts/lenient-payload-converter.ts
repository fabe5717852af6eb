import type { Payload } from '@temporalio/common';
import { ExactPayloadConverter } from './exact-payload-converter.ts';
import { UNDECODABLE } from './undecodable.ts';

/**
 * For the workflow bundle. The SDK decodes inputs and signals before any workflow code runs, and what it can't
 * decode fails the workflow task for ever: one malformed signal would keep a step from ever going on.
 */
class LenientPayloadConverter extends ExactPayloadConverter {
  override fromPayload<T>(payload: Payload): T {
    try {
      return super.fromPayload<T>(payload);
    } catch {
      // The cast is what makes it lenient: whoever takes inputs from outside checks them.
      return UNDECODABLE as T;
    }
  }
}

export const payloadConverter = new LenientPayloadConverter();
