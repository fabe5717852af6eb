import { isObject } from '../../contracts/is-object.ts';
import { type JsonObject, listOf, memberOf, textOf } from './json-schema.ts';

/** A property's schema without its indirections. */
interface PlainSchema {
  schema: unknown;
  isNullable: boolean;
}

const MAX_HOPS = 8;
const LOCAL_REFERENCE = /^#\/(\$defs|definitions)\/([^/~%]{1,200})$/;
/** What may stand beside a reference or alternatives without changing which values are allowed. */
const NOTES = new Set(['title', 'description', 'default', 'examples', 'deprecated', '$comment']);

/**
 * Follows references to definitions of the same schema and takes null out of the alternatives, as far as no other rule
 * is lost. Schema generators write optional and named types so.
 */
export function plainSchemaOf(root: unknown, property: unknown): PlainSchema {
  let schema = property;
  let isNullable = false;
  for (let hop = 0; hop < MAX_HOPS && isObject(schema); hop += 1) {
    const next = indirectionOf(root, schema);
    if (next === undefined) break;
    schema = next.schema;
    isNullable ||= next.isNullable;
  }
  return withoutNullType(schema, isNullable);
}

function indirectionOf(root: unknown, schema: JsonObject): PlainSchema | undefined {
  const rules = Object.keys(schema).filter((keyword) => !NOTES.has(keyword));
  const [keyword, ...others] = rules;
  if (keyword === undefined || others.length > 0) return undefined;
  switch (keyword) {
    case '$ref':
      return referredTo(root, textOf(schema, '$ref'));
    case 'allOf':
      return onlyAlternative(listOf(schema, 'allOf'));
    case 'anyOf':
    case 'oneOf':
      return onlyAlternative(listOf(schema, keyword).slice(0, 3));
    default:
      return undefined;
  }
}

function referredTo(root: unknown, reference = ''): PlainSchema | undefined {
  const [, group = '', name = ''] = LOCAL_REFERENCE.exec(reference) ?? [];
  const schema = memberOf(memberOf(root, group), name);
  return schema === undefined ? undefined : { schema, isNullable: false };
}

/** One schema, or one schema and null. */
function onlyAlternative(alternatives: readonly unknown[]): PlainSchema | undefined {
  const others = alternatives.filter((one) => memberOf(one, 'type') !== 'null');
  const isNullable = others.length < alternatives.length;
  return others.length === 1 && alternatives.length <= 2 ? { schema: others[0], isNullable } : undefined;
}

/** `"type": ["string", "null"]`. */
function withoutNullType(schema: unknown, isNullable: boolean): PlainSchema {
  const types = listOf(schema, 'type');
  if (types.length !== 2 || !types.includes('null') || !isObject(schema)) return { schema, isNullable };
  return { schema: { ...schema, type: types.find((type) => type !== 'null') }, isNullable: true };
}
