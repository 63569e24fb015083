import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { labConfig } from '../lab/config.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, createTemporaryFolder, launcher, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { createCluster } from '../lifecycle/cluster.ts';
import type { Cluster } from '../lifecycle/cluster.ts';
import { kubeChains, must, runToEnd, startAgent, webObjects } from './node.ts';

const established = 'net.netfilter.nf_conntrack_tcp_timeout_established';

describeWhere(await canMakeNamespaces(), 'the process of the agent', () => {
  let lab: Lab;
  let cluster: Cluster;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    lab = await createLab({ podsOnNode1: ['p1', 'p2'], podsOnNode2: [] });
  });
  afterAll(() => lab?.close());
  beforeEach(async () => {
    folder = await createTemporaryFolder('waypost-process-');
    cluster = await createCluster(lab.node1);
    cluster.put(...webObjects);
    await cluster.connect();
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    await runToEnd(lab.node1, ['cleanup']);
  });

  /** Writes a configuration that finds the cluster, and gives its path. */
  async function writeConfig(fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const path = join(folder.path, 'config.json');
    const clientConnection = { kubeconfig: cluster.kubeconfig, qps: 50, burst: 100 };
    await writeFile(path, JSON.stringify(labConfig({ mode: 'iptables', clientConnection, ...fields })));
    return path;
  }

  function wordsFor(config: string): string[] {
    return ['--config', config, '--hostname-override', 'node-1'];
  }

  async function waitHealthy(agent: LabProcess): Promise<void> {
    const healthy = async (): Promise<true | null> => {
      if (!agent.running) throw new Error(`the agent ended: ${agent.output}`);
      const answer = await lab.node1.get('http://127.0.0.1:10256/healthz').catch(() => null);
      return answer?.status === 200 ? true : null;
    };
    await pollUntil('/healthz', healthy, { explain: () => agent.output });
  }

  /** Without the chain that is kubelet's too and therefore outlives a cleanup. */
  async function ownChains(): Promise<readonly string[]> {
    return (await kubeChains(lab)).filter((name) => name !== 'KUBE-FIREWALL');
  }

  async function sysctl(name: string): Promise<string> {
    return (await must(lab.node1, 'cat', [`/proc/sys/${name.replaceAll('.', '/')}`])).trim();
  }

  test('[SP-142] a write to its configuration ends it with exit code 1, and its rules stay', async () => {
    const config = await writeConfig();
    const agent = startAgent(lab.node1, wordsFor(config));
    await waitHealthy(agent);
    await writeConfig({ iptables: { masqueradeBit: 15, syncPeriod: '1m' } });
    expect(await agent.exited).toBe(1);
    expect(agent.output).toContain(
      `the configuration file ${config} was updated, and a running agent cannot take what differs: iptables.masqueradeBit`,
    );
    expect(await kubeChains(lab)).toContain('KUBE-SERVICES');
  });

  test('it takes live fields while it runs, and goes on where its configuration cannot be used', async () => {
    const config = await writeConfig({ iptables: { syncPeriod: '1h' } });
    const agent = startAgent(lab.node1, wordsFor(config));
    await waitHealthy(agent);
    const said = async (words: string): Promise<unknown> =>
      await pollUntil(words, async () => (agent.output.includes(words) ? true : null), { explain: () => agent.output });
    await must(lab.node1, 'iptables', ['-t', 'nat', '-D', 'PREROUTING', '1']);
    await writeConfig({ iptables: { syncPeriod: '1s' }, logging: { verbosity: 4 } });
    await said('setting changed field=logging.verbosity before=0 after=4');
    await said('setting changed field=iptables.syncPeriod before=1h0m0s after=1s');
    // An hour it would have waited.
    const jumps = async (): Promise<string> => await must(lab.node1, 'iptables', ['-t', 'nat', '-S', 'PREROUTING']);
    await pollUntil('the jump to be back', async () => ((await jumps()).includes('-j KUBE-SERVICES') ? true : null));

    await writeFile(config, '{"kind": ');
    await said('going on with the one before, while a restart would fail');
    const status = await lab.node1.exec(launcher, ['status']);
    expect([status.code, status.stdout]).toEqual([0, expect.stringContaining('WP_CLI_CONFIG_REFUSED')]);
    expect(await agent.stop()).toBe(0);
  });

  test('[SP-142] renaming its configuration ends it, the update of a ConfigMap volume does not', async () => {
    const text = await writeConfig();
    const volume = join(folder.path, 'volume');
    for (const name of ['..one', '..two']) {
      await mkdir(join(volume, name), { recursive: true });
      await must(lab.node1, 'cp', [text, join(volume, name, 'config.conf')]);
    }
    await writeConfig({ mode: 'nftables' });
    await must(lab.node1, 'cp', [text, join(volume, '..two', 'config.conf')]);
    await symlink('..one', join(volume, '..data'));
    await symlink('..data/config.conf', join(volume, 'config.conf'));
    const swapped = startAgent(lab.node1, wordsFor(join(volume, 'config.conf')));
    await waitHealthy(swapped);
    await symlink('..two', join(volume, '..data_tmp'));
    await rename(join(volume, '..data_tmp'), join(volume, '..data'));
    await rm(join(volume, '..one'), { recursive: true });

    const waits = 'was replaced, and a running agent cannot take what differs: mode';
    await pollUntil(waits, async () => (swapped.output.includes(waits) ? true : null), { explain: () => swapped.output });
    await waitHealthy(swapped);
    expect(await swapped.stop()).toBe(0);

    const renamed = startAgent(lab.node1, wordsFor(text));
    await waitHealthy(renamed);
    await rename(text, `${text}.old`);
    expect(await renamed.exited).toBe(1);
    expect(renamed.output).toContain('was renamed');
  });

  test('[SP-144] --init-only sets kernel parameters, writes no rule, opens no port; then /proc may be read-only', async () => {
    const config = await writeConfig({ conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '11111s' } });
    // Whatever else the mount namespace of the command holds, its kernel parameters cannot be written.
    const locked = `mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$0" run "$@"`;
    const early = lab.node1.spawn('sh', ['-c', locked, launcher, ...wordsFor(config)]);
    expect(await early.exited).toBe(1);
    expect(early.output).toMatch(new RegExp(`${established} cannot be set to 11111: it is \\d+, and writing fails with EROFS`));

    expect(await sysctl(established)).not.toBe('11111');
    const done = await runToEnd(lab.node1, ['run', '--init-only', ...wordsFor(config)]);
    expect(done).toEqual({ code: 0, output: expect.any(String) as string });
    expect(done.output).toContain('initialised: kernel parameters are set and no rule was written');
    expect(await sysctl(established)).toBe('11111');
    expect(await sysctl('net.ipv4.conf.all.route_localnet')).toBe('1');
    expect(await ownChains()).toEqual([]);

    const late = lab.node1.spawn('sh', ['-c', locked, launcher, ...wordsFor(config)]);
    await waitHealthy(late);
    expect(await late.stop()).toBe(0);
  });

  test('[SP-144] --init-only waits for the API server, and a signal ends the waiting', async () => {
    await cluster.disconnect();
    const config = await writeConfig();
    const waiting = startAgent(lab.node1, ['--init-only', ...wordsFor(config)]);
    await pollUntil(
      'the agent to miss its API server',
      async () => (waiting.output.includes('WP_KUBE_UNREACHABLE') ? true : null),
      {
        explain: () => waiting.output,
      },
    );
    expect(await lab.node1.get('http://127.0.0.1:10256/livez').catch(() => null)).toBeNull();
    expect(await waiting.stop()).toBe(1);
    expect(waiting.output).toContain('SIGTERM received before the initialisation was complete');
  });

  test('[SP-115] a kernel parameter that cannot be set is told with its name, its value and what to do', async () => {
    const current = Number(await sysctl('net.netfilter.nf_conntrack_max'));
    const wanted = current === 1_048_576 ? 1_048_575 : current + 1;
    const config = await writeConfig({ conntrack: { maxPerCore: 1, min: wanted } });
    const ended = await runToEnd(lab.node1, ['run', ...wordsFor(config)]);
    expect(ended.code).toBe(1);
    expect(ended.output).toMatch(
      new RegExp(
        `nf_conntrack_max cannot be set to ${wanted}: it is ${current}, and writing fails with .*conntrack\\.maxPerCore: 0`,
      ),
    );
    expect(await ownChains()).toEqual([]);
  });

  const hasIpvs = existsSync('/proc/net/ip_vs') || existsSync('/proc/sys/net/ipv4/vs');
  test.skipIf(hasIpvs)(
    `[SP-145] a mode that the kernel does not have is fatal${hasIpvs ? ' [skipped: this kernel has IPVS]' : ''}`,
    async () => {
      const config = await writeConfig({ mode: 'ipvs' });
      const ended = await runToEnd(lab.node1, ['run', ...wordsFor(config)]);
      expect(ended.code).toBe(1);
      expect(ended.output).toMatch(/error .*(ip_vs|ipvs)/);
      expect(await ownChains()).toEqual([]);
    },
  );
  if (hasIpvs) process.stderr.write('SKIPPED: [SP-145] this kernel has IPVS, so nothing is missing\n');

  test('[SP-146] a start appears as an Event on the Node', async () => {
    const agent = startAgent(lab.node1, wordsFor(await writeConfig()));
    const found = await pollUntil('the Event', async () => cluster.server.history.list('events')[0] ?? null, {
      explain: () => agent.output,
    });
    expect(found).toMatchObject({
      metadata: { namespace: 'default' },
      reason: 'Starting',
      action: 'StartKubeProxy',
      type: 'Normal',
      reportingController: 'kube-proxy',
      reportingInstance: 'node-1',
      regarding: { kind: 'Node', name: 'node-1' },
    });
    expect(await agent.stop()).toBe(0);
  });

  test.each([
    ['healthzBindAddress', 10256, 'FailedToStartProxierHealthcheck'],
    ['metricsBindAddress', 10249, 'FailedToStartMetricServer'],
  ] as const)('[SP-122] with bindAddressHardFail a taken %s is an Event on the Node and exit code 1', async (_, port, reason) => {
    const holder = lab.node1.spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${port}, '::', () => console.log('taken'))`,
    ]);
    await pollUntil('the port to be taken', async () => (holder.output.includes('taken') ? true : null));
    const ended = await runToEnd(lab.node1, ['run', ...wordsFor(await writeConfig({ bindAddressHardFail: true }))]);
    await holder.kill();
    expect(ended).toEqual({ code: 1, output: expect.any(String) as string });
    expect(cluster.server.history.list('events')).toMatchObject([{ reason, type: 'Warning', action: 'StartKubeProxy' }]);
    expect(await ownChains()).toEqual([]);
  });
});
