// @ts-check
// Describes Ajv's errors for people. `tool-arguments-thread.mjs` says why this is JavaScript.

/** @typedef {import('ajv').ErrorObject} ErrorObject */
/** @typedef {{ path: string[], message: string }} ArgumentProblem */

const MAX_PROBLEMS = 50;
/** Of a path and of a message, which may name keys of the arguments and values of the schema. */
const MAX_CHARACTERS = 500;
const MAX_VALUES = 10;

/**
 * Returns what is wrong with each part of the arguments. A message follows the part's name, names rules and never values
 * of the arguments.
 *
 * @param {readonly ErrorObject[]} errors
 * @returns {ArgumentProblem[]}
 */
export function describeProblems(errors) {
  const problems = new Map();
  for (const error of withoutBranches(errors)) {
    const problem = { path: pathOf(error), message: messageOf(error).slice(0, MAX_CHARACTERS) };
    problems.set(JSON.stringify(problem), problem);
    if (problems.size === MAX_PROBLEMS) break;
  }
  if (problems.size === 0) return [{ path: [], message: 'do not fit the tool' }];
  return [...problems.values()];
}

/**
 * Of alternatives, Ajv reports what is wrong with each and then that none fits. One alternative beside null is what the
 * person meant; of several, it is unknown which.
 *
 * @param {readonly ErrorObject[]} errors
 */
function withoutBranches(errors) {
  const alternatives = errors
    .filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
    .slice(0, MAX_PROBLEMS);
  return alternatives.reduce(
    (left, whole) => {
      const isBranch = (/** @type {ErrorObject} */ { schemaPath }) =>
        schemaPath.startsWith(`${whole.schemaPath}/`);
      const meant = left.filter((error) => isBranch(error) && error.params.type !== 'null');
      const branches = new Set(
        meant.map(({ schemaPath }) => schemaPath.slice(whole.schemaPath.length + 1).split('/')[0]),
      );
      const kept = branches.size === 1 ? meant : [whole];
      return left.flatMap((error) => (error === whole ? kept : isBranch(error) ? [] : [error]));
    },
    [...errors],
  );
}

/** @param {ErrorObject} error */
function pathOf({ instancePath, params }) {
  const path = instancePath
    .slice(0, MAX_CHARACTERS)
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const name = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty;
  return typeof name === 'string' ? [...path, name.slice(0, MAX_CHARACTERS)] : path;
}

/** @param {ErrorObject} error */
function messageOf({ keyword, params }) {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
    case 'dependencies':
      return 'is required';
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'is not a known field';
    case 'type':
      return `must be ${oneOf([params.type].flat().map((type) => TYPES[type] ?? type))}`;
    case 'enum':
      return `must be one of ${listed(params.allowedValues)}`;
    case 'const':
      return `must be ${listed([params.allowedValue])}`;
    case 'format':
      return FORMATS[params.format] ?? `must have the format “${params.format}”`;
    case 'multipleOf':
      return `must be a multiple of ${params.multipleOf}`;
    case 'uniqueItems':
      return 'must not have the same entry twice';
    case 'anyOf':
    case 'oneOf':
      return 'does not fit the tool: no alternative of its schema allows it';
    case 'propertyNames':
      return 'has a name that is not allowed';
    case 'false schema':
      return 'is not allowed';
    default:
      return limitOf(keyword, params.limit) ?? 'does not fit the tool';
  }
}

/**
 * @param {string} keyword
 * @param {number} limit
 */
function limitOf(keyword, limit) {
  if ((keyword === 'minLength' || keyword === 'minItems') && limit === 1) return 'must not be empty';
  return LIMITS[keyword]?.(limit);
}

/** @type {Readonly<Record<string, (limit: number) => string>>} */
const LIMITS = {
  minLength: (limit) => `must have at least ${limit} characters`,
  maxLength: (limit) => `must have at most ${counted(limit, 'character', 'characters')}`,
  minItems: (limit) => `must have at least ${limit} entries`,
  maxItems: (limit) => `must have at most ${counted(limit, 'entry', 'entries')}`,
  minProperties: (limit) => `must have at least ${counted(limit, 'field', 'fields')}`,
  maxProperties: (limit) => `must have at most ${counted(limit, 'field', 'fields')}`,
  minimum: (limit) => `must be at least ${limit}`,
  maximum: (limit) => `must be at most ${limit}`,
  exclusiveMinimum: (limit) => `must be more than ${limit}`,
  exclusiveMaximum: (limit) => `must be less than ${limit}`,
};

/** @type {Readonly<Record<string, string>>} */
const TYPES = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

/** @type {Readonly<Record<string, string>>} */
const FORMATS = {
  date: 'must be a date such as 2026-01-31',
  'date-time': 'must be a time such as 2026-01-31T09:00:00Z',
  time: 'must be a time of day such as 09:00:00Z',
  email: 'must be an email address',
  uri: 'must be a URL',
  url: 'must be a URL',
  uuid: 'must be a UUID',
};

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
function counted(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

/** @param {readonly unknown[]} values */
function listed(values) {
  const shown = values
    .slice(0, MAX_VALUES)
    .map((value) => JSON.stringify(value).slice(0, MAX_CHARACTERS / MAX_VALUES));
  const more = values.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** @param {readonly string[]} words */
function oneOf(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
