import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeFields } from '../config/mod.ts';
import { runWords } from './agent-stage.fixture.ts';

const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waypost-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('waypost config validate', () => {
  test('a file that can be used, with and without warnings', async () => {
    const good = await write('good.yaml', `${head}mode: ipvs\n`);
    expect(await runWords('config', 'validate', '--config', good)).toEqual({
      code: 0,
      out: `${good} can be used, in mode ipvs\n`,
      err: '',
    });
    const odd = await write('odd.yaml', `${head}moode: ipvs\n`);
    expect(await runWords('config', 'validate', '--config', odd)).toEqual({
      code: 0,
      out: `warning  ${odd}:3: moode is no known field and has no effect (did you mean mode?)\n${odd} can be used, in mode iptables\n`,
      err: '',
    });
  });

  test('everything that is wrong at once, with line, field and value', async () => {
    const bad = await write('bad.yaml', `${head}mode: userspace\noomScoreAdj: low\niptables: {masqueradeBit: 99}\nmoode: x\n`);
    const printed = await runWords('config', 'validate', '--config', bad);
    expect(printed).toEqual({
      code: 1,
      out: [
        `error    ${bad}:4: oomScoreAdj must be a whole number, not "low"`,
        `error    ${bad}:3: mode must be one of iptables, ipvs, nftables, not "userspace"`,
        `error    ${bad}:5: iptables.masqueradeBit must be from 0 to 31, not 99`,
        `warning  ${bad}:6: moode is no known field and has no effect (did you mean mode?)`,
        '',
      ].join('\n'),
      err: '',
    });
    const document = JSON.parse((await runWords('config', 'validate', '--config', bad, '-o', 'json')).out) as {
      readonly findings: readonly unknown[];
    };
    expect(document).toMatchObject({ version: 1, file: bad, valid: false, mode: null });
    expect(document.findings).toHaveLength(4);
    expect(document.findings[3]).toMatchObject({ level: 'warning', code: 'WP_CONFIG_UNKNOWN_FIELD' });
    expect(parse((await runWords('config', 'validate', '--config', bad, '-o', 'yaml')).out)).toEqual(document);
  });

  test('what is no YAML, what is not there, and no file at all', async () => {
    const broken = await write('broken.yaml', `${head}mode: [\n`);
    const printed = await runWords('config', 'validate', '--config', broken);
    expect([printed.code, printed.out]).toEqual([
      1,
      expect.stringMatching(/^error {4}.*broken\.yaml:\d: not valid YAML/) as string,
    ]);
    const missing = await runWords('config', 'validate', '--config', '/nowhere.yaml');
    expect(missing.code).toBe(1);
    expect(missing.out).toMatch(/^error {4}cannot read the configuration file \/nowhere\.yaml: ENOENT/);
    expect(await runWords('config', 'validate', '--config', '')).toEqual({
      code: 2,
      out: '',
      err: 'waypost: --config must name a file, not ""\n',
    });
    const none = await runWords('config', 'validate');
    expect([none.code, none.out]).toEqual([2, '']);
    expect(none.err).toContain("required option '--config <file>' not specified");
  });
});

describe('waypost config explain', () => {
  test('one field, by path or by flag', async () => {
    const text = [
      'field     ipvs.minSyncPeriod',
      'document  KubeProxyConfiguration',
      'flag      --ipvs-min-sync-period, in mode ipvs; does not count beside --config',
      'type      duration',
      'default   0s; flags only: 1s',
      'what for  shortest time between two changes of the kernel',
      'change    taken by the running agent when its file changes',
      '',
    ].join('\n');
    expect(await runWords('config', 'explain', 'ipvs.minSyncPeriod')).toEqual({ code: 0, out: text, err: '' });
    expect((await runWords('config', 'explain', '--ipvs-min-sync-period')).out).toBe(text);
    expect((await runWords('config', 'explain', 'ipvs.drainTime')).out).toContain('--ipvs-drain-time; counts beside --config');
  });

  test('a section, a flag of several fields, and everything', async () => {
    const section = (await runWords('config', 'explain', 'detectLocal')).out.split('\n');
    expect(section[0]).toMatch(/^FIELD +FLAG +TYPE +DEFAULT +CHANGE +WHAT FOR$/);
    expect(section[1]).toMatch(/^detectLocal\.bridgeInterface +--pod-bridge-interface +text +none +restart +pod traffic/);
    expect(section[4]).toMatch(/restart/);
    expect((await runWords('config', 'explain', '--masquerade-all')).out.split('\n')).toHaveLength(6);
    const all = JSON.parse((await runWords('config', 'explain', '-o', 'json')).out) as unknown;
    expect(all).toEqual({ version: 1, fields: describeFields() });
    expect(parse((await runWords('config', 'explain', '-o', 'yaml')).out)).toEqual(all);
  });

  test('a name that is none', async () => {
    expect(await runWords('config', 'explain', 'ipvs.schedular')).toEqual({
      code: 2,
      out: '',
      err: 'waypost: FIELD "ipvs.schedular" is no field, section or flag (did you mean ipvs.scheduler?)\n',
    });
    expect((await runWords('config', 'explain', '--proxy-mod')).err).toContain('(did you mean --proxy-mode?)');
    expect((await runWords('config', 'explain', 'mode', '-o', 'xml')).code).toBe(2);
    expect((await runWords('config', 'repair')).code).toBe(2);
  });
});

describe('waypost config convert', () => {
  test('a file and flags become one file that says the same without flags', async () => {
    const old = await write('old.yaml', `${head}mode: nftables\nclusterCIDR: 10.244.0.0/16\nmoode: x\n`);
    const flags = ['--service-cidrs', '10.96.0.0/12', '--dns', '--v=4'];
    const { code, out, err } = await runWords('config', 'convert', '--config', old, ...flags);
    expect([code, err]).toEqual([0, `waypost: ${old}:5: moode is no known field and has no effect (did you mean mode?)\n`]);
    expect(out).toContain('clusterCIDR: 10.244.0.0/16\n');
    expect(out).toMatch(/^ +- 10\.96\.0\.0\/12$/m);
    const converted = await write('converted.yaml', out);
    expect(await runWords('config', 'convert', '--config', converted)).toEqual({ code: 0, out, err: '' });
    expect(await runWords('config', 'validate', '--config', converted)).toMatchObject({ code: 0, err: '' });
  });

  test('what cannot be used is told, and nothing is printed', async () => {
    const bad = await write('bad-mode.yaml', `${head}mode: userspace\n`);
    const { code, out, err } = await runWords('config', 'convert', '--config', bad);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('mode must be one of iptables, ipvs, nftables, not "userspace"');
  });
});

test('waypost init takes the flags of run and refuses what run refuses', async () => {
  const refused = await runWords('run', '--init-only', '--proxy-mode', 'userspace');
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('not "userspace"') });
  expect(await runWords('init', '--proxy-mode', 'userspace')).toEqual(refused);
});
