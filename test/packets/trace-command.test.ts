import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { createLiveCluster } from './live-cluster.ts';
import type { LiveCluster } from './live-cluster.ts';
import { bothPorts, service, slice } from './objects.ts';
import { configOf, iptablesVariants } from './variant.ts';

const launcher = fileURLToPath(new URL('../../bin/waypost', import.meta.url));
const [variant] = iptablesVariants;
if (variant === undefined) throw new RangeError('there is no variant of iptables mode');

describeWhere(variant.capability, 'waypost trace beside a running agent', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  const web = service('web', 20, { ports: bothPorts(30_020) });

  beforeAll(async () => {
    lab = await createLab();
    await variant.prepare(lab);
    cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
    await cluster.put([web.object]);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  test('x', async () => {
    for (const args of [['10.244.1.10', '10.96.0.20:80'], ['node', 'default/web:tcp'], ['outside', '192.0.2.11:30020/udp'], ['10.244.1.10', '10.244.1.11:8080'], ['10.244.1.10', '192.0.2.11:22'], ['node','default/web'], ['x y', '1.2.3.4:5'], ['node']]) {
      const { code, stdout, stderr } = await lab.node1.exec(launcher, ['trace', ...args]);
      process.stderr.write(`\n$ waypost trace ${args.join(' ')} -> ${code}\n${stdout}${stderr}`);
    }
    expect(1).toBe(1);
  });
});
void slice;
