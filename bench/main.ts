import { runDnsBench } from './dns.ts';
import { runDnsRelistBench } from './dns-relist.ts';
import { runHealthBench } from './health.ts';
import { runDataplaneBench } from './dataplane.ts';
import { runIptablesBench } from './iptables.ts';
import { runIpvsBench } from './ipvs.ts';
import { runSoakBench } from './soak.ts';
import { runSyncBench } from './sync.ts';

/** `npm run bench -- <name>`: prints medians and ratios of one run. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  sync: runSyncBench,
  dataplane: runDataplaneBench,
  soak: runSoakBench,
  iptables: runIptablesBench,
  ipvs: runIpvsBench,
  dns: runDnsBench,
  'dns-relist': runDnsRelistBench,
  health: runHealthBench,
};

const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  console.error(`unknown benchmark ${JSON.stringify(name)}; there is: ${Object.keys(benches).join(', ')}`);
  process.exitCode = 1;
} else {
  await bench();
}
