import { describe, expect, it } from 'vitest';
import { checkable } from './health-target.ts';
import { address, makeBench, manners, tcp, tcpSpec } from './health.fixture.ts';

const one = tcp('10.0.0.1');
const two = tcp('10.0.0.2');

describe('the checks of a Service', () => {
  it('counts a new back end as live and asks it at once', () => {
    const { clock, checker, asked, rows } = makeBench();
    checker.set('a/b', tcpSpec(), [one]);
    expect(checker.isLive('a/b', one)).toBe(true);
    expect(rows()).toMatchObject([{ service: 'a/b', backend: one, verdict: 'unknown', text: '', checks: 0, failures: 0 }]);
    clock.turn(0);
    expect(asked).toEqual([
      { at: clock.now(), turn: 1, target: { probe: { kind: 'tcp' }, address: '10.0.0.1', port: 80, protocol: 'TCP' } },
    ]);
    clock.turn(1);
    expect(rows()).toMatchObject([{ verdict: 'live', text: 'connected', checks: 1, failures: 0, heldUntil: null }]);
  });

  it('says live of what it does not check', () => {
    const { checker } = makeBench();
    checker.set('a/b', tcpSpec(), [one]);
    expect([checker.isLive('a/b', two), checker.isLive('c/d', one)]).toEqual([true, true]);
  });

  it('lets all go where all are dead', () => {
    const { clock, checker, answer } = makeBench();
    answer('10.0.0.1', manners.silent);
    answer('10.0.0.2', manners.refuses);
    checker.set('a/b', tcpSpec(), [one, two]);
    clock.turn(3000);
    expect([one, two].map((backend) => checker.isLive('a/b', backend))).toEqual([false, false]);
    expect(checker.counts()).toMatchObject({ watched: 2, dead: 2, taken: 2, returned: 0 });
  });

  it('keeps state and place of a back end that stays, whatever comes and goes beside it', () => {
    const { clock, checker, answer, asked } = makeBench();
    answer('10.0.0.1', manners.refuses);
    checker.set('a/b', tcpSpec(), [one]);
    for (let round = 0; round < 300; round += 1) {
      clock.turn(10);
      checker.set('a/b', tcpSpec(), round % 2 === 0 ? [one, two] : [one]);
    }
    expect(checker.isLive('a/b', one)).toBe(false);
    expect(asked.filter(({ target }) => target.address === '10.0.0.1').length).toBeLessThanOrEqual(4);
  });

  it('keeps the verdict where the numbers alone are others, and begins anew where something else is asked', () => {
    const { clock, checker, answer, changes } = makeBench();
    answer('10.0.0.1', manners.refuses);
    checker.set('a/b', tcpSpec(), [one]);
    clock.turn(3000);
    checker.set('a/b', tcpSpec({ intervalMs: 2000 }), [one]);
    expect(checker.isLive('a/b', one)).toBe(false);
    expect(changes).toHaveLength(1);
    checker.set('a/b', tcpSpec({ probe: { kind: 'http', path: '/', host: null } }), [one]);
    expect(checker.isLive('a/b', one)).toBe(true);
    expect(changes).toHaveLength(2);
  });

  it('asks once what several Services ask alike, and tells all of them', () => {
    const { clock, checker, answer, asked, changes } = makeBench();
    for (const service of ['a/b', 'c/d']) checker.set(service, tcpSpec(), [one]);
    clock.turn(5000);
    expect(asked.length).toBeLessThanOrEqual(7);
    answer('10.0.0.1', manners.refuses);
    clock.turn(3000);
    expect(changes.map(({ services }) => services)).toEqual([['a/b', 'c/d']]);
    checker.set('e/f', tcpSpec(), [one]);
    expect(checker.isLive('e/f', one)).toBe(false);
    expect(changes.at(-1)?.services).toEqual(['e/f']);
    checker.remove('a/b');
    expect([checker.isLive('a/b', one), checker.isLive('c/d', one)]).toEqual([true, false]);
    for (const service of ['c/d', 'e/f']) checker.remove(service);
    expect(checker.counts()).toMatchObject({ watched: 0, dead: 0, running: 0 });
    const before = asked.length;
    clock.turn(10_000);
    expect(asked).toHaveLength(before);
  });

  it('gives up what is under way for a back end that goes, and hears no more of it', () => {
    const { clock, checker, answer, running, changes, faults } = makeBench();
    answer('10.0.0.1', { answer: { kind: 'bad', text: 'late' }, afterMs: 300 });
    checker.set('a/b', tcpSpec({ fall: 1 }), [one]);
    clock.turn(100);
    expect(running.size).toBe(1);
    checker.remove('a/b');
    expect(running.size).toBe(0);
    clock.turn(1000);
    expect([changes, faults]).toEqual([[], []]);
  });

  it('bears that it is changed by who is told', () => {
    const bench = makeBench();
    const { clock, checker, answer } = bench;
    answer('10.0.0.1', manners.refuses);
    bench.told(() => checker.remove('a/b'));
    checker.set('a/b', tcpSpec({ fall: 1 }), [one]);
    clock.turn(5000);
    expect(checker.counts()).toMatchObject({ watched: 0, running: 0, checks: 1 });
    expect(bench.faults).toEqual([]);
  });

  it('judges nothing by what this node could not ask', () => {
    const { clock, checker, answer, rows, asked } = makeBench();
    answer('10.0.0.1', manners.unasked);
    checker.set('a/b', tcpSpec(), [one]);
    clock.turn(20_000);
    expect(rows()).toMatchObject([{ verdict: 'unknown', text: 'no file left', failures: 0 }]);
    expect(asked.length).toBeLessThanOrEqual(22);
    expect(checker.counts().unasked).toBe(asked.length);
    answer('10.0.0.1', manners.refuses);
    clock.turn(3000);
    answer('10.0.0.1', manners.unasked);
    clock.turn(20_000);
    expect(checker.isLive('a/b', one)).toBe(false);
  });

  it('holds what flaps, says until when in the time of day, and lets it back', () => {
    const { clock, checker, answer, rows } = makeBench();
    checker.set('a/b', tcpSpec({ rise: 1, fall: 1 }), [one]);
    const flap = (): void => {
      for (const manner of [manners.refuses, manners.good]) {
        answer('10.0.0.1', manner);
        clock.turn(2000);
      }
    };
    for (let round = 0; round < 4; round += 1) flap();
    const [row] = rows();
    expect(row?.verdict).toBe('dead');
    expect((row?.heldUntil ?? 0) - (row?.since ?? 0)).toBe(10_000);
    expect(row?.since).toBeGreaterThan(clock.now() + 5_000_000 - 4000);
    clock.turn(11_000);
    expect(rows()).toMatchObject([{ verdict: 'live', heldUntil: null }]);
  });

  it('asks nothing after it was closed', () => {
    const { clock, checker, answer, running, asked } = makeBench();
    answer('10.0.0.1', manners.silent);
    checker.set('a/b', tcpSpec(), [one, two]);
    clock.turn(50);
    checker[Symbol.dispose]();
    expect(running.size).toBe(0);
    const before = asked.length;
    clock.turn(10_000);
    expect(asked).toHaveLength(before);
  });
});

describe('many checks', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => tcp(`10.1.${index >> 8}.${index & 255}`));
  const intervalMs = 20_000;

  it('begins no more than 64 in a turn, and spreads what follows', () => {
    const { clock, checker, asked, faults } = makeBench();
    for (let index = 0; index < many.length; index += 100) {
      checker.set(`a/${index}`, tcpSpec({ intervalMs }), many.slice(index, index + 100));
    }
    clock.turn(1);
    expect(asked).toHaveLength(many.length);
    clock.turn(2 * intervalMs);
    const turns = new Map<number, number>();
    for (const { turn } of asked) turns.set(turn, (turns.get(turn) ?? 0) + 1);
    expect(Math.max(...turns.values())).toBe(64);
    const from = asked.length;
    const begun = clock.now();
    clock.turn(intervalMs);
    expect(asked.length - from).toBeGreaterThan(9900);
    const seconds = new Map<number, number>();
    for (const { at } of asked.slice(from)) {
      const second = Math.floor((at - begun) / 1000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    expect(Math.max(...seconds.values())).toBeLessThan(600);
    expect(faults).toEqual([]);
  });

  it('never has more under way than allowed, and counts those that are late', () => {
    const { clock, checker, answer, most, faults } = makeBench({ sockets: 10 });
    const few = many.slice(0, 100);
    for (const backend of few) answer(backend.address, manners.silent);
    checker.set('a/b', tcpSpec(), few);
    clock.turn(30_000);
    expect(most()).toBe(10);
    expect(checker.counts().late).toBeGreaterThan(100);
    expect(few.map((backend) => checker.isLive('a/b', backend))).not.toContain(true);
    expect(faults).toEqual([]);
  });

  it('lets programs and connections not wait for each other', () => {
    const { clock, checker, answer, asked } = makeBench({ programs: 1 });
    const slow = many.slice(0, 20);
    for (const backend of slow) answer(backend.address, manners.silent);
    checker.set('a/b', tcpSpec({ probe: { kind: 'exec', program: 'ask' } }), slow);
    checker.set('c/d', tcpSpec(), [one]);
    clock.turn(10_000);
    expect(asked.filter(({ target }) => target.address === one.address).length).toBeGreaterThanOrEqual(10);
    expect(checker.counts().late).toBeGreaterThan(0);
  });
});

describe('whom a check asks', () => {
  const udp = { address: address('10.0.0.1'), protocol: 'UDP', port: 53 } as const;

  it('is the port that the check names, else the first TCP port of the address', () => {
    const { clock, checker, asked } = makeBench();
    checker.set('a/b', tcpSpec(), [udp, tcp('10.0.0.1', 8080), tcp('10.0.0.1', 9090)]);
    checker.set('c/d', tcpSpec({ port: 7000 }), [udp]);
    clock.turn(0);
    expect(asked.map(({ target }) => target.port)).toEqual([8080, 7000]);
  });

  it('is a program for any protocol', () => {
    const { clock, checker, asked } = makeBench();
    checker.set('a/b', tcpSpec({ probe: { kind: 'exec', program: 'ask' } }), [udp]);
    clock.turn(0);
    expect(asked).toMatchObject([{ target: { port: 53, protocol: 'UDP' } }]);
  });

  it.each([
    [tcpSpec(), udp, 'UDP port 53 needs a TCP port to ask'],
    [tcpSpec({ probe: { kind: 'http', path: 'x', host: null } }), one, 'path of the health check, "x"'],
    [tcpSpec({ probe: { kind: 'http', path: '/ HTTP/1.1\r\nX: y', host: null } }), one, 'path of the health check'],
    [tcpSpec({ probe: { kind: 'http', path: '/', host: 'a b' } }), one, 'host of the health check, "a b"'],
    [tcpSpec({ probe: { kind: 'exec', program: '../sh' } }), one, 'program of the health check, "../sh"'],
    [tcpSpec({ probe: { kind: 'exec', program: '..' } }), one, 'program of the health check, ".."'],
    [tcpSpec({ intervalMs: 50 }), one, 'interval of the health check is 50 ms'],
    [tcpSpec({ timeoutMs: 1001 }), one, 'time-out of the health check is 1001 ms'],
    [tcpSpec({ timeoutMs: Number.NaN }), one, 'time-out of the health check is NaN ms'],
    [tcpSpec({ fall: 0 }), one, 'fall of the health check is 0'],
    [tcpSpec({ rise: 1.5 }), one, 'rise of the health check is 1.5'],
  ])('is nobody, and it is said why: %#', (spec, backend, reason) => {
    expect(checkable(spec, backend)).toContain(reason);
    const { clock, checker, asked } = makeBench();
    checker.set('a/b', spec, [backend]);
    clock.turn(5000);
    expect([asked.length, checker.isLive('a/b', backend)]).toEqual([0, true]);
  });

  it.each([tcpSpec(), tcpSpec({ probe: { kind: 'http', path: '/healthz?x=1', host: 'example.org' } })])('is fine: %#', (spec) => {
    expect(checkable(spec, one)).toBeNull();
    expect(checkable({ ...spec, port: 80 }, udp)).toBeNull();
  });
});
