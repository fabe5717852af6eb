import type { ConnectCode } from './connect-code.ts';

/** Why a user can't be connected. */
export interface FlowRefusal {
  kind: 'refused';
  code: ConnectCode;
  /** For the operator. Holds no secret. */
  message: string;
}

export function refused(code: ConnectCode, message: string): FlowRefusal {
  return { kind: 'refused', code, message };
}
