// Writes src/api/schema.d.ts from the API's own description, so that a field the server no longer has fails the build.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = process.env.PANDUN_OPENAPI ?? here('../../src/api/openapi.json');
const target = here('../src/api/schema.d.ts');

if (!existsSync(source)) {
  console.error(`generate: ${source} is missing; set PANDUN_OPENAPI to the openapi.json to use`);
  process.exit(1);
}
const text = astToString(await openapiTS(readFileSync(source, 'utf8'), { defaultNonNullable: false }));
const next = `// Made by \`npm run generate\` from src/api/openapi.json.\n${text}`;
mkdirSync(dirname(target), { recursive: true });
if (!existsSync(target) || readFileSync(target, 'utf8') !== next) writeFileSync(target, next);
