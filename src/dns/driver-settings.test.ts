import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Problem } from '../model/mod.ts';
import { loadSettings, watchSettings } from './driver-settings.ts';
import type { LoadOptions } from './driver-settings.ts';
import { parseName, rootName } from './name.ts';
import type { DnsSettings } from './settings.ts';
import { TurnedClock } from './settings-clock.fixture.ts';
import { usualClusterDomain } from './settings-default.ts';

function missing(what: string): never {
  throw new Error(what);
}

let folder = '';
let clock = new TurnedClock();
let ends: (() => void)[] = [];
let told: DnsSettings[] = [];
let refused: (readonly Problem[])[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waypost-dns-'));
  clock = new TurnedClock();
  [ends, told, refused] = [[], [], []];
  write('resolv.conf', 'nameserver 10.0.0.53\nsearch example.org\n');
});
afterEach(() => {
  for (const end of ends) end();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const corefile = (lines: string): string => `. {\n  reload 30s 15s\n  ${lines}\n}\n`;

function optionsFor(path: string | null): LoadOptions {
  return {
    path: path === null ? null : join(folder, path),
    own: [],
    env: {},
    clusterDomain: usualClusterDomain,
    upstreamFile: join(folder, 'resolv.conf'),
  };
}

function load(path: string | null, options: Partial<LoadOptions> = {}): DnsSettings {
  const reading = loadSettings({ ...optionsFor(path), ...options });
  return reading.ok ? reading.settings : missing(reading.problems.map(({ message }) => message).join('\n'));
}

function problemsOf(path: string, options: Partial<LoadOptions> = {}): readonly string[] {
  const reading = loadSettings({ ...optionsFor(path), ...options });
  return reading.ok ? [] : reading.problems.map(({ message }) => message.replaceAll(folder, ''));
}

function watch(path: string | null, random = 0.5): void {
  const end = watchSettings(
    {
      ...optionsFor(path),
      clock,
      random: () => random,
      onSettings: (settings) => told.push(settings),
      onProblems: (problems) => refused.push(problems),
    },
    load(path),
  );
  ends.push(end);
}

const upstreams = (settings: DnsSettings | undefined): readonly string[] | undefined =>
  settings?.blocks[0]?.forward.flatMap((rule) => rule.upstreams.map(({ address }) => address));

describe('loading', () => {
  test('without a path the stock settings, with the name servers of the node', () => {
    const settings = load(null);
    expect(upstreams(settings)).toEqual(['10.0.0.53']);
    expect(settings.blocks[0]?.forward[0]).not.toHaveProperty('upstreamFiles');
    expect(settings.blocks[0]?.kubernetes?.zones).toEqual([usualClusterDomain]);
  });

  test('a file, with what it imports and the resolv.conf files it names, beside addresses', () => {
    mkdirSync(join(folder, 'custom'));
    write('custom/a.override', 'bufsize 600');
    write('custom/.hidden.override', 'etcd');
    write('Corefile', corefile(`import custom/*.override\n  import none/*.x\n  forward . 192.0.2.1 ${folder}/resolv.conf`));
    expect(load('Corefile').blocks[0]?.udpLimit).toBe(600);
    expect(upstreams(load('Corefile'))).toEqual(['192.0.2.1', '10.0.0.53']);
  });

  test('the search list of a resolv.conf goes to autopath', () => {
    const text = `apiVersion: waypost.dev/v1alpha1\nkind: WaypostDNSConfiguration\nservers: [{zones: [.], autopath: {searchFile: ${folder}/resolv.conf}}]`;
    write('dns.yaml', text);
    expect(load('dns.yaml').blocks[0]?.autopath).toEqual({ zones: [], search: [parseName('example.org.') ?? rootName] });
  });

  test('a folder as ConfigMaps are mounted: links to a folder with dots', () => {
    mkdirSync(join(folder, 'mount', '..2026_01'), { recursive: true });
    write('mount/..2026_01/stubDomains', '{"acme.test": ["1.2.3.4"]}');
    symlinkSync('..2026_01', join(folder, 'mount', '..data'));
    symlinkSync('..data/stubDomains', join(folder, 'mount', 'stubDomains'));
    expect(upstreams(load('mount'))).toEqual(['1.2.3.4', '10.0.0.53']);
  });

  test('what is missing or of no use is a problem in words', () => {
    expect(problemsOf('nothing')).toEqual([expect.stringMatching(/^cannot read the DNS configuration \/nothing: ENOENT/)]);
    write('Corefile', corefile(`forward . ${folder}/none`));
    expect(problemsOf('Corefile')).toEqual(['cannot read /none, which name servers are taken from']);
    write('Corefile', corefile(`forward . ${folder}/resolv.conf`));
    write('resolv.conf', 'nameserver 127.0.0.53\n');
    expect(problemsOf('Corefile')).toEqual(expect.arrayContaining([expect.stringMatching(/^\/resolv\.conf: .*127\.0\.0\.53/)]));
    write('resolv.conf', 'nameserver 10.96.0.10\n');
    const own = [parseAddress('10.96.0.10') ?? missing('no such value')];
    expect(problemsOf('Corefile', { own })).toEqual(expect.arrayContaining([expect.stringMatching(/10\.96\.0\.10/)]));
  });

  test('an upstream that is ourselves is a problem, on another port it is not', () => {
    const own = [parseAddress('10.96.0.10') ?? missing('address')];
    write('Corefile', corefile('forward . 10.96.0.10 10.96.0.10:5353 127.0.0.53 10.0.0.1'));
    expect(problemsOf('Corefile', { own })).toEqual([
      'forward .: the upstream 10.96.0.10 is an address that we answer on ourselves; forwarding there would be a loop',
      'forward .: the upstream 127.0.0.53 is the stub resolver of this node; forwarding there would be a loop',
    ]);
  });

  test('one bad line of resolv.conf beside good ones is a warning', () => {
    write('resolv.conf', 'nameserver 127.0.0.53\nnameserver 10.0.0.53\n');
    const reading = loadSettings(optionsFor(null));
    expect(reading.ok && upstreams(reading.settings)).toEqual(['10.0.0.53']);
    expect(reading.warnings.map(({ message }) => message)).toEqual([expect.stringMatching(/127\.0\.0\.53/)]);
  });
});

describe('watching', () => {
  test('[DNS-126] a change is told of within interval and jitter, and only once', () => {
    write('Corefile', corefile('forward . 10.0.0.1'));
    watch('Corefile', 0.999);
    write('Corefile', corefile('forward . 10.0.0.2'));
    clock.turn(44_000);
    expect(told).toEqual([]);
    clock.turn(1000);
    expect(told.map(upstreams)).toEqual([['10.0.0.2']]);
    clock.turn(600_000);
    expect(told).toHaveLength(1);
  });

  test('[DNS-126] a bad file is reported once and changes nothing; its reversal is no change', () => {
    write('Corefile', corefile('forward . 10.0.0.1'));
    watch('Corefile', 0);
    write('Corefile', corefile('forwrad . 10.0.0.2'));
    clock.turn(150_000);
    expect([told.length, refused.length]).toEqual([0, 1]);
    expect(refused[0]?.map(({ code }) => code)).toEqual(['WP_DNS_COREFILE_DIRECTIVE']);
    write('Corefile', corefile('forward . 10.0.0.1'));
    clock.turn(150_000);
    expect([told.length, refused.length]).toEqual([0, 1]);
    write('Corefile', corefile('forward . 10.0.0.3'));
    clock.turn(15_000);
    expect(told.map(upstreams)).toEqual([['10.0.0.3']]);
  });

  test('[DNS-126] stub domains, name servers and their reversal take effect', () => {
    const forward = `forward . ${folder}/resolv.conf`;
    write('Corefile', corefile(forward));
    watch('Corefile');
    write('Corefile', corefile(`forward acme.test 1.2.3.4\n  ${forward}`));
    clock.turn(30_000);
    write('Corefile', corefile(forward));
    clock.turn(30_000);
    write('resolv.conf', 'nameserver 10.0.0.99\n');
    clock.turn(30_000);
    expect(told.map(upstreams)).toEqual([['1.2.3.4', '10.0.0.53'], ['10.0.0.53'], ['10.0.0.99']]);
  });

  test('[DNS-126] a file that goes for a while leaves the settings; one that is swapped in counts', () => {
    write('Corefile', corefile('forward . 10.0.0.1'));
    watch('Corefile');
    rmSync(join(folder, 'Corefile'));
    clock.turn(90_000);
    expect([told.length, refused.length]).toEqual([0, 1]);
    write('next', corefile('forward . 10.0.0.2'));
    renameSync(join(folder, 'next'), join(folder, 'Corefile'));
    clock.turn(30_000);
    expect(told.map(upstreams)).toEqual([['10.0.0.2']]);
  });

  test('a change of what only words it differently is no change', () => {
    write('Corefile', corefile('forward . 10.0.0.1'));
    watch('Corefile');
    write('Corefile', `# a comment\n${corefile('forward  .  10.0.0.1:53')}`);
    clock.turn(90_000);
    expect([told.length, refused.length]).toEqual([0, 0]);
  });

  test('a change between the first reading and the watch is not lost', () => {
    write('Corefile', corefile('forward . 10.0.0.1'));
    const loaded = load('Corefile');
    write('Corefile', corefile('forward . 10.0.0.2'));
    ends.push(
      watchSettings(
        {
          ...optionsFor('Corefile'),
          clock,
          random: () => 0.5,
          onSettings: (settings) => told.push(settings),
          onProblems: () => missing('no such value'),
        },
        loaded,
      ),
    );
    clock.turn(30_000);
    expect(told.map(upstreams)).toEqual([['10.0.0.2']]);
  });

  test('the new interval counts after a change; without reload nothing is looked at, and the end is the end', () => {
    write('Corefile', corefile('loop'));
    watch('Corefile');
    write('Corefile', '. {\n  reload 2s 0s\n}\n');
    clock.turn(30_000);
    write('Corefile', '. {\n  minimal\n}\n');
    clock.turn(2000);
    expect([told.length, clock.waiting]).toEqual([2, 0]);
    write('Corefile', corefile('loop'));
    watch('Corefile');
    ends.at(-1)?.();
    expect(clock.waiting).toBe(0);
  });
});
