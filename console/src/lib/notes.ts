// The note of a case's step: "field: what was entered" a line for each field of the step's form, then free words.
import { shortTime } from './format';

export interface NoteLine {
  field: string; // empty: free words
  value: string;
}

// `fields`: the names a step may have; a line that begins otherwise belongs to the words before it.
export function noteLines(note: string, fields: ReadonlySet<string>): NoteLine[] {
  const lines: NoteLine[] = [];
  for (const line of note.split('\n')) {
    const [, field = '', value = ''] = /^([a-z_]+): (.*)$/.exec(line) ?? [];
    const last = lines[lines.length - 1];
    if (fields.has(field)) lines.push({ field, value });
    else if (last && !last.field) last.value += `\n${line}`;
    else lines.push({ field: '', value: line });
  }
  return lines;
}

const ISO = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
export const isMoment = (value: string) => ISO.test(value);
export const momentText = (value: string) => (isMoment(value) ? shortTime(value) : value);
