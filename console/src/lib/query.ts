// Filters live in the address bar, so that a view can be sent to a colleague and survives a reload.
import { computed, type ComputedRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';

export interface Filters<T extends Record<string, string>> {
  values: ComputedRef<T>;
  active: ComputedRef<boolean>;
  set: (patch: Partial<T>) => void;
  clear: () => void;
}

export function useFilters<T extends Record<string, string>>(defaults: T): Filters<T> {
  const route = useRoute();
  const router = useRouter();
  const names = Object.keys(defaults);

  const values = computed(() => {
    const result: Record<string, string> = {};
    for (const name of names) {
      const raw = route.query[name];
      result[name] = (Array.isArray(raw) ? raw[0] : raw) ?? defaults[name];
    }
    return result as T;
  });
  const active = computed(() => names.some((name) => values.value[name] !== defaults[name]));

  function set(patch: Partial<T>) {
    const query = { ...route.query };
    for (const [name, value] of Object.entries(patch)) {
      if (!value || value === defaults[name]) delete query[name];
      else query[name] = value;
    }
    void router.replace({ query });
  }

  function clear() {
    const query = { ...route.query };
    for (const name of names) delete query[name];
    void router.replace({ query });
  }

  return { values, active, set, clear };
}

// The API takes RFC 3339; <input type="datetime-local"> speaks local time without a zone.
export function toInput(at: string | null | undefined): string {
  if (!at) return '';
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

export function fromInput(value: string): string {
  if (!value) return '';
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000', '');
}
