import { createHash } from 'node:crypto';
import { CONTROLS } from './stylesheet/controls.ts';
import { FOUNDATION } from './stylesheet/foundation.ts';
import { PARTS } from './stylesheet/parts.ts';
import { PHONE } from './stylesheet/phone.ts';
import { STEP } from './stylesheet/step.ts';

/**
 * The only stylesheet: one accent colour, one type scale (0.8125, 0.9375, 1.125 and 1.625 rem), in light and dark, from
 * 360 px on. The colours of statuses appear only where a status is meant.
 */
export const STYLESHEET = [FOUNDATION, CONTROLS, PARTS, STEP, PHONE].join('');

const HASH = createHash('sha256').update(STYLESHEET).digest('base64url').slice(0, 16);

/** The path of the stylesheet below PUBLIC_URL. It changes with the text, so browsers may cache it indefinitely. */
export function stylesheetPath(): string {
  return `/assets/latchkey-${HASH}.css`;
}
