/**
 * `ApplicationFailure.type` of an activity whose worker could not read what it was asked: it lacks the key, and
 * the activity did not start.
 */
export const PAYLOAD_KEY_MISSING = 'PayloadKeyMissing';
