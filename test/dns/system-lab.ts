import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Family } from '../../src/model/mod.ts';
import { createTemporaryFolder, pollUntil } from '../lab/mod.ts';
import type { Lab, Place, RunningWaypost } from '../lab/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { createCluster } from '../lifecycle/cluster.ts';
import type { Cluster } from '../lifecycle/cluster.ts';
import type { ApiObject } from '../packets/flow.ts';
import { addressesOf, service, slices } from '../packets/objects.ts';
import type { EndpointSpec, SliceOptions } from '../packets/objects.ts';
import type { Asked } from './system-asker.ts';
import type { LoadOutcome } from './system-load.ts';

/** What the stand-in for the cluster's DNS pod answers with, and what the upstream does. */
export const standInAnswer = '198.51.100.53';
export const upstreamAnswer = '198.51.100.1';
export const upstreamPod = 'p3';
export const standInPod = 'p1';

const nodeLocal4 = '169.254.20.10';
const nodeLocal6 = 'fd00:169:254::10';

function inNamespace(namespace: string, object: ApiObject): ApiObject {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

export function namespaceObject(name: string): ApiObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** A Service number `n` of the lab's, in a namespace. */
export function serviceIn(namespace: string, ...args: Parameters<typeof service>): ApiObject {
  return inNamespace(namespace, service(...args).object);
}

export function slicesIn(
  namespace: string,
  name: string,
  endpoints: readonly EndpointSpec[],
  options?: SliceOptions,
): readonly ApiObject[] {
  return slices(name, endpoints, options).map((slice) => inNamespace(namespace, slice));
}

const dnsPorts = (['UDP', 'TCP'] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 53 }));

/** The Service that pods ask, number 10 but where a test moves it; its endpoint is the stand-in. */
export function kubeDnsObjects(number: number): readonly ApiObject[] {
  const endpoint = { host: standInPod, conditions: { ready: true } };
  return [
    serviceIn('kube-system', 'kube-dns', number, { ports: dnsPorts }),
    ...slicesIn('kube-system', 'kube-dns', [endpoint], { ports: dnsPorts }),
  ];
}

export const kubeDnsAddress = addressesOf(10).cluster;

/** A cluster on an API server, an upstream, a stand-in for the cluster's DNS, and agents that answer DNS on node1. */
export class DnsLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly cluster: Cluster;
  readonly upstream: LabProcess;
  readonly #folder: TemporaryFolder;

  constructor(lab: Lab, cluster: Cluster, upstream: LabProcess, folder: TemporaryFolder) {
    this.lab = lab;
    this.cluster = cluster;
    this.upstream = upstream;
    this.#folder = folder;
  }

  /** Writes a file that the agent reads and gives its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.#folder.path, name);
    await writeFile(path, text);
    return path;
  }

  /** Starts the real agent with DNS; it comes back when that is ready and intercepts. */
  async start(...options: Parameters<DnsLab['launch']>): Promise<RunningWaypost> {
    const agent = await this.launch(...options);
    await agent.waitHealthy();
    await this.waitReady(agent);
    return agent;
  }

  /** The same without waiting for anything. */
  async launch(flags: readonly string[] = [], config: Readonly<Record<string, unknown>> = {}): Promise<RunningWaypost> {
    const resolvConf = await this.write(
      'resolv.conf',
      `nameserver ${this.lab.place(upstreamPod).addresses.IPv4}\noptions ndots:2\n`,
    );
    const addresses = this.lab.families.includes('IPv6') ? `${nodeLocal4},${nodeLocal6}` : nodeLocal4;
    return await this.cluster.startAgent({ iptables: { minSyncPeriod: '0s' }, ...config }, [
      '--dns',
      '--cluster-domain',
      'cluster.local',
      '--dns-addresses',
      addresses,
      '--resolv-conf',
      resolvConf,
      ...flags,
    ]);
  }

  async waitReady(agent: RunningWaypost): Promise<void> {
    const { node1 } = this.lab;
    const explain = { explain: () => agent.process.output };
    await pollUntil('/ready', async () => ((await statusOf(node1, 8181, '/ready')) === 200 ? true : null), explain);
    await pollUntil(
      'the table',
      async () => ((await node1.exec('nft', ['list', 'table', 'inet', 'waypost_dns'])).code === 0 ? true : null),
      explain,
    );
  }

  async startLoad(from: Place, server: string, name: string): Promise<RunningLoad> {
    const script = fileURLToPath(new URL('system-load.ts', import.meta.url));
    const started = from.spawn(process.execPath, [script, server, name]);
    await pollUntil('the load to start', async () => (started.output.includes('started') ? true : null), {
      explain: () => started.output,
    });
    return {
      stop: async () => {
        started.signal('SIGTERM');
        await started.exited;
        return JSON.parse(started.output.trim().split('\n').at(-1) ?? '') as LoadOutcome;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

export interface RunningLoad {
  stop(): Promise<LoadOutcome>;
}

export async function createDnsLab(lab: Lab): Promise<DnsLab> {
  const upstream = await startStandIn(lab.place(upstreamPod), upstreamAnswer, 1);
  const cluster = await createCluster(lab.node1);
  cluster.put(...['default', 'kube-system', 'shop'].map(namespaceObject), ...kubeDnsObjects(10));
  await cluster.connect();
  return new DnsLab(lab, cluster, upstream, await createTemporaryFolder('waypost-dns-'));
}

export async function startStandIn(place: Place, answer: string, ttl: number): Promise<LabProcess> {
  const script = fileURLToPath(new URL('system-stand-in.ts', import.meta.url));
  const started = place.spawn(process.execPath, [script, '::', '53', answer, String(ttl)]);
  await pollUntil('the stand-in', async () => (started.output.includes('ready') ? true : null), {
    explain: () => started.output,
  });
  return started;
}

/** Gives a place a program that asks quickly. `NXDOMAIN`, `NODATA`, another code, or the data with blanks between. */
export async function startAsker(place: Place): Promise<(server: string, name: string, type?: string) => Promise<string>> {
  const port = 5380;
  const started = place.spawn(process.execPath, [fileURLToPath(new URL('system-asker.ts', import.meta.url)), String(port)]);
  await pollUntil('the asker', async () => (started.output.includes('ready') ? true : null), { explain: () => started.output });
  return async (server, name, type = 'A') => {
    const query = new URLSearchParams({ server, name, type });
    const { body } = await place.get(`http://127.0.0.1:${port}/?${query.toString()}`, 5000);
    return brief(JSON.parse(body) as Asked);
  };
}

export interface DigAnswer {
  /** NOERROR, NXDOMAIN …; `SILENT` where nothing came, `UNREACHABLE` where it was refused. */
  readonly status: string;
  readonly flags: readonly string[];
  /** Sorted, as `TTL TYPE DATA`. */
  readonly records: readonly string[];
  /** The same without TTL and type. */
  readonly data: readonly string[];
}

/** Asks as a person would. */
export async function dig(
  from: Place,
  server: string,
  name: string,
  options: { readonly type?: string; readonly tcp?: boolean; readonly time?: number; readonly bind?: string } = {},
): Promise<DigAnswer> {
  const { type = 'A', tcp = false, time = 3, bind = null } = options;
  const { stdout } = await from.exec('dig', [
    ...(bind === null ? [] : ['-b', bind]),
    `@${server}`,
    '+tries=1',
    `+time=${time}`,
    ...(tcp ? ['+tcp'] : []),
    '+noall',
    '+comments',
    '+answer',
    name,
    type,
  ]);
  const status = /status: ([A-Z]+)/.exec(stdout)?.[1];
  const records = stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'))
    .map((line) =>
      line
        .split(/\s+/)
        .slice(1)
        .filter((word) => word !== 'IN')
        .join(' '),
    )
    .toSorted();
  return {
    status: status ?? (/refused|unreachable/.test(stdout) ? 'UNREACHABLE' : 'SILENT'),
    flags: (/flags: ([a-z ]*);/.exec(stdout)?.[1] ?? '').split(' '),
    records,
    data: records.map((record) => record.split(' ').slice(2).join(' ')),
  };
}

/** `NXDOMAIN`, `NODATA`, another code, or the data with blanks between. */
export function brief({ status, data }: Pick<DigAnswer, 'status' | 'data'>): string {
  if (status !== 'NOERROR') return status;
  return data.length === 0 ? 'NODATA' : data.join(' ');
}

export async function statusOf(place: Place, port: number, path: string): Promise<number> {
  const answer = await place.get(`http://127.0.0.1:${port}${path}`).catch(() => null);
  return answer?.status ?? 0;
}

export function nodeLocalOf(family: Family): string {
  return family === 'IPv4' ? nodeLocal4 : nodeLocal6;
}
