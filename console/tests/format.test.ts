import { describe, expect, it } from 'vitest';
import * as format from '@/lib/format';

describe('numbers', () => {
  it('groups digits and keeps what cannot be shown apart from zero', () => {
    expect(format.count(1234567, 'en')).toBe('1,234,567');
    expect(format.count(0, 'en')).toBe('0');
    expect(format.count(null, 'zh')).toBe('—');
    expect(format.count(Number.NaN, 'zh')).toBe('—');
  });
  it('shortens in the way of each language', () => {
    expect(format.compact(9999, 'en')).toBe('9,999');
    expect(format.compact(23442566, 'zh')).toBe('2344.3万');
    expect(format.compact(23442566, 'en')).toBe('23.4M');
  });
  it('measures with the precision the size deserves', () => {
    expect(format.measure(0.12345, 'en')).toBe('0.123');
    expect(format.measure(45.678, 'en')).toBe('45.7');
    expect(format.measure(8136.4, 'en')).toBe('8,136');
  });
  it('counts bytes in powers of a thousand', () => {
    expect(format.bytes(999, 'en')).toBe('999 B');
    expect(format.bytes(1500, 'en')).toBe('1.5 kB');
    expect(format.bytes(412_000_000, 'en')).toBe('412 MB');
  });
});

describe('units of evidence', () => {
  it.each([
    [0.111, 'ratio', 'en', '11.1%'],
    [120, 'calls', 'en', '120 calls'],
    [120, 'calls', 'zh', '120 次'],
    [604800, 's', 'en', '7 d'],
    [1934, 's', 'zh', '32 分 14 秒'],
    [9.11, 's', 'en', '9.11 s'],
    [5, 'furlongs', 'en', '5 furlongs'],
    [5, '', 'en', '5'],
  ] as const)('%s %s in %s is %s', (value, unit, locale, text) => expect(format.withUnit(value, unit, locale)).toBe(text));
});

describe('spans', () => {
  it.each([
    [0, '0 s', '0 秒'],
    [59, '59 s', '59 秒'],
    [60, '1 min', '1 分'],
    [3661, '1 h 1 min', '1 小时 1 分'],
    [3605, '1 h', '1 小时'],
    [90061, '1 d 1 h', '1 天 1 小时'],
    [-5700, '1 h 35 min', '1 小时 35 分'],
  ])('%s seconds', (seconds, en, zh) => {
    expect(format.span(seconds, 'en')).toBe(en);
    expect(format.span(seconds, 'zh')).toBe(zh);
  });
});

describe('times', () => {
  const at = '2026-07-22T01:02:03Z';
  it('shows the local zone and tells UTC', () => {
    const local = new Date(at);
    const two = (n: number) => String(n).padStart(2, '0');
    expect(format.dateTime(at)).toBe(`${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())} ${two(local.getHours())}:${two(local.getMinutes())}:03`);
    expect(format.utc(at)).toBe('2026-07-22 01:02:03 UTC');
  });
  it('shortens to the clock only on the same day', () => {
    const now = new Date(2026, 6, 22, 12, 0, 0);
    expect(format.shortTime(new Date(2026, 6, 22, 9, 5, 7).toISOString(), now)).toBe('09:05:07');
    expect(format.shortTime(new Date(2026, 6, 21, 9, 5, 7).toISOString(), now)).toBe('07-21 09:05');
    expect(format.shortTime(new Date(2025, 6, 21, 9, 5, 7).toISOString(), now)).toBe('2025-07-21 09:05');
  });
  it('does not invent a time', () => {
    expect(format.dateTime(null)).toBe('—');
    expect(format.dateTime('not a time')).toBe('—');
    expect(format.utc('')).toBe('');
  });
  it.each([
    [-480, 'UTC+8'],
    [-330, 'UTC+5:30'],
    [240, 'UTC−4'],
    [0, 'UTC'],
  ])('names the zone of offset %s', (offset, name) => {
    expect(format.zone({ getTimezoneOffset: () => offset } as Date)).toBe(name);
  });
});

describe('bilingual text', () => {
  it('falls back to the other language rather than to nothing', () => {
    expect(format.pick({ zh: '甲', en: 'A' }, 'zh')).toBe('甲');
    expect(format.pick({ zh: '甲', en: '' }, 'en')).toBe('甲');
    expect(format.pick(null, 'en')).toBe('');
  });
});
