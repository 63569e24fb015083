import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { factsOf, makeClusterRecords, makeOutsideRecords, outsideZone, serviceCount } from './dns-data.ts';
import type { Tool, ToolName } from './dns-tools.ts';
import type { WaypostOptions } from './dns-waypost.ts';

/** A server that is measured: what to start once its files are written. */
export interface Peer {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Waypost tells its parent when it is ready, and has threads that are counted by themselves. */
  readonly own: boolean;
  readonly port: number;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly upstreamPort: number;
}

/** Flags of bin/waypost, and the one that lets garbage be collected for the measurement of memory. */
const agentFlags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2', '--expose-gc'];

/** All that can be started here, in the order of the table. Writes their configuration below `folder`. */
export function preparePeers(
  tools: ReadonlyMap<ToolName, Tool>,
  folder: string,
  firstPort: number,
  upstreamPort: number,
): readonly Peer[] {
  let port = firstPort;
  const peers: Peer[] = [];
  const place = (name: string): Place => {
    const own = join(folder, name);
    mkdirSync(own, { recursive: true });
    port += 1;
    return { folder: own, port, upstreamPort };
  };
  for (const udp of ['batch', 'plain'] as const) {
    peers.push(prepareWaypost(place(`waypost-${udp}`), udp, udp === 'batch' ? 'Waypost' : 'Waypost, plain UDP'));
  }
  for (const [name, title, prepare] of foreign) {
    const tool = tools.get(name);
    if (tool === undefined) continue;
    const at = place(name);
    peers.push({
      title,
      command: tool.path,
      args: prepare(at),
      env: { ...tool.env, GOMAXPROCS: '1' },
      own: false,
      port: at.port,
    });
  }
  return peers;
}

const foreign: readonly (readonly [ToolName, string, (place: Place) => readonly string[]])[] = [
  ['unbound', 'unbound', prepareUnbound],
  ['knotd', 'Knot DNS', prepareKnot],
  ['nsd', 'NSD', prepareNsd],
  ['dnsmasq', 'dnsmasq', prepareDnsmasq],
  ['coredns', 'CoreDNS', prepareCoredns],
];

/** `udp` null: the same process without DNS. */
export function prepareWaypost({ folder, port, upstreamPort }: Place, udp: WaypostOptions['udp'], title: string): Peer {
  const corefile = join(folder, 'Corefile');
  writeFileSync(corefile, stockCorefile(upstreamPort));
  const script = fileURLToPath(new URL('dns-waypost.ts', import.meta.url));
  const options: WaypostOptions = { port, udp, corefile };
  return { title, command: process.execPath, args: [...agentFlags, script, JSON.stringify(options)], env: {}, own: true, port };
}

/** That of kubeadm, but for its pages and for looking at files. */
function stockCorefile(upstreamPort: number): string {
  return `.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    forward . 127.0.0.1:${upstreamPort}
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loadbalance
}
`;
}

function prepareUnbound({ folder, port, upstreamPort }: Place): readonly string[] {
  const file = join(folder, 'unbound.conf');
  writeFileSync(
    file,
    `server:
  interface: 127.0.0.1@${port}
  do-ip6: no
  num-threads: 1
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  logfile: "${folder}/log"
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  so-rcvbuf: 4m
  so-sndbuf: 4m
  outgoing-range: 2048
  num-queries-per-thread: 2048
  msg-cache-size: 16m
  rrset-cache-size: 32m
  rrset-roundrobin: yes
  minimal-responses: yes
  local-zone: "cluster.local." static
${makeClusterRecords()
  .map((record) => `  local-data: "${record}"`)
  .join('\n')}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstreamPort}
`,
  );
  return ['-d', '-c', file];
}

function writeZones(folder: string): void {
  writeFileSync(join(folder, 'cluster.local.zone'), `${makeClusterRecords().join('\n')}\n`);
  writeFileSync(join(folder, `${outsideZone}.zone`), `${makeOutsideRecords().join('\n')}\n`);
}

function prepareKnot({ folder, port }: Place): readonly string[] {
  const file = join(folder, 'knot.conf');
  writeZones(folder);
  writeFileSync(
    file,
    `server:
  listen: 127.0.0.1@${port}
  rundir: ${folder}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  answer-rotation: on
database:
  storage: ${folder}
log:
  - target: stderr
    any: error
template:
  - id: default
    storage: ${folder}
    file: "%s.zone"
    journal-content: none
    zonefile-load: whole
zone:
  - domain: cluster.local
  - domain: ${outsideZone}
`,
  );
  return ['-c', file];
}

function prepareNsd({ folder, port }: Place): readonly string[] {
  const file = join(folder, 'nsd.conf');
  writeZones(folder);
  writeFileSync(
    file,
    `server:
  ip-address: 127.0.0.1@${port}
  do-ip6: no
  server-count: 1
  username: ""
  zonesdir: ${folder}
  database: ""
  pidfile: ""
  xfrdfile: ${folder}/xfrd.state
  zonelistfile: ${folder}/zone.list
  xfrdir: ${folder}
  logfile: ${folder}/log
  round-robin: yes
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: cluster.local
  zonefile: cluster.local.zone
zone:
  name: ${outsideZone}
  zonefile: ${outsideZone}.zone
`,
  );
  return ['-d', '-c', file];
}

function prepareDnsmasq({ folder, port, upstreamPort }: Place): readonly string[] {
  const file = join(folder, 'dnsmasq.conf');
  const services = Array.from({ length: serviceCount }, (_, index) => factsOf(index));
  const hosts = services.flatMap(({ name, addresses }) => addresses.map((address) => `${address} ${name}`));
  writeFileSync(join(folder, 'hosts'), `${hosts.join('\n')}\n`);
  const ports = services.filter(({ headless }) => !headless);
  writeFileSync(
    file,
    `keep-in-foreground
log-facility=${folder}/log
pid-file=
user=root
port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
addn-hosts=${folder}/hosts
local=/cluster.local/
local-ttl=30
server=127.0.0.1#${upstreamPort}
cache-size=10000
dns-forward-max=4000
${ports.map(({ name }) => `srv-host=_http._tcp.${name},${name},80,0,100`).join('\n')}
`,
  );
  return [`--conf-file=${file}`];
}

/** Its kubernetes plugin wants an API server, so the names come out of a zone file: less work than in a cluster. */
function prepareCoredns({ folder, port, upstreamPort }: Place): readonly string[] {
  const file = join(folder, 'Corefile');
  writeZones(folder);
  writeFileSync(
    file,
    `.:${port} {
    bind 127.0.0.1
    errors
    file ${folder}/cluster.local.zone cluster.local
    forward . 127.0.0.1:${upstreamPort}
    cache 30
    loadbalance
}
`,
  );
  return ['-conf', file];
}
