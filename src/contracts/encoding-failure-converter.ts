import { DefaultFailureConverter } from '@temporalio/common';

// The SDK loads this file by its path with `require`, from source too: it must hold no syntax of TypeScript.

/** Writes messages and stack traces of failures as payloads, so that a codec encrypts them. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
