import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families, sideKey } from '../model/mod.ts';
import type { Family, SideChange, SideEntry } from '../model/mod.ts';
import { createFakeNftPort } from './fake.ts';
import { createFaultyNftPort } from './faulty.ts';
import type { NftPort } from './port.ts';
import { planFixedChains } from './side-chains.ts';
import { keyText } from './side-delta.ts';
import { prefix, sampleAddress, sideChanges, sideEntries, sideSettings, sideSettingsOf } from './side-entries.fixture.ts';
import { followChange } from './side-model.fixture.ts';
import { createSideRules } from './side-rules.ts';
import { sideTable } from './side-sets.ts';
import { sharedChainsOf } from './side-shared-chains.ts';
import type { Transaction } from './transaction.ts';

const pause = (): null => null;

/** All that a table says, in an order that does not depend on its history, without handles. */
async function readSorted(port: NftPort, family: Family): Promise<unknown> {
  const { family: word, name } = sideTable(family);
  const table = await port.readTable(word, name);
  if (!table.ok || table.value === null) return table;
  const chains = [...table.value.chains].map(([chain, state]) => [
    chain,
    state.chain,
    state.rules.map(({ statements }) => statements),
  ]);
  const sets = [...table.value.sets].map(([set, state]) => [
    set,
    state.set,
    state.elements.map((element) => JSON.stringify([keyText(element.key), element.value, element.comment])).toSorted(),
  ]);
  return { chains: chains.toSorted(byName), sets: sets.toSorted(byName) };
}

function byName([a]: readonly unknown[], [b]: readonly unknown[]): number {
  return String(a) < String(b) ? -1 : 1;
}

/** Numbers from 0 up to 1, evenly (Park and Miller's generator). */
function createRandom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A port that also keeps what it was given. */
function createRecorder(port: NftPort): { readonly port: NftPort; readonly given: Transaction[] } {
  const given: Transaction[] = [];
  return {
    given,
    port: {
      ...port,
      apply: (transaction) => {
        given.push(transaction);
        return port.apply(transaction);
      },
    },
  };
}

describe.each(families)('side rules in a table, %s', (family) => {
  const vip = sampleAddress(family, 1);
  const sticky = (servers: readonly number[], timeoutSeconds = 60): SideEntry => ({
    kind: 'sticky',
    group: 20,
    timeoutSeconds,
    servers,
  });
  const change = (set: readonly SideEntry[], remove: readonly string[] = []): SideChange => ({
    settings: sideSettings,
    set,
    remove,
  });

  it('any history ends in the table that a fresh build makes, and reads back as what was asked for', async () => {
    await fc.assert(
      fc.asyncProperty(sideChanges(family), async (changes) => {
        const walked = createFakeNftPort();
        const side = createSideRules({ family, port: walked, pause });
        const entries = new Map<string, SideEntry>();
        for (const step of changes) {
          followChange(entries, step);
          expect(await side.apply(step)).toMatchObject({ problem: null });
        }
        const { settings } = changes.at(-1) ?? change([]);
        const fresh = createFakeNftPort();
        await createSideRules({ family, port: fresh, pause }).apply({ settings, set: [...entries.values()], remove: [] });
        expect(await readSorted(walked, family)).toEqual(await readSorted(fresh, family));
        expect(await side.read()).toEqual({ ok: true, value: { entries, intact: true } });
      }),
      { numRuns: 60 },
    );
  });

  it('comes to the same with a port that fails, lies and forgets, asked often enough', async () => {
    await fc.assert(
      fc.asyncProperty(sideChanges(family), fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (changes, seed) => {
        const kernel = createFakeNftPort();
        const random = createRandom(seed);
        const side = createSideRules({ family, port: createFaultyNftPort(kernel, { probability: 0.3, random }), pause });
        const entries = new Map<string, SideEntry>();
        for (const step of changes) {
          followChange(entries, step);
          for (let attempt = 0; attempt < 100; attempt += 1) if ((await side.apply(step)).problem === null) break;
        }
        const state = await createSideRules({ family, port: kernel, pause }).read();
        expect(state.ok && state.value.entries).toEqual(entries);
        const fresh = createFakeNftPort();
        const { settings } = changes.at(-1) ?? change([]);
        await createSideRules({ family, port: fresh, pause }).apply({ settings, set: [...entries.values()], remove: [] });
        expect(await readSorted(kernel, family)).toEqual(await readSorted(fresh, family));
      }),
      { numRuns: 40 },
    );
  });

  it('gives way while it plans and reads many entries', async () => {
    const port = createFakeNftPort();
    let asked = 0;
    const counting = (): null => {
      asked += 1;
      return null;
    };
    const side = createSideRules({ family, port, pause: counting });
    const records = Array.from({ length: 100 }, (_, index): SideEntry => ({ kind: 'record', text: `number ${index}` }));
    await side.apply(change(records));
    const planned = asked;
    expect(planned).toBeGreaterThanOrEqual(records.length);
    await side.read();
    expect(asked - planned).toBeGreaterThanOrEqual(records.length);
  });

  it('is not intact before the first change, nor for other settings', async () => {
    const port = createFakeNftPort();
    const first = createSideRules({ family, port, pause });
    expect(await first.read()).toEqual({ ok: true, value: { entries: new Map(), intact: false } });
    await first.apply(change([]));
    expect(await first.read()).toEqual({ ok: true, value: { entries: new Map(), intact: true } });
    expect(await createSideRules({ family, port, pause }).read()).toEqual({
      ok: true,
      value: { entries: new Map(), intact: false },
    });
    const failing = createFaultyNftPort(port, { probability: 1, random: () => 0 });
    expect((await createSideRules({ family, port: failing, pause }).read()).ok).toBe(false);
    expect(await createSideRules({ family, port: failing, pause }).apply(change([]))).toMatchObject({
      problem: { code: 'WP_NFT_REFUSED' },
      operations: 0,
    });
  });

  it('a change costs the elements it changes, whatever else there is', async () => {
    const recorder = createRecorder(createFakeNftPort());
    const side = createSideRules({ family, port: recorder.port, pause });
    const many = Array.from({ length: 500 }, (_, index): SideEntry => ({
      kind: 'hairpin',
      address: sampleAddress(family, index),
    }));
    await side.apply(change([...many, sticky([16, 17, 18])]));
    recorder.given.length = 0;
    const decision = (server: number): SideEntry => ({
      kind: 'decision',
      client: 'pod',
      address: vip,
      protocol: 'TCP',
      port: 80,
      decision: { verdict: 'balance', server, masquerade: false },
    });
    expect((await side.apply(change([decision(16)]))).operations).toBe(1);
    expect((await side.apply(change([decision(17)]))).operations).toBe(2);
    expect((await side.apply(change([decision(17)], ['decision/pod/*/TCP/81']))).operations).toBe(0);
    expect((await side.apply(change([], [`decision/pod/${vip}/TCP/80`]))).operations).toBe(1);
    // Another server in a group: what it picks, and that it is live; the rules stay.
    expect((await side.apply(change([sticky([16, 17, 19])]))).operations).toBe(4);
    expect(recorder.given.map(({ commands }) => commands.map(({ kind }) => kind))).toEqual([
      ['add-elements'],
      ['delete-elements', 'add-elements'],
      ['delete-elements'],
      ['delete-elements', 'delete-elements', 'add-elements', 'add-elements'],
    ]);
  });

  it('a group keeps its memory through every change but its removal', async () => {
    const recorder = createRecorder(createFakeNftPort());
    const side = createSideRules({ family, port: recorder.port, pause });
    const touchesMemory = (): boolean =>
      recorder.given.some(({ commands }) =>
        commands.some((command) => ['flush-set', 'delete-set', 'add-set', 'delete-table'].includes(command.kind)),
      );
    await side.apply(change([sticky([16, 17])]));
    recorder.given.length = 0;
    await side.apply(change([sticky([18])]));
    await side.apply(change([sticky([18], 90)]));
    await side.apply({ ...change([sticky([16, 16, 18], 90)]), settings: { ...sideSettings, echo: 'answer', masqueradeBit: 15 } });
    expect(recorder.given).toHaveLength(3);
    expect(touchesMemory()).toBe(false);
    await side.apply({ ...change([], ['sticky/20']), settings: { ...sideSettings, echo: 'answer', masqueradeBit: 15 } });
    expect(touchesMemory()).toBe(true);
  });

  it('an entry that is both to be there and to go is there', async () => {
    const side = createSideRules({ family, port: createFakeNftPort(), pause });
    await side.apply(change([{ kind: 'protected', prefix: prefix(`${vip}/8`) }]));
    await side.apply(change([{ kind: 'record', text: 'a' }], ['record/a', 'record/b']));
    const state = await side.read();
    expect(state.ok && [...state.value.entries.keys()].toSorted()).toEqual([
      `protected/${prefix(`${vip}/8`).address}/8`,
      'record/a',
    ]);
  });

  it('entries that share a way back, an element or a chain do not take it from each other', async () => {
    const port = createFakeNftPort();
    const side = createSideRules({ family, port, pause });
    const rewrite = (from: number, direct = false): SideEntry => ({
      kind: 'rewrite',
      address: vip,
      protocol: 'SCTP',
      port: from,
      to: 8080,
      direct,
    });
    const peer = (number: number): SideEntry => ({
      kind: 'peer',
      address: sampleAddress(family, number),
      link: 'aa:bb:cc:dd:ee:ff',
    });
    const elementsOf = async (set: string): Promise<unknown> => {
      const table = await port.readTable(sideTable(family).family, 'waypost');
      return table.ok && table.value?.sets.get(set)?.elements;
    };
    await side.apply(change([rewrite(81), rewrite(80), peer(1), peer(2)]));
    expect(await elementsOf('answers')).toEqual([{ key: [vip, 132, 8080], value: [80] }]);
    expect(await elementsOf('hidden_ports')).toEqual([{ key: [vip, 132, 8080] }]);
    expect(await side.apply(change([rewrite(81, true)]))).toMatchObject({ problem: null });
    expect(await elementsOf('hidden_ports')).toEqual([]);
    expect(await side.apply(change([], [`rewrite/${vip}/SCTP/80`, `peer/${sampleAddress(family, 1)}`]))).toMatchObject({
      problem: null,
    });
    expect(await elementsOf('answers')).toEqual([{ key: [vip, 132, 8080], value: [81] }]);
    expect(await elementsOf('peer_links')).toEqual([{ key: ['aa:bb:cc:dd:ee:ff'] }]);
    expect(await elementsOf('rewrite_protocols')).toEqual([{ key: [132], value: { kind: 'jump', chain: 'rewrite_sctp' } }]);
    await side.apply(change([], [`rewrite/${vip}/SCTP/81`, `peer/${sampleAddress(family, 2)}`]));
    for (const set of ['answers', 'hidden_ports', 'rewrite_protocols', 'peer_links']) expect(await elementsOf(set)).toEqual([]);
    expect(await side.read()).toEqual({ ok: true, value: { entries: new Map(), intact: true } });
  });

  it('a kernel that cannot rewrite ports of SCTP refuses those alone, by name', async () => {
    const kernel = createFakeNftPort();
    const old: NftPort = {
      ...kernel,
      apply: async (transaction) => {
        const at = transaction.commands.findIndex((command) => JSON.stringify(command).includes('sctp dport'));
        if (at < 0) return kernel.apply(transaction);
        return { problem: { code: 'WP_NFT_NO_KERNEL', message: 'EOPNOTSUPP', command: at }, bytes: 0, messages: 0 };
      },
    };
    const side = createSideRules({ family, port: old, pause });
    const rewrite = (protocol: 'TCP' | 'SCTP'): SideEntry => ({
      kind: 'rewrite',
      address: vip,
      protocol,
      port: 80,
      to: 8080,
      direct: false,
    });
    const { problem } = await side.apply(change([rewrite('TCP'), rewrite('SCTP')]));
    expect(problem).toEqual({
      code: 'WP_NFT_NO_KERNEL',
      message: `rewrite/${vip}/SCTP/80: this kernel does not rewrite ports of SCTP, whose checksum it cannot compute`,
    });
    expect(await side.apply(change([rewrite('TCP')]))).toMatchObject({ problem: null });
  });

  it('a range of one port is that port', async () => {
    const side = createSideRules({ family, port: createFakeNftPort(), pause });
    const single: SideEntry = { kind: 'capture', address: vip, protocol: 'TCP', port: 80 };
    expect(await side.apply(change([{ ...single, lastPort: 80 }]))).toMatchObject({ problem: null });
    expect(await side.apply(change([single]))).toMatchObject({ operations: 0 });
    expect(await side.read()).toMatchObject({ value: { entries: new Map([[sideKey(single), single]]), intact: true } });
  });

  it('nothing asks for tunnels where the settings name none', () => {
    const text = (settings: Partial<typeof sideSettings>): string =>
      JSON.stringify(planFixedChains(family, { ...sideSettings, ...settings }));
    expect(text({})).not.toContain('"peers"');
    expect(text({ tunnelProtocols: [{ protocol: 4 }] })).toContain('"peers"');
    expect(text({})).not.toContain('tunl0');
    expect(text({ tunnelDevices: ['tunl0'] })).toContain('tunl0');
  });

  it('cleanup removes the table, and finds nothing the second time', async () => {
    const port = createFakeNftPort();
    const side = createSideRules({ family, port, pause });
    await side.apply(change([sticky([16])]));
    const { family: word } = sideTable(family);
    expect(await side.cleanup()).toEqual({ ok: true, value: [`nftables table ${word} waypost`] });
    expect(await side.cleanup()).toEqual({ ok: true, value: [] });
    expect(await port.readTable(word, 'waypost')).toEqual({ ok: true, value: null });
    await side.apply(change([sticky([16])]));
    expect(await side.read()).toMatchObject({ value: { intact: true } });
  });

  it('[IPVS-34] no rule asks whether a connection was translated', () => {
    fc.assert(
      fc.property(sideSettingsOf(family), (settings) => {
        const text = JSON.stringify(planFixedChains(family, settings));
        expect(text).toContain('ct direction');
        expect(text).not.toContain('ct status');
      }),
    );
  });

  it('the number of rules does not depend on the entries, groups and shared chains aside', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sideEntries(family), { maxLength: 30 }), async (set) => {
        const port = createFakeNftPort();
        await createSideRules({ family, port, pause }).apply(
          change(set.filter((entry) => entry.kind !== 'sticky' && sharedChainsOf(entry).length === 0)),
        );
        const table = await port.readTable(sideTable(family).family, 'waypost');
        const names = table.ok && table.value !== null ? [...table.value.chains.keys()] : [];
        expect(names).toEqual(planFixedChains(family, sideSettings).map(({ name }) => name));
      }),
      { numRuns: 20 },
    );
  });
});
