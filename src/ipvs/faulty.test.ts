import { describe, expect, it } from 'vitest';
import { createFakeIpvs } from './fake.ts';
import { createFaultyIpvs } from './faulty.ts';
import { addressKey, addServer, plainServer } from './values.fixture.ts';

/** Numbers that come one after the other; the last again and again. */
function scripted(...numbers: number[]): () => number {
  return () => (numbers.length > 1 ? (numbers.shift() as number) : (numbers[0] ?? 0));
}

const operations = [1, 2, 3, 4].map((port) => addServer(plainServer(addressKey('TCP', '10.96.0.1', port))));

async function applyWith(...numbers: number[]): Promise<{ codes: unknown[]; done: number }> {
  const fake = createFakeIpvs('IPv4');
  const { verdicts } = await createFaultyIpvs(fake, { probability: 0.5, random: scripted(...numbers) }).apply(operations);
  return { codes: verdicts.map((verdict) => verdict?.code ?? null), done: fake.operations.length };
}

describe('createFaultyIpvs', () => {
  it('lets a call through', async () => expect(await applyWith(0.5)).toEqual({ codes: [null, null, null, null], done: 4 }));

  it('fails the whole call and does nothing', async () => {
    const codes = Array.from({ length: 4 }, () => 'WP_IPVS_REFUSED');
    expect(await applyWith(0.4, 0)).toEqual({ codes, done: 0 });
  });

  it('has one operation refused and does the others', async () =>
    expect(await applyWith(0.4, 0.4, 0.5)).toEqual({ codes: [null, null, 'WP_IPVS_REFUSED', null], done: 3 }));

  it('does all and loses the answers from some place on', async () =>
    expect(await applyWith(0.4, 0.9, 0.5)).toEqual({ codes: [null, null, 'WP_IPVS_UNSURE', 'WP_IPVS_UNSURE'], done: 4 }));

  it('fails every other call outright, and says its family', async () => {
    const port = createFaultyIpvs(createFakeIpvs('IPv6'), { probability: 1, random: () => 0 });
    expect(port.family).toBe('IPv6');
    const timeouts = { tcp: 1, tcpFin: 1, udp: 1 };
    for (const call of [
      port.list(),
      port.probe('rr'),
      port.timeouts(),
      port.setTimeouts(timeouts),
      port.counters(addressKey('TCP', '10.96.0.1', 1)),
    ]) {
      expect(await call).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_REFUSED' } });
    }
    expect((await port.apply([])).verdicts).toEqual([]);
    await port.close();
  });
});
