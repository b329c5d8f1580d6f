import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from '@/i18n/en';
import zh from '@/i18n/zh';

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, head = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') all.set(head + key, value);
    else for (const [inner, text] of flat(value, `${head}${key}.`)) all.set(inner, text);
  }
  return all;
}

const sources = ['src/components', 'src/pages', 'src'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.(vue|ts)$/.test(name))
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })),
);
const chinese = flat(zh as Tree);
const english = flat(en as Tree);
const slots = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join();

describe('both languages', () => {
  it('have the same keys', () => expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort()));
  it('fill the same slots', () => {
    for (const [key, text] of chinese) expect(`${key}: ${slots(english.get(key) ?? '')}`).toBe(`${key}: ${slots(text)}`);
  });
  it('leave nothing empty', () => expect([...chinese, ...english].filter(([, text]) => !text.trim())).toEqual([]));
  it('are what they say they are', () => {
    const own = new Set(['language.zh', 'language.en', 'language.other', 'language.switch', 'product', 'product_short']);
    const stray = [...english].filter(([key, text]) => !own.has(key) && /[\u4e00-\u9fff]/.test(text));
    expect(stray).toEqual([]);
    const latin = [...chinese].filter(([key, text]) => !own.has(key) && /^[A-Za-z ]{4,}$/.test(text) && !/^event_kind\./.test(key));
    expect(latin).toEqual([]);
  });
});

describe('templates', () => {
  it('name only keys that exist', () => {
    const used = sources.flatMap(({ name, text }) => [...text.matchAll(/\bt\(\s*'([\w.]+)'/g)].map((m) => [name, m[1]]));
    expect(used.length).toBeGreaterThan(200);
    expect(used.filter(([, key]) => !chinese.has(key))).toEqual([]);
  });

  it('name only groups that exist', () => {
    const used = sources.flatMap(({ name, text }) => [...text.matchAll(/\bt\(`([\w.]+)\.\$\{/g), ...text.matchAll(/word\('([\w.]+)'/g), ...text.matchAll(/\bgroup="(\w+)"/g)].map((m) => [name, m[1]]));
    expect(used.filter(([, group]) => ![...chinese.keys()].some((key) => key.startsWith(`${group}.`)))).toEqual([]);
  });

  it('hold no words of their own', () => {
    const allowed = /^(SHA-256|\/|·|→|—|–|\*|\(|\)|\s|[\d.,:;|()[\]-])*$/;
    const found: string[] = [];
    for (const { name, text } of sources.filter((source) => source.name.endsWith('.vue'))) {
      const template = /<template>([\s\S]*)<\/template>/.exec(text)?.[1] ?? '';
      const bare = template
        .replace(/<!--[\s\S]*?-->/g, '')
        .replace(/\{\{[\s\S]*?\}\}/g, '')
        .replace(/<kbd>[^<{]*<\/kbd>/g, '')
        .replace(/<[a-zA-Z/](?:"[^"]*"|[^>"])*>/g, '\n');
      for (const line of bare.split('\n').map((part) => part.trim())) if (line && !allowed.test(line)) found.push(`${name}: ${line}`);
      for (const [, attribute, value] of template.matchAll(/\s(title|aria-label|placeholder|alt)="([^"]*)"/g)) found.push(`${name}: ${attribute}="${value}"`);
    }
    expect(found).toEqual([]);
  });

  it('carry no inline style attribute, which the policy would refuse', () => {
    const found = sources.filter(({ text }) => /<[a-z][^>]*\sstyle="/i.test(/<template>([\s\S]*)<\/template>/.exec(text)?.[1] ?? '')).map(({ name }) => name);
    expect(found).toEqual([]);
  });

  it('never render markup from data', () => expect(sources.filter(({ text }) => /v-html|innerHTML/.test(text)).map(({ name }) => name)).toEqual([]));
});
