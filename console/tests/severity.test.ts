import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bandOf, bars, BAND_FLOOR, BANDS, sureness } from '@/lib/severity';
import SeverityTag from '@/components/SeverityTag.vue';
import { show } from './mounting';

it('uses the bands that the API describes', () => {
  const api = JSON.parse(readFileSync('../src/api/openapi.json', 'utf8')) as { components: { schemas: { SeverityBand: { description: string } } } };
  const floors = [...api.components.schemas.SeverityBand.description.matchAll(/(critical|high|medium)\D*(\d+)/g)].map((m) => [m[1], Number(m[2])]);
  expect(Object.fromEntries(floors)).toEqual({ critical: BAND_FLOOR.critical, high: BAND_FLOOR.high, medium: BAND_FLOOR.medium });
  for (const band of BANDS) expect(bandOf(BAND_FLOOR[band])).toBe(band);
  expect(bandOf(BAND_FLOOR.critical - 1)).toBe('high');
});

it('says severity by word and shape, not by colour alone', () => {
  const shapes = BANDS.map((band) => {
    const tag = show(SeverityTag, { band, score: 50 });
    expect(tag.text()).toMatch(/Critical|High|Medium|Low/);
    return tag.find('path').attributes('d');
  });
  expect(new Set(shapes).size).toBe(BANDS.length);
});

it('draws value and threshold on one scale', () => {
  expect(bars(325, 60)).toEqual({ value: 92, threshold: (60 / 325) * 92 });
  expect(bars(0.1, 0.35).threshold).toBe(92);
  expect(bars(0, 0)).toEqual({ value: 0, threshold: 0 });
});

it('puts confidence into words', () => {
  expect([0.95, 0.8, 0.6, 0.2].map(sureness)).toEqual(['very_likely', 'likely', 'possible', 'weak']);
});
