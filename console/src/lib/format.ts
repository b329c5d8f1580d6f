// Numbers, times and spans in the reader's language. Times are shown in the local zone; `utc()` gives the hover text.
export type Locale = 'zh' | 'en';

export interface LocalText {
  zh: string;
  en: string;
}

const tag = (locale: Locale) => (locale === 'zh' ? 'zh-CN' : 'en-US');
const cache = new Map<string, Intl.NumberFormat>();

function numbers(locale: Locale, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale + JSON.stringify(options);
  let format = cache.get(key);
  if (!format) cache.set(key, (format = new Intl.NumberFormat(tag(locale), options)));
  return format;
}

export const DASH = '—';

export function pick(text: LocalText | null | undefined, locale: Locale): string {
  if (!text) return '';
  return text[locale] || text.en || text.zh || '';
}

export function count(value: number | null | undefined, locale: Locale): string {
  return value == null || !Number.isFinite(value) ? DASH : numbers(locale, { maximumFractionDigits: 0 }).format(value);
}

// A measured value: four significant figures below a thousand, whole above.
export function measure(value: number | null | undefined, locale: Locale): string {
  if (value == null || !Number.isFinite(value)) return DASH;
  const size = Math.abs(value);
  const options = size >= 1000 ? { maximumFractionDigits: 0 } : size >= 10 ? { maximumFractionDigits: 1 } : { maximumFractionDigits: 3 };
  return numbers(locale, options).format(value);
}

// A rate: whole from a hundred up, one decimal below.
export function rate(value: number | null | undefined, locale: Locale): string {
  if (value == null || !Number.isFinite(value)) return DASH;
  return numbers(locale, { maximumFractionDigits: Math.abs(value) >= 100 ? 0 : 1 }).format(value);
}

// Short form for tiles and axes: 12.3k / 1.2万.
export function compact(value: number | null | undefined, locale: Locale): string {
  if (value == null || !Number.isFinite(value)) return DASH;
  const small = Math.abs(value) < 10000;
  return small
    ? numbers(locale, { maximumFractionDigits: Math.abs(value) < 10 && value % 1 !== 0 ? 1 : 0 }).format(value)
    : numbers(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

export function percent(value: number | null | undefined, locale: Locale): string {
  return value == null ? DASH : numbers(locale, { style: 'percent', maximumFractionDigits: 0 }).format(value);
}

export function bytes(value: number | null | undefined, locale: Locale): string {
  if (value == null || !Number.isFinite(value)) return DASH;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let power = 0;
  let rest = value;
  while (rest >= 1000 && power < units.length - 1) {
    rest /= 1000;
    power += 1;
  }
  return `${numbers(locale, { maximumFractionDigits: rest < 10 && power > 0 ? 1 : 0 }).format(rest)} ${units[power]}`;
}

function parse(at: string | null | undefined): Date | null {
  if (!at) return null;
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date;
}

const two = (n: number) => String(n).padStart(2, '0');
const day = (d: Date) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
const clock = (d: Date, seconds: boolean) => `${two(d.getHours())}:${two(d.getMinutes())}${seconds ? `:${two(d.getSeconds())}` : ''}`;

export function dateTime(at: string | null | undefined, seconds = true): string {
  const date = parse(at);
  return date ? `${day(date)} ${clock(date, seconds)}` : DASH;
}

// Today: the clock alone. Otherwise month and day too, with the year when it is another.
export function shortTime(at: string | null | undefined, now = new Date()): string {
  const date = parse(at);
  if (!date) return DASH;
  if (day(date) === day(now)) return clock(date, true);
  const full = `${day(date)} ${clock(date, false)}`;
  return date.getFullYear() === now.getFullYear() ? full.slice(5) : full;
}

export function utc(at: string | null | undefined): string {
  const date = parse(at);
  return date ? `${date.toISOString().replace('T', ' ').slice(0, 19)} UTC` : '';
}

// "UTC+8", "UTC+5:30", "UTC".
export function zone(now = new Date()): string {
  const minutes = -now.getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  return `UTC${minutes > 0 ? '+' : '−'}${Math.floor(size / 60)}${size % 60 ? `:${two(size % 60)}` : ''}`;
}

const UNITS: [number, string, string][] = [
  [86400, '天', 'd'],
  [3600, '小时', 'h'],
  [60, '分', 'min'],
  [1, '秒', 's'],
];

// The two largest units: "3 h 20 min", "2 天 4 小时".
export function span(seconds: number, locale: Locale): string {
  let rest = Math.floor(Math.abs(seconds));
  if (rest === 0) return locale === 'zh' ? '0 秒' : '0 s';
  const parts: string[] = [];
  for (const [size, zh, en] of UNITS) {
    const n = Math.floor(rest / size);
    if (n > 0 || parts.length > 0) {
      if (n > 0) parts.push(`${n} ${locale === 'zh' ? zh : en}`);
      rest -= n * size;
      if (parts.length === 2 || (parts.length === 1 && n === 0)) break;
    }
  }
  return parts.join(' ');
}

export function spanBetween(from: string | null | undefined, to: string | null | undefined, locale: Locale): string {
  const a = parse(from);
  const b = parse(to);
  return a && b ? span((b.getTime() - a.getTime()) / 1000, locale) : DASH;
}

export function secondsUntil(at: string | null | undefined, now: number): number | null {
  const date = parse(at);
  return date ? (date.getTime() - now) / 1000 : null;
}

const UNIT_NAMES: Record<string, LocalText> = {
  '': { zh: '', en: '' },
  count: { zh: '个', en: '' },
  calls: { zh: '次', en: 'calls' },
  messages: { zh: '条', en: 'messages' },
  numbers: { zh: '个号码', en: 'numbers' },
  hosts: { zh: '台主机', en: 'hosts' },
  ports: { zh: '个端口', en: 'ports' },
  contacts: { zh: '次', en: 'contacts' },
  flows: { zh: '条流', en: 'flows' },
  devices: { zh: '台终端', en: 'devices' },
  names: { zh: '个名称', en: 'names' },
  pairs: { zh: '对', en: 'pairs' },
  score: { zh: '', en: '' },
  days: { zh: '天', en: 'days' },
  s: { zh: '秒', en: 's' },
  ms: { zh: '毫秒', en: 'ms' },
  ratio: { zh: '', en: '' },
  bytes: { zh: 'B', en: 'B' },
};

// Evidence values carry their unit's short name; ratios read best as percentages.
export function withUnit(value: number, unit: string | null | undefined, locale: Locale): string {
  const key = unit ?? '';
  if (key === 'ratio' || key === 'share') return numbers(locale, { style: 'percent', maximumFractionDigits: 1 }).format(value);
  if (key === 'bytes') return bytes(value, locale);
  if (key === 's' && Math.abs(value) >= 120) return span(value, locale);
  const name = UNIT_NAMES[key] ? UNIT_NAMES[key][locale] : key;
  return name ? `${measure(value, locale)} ${name}` : measure(value, locale);
}
