import { describe, expect, test } from 'vitest';
import type { RowWatch, ServiceRows } from '../model/mod.ts';
import { FakeClock } from './fake-clock.fixture.ts';
import type { Sink } from './http-serve.ts';
import { LiveFeed } from './live-feed.ts';
import type { LiveFigures } from './live-feed.ts';
import { makeRow } from './page/row.fixture.ts';
import type { PageSummary, ServiceCounts } from './page/wire.ts';

const summary: PageSummary = {
  agent: { version: '1', mode: 'ipvs', node: 'node-1', startedAt: 0 },
  synced: true,
  nodeEligible: true,
  families: [],
  dns: { configured: false, running: false, ready: false },
  ingress: { running: false, publications: 0 },
  problems: [],
  countsConnections: true,
};

/** A reader that takes all it is given until it is told not to. */
class Reader {
  readonly events: { readonly name: string; readonly data: unknown }[] = [];
  takes = true;
  dropped = false;
  leave: () => void = () => {};
  #drained: (() => void) | null = null;

  readonly sink: Sink = {
    write: (text) => {
      const [, name = '', data = ''] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? [];
      this.events.push({ name, data: JSON.parse(data) });
      return this.takes;
    },
    onDrain: (callback) => {
      this.#drained = callback;
    },
    drop: () => {
      this.dropped = true;
      this.leave();
    },
  };

  drain(): void {
    this.takes = true;
    this.#drained?.();
  }

  /** The names of what came since the last look. */
  take(): readonly string[] {
    return this.events.splice(0).map(({ name }) => name);
  }
}

/** Services that change by hand. */
class Rows {
  readonly waiting: string[];
  watches = 0;

  constructor(...services: readonly string[]) {
    this.waiting = [...services];
  }

  watch = (): RowWatch => {
    this.watches += 1;
    const { waiting } = this;
    return {
      take: (limit) => waiting.splice(0, limit).map((service): ServiceRows => ({ service, rows: [makeRow({ service })] })),
      get waiting() {
        return waiting.length;
      },
      close: () => {
        this.watches -= 1;
      },
    };
  };
}

interface Stage {
  readonly clock: FakeClock;
  readonly feed: LiveFeed;
  readonly rows: Rows;
  readonly asked: { summary: number; figures: number };
  summary: PageSummary;
  figures: LiveFigures;
}

function stage(rows: Rows, hasRows: () => boolean = () => true): Stage {
  const clock = new FakeClock(1000);
  const asked = { summary: 0, figures: 0 };
  const made: Stage = {
    clock,
    rows,
    asked,
    summary,
    figures: { connections: null, dns: null },
    feed: new LiveFeed({
      clock,
      summary: () => {
        asked.summary += 1;
        return made.summary;
      },
      watch: () => (hasRows() ? rows.watch() : null),
      figures: async () => {
        asked.figures += 1;
        return made.figures;
      },
    }),
  };
  return made;
}

function join(feed: LiveFeed): Reader {
  const reader = new Reader();
  const reply = feed.open();
  expect(reply).toMatchObject({ status: 200, headers: { 'Content-Type': 'text/event-stream' } });
  reader.leave = reply.stream?.(reader.sink) ?? (() => {});
  return reader;
}

function textsOf(...counts: readonly ServiceCounts[]): ReadonlyMap<string, string> {
  return new Map(counts.map((one) => [one.service, JSON.stringify(one)]));
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe('one reader', () => {
  test('gets everything once, then only what changed, and what changed in between once', () => {
    const { clock, feed, rows, ...rest } = stage(new Rows('shop/a', 'shop/b'));
    const reader = join(feed);
    expect(reader.take()).toEqual(['hello', 'summary', 'rows', 'ready']);
    clock.advance(500);
    expect(reader.take()).toEqual([]);
    rows.waiting.push('shop/b');
    clock.advance(400);
    expect(reader.take()).toEqual([]);
    clock.advance(100);
    expect(reader.events).toEqual([{ name: 'rows', data: [{ service: 'shop/b', rows: [makeRow({ service: 'shop/b' })] }] }]);
    expect(rest.asked.summary).toBeGreaterThan(0);
  });

  test('gets many Services in portions, each in a turn of its own', () => {
    const { clock, feed } = stage(new Rows(...Array.from({ length: 450 }, (_, index) => `shop/${index}`)));
    const reader = join(feed);
    expect(reader.take()).toEqual(['hello', 'summary', 'rows']);
    clock.advance(0);
    expect(reader.take()).toEqual(['rows']);
    clock.advance(0);
    expect(reader.take()).toEqual(['rows', 'ready']);
  });

  test('waits for an agent that has no rows yet', () => {
    let started = false;
    const { clock, feed } = stage(new Rows('shop/a'), () => started);
    const reader = join(feed);
    expect(reader.take()).toEqual(['hello', 'summary']);
    started = true;
    clock.advance(500);
    expect(reader.take()).toEqual(['rows', 'ready']);
  });

  test('is told of a change of the agent, and every now and then that it lives', () => {
    const made = stage(new Rows());
    const reader = join(made.feed);
    reader.take();
    made.summary = { ...summary, synced: false };
    made.clock.advance(500);
    expect(reader.take()).toEqual(['summary']);
    for (let look = 0; look < 30; look += 1) made.clock.advance(500);
    expect(reader.take()).toEqual(['beat']);
  });

  test('gets counts of those Services alone whose counts changed', async () => {
    const made = stage(new Rows());
    const counts = (service: string, active: number): ServiceCounts => {
      return { service, active, inactive: 0, persistent: 0, perSecond: 0, traffic: null, draining: false, endpoints: [] };
    };
    made.figures = { connections: { services: textsOf(counts('shop/a', 1), counts('shop/b', 2)), problems: [] }, dns: null };
    const reader = join(made.feed);
    reader.take();
    await settle();
    made.clock.advance(500);
    expect(reader.events.map(({ name, data }) => [name, Object.keys(data as object)])).toEqual([
      ['uncounted', []],
      ['connections', ['shop/a', 'shop/b']],
    ]);
    reader.take();
    made.figures = { connections: { services: textsOf(counts('shop/a', 5)), problems: [] }, dns: null };
    for (let look = 0; look < 4; look += 1) made.clock.advance(500);
    await settle();
    made.clock.advance(500);
    expect(reader.events).toEqual([{ name: 'connections', data: { 'shop/a': counts('shop/a', 5), 'shop/b': null } }]);
  });
});

describe('a reader that is behind', () => {
  test('is sent nothing until it has read, and then what it missed as it is', () => {
    const { clock, feed, rows } = stage(new Rows('shop/a'));
    const reader = join(feed);
    reader.take();
    reader.takes = false;
    rows.waiting.push('shop/a');
    clock.advance(500);
    expect(reader.take()).toEqual(['rows']);
    rows.waiting.push('shop/a', 'shop/b');
    clock.advance(500);
    clock.advance(500);
    expect(reader.take()).toEqual([]);
    reader.drain();
    clock.advance(0);
    expect(reader.take()).toEqual(['rows']);
  });

  test('is dropped after half a minute', () => {
    const { clock, feed, rows } = stage(new Rows('shop/a'));
    const reader = join(feed);
    reader.takes = false;
    rows.waiting.push('shop/b');
    for (let look = 0; look < 61; look += 1) clock.advance(500);
    expect(reader.dropped).toBe(false);
    clock.advance(500);
    clock.advance(500);
    expect(reader.dropped).toBe(true);
    expect(rows.watches).toBe(0);
  });
});

describe('readers', () => {
  test('beyond sixteen are turned away with a sentence, until one leaves', () => {
    const { feed } = stage(new Rows());
    const readers = Array.from({ length: 16 }, () => join(feed));
    expect(feed.open()).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '10' },
      body: expect.stringContaining('16 readers'),
    });
    readers[3]?.leave();
    expect(feed.open().status).toBe(200);
  });

  test('cost nothing once they have left: no timer, no watch, no look', async () => {
    const { clock, feed, rows, asked } = stage(new Rows('shop/a'));
    expect([clock.waiting, asked.summary, asked.figures]).toEqual([0, 0, 0]);
    const [one, two] = [join(feed), join(feed)];
    await settle();
    expect(rows.watches).toBe(2);
    one.leave();
    expect(clock.waiting).toBeGreaterThan(0);
    two.leave();
    expect([clock.waiting, rows.watches]).toEqual([0, 0]);
    const before = { ...asked };
    clock.advance(60_000);
    await settle();
    expect(asked).toEqual(before);
  });
});
