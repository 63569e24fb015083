import { describe, expect, it } from 'vitest';
import { rcode } from './constants.ts';
import { ask, isProbe, makeBench, makeReply, makeRule, probes, question, questions, settle, targets } from './forward.fixture.ts';
import type { Bench } from './forward.fixture.ts';

describe('health', () => {
  /** Lets the first upstream go down. */
  async function bringDown(bench: Bench): Promise<void> {
    void bench.forwarder.ask(question('down.example.com.'));
    questions(bench).at(-1)?.listener.failed('ECONNREFUSED');
    for (const step of [0, 500]) {
      await bench.clock.turn(step);
      probes(bench).at(-1)?.listener.failed('ECONNREFUSED');
    }
    const [other] = questions(bench).slice(-1);
    if (other?.to.address === '10.0.0.1') other.listener.failed('ECONNREFUSED');
    else other?.listener.take(makeReply(other.query));
    await settle();
  }

  it('[DNS-97] probes every half second from a failure on, with . IN NS and RD', async () => {
    const bench = makeBench(makeRule(2));
    ask(bench, 'www.example.com.');
    await bench.clock.turn(1999);
    expect(probes(bench)).toHaveLength(0);
    await bench.clock.turn(1);
    expect(probes(bench)).toHaveLength(1);
    expect(bench.udp.sent.find(isProbe)?.query).toMatchObject({
      flag_rd: true,
      questions: [{ name: '.', type: 'NS', class: 'IN' }],
    });
    await bench.clock.turn(1500);
    expect(probes(bench)).toHaveLength(4);
    expect(new Set(targets(probes(bench)))).toEqual(new Set(['1']));
  });

  it('[DNS-97] probes without RD where recursion is off, and not at all with max_fails 0', async () => {
    const plain = makeBench(makeRule(1, { healthRecursion: false }));
    ask(plain, 'www.example.com.');
    await plain.clock.turn(2000);
    expect(probes(plain)[0]?.query.flag_rd).toBe(false);
    const never = makeBench(makeRule(1, { maxFails: 0 }));
    ask(never, 'www.example.com.');
    await never.clock.turn(60_000);
    expect(probes(never)).toHaveLength(0);
  });

  it('[DNS-97] skips an upstream after two failed probes and takes it back when it speaks, whatever it says', async () => {
    const bench = makeBench(makeRule(2));
    await bringDown(bench);
    expect(bench.lines.filter((line) => line === 'health 10.0.0.1:53')).toHaveLength(2);
    ask(bench, 'a.example.com.');
    expect(questions(bench).at(-1)?.to.address).toBe('10.0.0.2');
    await bench.clock.turn(500);
    const probe = probes(bench).at(-1);
    expect(probe?.listener.take(makeReply(probe.query, {}, rcode.REFUSED))).toBe(true);
    const before = probes(bench).length;
    ask(bench, 'b.example.com.');
    expect(questions(bench).at(-1)?.to.address).toBe('10.0.0.1');
    await bench.clock.turn(1000);
    expect(probes(bench)).toHaveLength(before);
  });

  it('[DNS-97] counts a probe as failed after a second of silence', async () => {
    const bench = makeBench(makeRule(2));
    ask(bench, 'www.example.com.');
    await bench.clock.turn(2999);
    expect(bench.lines).not.toContain('health 10.0.0.1:53');
    await bench.clock.turn(1);
    expect(bench.lines).toContain('health 10.0.0.1:53');
  });

  it('[DNS-97] with all down tries one, or fails at once where told so', async () => {
    const trying = makeBench(makeRule(1));
    await bringDown(trying);
    const state = ask(trying, 'a.example.com.');
    const sent = questions(trying).at(-1);
    expect(sent?.query.questions?.[0]?.name).toBe('a.example.com');
    expect(trying.lines).toContain('broken');
    sent?.listener.take(makeReply(sent.query));
    await settle();
    expect(state.result?.kind).toBe('answered');
    const failing = makeBench(makeRule(1, { allDown: 'fail' }));
    await bringDown(failing);
    const before = failing.udp.sent.length;
    expect(await failing.forwarder.ask(question('a.example.com.'))).toEqual({ kind: 'failed', reason: 'all upstreams are down' });
    expect(failing.udp.sent).toHaveLength(before);
  });

  it('an answer to a question makes an upstream healthy as well', async () => {
    const bench = makeBench(makeRule(1));
    await bringDown(bench);
    ask(bench, 'a.example.com.');
    const sent = questions(bench).at(-1);
    sent?.listener.take(makeReply(sent.query));
    const before = probes(bench).length;
    await bench.clock.turn(5000);
    expect(probes(bench)).toHaveLength(before);
  });
});

describe('many questions', () => {
  it('[DNS-108] that are the same share one upstream query, whatever their spelling', async () => {
    const bench = makeBench(makeRule(1));
    const states = ['www.example.com.', 'WWW.example.com.', 'www.EXAMPLE.com.'].map((name) => ask(bench, name));
    expect(bench.udp.sent).toHaveLength(1);
    bench.udp.last.listener.take(makeReply(bench.udp.last.query));
    await settle();
    expect(states.map(({ result }) => result?.kind)).toEqual(['answered', 'answered', 'answered']);
    ask(bench, 'www.example.com.');
    expect(bench.udp.sent).toHaveLength(2);
  });

  it('[DNS-108] that differ in type, DO, CD or transport are not merged', () => {
    const bench = makeBench(makeRule(1));
    for (const over of [{}, { type: 28 }, { dnssecOk: true }, { checkingDisabled: true }, { stream: true }]) {
      ask(bench, 'www.example.com.', over);
    }
    expect(bench.udp.sent.length + bench.tcp.sent.length).toBe(5);
  });

  it('above max_concurrent are refused at once and counted', async () => {
    const bench = makeBench(makeRule(1, { maxConcurrent: 2 }));
    const states = ['a.test.', 'b.test.', 'a.test.', 'c.test.'].map((name) => ask(bench, name));
    await settle();
    expect(states.map(({ result }) => result?.kind)).toEqual([undefined, undefined, undefined, 'overloaded']);
    expect(bench.lines.filter((line) => line === 'reject')).toHaveLength(1);
    bench.udp.last.listener.take(makeReply(bench.udp.last.query));
    await settle();
    const again = ask(bench, 'c.test.');
    await settle();
    expect(again.result).toBeNull();
  });

  it('are spread by policy', () => {
    const byPolicy = (policy: 'random' | 'round_robin' | 'sequential'): readonly string[] => {
      const bench = makeBench(makeRule(3, { policy }));
      for (const name of ['a.', 'b.', 'c.', 'd.']) ask(bench, name);
      return targets(bench.udp.sent);
    };
    expect(byPolicy('sequential')).toEqual(['1', '1', '1', '1']);
    expect(byPolicy('round_robin')).toEqual(['1', '2', '3', '1']);
    expect(new Set(byPolicy('random')).size).toBeGreaterThan(1);
  });

  it('[DNS-99] draw each id anew', () => {
    const bench = makeBench(makeRule(1));
    for (let index = 0; index < 50; index += 1) ask(bench, `n${index}.test.`);
    expect(new Set(bench.udp.sent.map(({ query }) => query.id)).size).toBe(50);
  });
});
