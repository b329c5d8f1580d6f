import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventStream, eventParser, type StreamEvent, type StreamState } from '@/api/stream';

describe('parser', () => {
  function parse(...chunks: string[]): StreamEvent[] {
    const events: StreamEvent[] = [];
    const feed = eventParser((event) => events.push(event));
    chunks.forEach(feed);
    return events;
  }
  it('reads event, id and data, and joins data lines', () => {
    expect(parse('id: 7\nevent: alert\ndata: {"a":\ndata: 1}\n\n')).toEqual([{ event: 'alert', id: '7', data: '{"a":\n1}' }]);
  });
  it('gives the same events wherever the text is cut', () => {
    const text = 'id: 1\r\nevent: stats\r\ndata: x\r\n\r\n: a comment\n\nid: 2\ndata:y\n\n';
    const whole = parse(text);
    expect(whole.map((event) => event.data)).toEqual(['x', 'y']);
    for (let cut = 1; cut < text.length; cut++) expect(parse(text.slice(0, cut), text.slice(cut))).toEqual(whole);
    expect(parse(...text)).toEqual(whole);
  });
  it('keeps the last id for events that bring none, and ignores unknown fields', () => {
    expect(parse('id: 5\ndata: a\n\nretry: 10\nfoo: bar\ndata: b\n\n').map((event) => event.id)).toEqual(['5', '5']);
  });
});

class Server {
  requests: Record<string, string>[] = [];
  writers: ReadableStreamDefaultController<Uint8Array>[] = [];
  status = 200;
  fetch = vi.fn(async (_url: string, init: RequestInit) => {
    this.requests.push(init.headers as Record<string, string>);
    if (this.status !== 200) return new Response('', { status: this.status });
    let mine: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void this.writers.push((mine = controller)) });
    init.signal?.addEventListener('abort', () => {
      try {
        mine.error(new Error('aborted'));
      } catch {
        // already closed
      }
    });
    return new Response(body, { status: 200 });
  }) as unknown as typeof fetch & ReturnType<typeof vi.fn>;
  send(text: string) {
    this.writers[this.writers.length - 1].enqueue(new TextEncoder().encode(text));
  }
  drop() {
    this.writers[this.writers.length - 1].close();
  }
}

describe('stream', () => {
  const events: StreamEvent[] = [];
  const states: StreamState[] = [];
  let denied = 0;
  let server: Server;
  let stream: EventStream;

  beforeEach(() => {
    vi.useFakeTimers();
    events.length = states.length = 0;
    denied = 0;
    server = new Server();
    stream = new EventStream({ url: '/s', fetch: server.fetch, onEvent: (event) => events.push(event), onState: (state) => states.push(state), onDenied: () => denied++, silenceMs: 5000, retryMs: 1000, retryMaxMs: 8000 });
    stream.start();
  });
  afterEach(() => {
    stream.stop();
    vi.useRealTimers();
  });
  const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

  it('asks for what it missed after a break', async () => {
    await settle();
    expect(states).toEqual(['connecting', 'live']);
    expect(server.requests[0]['Last-Event-ID']).toBeUndefined();
    server.send('id: 41\nevent: alert\ndata: {}\n\n');
    await settle();
    server.drop();
    await settle();
    expect(states.at(-1)).toBe('reconnecting');
    await settle(1000);
    expect(states.at(-1)).toBe('live');
    expect(server.requests[1]['Last-Event-ID']).toBe('41');
  });

  it('waits longer after each failure, up to a bound, and starts over once it hears something', async () => {
    await settle();
    server.status = 503;
    server.drop();
    await settle();
    for (const wait of [1000, 2000, 4000, 8000, 8000]) {
      const before = server.requests.length;
      await settle(wait - 1);
      expect(server.requests.length).toBe(before);
      await settle(1);
      expect(server.requests.length).toBe(before + 1);
    }
    server.status = 200;
    await settle(8000);
    server.send('data: back\n\n');
    await settle();
    server.drop();
    await settle(1000);
    expect(states.at(-1)).toBe('live');
  });

  it('takes silence for a dead connection', async () => {
    await settle();
    await settle(4900);
    server.send(': ping\n\n');
    await settle(4900);
    expect(states.at(-1)).toBe('live');
    await settle(200);
    expect(states.at(-1)).toBe('reconnecting');
  });

  it('gives up when the session is gone', async () => {
    await settle();
    server.status = 401;
    server.drop();
    await settle(1000);
    expect(denied).toBe(1);
    expect(states.at(-1)).toBe('stopped');
    const before = server.requests.length;
    await settle(60000);
    expect(server.requests.length).toBe(before);
  });

  it('tries at once when told that the network is back', async () => {
    await settle();
    server.drop();
    await settle();
    stream.nudge();
    await settle();
    expect(states.at(-1)).toBe('live');
  });

  it('stays stopped after stop()', async () => {
    await settle();
    stream.stop();
    await settle(60000);
    expect(server.requests.length).toBe(1);
  });
});
