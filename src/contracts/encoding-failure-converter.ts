import { DefaultFailureConverter } from '@temporalio/common';

// The SDK loads this file by its path with `require`, also from source: use no TypeScript syntax here.

/** Encodes messages and stack traces of failures as payloads, so that a codec encrypts them. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
