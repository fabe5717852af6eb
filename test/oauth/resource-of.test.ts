import { expect, test } from 'vitest';
import { resourceOf } from '../../src/oauth/resource-of.ts';

const URL = 'https://mcp.example/mcp';
const discovered = { resource: 'https://mcp.example' };

test('is what the admin registered, byte for byte', () => {
  expect(resourceOf(URL, { resource: 'api://app/' }, discovered)).toBe('api://app/');
});

test('is left out where the admin says so: Entra refuses every request with one', () => {
  expect(resourceOf(URL, { resource: 'omit' }, discovered)).toBeUndefined();
});

test.each(['https://mcp.example', 'https://mcp.example/', 'https://MCP.example/mcp'])(
  'is what the MCP server names, byte for byte: %s',
  (resource) => {
    expect(resourceOf(URL, {}, { resource })).toBe(resource);
  },
);

test.each([
  [URL, URL],
  ['https://mcp.example', 'https://mcp.example'],
  ['https://mcp.example/', 'https://mcp.example/'],
  [`${URL}?key=secret`, URL],
])("is else the server's URL without its query: %s", (url, resource) => {
  expect(resourceOf(url, {})).toBe(resource);
});
