// Keyboard: single letters act only when no field has the focus and no modifier is held.
import { onBeforeUnmount, onMounted } from 'vue';

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

export function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.('input, textarea, select, [contenteditable="true"], dialog');
}

export function useKeys(map: KeyMap) {
  function onKey(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    map[event.key]?.(event);
  }
  onMounted(() => window.addEventListener('keydown', onKey));
  onBeforeUnmount(() => window.removeEventListener('keydown', onKey));
}
