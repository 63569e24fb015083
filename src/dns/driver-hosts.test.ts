import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openHosts } from './driver-hosts.ts';
import type { WatchedHosts } from './driver-hosts.ts';
import { parseName, rootName } from './name.ts';
import type { HostsSettings } from './settings.ts';
import { TurnedClock } from './settings-clock.fixture.ts';
import { plainHosts } from './settings-default.ts';

let folder = '';
let clock = new TurnedClock();
const opened: WatchedHosts[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waypost-hosts-'));
  clock = new TurnedClock();
});
afterEach(() => {
  for (const hosts of opened.splice(0)) hosts.close();
  rmSync(folder, { recursive: true });
});

function open(settings: Partial<HostsSettings> = {}): WatchedHosts {
  const hosts = openHosts({ ...plainHosts, file: join(folder, 'hosts'), ...settings }, clock);
  opened.push(hosts);
  return hosts;
}

const write = (text: string): void => writeFileSync(join(folder, 'hosts'), text);
const addressOf = (hosts: WatchedHosts, name: string): string | undefined =>
  hosts.lookup(parseName(name) ?? rootName, 1)?.answer[0]?.data.join('.');

describe('a hosts file', () => {
  test('[DNS-111] is read again within five seconds of a change, and answers given before end', () => {
    write('10.0.0.1 a.test');
    const hosts = open();
    expect(addressOf(hosts, 'a.test.')).toBe('10.0.0.1');
    const { lease, loadedAt } = hosts;
    clock.turn(60_000);
    expect([lease.live, hosts.loadedAt]).toEqual([true, loadedAt]);
    write('10.0.0.22 a.test b.test');
    clock.turn(5000);
    expect(addressOf(hosts, 'a.test.')).toBe('10.0.0.22');
    expect([lease.live, hosts.entries, hosts.loadedAt > loadedAt]).toEqual([false, 2, true]);
  });

  test('that is replaced, also by one of the same size and time, counts', () => {
    write('10.0.0.1 a.test');
    const hosts = open();
    writeFileSync(join(folder, 'next'), '10.0.0.2 a.test');
    renameSync(join(folder, 'next'), join(folder, 'hosts'));
    clock.turn(5000);
    expect(addressOf(hosts, 'a.test.')).toBe('10.0.0.2');
  });

  test('that goes leaves the inline lines, and counts again when it is back', () => {
    const hosts = open({ lines: ['192.0.2.1 inline.test'] });
    expect([addressOf(hosts, 'a.test.'), addressOf(hosts, 'inline.test.')]).toEqual([undefined, '192.0.2.1']);
    write('10.0.0.1 a.test');
    clock.turn(5000);
    expect(addressOf(hosts, 'a.test.')).toBe('10.0.0.1');
    rmSync(join(folder, 'hosts'));
    clock.turn(5000);
    expect([addressOf(hosts, 'a.test.'), addressOf(hosts, 'inline.test.')]).toEqual([undefined, '192.0.2.1']);
  });

  test('is not looked at where reload is 0, where there is none, and after the end', () => {
    write('10.0.0.1 a.test');
    open({ reloadMs: 0 });
    open({ file: null });
    expect(clock.waiting).toBe(0);
    open().close();
    expect(clock.waiting).toBe(0);
  });
});
