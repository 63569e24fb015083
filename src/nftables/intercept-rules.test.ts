import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAddress, parsePrefix } from '../model/mod.ts';
import type { Address, InterceptWish } from '../model/mod.ts';
import { openHeartbeat } from './driver-heartbeat.ts';
import { createFakeNftPort } from './fake.ts';
import { createFaultyNftPort } from './faulty.ts';
import { interceptTable, planIntercept } from './intercept-plan.ts';
import { createInterceptRules } from './intercept-rules.ts';
import type { Heartbeat } from './intercept-rules.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import type { Namespace } from './namespace.fixture.ts';
import type { NftPort } from './port.ts';
import { formatTable } from './table-text.fixture.ts';
import type { Transaction } from './transaction.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  return parsed;
}

const podPrefix = parsePrefix('10.244.1.0/24');
if (podPrefix === null) throw new TypeError('not a prefix');

const wish: InterceptWish = {
  captures: (['UDP', 'TCP'] as const).flatMap((protocol) => [
    { address: address('10.96.0.10'), protocol, port: 53, listenPort: 15_353 },
    { address: address('fd00:10:96::10'), protocol, port: 53, listenPort: 15_353 },
    { address: address('169.254.20.10'), protocol, port: 53, listenPort: 53 },
  ]),
  clients: [
    { kind: 'source', prefix: podPrefix },
    { kind: 'interface-prefix', prefix: 'cali' },
    { kind: 'interface', name: 'cni0' },
    { kind: 'none' },
  ],
};
const smaller: InterceptWish = { ...wish, captures: wish.captures.slice(0, 1) };
const nothing: InterceptWish = { captures: [], clients: [] };

class Beats implements Heartbeat {
  readonly port = 40_000;
  sent = 0;
  closed = false;
  send(): void {
    this.sent += 1;
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

async function textOf(port: NftPort): Promise<string> {
  const read = await port.readTable(interceptTable.family, interceptTable.name);
  if (!read.ok) throw new Error(read.problem.message);
  return read.value === null ? 'none' : formatTable(read.value);
}

/** Notes the transactions that go through. */
function spyOn(port: NftPort): { readonly port: NftPort; readonly seen: Transaction[] } {
  const seen: Transaction[] = [];
  return {
    seen,
    port: {
      apply: async (transaction) => {
        seen.push(transaction);
        return port.apply(transaction);
      },
      readTable: (family, name) => port.readTable(family, name),
      close: () => port.close(),
    },
  };
}

describe('the rules of an interception', () => {
  test('are written whole, in one transaction of a table that the port owns, and beat at once', async () => {
    const heartbeat = new Beats();
    const { port, seen } = spyOn(createFakeNftPort());
    const rules = createInterceptRules({ port, heartbeat });
    rules.beat();
    expect(heartbeat.sent).toBe(0);
    expect(await rules.set(wish)).toEqual({ ok: true, value: undefined });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.commands).toContainEqual({ kind: 'add-table', owned: true });
    expect(heartbeat.sent).toBe(1);
    rules.beat();
    expect(heartbeat.sent).toBe(2);
    // A beat is no transaction: nobody who lists rules meanwhile has to begin again.
    expect(seen).toHaveLength(1);
    await port.close();
    expect(await textOf(port)).toBe('none');
  });

  test('are those of the last wish, whatever came before, and gone without one', async () => {
    const fresh = createFakeNftPort();
    await createInterceptRules({ port: fresh, heartbeat: new Beats() }).set(smaller);
    const port = createFakeNftPort();
    const heartbeat = new Beats();
    const rules = createInterceptRules({ port, heartbeat });
    for (const one of [wish, wish, smaller]) expect((await rules.set(one)).ok).toBe(true);
    expect(await textOf(port)).toBe(await textOf(fresh));
    for (const end of [() => rules.set(nothing), () => rules.clear(), () => rules.clear()]) {
      expect(await end()).toEqual({ ok: true, value: undefined });
      expect(await textOf(port)).toBe('none');
    }
    const { sent } = heartbeat;
    rules.beat();
    expect(heartbeat.sent).toBe(sent);
    await rules.close();
    expect(heartbeat.closed).toBe(true);
  });

  test('a wish in the place of another keeps the table, its chains and its sets, which packets are passing', async () => {
    const { port, seen } = spyOn(createFakeNftPort());
    const rules = createInterceptRules({ port, heartbeat: new Beats() });
    for (const one of [wish, smaller, wish]) await rules.set(one);
    const kinds = seen.slice(1).map(({ commands }) => [...new Set(commands.map(({ kind }) => kind))]);
    expect(kinds).toEqual([
      ['flush-set', 'add-elements', 'flush-chain', 'add-rule'],
      ['flush-set', 'add-elements', 'flush-chain', 'add-rule'],
    ]);
    const names = seen.flatMap(({ commands }) => commands.flatMap((one) => (one.kind === 'flush-set' ? [one.set.name] : [])));
    expect(names).not.toContain('alive');
  });

  test('what was lost or damaged since is replaced whole', async () => {
    const port = createFakeNftPort();
    const rules = createInterceptRules({ port, heartbeat: new Beats() });
    await rules.set(wish);
    const before = await textOf(port);
    await port.apply({ table: interceptTable, commands: [{ kind: 'delete-table' }] });
    // Nobody looked: the change of what is not there is refused.
    expect((await rules.set(wish)).ok).toBe(true);
    expect(await textOf(port)).toBe(before);
    const foreign = { name: 'foreign', hook: null } as const;
    await port.apply({
      table: interceptTable,
      commands: [
        { kind: 'flush-chain', chain: 'take' },
        { kind: 'add-chain', chain: foreign },
      ],
    });
    expect(await rules.check()).toEqual({ ok: true, value: false });
    expect((await rules.set(wish)).ok).toBe(true);
    expect(await textOf(port)).toBe(before);
  });

  test('released, capture nothing more but let replies go', async () => {
    const port = createFakeNftPort();
    const heartbeat = new Beats();
    const rules = createInterceptRules({ port, heartbeat });
    await rules.set(wish);
    const before = await textOf(port);
    expect(await rules.release()).toEqual({ ok: true, value: undefined });
    const pulse = before.split('\n').filter((line) => line.includes('"key":[0]'));
    expect(pulse).toHaveLength(1);
    expect(await textOf(port)).toBe(
      before
        .split('\n')
        .filter((line) => !pulse.includes(line))
        .join('\n'),
    );
    rules.beat();
    expect(heartbeat.sent).toBe(1);
    expect((await rules.release()).ok).toBe(true);
    expect((await rules.set(wish)).ok).toBe(true);
    expect(await textOf(port)).toBe(before);
  });

  test('a refusal is told, and stops the beats until there are rules again', async () => {
    const heartbeat = new Beats();
    const port = createFakeNftPort();
    let failing = false;
    const faulty = createFaultyNftPort(port, { probability: 1, random: () => 0 });
    const rules = createInterceptRules({ port: { ...port, apply: (one) => (failing ? faulty : port).apply(one) }, heartbeat });
    expect((await rules.set(wish)).ok).toBe(true);
    failing = true;
    expect(await rules.set(smaller)).toMatchObject({ ok: false, problem: { code: 'WP_NFT_REFUSED' } });
    rules.beat();
    expect(heartbeat.sent).toBe(1);
    failing = false;
    expect((await rules.set(smaller)).ok).toBe(true);
    expect(heartbeat.sent).toBe(2);
  });

  test('a capture of two families, of many ports and of one place twice makes each element once', () => {
    const { sets } = planIntercept({ ...wish, captures: [...wish.captures, ...wish.captures] }, 1);
    const counts = Object.fromEntries(sets.map(({ set, elements }) => [set.name, elements.length]));
    expect(counts).toEqual({
      alive: 1,
      captured4: 2,
      replies4: 2,
      direct4: 2,
      doors4: 4,
      addresses4: 2,
      captured6: 2,
      replies6: 2,
      direct6: 0,
      doors6: 2,
      addresses6: 1,
    });
  });
});

describe.skipIf(kernelObstacle !== null)(`the rules of an interception in a kernel${kernelNote}`, () => {
  let place: Namespace;
  beforeAll(() => {
    place = makeNamespace();
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
  });

  test.each(['exec', 'netlink'] as const)('%s: written, found, replaced and withdrawn', async (driver) => {
    const fake = createFakeNftPort();
    await createInterceptRules({ port: fake, heartbeat: new Beats() }).set(wish);
    const port = place[driver];
    const rules = createInterceptRules({ port, heartbeat: new Beats() });
    expect(await rules.check()).toEqual({ ok: true, value: true });
    expect(await rules.set(wish)).toEqual({ ok: true, value: undefined });
    expect(await textOf(port)).toBe(await textOf(fake));
    expect(await rules.check()).toEqual({ ok: true, value: true });
    expect(place.run(['nft', 'list', 'tables', 'inet'])).toContain('waypost_dns');
    expect(await rules.set(smaller)).toEqual({ ok: true, value: undefined });
    expect(await rules.check()).toEqual({ ok: true, value: true });
    expect(await rules.clear()).toEqual({ ok: true, value: undefined });
    expect(place.run(['nft', 'list', 'tables'])).toBe('');
  });

  test.each(['flush chain inet waypost_dns take', 'flush set inet waypost_dns direct4', 'delete table inet waypost_dns'])(
    'what somebody did to a table without an owner is found: %s',
    async (damage) => {
      const rules = createInterceptRules({ port: place.exec, heartbeat: new Beats() });
      await rules.set(wish);
      place.run(['nft', damage]);
      expect(await rules.check()).toEqual({ ok: true, value: false });
      await rules.set(wish);
      expect(await rules.check()).toEqual({ ok: true, value: true });
      await rules.clear();
    },
  );

  test('a table that a tool left is taken over, and one that another process owns is not', async () => {
    const left = createInterceptRules({ port: place.exec, heartbeat: new Beats() });
    const ours = createInterceptRules({ port: place.netlink, heartbeat: new Beats() });
    expect((await left.set(wish)).ok).toBe(true);
    expect((await ours.set(smaller)).ok).toBe(true);
    expect(await left.set(wish)).toMatchObject({ ok: false, problem: { code: 'WP_NFT_DENIED' } });
    expect(await left.clear()).toMatchObject({ ok: false, problem: { code: 'WP_NFT_DENIED' } });
    expect(() => place.run(['nft', 'delete table inet waypost_dns'])).toThrow(/not permitted/);
    expect(await ours.check()).toEqual({ ok: true, value: true });
    expect((await ours.clear()).ok).toBe(true);
  });
});

describe('a heartbeat', () => {
  test('goes from a port of the loopback address to itself, and is quiet when it ended', async () => {
    const opened = await openHeartbeat();
    if (!opened.ok) throw new Error(opened.problem.message);
    const other = await openHeartbeat();
    expect(other.ok && other.value.port).not.toBe(opened.value.port);
    expect(opened.value.port).toBeGreaterThan(1023);
    opened.value.send();
    await opened.value.close();
    if (other.ok) await other.value.close();
  });
});
