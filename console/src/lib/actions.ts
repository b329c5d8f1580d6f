// How a workflow action's fields become a form, and a form becomes the fields to send.
import type { ActionField, Ground, LocalText, MeasureKind } from '@/api/types';
import { fromInput } from './query';

export type FieldRole = 'ground' | 'measure' | 'expiry' | 'long' | 'plain';

// Fields are data; only three meanings get a richer control than their type alone would give.
export function roleOf(field: ActionField): FieldRole {
  const name = field.name.toLowerCase();
  if (/(^|_)ground(_id)?$/.test(name)) return 'ground';
  if (/^(measure|kind|measure_kind)$/.test(name)) return 'measure';
  if (field.type === 'datetime') return 'expiry';
  if (field.type === 'text' && /(reason|notice|note|summary|opinion|result|finding|receipt|claim|how)/.test(name)) return 'long';
  return 'plain';
}

export interface Choice {
  value: string;
  title: LocalText;
}

export function choicesOf(field: ActionField, grounds: Ground[], kinds: MeasureKind[], measure: string): Choice[] {
  const role = roleOf(field);
  const given = field.choices ?? [];
  if (role === 'measure' && given.length === 0) return kinds.map((kind) => ({ value: kind.id, title: kind.title }));
  if (role === 'ground' && given.length === 0) {
    const fitting = measure ? grounds.filter((ground) => ground.measures.includes(measure)) : grounds;
    return fitting.map((ground) => ({ value: ground.id, title: groundTitle(ground) }));
  }
  if (role === 'ground' && measure && grounds.length > 0) {
    const fits = new Set(grounds.filter((ground) => ground.measures.includes(measure)).map((ground) => ground.id));
    const kept = given.filter((choice) => fits.has(choice.value));
    if (kept.length > 0) return kept;
  }
  return given;
}

export function groundTitle(ground: Ground): LocalText {
  return { zh: `${ground.law.zh} ${ground.article}`, en: `${ground.law.en}, ${ground.article}` };
}

export function missing(fields: ActionField[], values: Record<string, string>): string[] {
  return fields.filter((field) => field.required && !(values[field.name] ?? '').trim()).map((field) => field.name);
}

// Empty optional fields are left out; local times become RFC 3339 UTC.
export function toSend(fields: ActionField[], values: Record<string, string>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const field of fields) {
    const value = (values[field.name] ?? '').trim();
    if (value) result[field.name] = field.type === 'datetime' ? fromInput(value) : value;
  }
  return result;
}
