/** What clients may start a step with, by what is special about it. */
export type InputCases = [name: string, input: unknown][];

const REQUIRED = { userId: 'ada', mcpServerId: 'ledger', tool: 'create_invoice' };

function withField(name: string, value: unknown): Record<string, unknown> {
  return { ...REQUIRED, [name]: value };
}

const withTimeout = (name: string, value: unknown) => withField('timeouts', { [name]: value });
// A literal's __proto__ is no field of its own; one that came as JSON is.
const parsed = (field: string) => JSON.parse(`{${JSON.stringify(REQUIRED).slice(1, -1)},${field}}`);

const ID_FIELDS = ['userId', 'mcpServerId', 'tool'];
const TIMEOUTS = ['call', 'approval', 'reauth', 'resolution', 'unavailable'];

const GOOD_IDS: InputCases = [
  ['one character', 'a'],
  ['255 characters', 'a'.repeat(255)],
  ['255 characters outside the basic plane', '🦉'.repeat(255)],
  ['spaces and slashes', ' a/b ’ "c" \\d <e> '],
  ['a soft hyphen and a joiner', '\u00ad\u200d'],
];

const BAD_IDS: InputCases = [
  ['nothing', ''],
  ['null', null],
  ['a number', 7],
  ['a boolean', true],
  ['a list', ['ada']],
  ['an object', { id: 'ada' }],
  ['256 characters', 'a'.repeat(256)],
  ['256 characters outside the basic plane', '🦉'.repeat(256)],
  ['a million characters', 'a'.repeat(1_000_000)],
  ['a newline', 'a\nb'],
  ['a zero byte', 'a\u0000'],
  ['a delete', 'a\u007f'],
  ['a C1 control character', 'a\u0085'],
  ['a lone high surrogate', 'a\ud83e'],
  ['a lone low surrogate', '\udd89a'],
];

const BAD_DURATIONS: InputCases = [
  ['nothing', ''],
  ['a number', 30],
  ['a number in words', '30'],
  ['a list', ['30s']],
  ['zero', '0s'],
  ['a negative duration', '-5m'],
  ['a sum', '1h 30m'],
  ['an unknown unit', '5 parsecs'],
  ['only a unit', 'minutes'],
  ['an ISO 8601 duration', 'PT5M'],
  ['infinity', 'Infinity'],
  ['NaN', 'NaN'],
  ['an exponent', '1e3s'],
  ['a comma', '1,5h'],
  ['a space before', ' 5m'],
  ['a space after', '5m '],
  ['a newline', '5m\n'],
  ['less than a millisecond', '0.0001ms'],
  ['far too much', `${'9'.repeat(60)}d`],
  ['very many digits', `${'0'.repeat(100)}5m`],
];

export const GOOD_INPUTS: InputCases = [
  ['only what is required', REQUIRED],
  ...ID_FIELDS.flatMap((field) => GOOD_IDS.map(([what, id]) => named(`${field} of ${what}`, field, id))),
  ...GOOD_IDS.map(([what, id]) => named(`an account of ${what}`, 'account', id)),
  named('no arguments', 'arguments', {}),
  named('nested arguments', 'arguments', { a: { b: [1, null, { c: 'd' }] }, '': 0 }),
  ['arguments named like a prototype', parsed('"arguments":{"constructor":1,"toString":{}}')],
  named('the shortest step id', 'stepId', '~'),
  named('the longest step id', 'stepId', 'aZ09._~-'.repeat(16)),
  named('a title', 'title', 'Invoice für ACME'),
  named('a title of 255 characters', 'title', 'a'.repeat(255)),
  ...['fully-automated', 'automated-with-confirmation', 'confirm-destructive'].map((mode): InputCases[0] =>
    named(`the mode ${mode}`, 'mode', mode),
  ),
  ...['auto', 'read-only', 'idempotent', 'unsafe'].map((word): InputCases[0] =>
    named(`the side effects ${word}`, 'sideEffects', word),
  ),
  named('no timeouts', 'timeouts', {}),
  ...TIMEOUTS.map((name): InputCases[0] => [`a ${name} of 90 s`, withTimeout(name, '90s')]),
  ...['5m', '5 m', '30 days', '1.5h', '1 Day', '500ms', '2 weeks'].map((text): InputCases[0] => [
    `a duration of ${text}`,
    withTimeout('reauth', text),
  ]),
  ['a call up to its ceiling', withTimeout('call', '1h')],
  ['a pause up to its ceiling', withTimeout('reauth', '365 days')],
  ['an outage up to its ceiling', withTimeout('unavailable', '30 days')],
];

export const BAD_INPUTS: InputCases = [
  ['undefined', undefined],
  ['null', null],
  ['a string', 'ada'],
  ['a number', 7],
  ['a boolean', false],
  ['a list', [REQUIRED]],
  ['an empty list', []],
  ['an empty object', {}],
  ...ID_FIELDS.map((field): InputCases[0] => [`no ${field}`, { ...REQUIRED, [field]: undefined }]),
  ...ID_FIELDS.flatMap((field) => BAD_IDS.map(([what, id]) => named(`${field} of ${what}`, field, id))),
  ...BAD_IDS.filter(([what]) => what !== 'null').map(([what, id]) =>
    named(`an account of ${what}`, 'account', id),
  ),
  named('an unknown field', 'priority', 1),
  named('an unknown field of null', 'priority', null),
  named('a field in another case', 'UserId', 'ada'),
  named('a field named like a method', 'toString', 'x'),
  named('a field named like the constructor', 'constructor', 'x'),
  ['a field named like the prototype', parsed('"__proto__":{"mode":"fully-automated"}')],
  named('arguments in a list', 'arguments', []),
  named('arguments in words', 'arguments', '{}'),
  named('arguments in a number', 'arguments', 0),
  named('an empty step id', 'stepId', ''),
  named('a step id with a slash', 'stepId', 'a/b'),
  named('a step id with a newline', 'stepId', 'a\n'),
  named('a step id with an umlaut', 'stepId', 'ä'),
  named('a step id of 129 characters', 'stepId', 'a'.repeat(129)),
  named('a step id that is a number', 'stepId', 7),
  named('an empty title', 'title', ''),
  named('a title of two lines', 'title', 'Invoice\nfor ACME'),
  named('a title with a C1 control character', 'title', 'Invoice\u0085'),
  named('a title of 256 characters', 'title', 'a'.repeat(256)),
  named('a title of two lines', 'title', 'Invoice\nfor ACME'),
  named('a title with a C1 control character', 'title', 'Invoice\u0085'),
  named('a title that is a number', 'title', 7),
  named('an unknown mode', 'mode', 'manual'),
  named('an empty mode', 'mode', ''),
  named('a mode that is a number', 'mode', 0),
  named('unknown side effects', 'sideEffects', 'none'),
  named('side effects that are a boolean', 'sideEffects', false),
  named('a notice in words', 'notifyParent', 'true'),
  named('a notice of 1', 'notifyParent', 1),
  named('timeouts in words', 'timeouts', '5m'),
  named('timeouts in a list', 'timeouts', ['5m']),
  named('an unknown timeout', 'timeouts', { total: '5m' }),
  named('a timeout named like a method', 'timeouts', { toString: '5m' }),
  ['a timeout named like the prototype', parsed('"timeouts":{"__proto__":"5m"}')],
  ...BAD_DURATIONS.map(([what, text]): InputCases[0] => [
    `a duration of ${what}`,
    withTimeout('reauth', text),
  ]),
  ['a call over its ceiling', withTimeout('call', '61m')],
  ['an approval over its ceiling', withTimeout('approval', '366 days')],
  ['a pause over its ceiling', withTimeout('reauth', '366 days')],
  ['a resolution over its ceiling', withTimeout('resolution', '366 days')],
  ['an outage over its ceiling', withTimeout('unavailable', '31 days')],
];

/** The fields that a client may leave out, and so may send as null. */
export const OPTIONAL_FIELDS = [
  ...['account', 'arguments', 'stepId', 'title', 'mode', 'sideEffects', 'timeouts', 'notifyParent'],
];
export const TIMEOUT_NAMES = TIMEOUTS;

function named(what: string, field: string, value: unknown): InputCases[0] {
  return [what, withField(field, value)];
}
