import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families } from '../model/mod.ts';
import { createFakeIpvs } from './fake.ts';
import { parseSave } from './parse-save.ts';
import { probeScheduler } from './probe-scheduler.ts';
import {
  addDestination,
  addressKey,
  addServer,
  anyOperation,
  deleteDestination,
  deleteServer,
  markKey,
  narrowUniverse,
  plainDestination,
  plainServer,
} from './values.fixture.ts';

const web = addressKey('TCP', '10.96.0.1', 80);
const first = plainDestination('10.244.0.1', 80);
const second = plainDestination('10.244.0.2', 80);
const busy = { active: 3, inactive: 2, persistent: 1 };

describe('createFakeIpvs', () => {
  it.each(families)('comes from the lines of its own dump to the same state, %s', async (family) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyOperation(family, narrowUniverse(family)), { maxLength: 60, size: 'max' }),
        async (operations) => {
          const fake = createFakeIpvs(family);
          const { verdicts } = await fake.apply(operations);
          expect(verdicts).toHaveLength(operations.length);
          const parsed = parseSave(fake.dump());
          if (!parsed.ok) throw new Error(parsed.problem.message);
          const copy = createFakeIpvs(family);
          expect((await copy.apply(parsed.value)).verdicts.filter((verdict) => verdict !== null)).toEqual([]);
          expect(copy.dump()).toBe(fake.dump());
        },
      ),
      { numRuns: 300 },
    );
  });

  it('lists the newest first', async () => {
    const fake = createFakeIpvs('IPv4');
    await fake.apply([
      addServer(plainServer(web)),
      addServer(plainServer(markKey('IPv4', 1))),
      addDestination(web, first),
      addDestination(web, second),
    ]);
    const listed = await fake.list();
    if (!listed.ok) throw new Error(listed.problem.message);
    expect(listed.value.map(({ key }) => key.kind)).toEqual(['mark', 'address']);
    expect(listed.value[1]?.destinations.map(({ address }) => address)).toEqual(['10.244.0.2', '10.244.0.1']);
  });

  it('gives a destination that comes back the connections it had, until the trash is empty', async () => {
    const fake = createFakeIpvs('IPv4');
    await fake.apply([addServer(plainServer(web)), addDestination(web, first), addDestination(web, second)]);
    fake.setConnections(web, first, busy);
    fake.setConnections(web, second, busy);
    const idle = { active: 0, inactive: 0, persistent: 0 };
    await fake.apply([deleteDestination(web, first), addDestination(web, first)]);
    expect(await fake.counters(web)).toMatchObject({
      value: new Map([
        ['10.244.0.2:80', busy],
        ['10.244.0.1:80', busy],
      ]),
    });
    await fake.apply([deleteServer(web), addServer(plainServer(web)), addDestination(web, first)]);
    fake.emptyTrash();
    await fake.apply([addDestination(web, second)]);
    expect(await fake.counters(web)).toMatchObject({
      value: new Map([
        ['10.244.0.1:80', busy],
        ['10.244.0.2:80', idle],
      ]),
    });
    expect(() => fake.setConnections(web, plainDestination('10.244.0.3', 80), busy)).toThrow('has no destination 10.244.0.3:80');
  });

  it('tells a server without destinations from one that is gone', async () => {
    const fake = createFakeIpvs('IPv4');
    await fake.apply([addServer(plainServer(web))]);
    expect(await fake.counters(web)).toEqual({ ok: true, value: new Map() });
    expect(await fake.counters(markKey('IPv4', 1))).toEqual({ ok: true, value: null });
  });

  it('has the schedulers it was given, and no others', async () => {
    const fake = createFakeIpvs('IPv4', { schedulers: ['rr'] });
    expect(await fake.probe('rr')).toMatchObject({ ok: true });
    expect(await fake.probe('mh')).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_NO_SCHEDULER' } });
    const { verdicts } = await fake.apply([addServer(plainServer(web, { scheduler: 'mh' }))]);
    expect(verdicts[0]?.code).toBe('WP_IPVS_NO_SCHEDULER');
  });

  it('keeps idle times that are 0 in what is set', async () => {
    const fake = createFakeIpvs('IPv4');
    expect(await fake.setTimeouts({ tcp: 7500, tcpFin: 0, udp: 60 })).toEqual({ ok: true, value: undefined });
    expect(await fake.timeouts()).toEqual({ ok: true, value: { tcp: 7500, tcpFin: 120, udp: 60 } });
    expect(await fake.setTimeouts({ tcp: -1, tcpFin: 0, udp: 60 })).toMatchObject({
      ok: false,
      problem: { code: 'WP_IPVS_INVALID' },
    });
  });

  it('can be a kernel without IPVS', async () => {
    const fake = createFakeIpvs('IPv4', { missing: true });
    const missing = { ok: false, problem: { code: 'WP_IPVS_MISSING' } };
    for (const call of [
      fake.list(),
      fake.probe('rr'),
      fake.timeouts(),
      fake.counters(web),
      fake.setTimeouts({ tcp: 1, tcpFin: 1, udp: 1 }),
    ]) {
      expect(await call).toMatchObject(missing);
    }
    expect((await fake.apply([addServer(plainServer(web))])).verdicts).toMatchObject([{ code: 'WP_IPVS_MISSING' }]);
    expect(fake.operations).toEqual([]);
  });
});

describe('probeScheduler', () => {
  it('takes the highest mark without a server and leaves nothing behind', async () => {
    const fake = createFakeIpvs('IPv6');
    const probe = {
      family: 'IPv6' as const,
      apply: fake.apply,
      marks: async () => ({ ok: true as const, value: new Set([2 ** 32 - 1]) }),
    };
    expect(await probeScheduler({ ...probe, scheduler: 'mh' })).toBeNull();
    expect(fake.operations.map((operation) => ('server' in operation ? operation.server.key : operation.key))).toEqual([
      markKey('IPv6', 2 ** 32 - 2),
      markKey('IPv6', 2 ** 32 - 2),
    ]);
    expect(fake.dump()).toBe('');
    expect((await probeScheduler({ ...probe, scheduler: 'absent' }))?.code).toBe('WP_IPVS_NO_SCHEDULER');
    expect((await probeScheduler({ ...probe, scheduler: 'No Name' }))?.code).toBe('WP_IPVS_INVALID');
    const blind = async () => ({ ok: false as const, problem: { code: 'WP_IPVS_DENIED' as const, message: 'no' } });
    expect((await probeScheduler({ ...probe, scheduler: 'mh', marks: blind }))?.code).toBe('WP_IPVS_DENIED');
  });
});
