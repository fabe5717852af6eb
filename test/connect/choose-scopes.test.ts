import { expect, test } from 'vitest';
import { chooseScopes, type ScopeSources } from '../../src/connect/choose-scopes.ts';

const NOTHING: ScopeSources = { required: [], previous: [] };

test.for<[string, Partial<ScopeSources>, string | undefined]>([
  ['the challenge comes first', { challenged: 'a', registered: 'b', ofResource: ['c'] }, 'a'],
  ['then the registration', { registered: 'b', ofResource: ['c'] }, 'b'],
  ["then the resource's metadata", { ofResource: ['c', 'd'] }, 'c d'],
  ['else the scope is left out', { ofAuthorizationServer: ['x', 'y'] }, undefined],
  ['an empty challenge names nothing', { challenged: '', registered: ' b ' }, 'b'],
  [
    'offline_access is added where it is announced',
    { registered: 'b', ofAuthorizationServer: ['offline_access'] },
    'b offline_access',
  ],
  [
    'and once',
    { registered: 'offline_access b', ofAuthorizationServer: ['offline_access'] },
    'offline_access b',
  ],
  ['not where it is not announced', { registered: 'b', ofAuthorizationServer: ['b'] }, 'b'],
  ['not to a request without a scope', { ofAuthorizationServer: ['offline_access'] }, undefined],
  [
    'a step-up asks for what was asked before, is challenged and is required',
    { challenged: 'a', previous: ['b', 'a'], required: ['c'] },
    'a b c',
  ],
  ['what was asked before counts for a step-up only', { challenged: 'a', previous: ['b'] }, 'a'],
])('%s', ([, sources, expected]) => {
  expect(chooseScopes({ ...NOTHING, ...sources })).toBe(expected);
});
