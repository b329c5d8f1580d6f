// The live stream, opened once a person is signed in: latest figures, newest alerts, connection state.
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import { STREAM_URL } from '@/api/endpoints';
import { EventStream, type StreamEvent, type StreamState } from '@/api/stream';
import type { AlertSummary, CaseSummary, LiveStats } from '@/api/types';

export const KEEP_SECONDS = 300;
const KEEP_ALERTS = 200;

export interface LivePoint {
  t: number;
  v: number;
  alerts: number;
}

export const useLive = defineStore('live', () => {
  const state = ref<StreamState>('stopped');
  const stats = shallowRef<LiveStats | null>(null);
  const points = shallowRef<LivePoint[]>([]);
  const alerts = shallowRef<AlertSummary[]>([]);
  const lastAlert = shallowRef<AlertSummary | null>(null);
  const lastCase = shallowRef<CaseSummary | null>(null);
  const since = ref<number | null>(null);
  let stream: EventStream | null = null;
  let onDenied: () => void = () => {};
  let fresh = 0;

  function takeStats(next: LiveStats) {
    stats.value = next;
    const t = Date.parse(next.at);
    const from = t - KEEP_SECONDS * 1000;
    points.value = [...points.value.filter((point) => point.t > from && point.t < t), { t, v: next.events_per_s, alerts: fresh }];
    fresh = 0;
  }

  function takeAlert(next: AlertSummary) {
    const known = alerts.value.some((alert) => alert.id === next.id);
    alerts.value = [next, ...alerts.value.filter((alert) => alert.id !== next.id)].slice(0, KEEP_ALERTS);
    lastAlert.value = next;
    if (!known) fresh += 1;
  }

  function take(event: StreamEvent) {
    let data: unknown;
    try {
      data = JSON.parse(event.data);
    } catch {
      return;
    }
    if (event.event === 'stats') takeStats(data as LiveStats);
    else if (event.event === 'alert') takeAlert(data as AlertSummary);
    else if (event.event === 'case') lastCase.value = data as CaseSummary;
  }

  function onState(next: StreamState) {
    if (next === 'reconnecting' && state.value === 'live') since.value = Date.now();
    if (next === 'live') since.value = null;
    state.value = next;
  }

  function nudge() {
    if (document.visibilityState === 'visible') stream?.nudge();
  }

  function start(denied: () => void) {
    onDenied = denied;
    if (stream) return;
    stream = new EventStream({ url: STREAM_URL, onEvent: take, onState, onDenied: () => onDenied() });
    stream.start();
    document.addEventListener('visibilitychange', nudge);
    window.addEventListener('online', nudge);
  }

  function stop() {
    stream?.stop();
    stream = null;
    document.removeEventListener('visibilitychange', nudge);
    window.removeEventListener('online', nudge);
    stats.value = null;
    points.value = [];
    alerts.value = [];
  }

  return { state, stats, points, alerts, lastAlert, lastCase, since, start, stop, take };
});
