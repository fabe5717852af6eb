import { isAbsent, isObject } from './json-guards.ts';

/** Hand-written, as everything that runs in workflows: what any client may have sent under an update's name. */
export function isApproval(message: unknown): boolean {
  return isAbsent(message) || (hasOnly(message, ['arguments']) && isOptional(message.arguments, isObject));
}

export function isRejection(message: unknown): boolean {
  return isAbsent(message) || (hasOnly(message, ['reason']) && isOptional(message.reason, isText));
}

export function isResolution(message: unknown): boolean {
  if (!hasOnly(message, ['action', 'result'])) return false;
  const { action, result } = message;
  if (action === 'retry' || action === 'fail') return isAbsent(result);
  return action === 'succeed' && isOptional(result, isResult);
}

function isResult(result: unknown): boolean {
  if (!hasOnly(result, ['content', 'structuredContent'])) return false;
  return isOptional(result.content, Array.isArray) && isOptional(result.structuredContent, isObject);
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return isAbsent(value) || check(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2048;
}

function hasOnly(value: unknown, names: string[]): value is Record<string, unknown> {
  return isObject(value) && Object.keys(value).every((name) => names.includes(name));
}
