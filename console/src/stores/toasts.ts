// Short messages at the edge of the screen. Errors stay until dismissed; the rest leave after a few seconds.
import { defineStore } from 'pinia';
import { ref } from 'vue';

export interface Toast {
  id: number;
  kind: 'done' | 'error';
  text: string;
  detail: string;
}

export const useToasts = defineStore('toasts', () => {
  const items = ref<Toast[]>([]);
  let last = 0;

  function dismiss(id: number) {
    items.value = items.value.filter((item) => item.id !== id);
  }
  function push(kind: Toast['kind'], text: string, detail = '') {
    const id = ++last;
    items.value = [...items.value.slice(-3), { id, kind, text, detail }];
    if (kind === 'done') setTimeout(() => dismiss(id), 4000);
  }
  const done = (text: string) => push('done', text);
  const error = (text: string, detail = '') => push('error', text, detail);

  return { items, done, error, dismiss };
});
