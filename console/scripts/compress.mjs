// Puts a .gz beside every text asset of dist/, so that the server can send it as it is.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
let plain = 0;
let packed = 0;

function walk(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) walk(path);
    else if (/\.(js|css|html|svg|json)$/.test(name)) {
      const body = readFileSync(path);
      const small = gzipSync(body, { level: 9 });
      small[9] = 255; // the operating-system byte: the same file on every machine
      writeFileSync(`${path}.gz`, small);
      plain += body.length;
      packed += small.length;
    }
  }
}

walk(dist);
console.log(`dist: ${Math.round(plain / 1024)} kB, ${Math.round(packed / 1024)} kB gzip`);
