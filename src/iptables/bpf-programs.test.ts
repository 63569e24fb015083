import { expect, test } from 'vitest';
import { hairpinProgram } from './bpf-programs.ts';
import { describeOnKernel, makeNamespace } from './kernel.fixture.ts';

const cases = [
  { family: 'IPv4', tool: 'iptables', own: '10.9.0.1', other: '10.9.0.2', udp: 'udp4' },
  { family: 'IPv6', tool: 'ip6tables', own: 'fd09::1', other: 'fd09::2', udp: 'udp6' },
] as const;

describeOnKernel('the hairpin program in the kernel', () => {
  test.each(cases)('counts packets from an address to itself, and no others ($family)', ({ family, tool, own, other, udp }) => {
    using space = makeNamespace();
    space.run(['ip', 'link', 'set', 'lo', 'up']);
    space.run(['ip', 'link', 'add', 'wpC0', 'type', 'veth', 'peer', 'name', 'wpC1']);
    space.run([
      'ip',
      'address',
      'add',
      `${own}/${family === 'IPv4' ? 24 : 64}`,
      'dev',
      'wpC0',
      ...(family === 'IPv6' ? ['nodad'] : []),
    ]);
    for (const device of ['wpC0', 'wpC1']) space.run(['ip', 'link', 'set', device, 'up']);
    const count = `-m bpf --bytecode "${hairpinProgram(family)}"`;
    space.run(
      [`${tool}-nft-restore`, '--noflush'],
      `*filter\n-A OUTPUT -p udp -m udp --dport 7777 ${count}\n-A OUTPUT -p udp -m udp --dport 7777\nCOMMIT\n`,
    );
    send(space, udp, [own, other, other]);
    const saved = space.run([`${tool}-nft-save`, '-t', 'filter', '-c']);
    const packets = saved
      .split('\n')
      .filter((line) => line.includes('-A OUTPUT'))
      .map((line) => /^\[(\d+):/.exec(line)?.[1]);
    expect(packets).toEqual(['1', '3']);
  });
});

function send(space: ReturnType<typeof makeNamespace>, kind: string, targets: readonly string[]): void {
  const source = `
    const socket = require('node:dgram').createSocket(${JSON.stringify(kind)});
    const send = (to) => new Promise((done) => socket.send('x', 7777, to, done));
    (async () => { for (const to of ${JSON.stringify(targets)}) await send(to); socket.close(); })();`;
  space.run([process.execPath, '-e', source]);
}
