// Holds the stand-in's answers against src/api/openapi.json, so that it cannot drift from the real API.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const api = JSON.parse(readFileSync(fileURLToPath(new URL('../../src/api/openapi.json', import.meta.url)), 'utf8'));
const target = (ref) => ref.slice(2).split('/').reduce((at, key) => at[key], api);
const paths = Object.entries(api.paths).map(([path, operations]) => [new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`), operations]);

export function schemaOfAnswer(pathname, method, status) {
  const operations = paths.find(([pattern]) => pattern.test(pathname))?.[1];
  return operations?.[method.toLowerCase()]?.responses?.[status]?.content?.['application/json']?.schema;
}

const kindOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value);

export function faultsOf(schema, value, at = '') {
  if (schema.$ref) return faultsOf(target(schema.$ref), value, at);
  if (schema.oneOf) return schema.oneOf.some((one) => faultsOf(one, value, at).length === 0) ? [] : [`${at}: fits none of the alternatives`];
  const types = [schema.type ?? []].flat();
  const kind = kindOf(value);
  if (types.length && !types.includes(kind) && !(kind === 'integer' && types.includes('number'))) return [`${at}: ${kind} instead of ${types.join(' or ')}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${at}: ${JSON.stringify(value)} is not one of ${schema.enum.join(', ')}`];
  if (kind === 'array') return value.flatMap((item, index) => (schema.items ? faultsOf(schema.items, item, `${at}/${index}`) : []));
  if (kind !== 'object') return [];
  const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${at}/${name}: missing`);
  const known = schema.properties ?? {};
  const inner = Object.entries(value).flatMap(([name, item]) => {
    if (known[name]) return faultsOf(known[name], item, `${at}/${name}`);
    if (typeof schema.additionalProperties === 'object') return faultsOf(schema.additionalProperties, item, `${at}/${name}`);
    return schema.properties && schema.additionalProperties === undefined ? [`${at}/${name}: not described`] : [];
  });
  return [...missing, ...inner].slice(0, 6);
}
