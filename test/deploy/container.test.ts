import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRoot } from '../../scripts/image/make-root.ts';
import { writeArchive } from '../../scripts/image/write-archive.ts';
import { kubeadmConfig } from '../../src/config/kubeadm-config.fixture.ts';
import { ranges } from '../lab/addressing.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { runIn } from '../lab/driver-netns.ts';
import { createLab, createTemporaryFolder, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { RunningWaypost } from '../lab/waypost.ts';
import { createCluster, firstToken } from '../lifecycle/cluster.ts';
import type { Cluster } from '../lifecycle/cluster.ts';
import { expectAnswers } from '../lifecycle/expect-answers.ts';
import { ready, service, slices } from '../packets/objects.ts';
import { Container } from './container.ts';
import { canRunImages } from './image-capability.ts';
import { renderOciConfig } from './oci-config.ts';
import { readContainer } from './read-rendered.ts';
import { fetchProfile } from './seccomp.ts';
import type { SeccompProfile } from './seccomp.ts';

const mostOctets = 75_000_000;
const web = service('web', 7, { type: 'NodePort' });

const sentence = /the capability CAP_NET_ADMIN is missing: [^\n]*?container/;

describeWhere(await canRunImages(), 'the image', () => {
  let scratch: TemporaryFolder;
  let root: string;
  let profile: SeccompProfile;
  let lab: Lab;
  let cluster: Cluster;
  let number = 0;

  beforeAll(async () => {
    scratch = await createTemporaryFolder('waypost-image-');
    root = join(scratch.path, 'root');
    for (const name of ['profile', 'proxy', 'coredns', 'account', 'modules', 'run']) await mkdir(join(scratch.path, name));
    await makeRoot(root);
    profile = await fetchProfile(join(scratch.path, 'profile'));
    lab = await createLab();
    for (const name of ['p1', 'p2', 'q1']) await lab.place(name).listen(listenOnAll([8080]));
  }, 300_000);
  afterAll(async () => {
    await lab?.close();
    await scratch?.[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    cluster = await createCluster(lab.node1);
    cluster.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    cluster.put(web.object, ...slices('web', [ready('p1'), ready('q1')]));
    await cluster.connect();
    await writeVolumes();
  });
  afterEach(() => cluster?.[Symbol.asyncDispose]());

  /** kube-proxy's ConfigMap as kubeadm makes it, but for what a namespace that is not the machine's own cannot have. */
  async function writeVolumes(mode = 'iptables'): Promise<void> {
    const config = kubeadmConfig
      .replace('mode: ""', `mode: ${mode}`)
      .replace(/^clusterCIDR: .*$/m, `clusterCIDR: ${ranges.pods.IPv4},${ranges.pods.IPv6}`)
      .replace('maxPerCore: null', 'maxPerCore: 0')
      .replace('oomScoreAdj: null', 'oomScoreAdj: 0');
    const kubeconfig = (await readFile(cluster.kubeconfig, 'utf8')).replace(
      '"tokenFile":"token"',
      '"tokenFile":"/var/run/secrets/kubernetes.io/serviceaccount/token"',
    );
    const files = {
      'proxy/config.conf': config,
      'proxy/kubeconfig.conf': kubeconfig,
      'account/token': firstToken,
      'coredns/Corefile': '.:53 {\n ready\n kubernetes cluster.local\n forward . 192.0.2.53\n}\n',
      lock: '',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(scratch.path, name), text);
  }

  interface Start {
    readonly withheld?: readonly string[];
    readonly args?: readonly string[];
  }

  function start(overlay: string, which: 'init' | 'waypost', options: Start = {}): Promise<Container> {
    const source = (name: string, readOnly = true) => ({ source: join(scratch.path, name), readOnly });
    number += 1;
    const config = renderOciConfig(readContainer(overlay, which), {
      ...options,
      root,
      profile,
      network: `/run/netns/${lab.node1.namespace}`,
      env: { NODE_NAME: 'node-1' },
      volumes: {
        '/var/lib/kube-proxy': source('proxy'),
        '/lib/modules': source('modules'),
        '/run/xtables.lock': source('lock', false),
        '/run/waypost': source('run', false),
        '/etc/coredns': source('coredns'),
        '/var/run/secrets/kubernetes.io/serviceaccount': source('account'),
      },
    });
    return Container.start(join(scratch.path, `container-${number}`), config);
  }

  async function startHealthy(overlay: string): Promise<Container> {
    await using init = await start(overlay, 'init');
    expect({ code: await init.process.exited, said: init.process.output }).toMatchObject({ code: 0 });
    const container = await start(overlay, 'waypost');
    const agent = new RunningWaypost(lab.node1, container.process, await createTemporaryFolder('waypost-container-'));
    await agent.waitHealthy();
    return container;
  }

  test(`is at most ${mostOctets / 1e6} MB compressed, and every program in it has its libraries`, async () => {
    const { size } = await writeArchive(root, join(scratch.path, 'waypost.oci.tar'), 'test');
    console.log(`the image: ${size} octets compressed`);
    expect(size).toBeLessThanOrEqual(mostOctets);
    const folders = ['bin', 'sbin', 'usr/bin', 'usr/sbin'];
    const entries = await Promise.all(folders.map((folder) => readdir(join(root, folder), { withFileTypes: true })));
    const programs = entries.flat().filter((entry) => entry.isFile() && entry.name !== 'iptables-chooser');
    expect(programs.length).toBeGreaterThan(8);
    // By the loader, and not by running them: some load kernel modules as soon as they are asked anything.
    for (const { parentPath, name } of programs) {
      const path = join(parentPath, name).slice(root.length);
      const { stdout, stderr } = await runIn(null, 'chroot', [root, '/lib64/ld-linux-x86-64.so.2', '--list', path]);
      expect(`${path}: ${stdout}${stderr}`).not.toContain('not found');
    }
  });

  // IPVS is not in every kernel; its tests run in a machine of their own.
  test.each(['iptables', 'nftables'])(
    'with the security context of the DaemonSet it takes connections to back ends in mode %s',
    async (mode) => {
      await writeVolumes(mode);
      await using container = await startHealthy('base');
      const status = await container.status();
      // CAP_NET_ADMIN is bit 12, CAP_NET_RAW 13; a filter of system calls is mode 2.
      expect(status).toMatch(/^CapEff:\t0000000000003000$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      for (const path of ['/new', '/tmp/new', '/proc/sys/net/ipv4/ip_forward']) {
        const written = await container.exec('/bin/sh', '-c', `echo 1 >${path}`);
        expect(`${path}: ${written.stderr}`).toContain('Read-only file system');
      }
      const asked = await container.exec('/usr/bin/waypost', 'status', '--url', 'unix:/run/waypost/agent.sock');
      expect(`${asked.stdout}${asked.stderr}`).toContain('node-1: healthy');
      for (const family of lab.families) {
        const clusterIp = web.clusterIp.addresses[family] ?? '';
        await expectAnswers(lab.place('c1'), { family, destination: clusterIp, port: 80 }, ['p1', 'q1']);
        const destination = lab.node1.addresses[family] ?? '';
        await expectAnswers(lab.outside, { family, destination, port: web.nodePort }, ['p1', 'q1']);
      }
      cluster.put(...slices('web', [ready('p2')]));
      const change = async (): Promise<true | null> => {
        const [attempt] = await lab.place('c1').connect({
          family: 'IPv4',
          destination: web.clusterIp.addresses.IPv4 ?? '',
          port: 80,
          protocol: 'TCP',
          timeoutMs: 2000,
        });
        return attempt?.answer?.backend === 'p2' ? true : null;
      };
      await pollUntil('the change to reach the kernel', change, { explain: () => container.process.output });
      expect((await container.exec('/usr/sbin/iptables', '-V')).stdout).toContain('(nf_tables)');
      expect(container.process.output).not.toMatch(/ (?:warn|error) .*(?:denied|permitted|Read-only)/i);
    },
  );

  test('without CAP_NET_ADMIN it ends with the sentence that waypost check has for it, and no rule is touched', async () => {
    const before = await lab.node1.exec('nft', ['list', 'ruleset']);
    await using checked = await start('base', 'waypost', {
      withheld: ['NET_ADMIN'],
      args: ['check', '--config=/var/lib/kube-proxy/config.conf'],
    });
    expect(await checked.process.exited).toBe(1);
    expect(checked.process.output).toMatch(sentence);
    await using run = await start('base', 'waypost', { withheld: ['NET_ADMIN'] });
    expect(await run.process.exited).toBe(1);
    expect(sentence.exec(run.process.output)?.[0]).toBe(sentence.exec(checked.process.output)?.[0]);
    expect((await lab.node1.exec('nft', ['list', 'ruleset'])).stdout).toBe(before.stdout);
  });

  test('with DNS it answers names on port 53 as well', async () => {
    await using container = await startHealthy('kube-proxy-config-dns');
    const isReady = async (): Promise<true | null> => {
      const answer = await lab.node1.get('http://127.0.0.1:8181/ready').catch(() => null);
      return answer?.status === 200 ? true : null;
    };
    await pollUntil('/ready', isReady, { explain: () => container.process.output });
    for (const transport of ['+notcp', '+tcp']) {
      const asked = await lab.node1.exec('dig', ['+short', transport, '@169.254.20.10', 'web.default.svc.cluster.local', 'A']);
      expect(asked.stdout.trim()).toBe(web.clusterIp.addresses.IPv4);
    }
    expect(await container.status()).toMatch(/^CapEff:\t0000000000003400$/m);
  });
});
