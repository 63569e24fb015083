import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { buildLoadTools, canBuildLoad, createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab, LoadTools, Place, SocketProtocol, SteadyReport } from '../lab/mod.ts';
import { patient, slowFactor } from '../lab/patience.ts';
import type { Answers } from '../lab/resident/protocol.ts';
import type { ApiObject } from '../packets/flow.ts';
import { createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import { at, ready, service, slices } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { mustRun, readServers, target } from './tools.ts';
import { longRuns, netlinkVariant } from './variants.ts';

/**
 * All back ends of a Service are replaced ten times under load from a client outside, a pod and the node, in both
 * families. Those of before and those of after have none in common, so all that is lost by a change shows.
 */
const variant = netlinkVariant();
const replacements = 10;
const pools = [
  ['p1', 'p2'],
  ['p3', 'q1'],
] as const;
/**
 * Connections a second that have to be made, all clients together, from the first step to the last one. Where each instruction is
 * emulated 200 leave the agent too little when anything else is at work; what was reached is printed.
 */
const rateRequired = slowFactor === 1 ? 200 : 50;
/** What each of the three clients aims at. */
const rateOfClient = slowFactor === 1 ? 80 : 30;
/** Those that each client makes at least before the next step. */
const connectionsOfStep = 50;
const rolling = service('rolling', 1, { type: 'NodePort' });
const long = service('long', 2);

type Opened = Answers['open'];

interface Loads {
  /** Until each client has made some more connections, and all of them as many as they have to in the time since the start. */
  pass(): Promise<void>;
  stop(): Promise<readonly SteadyReport[]>;
}

interface Outcome {
  readonly failures: readonly string[];
  readonly unanswered: number;
  /** As many connections a second as they have to be, or how many. */
  readonly rate: number | 'enough';
  /** Who answered. */
  readonly backends: readonly string[];
}

const unharmed: Outcome = { failures: [], unanswered: 0, rate: 'enough', backends: pools.flat().toSorted() };
const builds = await canBuildLoad();

describeWhere(variant.capability.ok ? builds : variant.capability, 'rolling replacement under load', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  let tools: LoadTools;

  beforeAll(async () => {
    [lab, tools] = await Promise.all([createLab(), buildLoadTools()]);
    await Promise.all(pools.flat().map((name) => tools.serve(lab.place(name), 8080)));
    cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
    await cluster.put(objectsOf(0));
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
    await tools?.[Symbol.asyncDispose]();
  });

  test('[IPVS-55] while the agent runs no connection is lost', async () => {
    const load = startLoads(lab, tools);
    await replaceAll(load, 1, replacements);
    expect(summarize(await load.stop())).toEqual(unharmed);
  });

  test('[IPVS-51][IPVS-55] nor when the agent is killed in the middle of a replacement and started again', async () => {
    const load = startLoads(lab, tools);
    for (let step = 1; step <= replacements; step += 1) {
      await cluster.write(objectsOf(step));
      if (step === replacements / 2) {
        // At any moment of the change: how far it came is different each time.
        await pause(patient(Math.random() * 50));
        await cluster.restart();
      }
      await cluster.settle();
      await load.pass();
    }
    expect(summarize(await load.stop())).toEqual(unharmed);
  });

  describeWhere(longRuns, 'a change of mode', () => {
    test('[IPVS-51][IPVS-55] no connection is lost when it becomes iptables and ipvs again, and what is established goes on', async () => {
      const c1 = lab.place('c1');
      await lab.place('p1').listen(listenOnAll([9090]));
      await cluster.put(objectsOf(0));
      const open = (protocol: SocketProtocol): Promise<Opened> =>
        c1.ask({ op: 'open', ...target(long.clusterIp, 80, 'IPv4', protocol) });
      const datagrams = await open('UDP');
      const ofServers = await open('TCP');
      const load = startLoads(lab, tools);

      await replaceAll(load, 1, 3);
      await cluster.switchTo({ config: { mode: 'iptables' }, flags: [] });
      await expectAlive(c1, [datagrams, ofServers]);
      await replaceAll(load, 4, 7);
      expect(await readServers(lab)).toContain('-A -t 10.96.0.2:80');
      await expectAlive(c1, [datagrams, ofServers]);
      await c1.ask({ op: 'close', connection: ofServers.connection });
      await until('the servers to go with their last connection', async () => !(await readServers(lab)).includes('-A'));
      const ofChains = await open('TCP');
      await expectAlive(c1, [datagrams, ofChains]);

      await cluster.switchTo({ config: configOf(variant), flags: variant.flags });
      await until('the chains to go', async () => !(await mustRun(lab.node1, 'iptables-save')).includes('KUBE-SERVICES'));
      await replaceAll(load, 8, replacements);
      await expectAlive(c1, [datagrams, ofChains]);
      expect(summarize(await load.stop())).toEqual(unharmed);
    });
  });

  async function replaceAll(load: Loads, first: number, last: number): Promise<void> {
    for (let step = first; step <= last; step += 1) {
      await cluster.put(objectsOf(step));
      await load.pass();
    }
  }

  function until(awaited: string, holds: () => Promise<boolean>): Promise<unknown> {
    const ask = async (): Promise<true | null> => ((await holds()) ? true : null);
    // After a slow look at the connections the next one waits ten times as long, and there have to be two without an open one.
    return pollUntil(awaited, ask, { timeoutMs: patient(60_000), everyMs: 250, explain: () => cluster.output });
  }
});

async function expectAlive(place: Place, connections: readonly Opened[]): Promise<void> {
  for (const { connection, attempt } of connections) {
    const { answer } = await place.ask({ op: 'ping', connection, timeoutMs: 2000 });
    expect(answer).toEqual(attempt.answer);
  }
}

/** The Service under load with the back ends of a step, and one whose only back end stays. */
function objectsOf(step: number): readonly ApiObject[] {
  const endpoints = (pools[step % pools.length] ?? []).map((name) => ready(name));
  const ports = (['TCP', 'UDP'] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 9090 }));
  return [rolling.object, ...slices('rolling', endpoints), long.object, ...slices('long', [ready('p1')], { ports })];
}

function startLoads(lab: Lab, tools: LoadTools): Loads {
  const loads = [
    tools.start(lab.outside, target(at.node, rolling.nodePort), rateOfClient),
    tools.start(lab.place('c1'), target(rolling.clusterIp, 80, 'IPv6'), rateOfClient),
    tools.start(lab.node1, target(rolling.clusterIp, 80), rateOfClient),
  ];
  const progress = (): ReturnType<(typeof loads)[number]['progress']>[] => loads.map((load) => load.progress());
  return {
    pass: async () => {
      const before = progress();
      const wanted = before.map(({ answered }) => answered + connectionsOfStep);
      const passed = async (): Promise<true | null> => {
        const after = progress();
        const rate = after.reduce((sum, { answered, milliseconds }) => sum + (answered * 1000) / milliseconds, 0);
        return rate >= rateRequired && after.every(({ answered }, index) => answered >= (wanted[index] ?? 0)) ? true : null;
      };
      await pollUntil('the load to keep its rate', passed, {
        timeoutMs: 10_000,
        explain: () => JSON.stringify([before, progress()]),
      });
    },
    stop: () => Promise.all(loads.map((load) => load.stop())),
  };
}

/** What came of the load; says how much it was. */
function summarize(reports: readonly SteadyReport[]): Outcome {
  const total = (count: (report: SteadyReport) => number): number => reports.reduce((sum, report) => sum + count(report), 0);
  const attempts = total((report) => report.attempts);
  const rate = Math.round(total((report) => (report.answered * 1000) / report.milliseconds));
  const slow = total((report) => report.slow);
  const again = total((report) => report.sentAgain);
  const slowest = Math.max(...reports.map((report) => report.slowest));
  console.log(
    `${attempts} connections, ${rate} a second; ${slow} took more than a second, the slowest ${slowest} ms; ${again} sent something again`,
  );
  return {
    failures: reports.flatMap(({ failures }) => failures),
    unanswered: attempts - total((report) => report.answered),
    rate: rate >= rateRequired ? 'enough' : rate,
    backends: [...new Set(reports.flatMap(({ byBackend }) => Object.keys(byBackend)))].toSorted(),
  };
}
