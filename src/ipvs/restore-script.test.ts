import { describe, expect, it } from 'vitest';
import { explainStart, readScriptResult, writeScript } from './restore-script.ts';
import { addDestination, addressKey, addServer, deleteServer, plainDestination, plainServer } from './values.fixture.ts';

const key = addressKey('TCP', '10.96.0.1', 80);
const operations = [
  addServer(plainServer(key)),
  deleteServer(addressKey('TCP', '10.96.0.9', 80)),
  addDestination(key, plainDestination('10.244.0.1', 80)),
];
const codes = (stderr: string): unknown[] =>
  readScriptResult(operations, stderr).verdicts.map((verdict) => verdict?.code ?? null);

describe('a script for ipvsadm --restore', () => {
  it('has behind each operation a line whose refusal can be no other', () => {
    expect(writeScript(operations)).toBe(`-A -t 10.96.0.1:80 -s rr
-d -u 255.255.255.255:65535 -r 127.0.0.1:65535
-D -t 10.96.0.9:80
-d -u 255.255.255.255:65535 -r 127.0.0.1:65535
-a -t 10.96.0.1:80 -r 10.244.0.1:80 -m -w 1 -x 0 -y 0
-Z -u 255.255.255.255:65535
`);
  });

  it('[IPVS-12] gives each refusal to its operation', () => {
    const served = 'Service not defined\n';
    const zeroed = 'No such service\n';
    expect(codes(served + served + zeroed)).toEqual([null, null, null]);
    expect(codes(`Service already exists\n${served}No such service\n${served}Destination already exists\n${zeroed}`)).toEqual([
      'WP_IPVS_EXISTS',
      'WP_IPVS_NO_SERVER',
      'WP_IPVS_EXISTS',
    ]);
    expect(codes(`${served}${served}Service not defined\n${zeroed}`)).toEqual([null, null, 'WP_IPVS_NO_SERVER']);
    expect(codes(`Memory allocation problem\n${served}${served}${zeroed}`)).toEqual(['WP_IPVS_REFUSED', null, null]);
  });

  it('[IPVS-12] blames the line at which the tool stopped, and knows nothing of those behind', () => {
    expect(codes("Service not defined\nParsing error\nTry `ipvsadm -h'\n")).toEqual([null, 'WP_IPVS_REFUSED']);
    expect(codes('Service not defined\n')).toEqual([null]);
    expect(codes('')).toEqual([]);
  });
});

describe('explainStart', () => {
  it('tells a kernel without IPVS from a missing capability', () => {
    expect(
      explainStart("Can't initialize ipvs: Protocol not available\nAre you sure that IP Virtual Server is built in?\n")?.code,
    ).toBe('WP_IPVS_MISSING');
    expect(explainStart("Can't initialize ipvs: Permission denied (you must be root)\n")?.code).toBe('WP_IPVS_DENIED');
    expect(explainStart('No such service\n')).toBeNull();
  });
});
