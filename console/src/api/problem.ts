// A refusal from the server (RFC 9457), or the network's silence, in one shape that every view can show.
import type { LocalText } from '@/lib/format';

export interface FieldFault {
  where: string;
  message: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly advice: LocalText | null;
  readonly faults: FieldFault[];
  readonly retryAfter: number | null;

  constructor(status: number, body: Record<string, unknown> = {}, retryAfter: number | null = null) {
    const title = typeof body.title === 'string' ? body.title : '';
    const detail = typeof body.detail === 'string' ? body.detail : '';
    super(detail || title || `HTTP ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.code = typeof body.code === 'string' ? body.code : status === 0 ? 'offline' : '';
    this.title = title;
    this.detail = detail;
    this.advice = (body.advice as LocalText | undefined) ?? null;
    this.faults = Array.isArray(body.errors) ? (body.errors as FieldFault[]) : [];
    this.retryAfter = retryAfter;
  }
}

export function asProblem(cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  return new Problem(0, { title: 'console', detail: cause instanceof Error ? cause.message : String(cause) });
}
