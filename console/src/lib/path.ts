// The way of a case through its workflow: what was done, where it is, what normally follows.
//
// Workflows branch (dismiss, appeal, lift) and go back (refused, reopened), so the list of states is no path. Done is what the
// history passed, with a step back taking the later steps away. What normally follows is told from the branches by their
// targets: an appeal or a dismissal can be reached from many states, the next step of the main way from the one before it.
import type { HistoryEntry, WorkflowState } from '@/api/types';

export interface Step extends WorkflowState {
  phase: 'done' | 'now' | 'next';
  by: string;
}
export interface Edge {
  from: string[];
  to: string;
}

export function donePath(history: Pick<HistoryEntry, 'to'>[], current: string): string[] {
  const path: string[] = [];
  for (const { to } of history) {
    if (!to || to === path[path.length - 1]) continue;
    const before = path.indexOf(to);
    if (before >= 0) path.length = before + 1;
    else path.push(to);
  }
  const at = path.indexOf(current);
  if (at >= 0) path.length = at;
  return path;
}

export function casePath(states: WorkflowState[], edges: Edge[], history: HistoryEntry[], current: string): Step[] {
  const byId = new Map(states.map((state) => [state.id, state]));
  // Who took it there; what only happened in that state moved nothing.
  const who = (id: string) => [...history].reverse().find((entry) => entry.to === id && entry.from !== entry.to)?.by ?? '';
  const make = (id: string, phase: Step['phase']): Step => ({ ...(byId.get(id) ?? { id, title: { zh: id, en: id }, kind: 'open' }), phase, by: phase === 'next' ? '' : who(id) });

  const order = new Map(states.map((state, index) => [state.id, index]));
  const place = (id: string) => order.get(id) ?? states.length;
  // Fewest ways forward into it, then the earlier in the workflow's own order.
  const rank = (id: string) => edges.filter((edge) => edge.to === id).reduce((sum, edge) => sum + edge.from.filter((from) => place(from) < place(id)).length, 0) * 1000 + place(id);

  const done = donePath(history, current);
  const seen = new Set([...done, current]);
  const next: string[] = [];
  if (edges.length > 0) {
    for (let at = current; byId.get(at)?.kind !== 'done'; ) {
      const targets = edges.filter((edge) => edge.from.includes(at) && byId.has(edge.to) && !seen.has(edge.to)).map((edge) => edge.to);
      if (targets.length === 0) break;
      at = targets.reduce((best, target) => (rank(target) < rank(best) ? target : best));
      next.push(at);
      seen.add(at);
    }
  } else {
    next.push(...states.slice(states.findIndex((state) => state.id === current) + 1).map((state) => state.id));
  }
  return [...done.map((id) => make(id, 'done')), make(current, 'now'), ...next.map((id) => make(id, 'next'))];
}
