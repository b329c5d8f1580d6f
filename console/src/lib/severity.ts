// Severity and confidence as people read them: a word, a shape and a colour, never colour alone.
export const BANDS = ['critical', 'high', 'medium', 'low'] as const;
export type Band = (typeof BANDS)[number];

export function bandOf(severity: number): Band {
  if (severity >= 80) return 'critical';
  if (severity >= 60) return 'high';
  if (severity >= 40) return 'medium';
  return 'low';
}

// The lowest severity that belongs to a band: what the filter sends as severity_min.
export const BAND_FLOOR: Record<Band, number> = { critical: 80, high: 60, medium: 40, low: 0 };

export const SURENESS = ['very_likely', 'likely', 'possible', 'weak'] as const;
export type Sureness = (typeof SURENESS)[number];

export function sureness(confidence: number): Sureness {
  if (confidence >= 0.9) return 'very_likely';
  if (confidence >= 0.75) return 'likely';
  if (confidence >= 0.5) return 'possible';
  return 'weak';
}

// How full the value and threshold bars are drawn: both on one scale, the larger of them at 92 %.
export function bars(value: number, threshold: number): { value: number; threshold: number } {
  const top = Math.max(Math.abs(value), Math.abs(threshold));
  if (!(top > 0)) return { value: 0, threshold: 0 };
  return { value: (Math.abs(value) / top) * 92, threshold: (Math.abs(threshold) / top) * 92 };
}
