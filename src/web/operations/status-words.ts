import type { StepStatus } from '../../contracts/step.ts';
import { STATUS_WORDS } from '../step-words.ts';

/** What a step's status is called to someone else than its user. */
export const STATUS_OF_ANYONE: Readonly<Record<StepStatus, string>> = {
  ...STATUS_WORDS,
  'awaiting-input': 'Waiting for its user',
};

export const CONNECTION_STATUS_WORDS = {
  connected: 'Connected',
  'reauth-required': 'Has to connect again',
} as const;
