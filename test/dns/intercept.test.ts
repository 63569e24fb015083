import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, kernelFamilies, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab, Place } from '../lab/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import {
  ask,
  clusterAddress,
  dnsObjects,
  listenPort,
  nodeLocal,
  socketProtocols,
  startAgent,
  trackedQuestions,
  whoAnswers,
} from './intercept-lab.ts';

const can = await canMakeNamespaces();

describeWhere(can, 'questions to the cluster DNS are taken by the node', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  let agent: LabProcess | null = null;
  let c1: Place;

  beforeAll(async () => {
    lab = await createLab({ podsOnNode1: ['c1', 'p1', 'p2', 'p3'], podsOnNode2: ['q1', 'q2'] });
    c1 = lab.place('c1');
    await lab.place('p1').listen(listenOnAll([8080]), 'endpoint');
    await lab.node1.listen(listenOnAll([2222]), 'host');
    cluster = await createLiveCluster(lab);
    await cluster.put(dnsObjects);
    await startAgent(lab, 'warm').then((warm) => warm.stop());
  });

  afterEach(async () => {
    agent?.signal('SIGCONT');
    await agent?.kill();
    agent = null;
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  const start = async (
    ...args: Parameters<typeof startAgent> extends [Lab, ...infer Rest] ? Rest : never
  ): Promise<LabProcess> => {
    agent = await startAgent(lab, ...args);
    return agent;
  };

  for (const family of kernelFamilies()) {
    for (const protocol of socketProtocols) {
      test(`[DNS-123] ${family} ${protocol}: pods and the node are answered from the address and port they asked, and seen as they are`, async () => {
        await start('resolver');
        for (const place of [c1, lab.node1]) {
          await lab.flushConntrack();
          const attempts = await place.connect(
            { family, protocol, destination: clusterAddress(family), port: 53, timeoutMs: 2500 },
            20,
          );
          for (const { answer } of attempts)
            expect(answer).toMatchObject({ backend: 'resolver', source: place.addresses[family], port: listenPort });
          const { answer } = await ask(place, family, protocol, { address: nodeLocal[family] });
          expect(answer).toMatchObject({ backend: 'resolver', source: place.addresses[family], port: 53 });
          expect(await trackedQuestions(lab)).toEqual([]);
        }
      });
    }

    test(`[DNS-123] ${family}: clients outside the node go the ordinary way, and nobody else reaches the sockets`, async () => {
      await start('resolver');
      for (const protocol of socketProtocols) {
        expect(await whoAnswers(lab.outside, family, protocol)).toBe('endpoint');
        expect(await whoAnswers(lab.outside, family, protocol, { port: listenPort, timeoutMs: 300 })).toBe('timeout');
        expect(await whoAnswers(c1, family, protocol, { port: listenPort, timeoutMs: 300 })).toBe('timeout');
        expect(['timeout', 'failed']).toContain(
          await whoAnswers(lab.node1, family, protocol, { port: listenPort, timeoutMs: 300 }),
        );
      }
      const { IPv4, IPv6 } = lab.node1.addresses;
      const via = family === 'IPv4' ? ['via', IPv4] : ['via', IPv6];
      await lab.outside.exec('ip', ['route', 'add', nodeLocal[family], ...via]);
      for (const protocol of socketProtocols)
        expect(await whoAnswers(lab.outside, family, protocol, { address: nodeLocal[family], timeoutMs: 300 })).toBe('timeout');
    });

    test(`${family}: no other socket of the node is reached by these addresses`, async () => {
      await start('resolver');
      for (const place of [c1, lab.node1]) {
        for (const address of [clusterAddress(family), nodeLocal[family]])
          expect(await whoAnswers(place, family, 'TCP', { address, port: 2222 })).toBe('refused');
        expect(await whoAnswers(place, family, 'TCP', { address: lab.node1.addresses[family], port: 2222 })).toBe('host');
      }
    });

    test(`[DNS-124] ${family}: after kill -9 the very next question is answered by the Service's endpoint`, async () => {
      for (const protocol of socketProtocols) {
        for (const place of [c1, lab.node1]) {
          const running = await start('resolver');
          expect(await whoAnswers(place, family, protocol)).toBe('resolver');
          await running.kill();
          expect(await whoAnswers(place, family, protocol)).toBe('endpoint');
          expect(await readTables()).not.toContain('waypost_dns');
        }
      }
    });

    test(`[DNS-124] ${family}: one UDP client, one socket: resolver, then the endpoint, then the next resolver`, async () => {
      const running = await start('first');
      const { connection, attempt } = await c1.ask({
        op: 'open',
        family,
        protocol: 'UDP',
        destination: clusterAddress(family),
        port: 53,
        timeoutMs: 2500,
      });
      expect(attempt.answer?.backend).toBe('first');
      const ping = async (): Promise<string | undefined> =>
        (await c1.ask({ op: 'ping', connection, timeoutMs: 2500 })).answer?.backend;
      await running.kill();
      expect(await ping()).toBe('endpoint');
      await start('second');
      expect(await ping()).toBe('second');
      await c1.ask({ op: 'close', connection });
    });
  }

  test('[DNS-124] an agent that hangs lets go within the lease, and takes over again when it goes on', async () => {
    const running = await start('resolver');
    for (const signal of ['SIGSTOP', 'SIGCONT'] as const) {
      running.signal(signal);
      const wanted = signal === 'SIGSTOP' ? 'endpoint' : 'resolver';
      const since = Date.now();
      for (const family of kernelFamilies())
        for (const place of [c1, lab.node1])
          await pollUntil(
            `${place.name} to be answered by the ${wanted}`,
            async () => ((await whoAnswers(place, family, 'UDP', { timeoutMs: 100 })) === wanted ? true : null),
            { timeoutMs: 10_000, everyMs: 10 },
          );
      expect(Date.now() - since).toBeLessThan(4000);
    }
  });

  test('[DNS-124] ended in order it leaves nothing but the ordinary way', async () => {
    const running = await start('resolver');
    const expectEndpoints = async (): Promise<void> => {
      for (const family of kernelFamilies())
        for (const protocol of socketProtocols)
          for (const place of [c1, lab.node1]) expect(await whoAnswers(place, family, protocol)).toBe('endpoint');
    };
    running.signal('SIGUSR2');
    await pollUntil('the release', async () => (running.output.includes('released') ? true : null));
    expect(await readTables()).toContain('waypost_dns');
    await expectEndpoints();
    expect(await running.stop()).toBe(0);
    expect(await readTables()).not.toContain('waypost_dns');
    await expectEndpoints();
  });

  test('[DNS-124] under load, a killed agent takes at most the questions in its hands with it, and others take over', async () => {
    const to = {
      family: 'IPv4' as Family,
      protocol: 'UDP' as const,
      destination: clusterAddress('IPv4'),
      port: 53,
      timeoutMs: 1000,
    };
    await start('one');
    const load = await c1.ask({ op: 'start-load', ...to, workers: 4, pauseMs: 1 });
    const answered = (name: string): Promise<unknown> =>
      pollUntil(`answers of ${name}`, async () =>
        (await c1.ask({ op: 'report-load', load })).byBackend[name] === undefined ? null : true,
      );
    await answered('one');
    for (const name of ['two', 'three']) {
      await agent?.kill();
      // Those who asked it last wait for their time to be over before they ask anybody else.
      await answered('endpoint');
      await start(name);
      await answered(name);
    }
    const report = await c1.ask({ op: 'stop-load', load });
    // A question that is in the hands of the process that is killed dies with it: one for each worker at most.
    expect(report.lost + report.refused).toBeLessThanOrEqual(8);
    expect(Object.keys(report.byBackend).toSorted()).toEqual(['endpoint', 'one', 'three', 'two']);
  });

  test('a wish that takes the place of another leaves no gap', async () => {
    const running = await start('resolver');
    for (const protocol of socketProtocols) {
      const to = { family: 'IPv4' as Family, protocol, destination: clusterAddress('IPv4'), port: 53, timeoutMs: 1000 };
      const load = await c1.ask({ op: 'start-load', ...to, workers: 4, pauseMs: 0 });
      const before = running.output.split('rewritten').length;
      running.signal('SIGHUP');
      await pollUntil('the rules to be rewritten', async () => (running.output.split('rewritten').length > before ? true : null));
      const report = await c1.ask({ op: 'stop-load', load });
      expect(report.byBackend).toEqual({ resolver: report.attempts });
    }
  });

  test('[DNS-124] a second agent waits for the end of the first and then takes over', async () => {
    const first = await start('first');
    const second = startAgent(lab, 'second', { port: listenPort + 1 });
    const waiting = await second;
    expect(waiting.output).toContain('WP_NFT_DENIED');
    expect(await whoAnswers(c1, 'IPv4', 'UDP')).toBe('first');
    await first.kill();
    agent = waiting;
    await pollUntil('the second to take over', async () => ((await whoAnswers(c1, 'IPv4', 'UDP')) === 'second' ? true : null), {
      timeoutMs: 5000,
      everyMs: 20,
    });
  });

  test('[DNS-124] without an owner of the table (the tool, an old kernel) the lease is what ends', async () => {
    const running = await start('resolver', { driver: 'exec' });
    expect(await whoAnswers(c1, 'IPv4', 'TCP')).toBe('resolver');
    await running.kill();
    await pollUntil('the endpoint to answer', async () => ((await whoAnswers(c1, 'IPv4', 'UDP')) === 'endpoint' ? true : null), {
      timeoutMs: 3000,
      everyMs: 10,
    });
    // What was left is replaced by the next one.
    await start('next');
    expect(await whoAnswers(c1, 'IPv4', 'UDP')).toBe('next');
  });

  async function readTables(): Promise<string> {
    return (await lab.node1.exec('nft', ['list', 'tables'])).stdout;
  }
});
