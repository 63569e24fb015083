import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, kernelFamilies, pollUntil } from '../lab/mod.ts';
import { AnnounceStage, parameters, run, traces, vips } from './announce-stage.ts';

/** The shortest that a Lease can say. */
const durationMs = 1000;
/** What clients may wait after a Lease is up. */
const moveMs = 2000;
const families = kernelFamilies();

describeWhere(await canMakeNamespaces(), 'announced addresses', () => {
  let stage: AnnounceStage;

  beforeEach(async () => {
    stage = await AnnounceStage.build();
  });

  afterEach(async () => {
    await stage[Symbol.asyncDispose]();
  });

  async function startBoth(duration = durationMs): Promise<void> {
    for (const node of stage.nodes) await stage.start(node, duration);
    await pollUntil('two members', async () => (stage.hub.leases.size === 2 ? true : null));
  }

  test.each(families)(
    '%s: silent until announced, then answered for by the owner alone and at once [INGRESS-49]',
    async (family) => {
      expect(await stage.resolve(vips[family])).toBeNull();
      expect(await traces(stage.lab.node1)).toEqual([]);
      await startBoth();
      const owner = await stage.owner(vips[family]);
      expect(await stage.servedBy(owner, family, moveMs)).toBe(owner.name);
      for (let round = 0; round < 5; round += 1) expect(await stage.resolve(vips[family])).toBe(owner.name);
      const silent = (await traces(stage.other(owner))).filter((line) => line.includes(`${vips[family]} `));
      expect(silent).toEqual([]);
    },
  );

  test.each(families)('%s: a client that checks the neighbour it has gets its answer', async (family) => {
    await startBoth();
    const owner = await stage.owner(vips[family]);
    expect(await stage.servedBy(owner, family, moveMs)).toBe(owner.name);
    const { lab } = stage;
    const [{ lladdr = '' } = {}] = JSON.parse(
      await run(lab.outside, 'ip', ['-json', 'neigh', 'show', vips[family], 'dev', 'eth0']),
    ) as { lladdr?: string }[];
    // A question to the address itself and not to its group: the kernel treats it as a packet for another host.
    await run(lab.outside, 'ip', ['neigh', 'replace', vips[family], 'lladdr', lladdr, 'dev', 'eth0', 'nud', 'probe']);
    await pollUntil('an answer', async () =>
      (await run(lab.outside, 'ip', ['neigh', 'show', vips[family]])).includes('REACHABLE') ? true : null,
    );
  });

  test.each(families)('%s: an owner that ends in order hands over, and clients follow [INGRESS-49]', async (family) => {
    await startBoth();
    const owner = await stage.owner(vips[family]);
    expect(await stage.servedBy(owner, family, moveMs)).toBe(owner.name);
    await stage.close(owner, 'release');
    expect(await stage.servedBy(stage.other(owner), family, moveMs)).toBe(stage.other(owner).name);
    expect(await stage.knownTo(stage.lab.outside, vips[family])).toBe(stage.other(owner).name);
    expect(await traces(owner)).toEqual([]);
  });

  test.each(families)('%s: an owner that is killed is followed, and clients with it [INGRESS-49]', async (family) => {
    await startBoth();
    const owner = await stage.owner(vips[family]);
    expect(await stage.servedBy(owner, family, moveMs)).toBe(owner.name);
    await stage.kill(owner);
    expect(await stage.servedBy(stage.other(owner), family, durationMs + moveMs)).toBe(stage.other(owner).name);
  });

  test.each(families)('%s: a node that dies, cable and all, is followed [INGRESS-49]', async (family) => {
    await startBoth();
    const owner = await stage.owner(vips[family]);
    expect(await stage.servedBy(owner, family, moveMs)).toBe(owner.name);
    await stage.kill(owner);
    await run(owner, 'ip', ['link', 'set', 'eth0', 'down']);
    expect(await stage.servedBy(stage.other(owner), family, durationMs + moveMs)).toBe(stage.other(owner).name);
  });

  test.each(families)('%s: an owner whose cable is drawn hands over at once, and comes back', async (family) => {
    await startBoth();
    const owner = await stage.owner(vips[family]);
    expect(await stage.servedBy(owner, family, moveMs)).toBe(owner.name);
    await run(stage.lab.gateway, 'ip', ['link', 'set', `lan-${owner.name}`, 'down']);
    expect(await stage.servedBy(stage.other(owner), family, moveMs)).toBe(stage.other(owner).name);
    await run(stage.lab.gateway, 'ip', ['link', 'set', `lan-${owner.name}`, 'up']);
    expect(await stage.servedBy(owner, family, moveMs)).toBe(owner.name);
  });

  test('a new run of the agent takes on what it finds, and nothing moves', async () => {
    await startBoth(8000);
    const owner = await stage.owner(vips.IPv4);
    expect(await stage.servedBy(owner, 'IPv4', moveMs)).toBe(owner.name);
    // Who hands an address over goes on answering for a moment.
    await pollUntil('each address to be answered for by one node', async () => {
      const lines = (await Promise.all(stage.nodes.map(traces))).flat().filter((line) => line.includes(' proxy '));
      return lines.length === families.length ? true : null;
    });
    const before = await traces(owner);
    await stage.kill(owner);
    expect(await traces(owner)).toEqual(before);
    const { holder } = stage.hub.leases.get(owner.name) ?? {};
    await stage.start(owner, 8000);
    await pollUntil('the new run', async () => (stage.hub.leases.get(owner.name)?.holder === holder ? null : true));
    expect(await stage.owner(vips.IPv4)).toBe(owner);
    expect(await traces(owner)).toEqual(before);
    expect(await stage.resolve(vips.IPv4)).toBe(owner.name);
    await stage.close(owner, 'keep');
    expect(await traces(owner)).toEqual(before);
  });

  test('an orderly end leaves nothing, and what others made stays [INGRESS-54]', async () => {
    const { node1 } = stage.lab;
    const before = await parameters(node1);
    await run(node1, 'ip', ['neigh', 'add', 'proxy', '192.0.2.60', 'dev', 'lo']);
    await stage.start(node1, durationMs);
    for (const family of families) expect(await stage.servedBy(node1, family, durationMs + moveMs)).toBe(node1.name);
    expect(await parameters(node1)).toEqual(['0', '0', '1']);
    await stage.close(node1, 'release');
    expect(await traces(node1)).toEqual(['192.0.2.60 dev lo proxy']);
    expect(await parameters(node1)).toEqual(before);
  });

  test('an address that another program answers for is left to it, and the owner says so', async () => {
    const { node1 } = stage.lab;
    await run(node1, 'ip', ['neigh', 'add', 'proxy', vips.IPv4, 'dev', 'eth0']);
    await stage.start(node1, durationMs);
    await pollUntil('a word', async () => (stage.outputOf(node1).includes('WP_INGRESS_ANNOUNCE_FOREIGN') ? true : null));
    await stage.close(node1, 'release');
    expect(await traces(node1)).toEqual([`${vips.IPv4} dev eth0 proxy`]);
  });
});
