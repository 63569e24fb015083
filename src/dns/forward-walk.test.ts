import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { flag, isProbe, makeBench, makeReply, makeRule, question } from './forward.fixture.ts';
import type { Bench, FakeSent } from './forward.fixture.ts';
import type { ForwardResult } from './forward-contract.ts';

/** What an upstream does with one query. */
const deed = fc.record({
  kind: fc.constantFrom('good', 'good', 'silent', 'refused', 'servfail', 'formerr', 'truncated', 'noise'),
  delay: fc.integer({ min: 0, max: 5000 }),
});
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never;

/** Does the deed; gives whether a reply was taken. */
function act({ query, listener, listening }: FakeSent, { kind }: Deed): boolean {
  if (!listening() || kind === 'silent') return false;
  if (kind === 'refused') {
    listener.failed('ECONNREFUSED');
    return false;
  }
  if (kind === 'noise') return listener.take(makeReply({ ...query, id: ((query.id ?? 0) + 1) & 0xffff }));
  const code = kind === 'servfail' ? 2 : kind === 'formerr' ? 1 : 0;
  return listener.take(makeReply(query, kind === 'truncated' ? { flags: flag.truncated } : {}, code));
}

const upstreams = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  policy: fc.constantFrom('random' as const, 'round_robin' as const, 'sequential' as const),
  transport: fc.constantFrom('as_asked' as const, 'prefer_udp' as const, 'force_tcp' as const),
  allDown: fc.constantFrom('try' as const, 'fail' as const),
  maxFails: fc.integer({ min: 0, max: 2 }),
  failover: fc.constantFrom([], [2], [1, 2]),
});

/** Each transport does the deeds in turn; replies to questions that were taken are counted, and those that end a question. */
function script(bench: Bench, deeds: readonly Deed[]): { taken: number; final: number } {
  const state = { taken: 0, final: 0 };
  let turn = 0;
  for (const transport of [bench.udp, bench.tcp]) {
    transport.onSend = (sent) => {
      const next = deeds[turn % deeds.length];
      turn += 1;
      if (next === undefined) return;
      bench.clock.after(next.delay, () => {
        if (!act(sent, next) || isProbe(sent)) return;
        state.taken += 1;
        // Behind this one the question is asked again, without EDNS.
        if (next.kind !== 'formerr') state.final += 1;
      });
    };
  }
  return state;
}

it('[DNS-95][DNS-97] whatever upstreams do, every question ends in time, with a reply if there was one, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(upstreams, fc.array(deed, { minLength: 1, maxLength: 12 }), fc.boolean(), async (chosen, deeds, stream) => {
      const { count, ...over } = chosen;
      const bench = makeBench(makeRule(count, over));
      const state = script(bench, deeds);
      const results: ForwardResult[] = [];
      for (const name of ['a.test.', 'b.test.', 'c.test.']) {
        const before = { ...state };
        const keep = async (): Promise<void> => {
          results.push(await bench.forwarder.ask(question(name, { stream })));
        };
        void keep();
        await bench.clock.turn(6000);
        const last = results.at(-1);
        expect(last?.kind === 'answered' ? state.taken > before.taken : state.final === before.final).toBe(true);
      }
      expect(results).toHaveLength(3);
      bench.forwarder.close();
      await bench.clock.turn(10_000);
      expect(bench.clock.timers).toBe(0);
      expect([...bench.udp.sent, ...bench.tcp.sent].filter(({ listening }) => listening())).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
