// Server-sent events over fetch: reconnects with Last-Event-ID, notices a silent connection, and says which state it is in.
//
// EventSource is not used because it hides the HTTP status (a lost session must end the retrying) and a dead link.
export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'stopped';

export interface StreamEvent {
  event: string;
  id: string;
  data: string;
}

export interface StreamOptions {
  url: string;
  onEvent: (event: StreamEvent) => void;
  onState: (state: StreamState) => void;
  onDenied?: () => void;
  fetch?: typeof fetch;
  silenceMs?: number;
  retryMs?: number;
  retryMaxMs?: number;
}

// Feeds text chunks, calls back once a blank line ends an event (WHATWG HTML, section 9.2.6).
export function eventParser(emit: (event: StreamEvent) => void) {
  let rest = '';
  let name = '';
  let id = '';
  let data: string[] = [];

  function line(text: string) {
    if (text === '') {
      if (data.length > 0) emit({ event: name || 'message', id, data: data.join('\n') });
      name = '';
      data = [];
      return;
    }
    if (text.startsWith(':')) return;
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    let value = colon < 0 ? '' : text.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) id = value;
  }

  return (chunk: string) => {
    rest += chunk;
    for (;;) {
      const end = rest.search(/\r\n|\n|\r/);
      if (end < 0) return;
      // A lone CR at the very end may be the first half of CRLF: wait for more.
      if (rest[end] === '\r' && end === rest.length - 1) return;
      const width = rest.startsWith('\r\n', end) ? 2 : 1;
      line(rest.slice(0, end));
      rest = rest.slice(end + width);
    }
  };
}

export class EventStream {
  private readonly options: Required<Omit<StreamOptions, 'onDenied'>> & Pick<StreamOptions, 'onDenied'>;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private stopped = true;
  lastEventId = '';

  constructor(options: StreamOptions) {
    this.options = { fetch: (...args) => fetch(...args), silenceMs: 20000, retryMs: 1000, retryMaxMs: 15000, ...options };
  }

  start() {
    if (!this.stopped) return;
    this.stopped = false;
    this.failures = 0;
    this.options.onState('connecting');
    void this.connect();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.abort?.abort();
    this.options.onState('stopped');
  }

  // Retries at once: called when the tab becomes visible or the network returns.
  nudge() {
    if (this.stopped || this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.connect();
  }

  private async connect() {
    this.timer = undefined;
    const abort = new AbortController();
    this.abort = abort;
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (this.lastEventId) headers['Last-Event-ID'] = this.lastEventId;
    try {
      const response = await this.options.fetch(this.options.url, { headers, credentials: 'same-origin', cache: 'no-store', signal: abort.signal });
      if (response.status === 401 || response.status === 403) {
        this.stop();
        this.options.onDenied?.();
        return;
      }
      if (!response.ok || !response.body) throw new Error(`stream: HTTP ${response.status}`);
      this.options.onState('live');
      this.listenForSilence(abort);
      await this.read(response.body, abort);
    } catch {
      // Any break is handled alike below: wait, then continue after the last event seen.
    }
    clearTimeout(this.silence);
    if (!this.stopped && this.abort === abort) this.retry();
  }

  private async read(body: ReadableStream<Uint8Array>, abort: AbortController) {
    const decoder = new TextDecoder();
    const reader = body.getReader();
    const feed = eventParser((event) => {
      if (event.id) this.lastEventId = event.id;
      this.failures = 0;
      this.options.onEvent(event);
    });
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.stopped || abort.signal.aborted) return;
      this.listenForSilence(abort);
      feed(decoder.decode(value, { stream: true }));
    }
  }

  private listenForSilence(abort: AbortController) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => abort.abort(), this.options.silenceMs);
  }

  private retry() {
    this.options.onState('reconnecting');
    const wait = Math.min(this.options.retryMs * 2 ** this.failures, this.options.retryMaxMs);
    this.failures += 1;
    this.timer = setTimeout(() => void this.connect(), wait);
  }
}
