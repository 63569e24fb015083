import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Capability } from '../lab/capability.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { loopback } from './live-thread.ts';
import { startTalking } from './messages-cluster.ts';
import type { Talking } from './messages-cluster.ts';

/** Programs of others, each with a resolver library of its own. */
const packages = { dig: 'bind9-dnsutils', delv: 'bind9-dnsutils', drill: 'ldnsutils', kdig: 'knot-dnsutils' } as const;
type Tool = keyof typeof packages;

const run = promisify(execFile);

async function canRun(tool: Tool, flag: string): Promise<Capability> {
  try {
    await run(tool, [flag]);
    return { ok: true };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { ok: false, reason: isMissing ? `the command ${tool} (package ${packages[tool]}) is missing` : String(error) };
  }
}

let talking: Talking;
beforeAll(async () => {
  talking = await startTalking();
});
afterAll(() => talking?.[Symbol.asyncDispose]());

/** What a program prints; anything it finds fault with is an error. */
async function ask(tool: Tool, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(tool, args, { timeout: 15_000 });
  expect(stderr).toBe('');
  const faults = /warning|malformed|bad packet|(?<!NO)error|parse|trailing|mismatch|extra bytes|unexpected|failed/i;
  const lines = stdout.split('\n').filter((line) => !line.includes('is reserved for Multicast DNS'));
  expect(lines.filter((line) => faults.test(line))).toEqual([]);
  return stdout;
}

const port = (): string => String(talking.thread.port);
const web = 'web.shop.svc.cluster.local';
const large = 'sized-300.shop.svc.cluster.local';

describeWhere(await canRun('dig', '-v'), 'dig', () => {
  const dig = (...args: readonly string[]): Promise<string> =>
    ask('dig', `@${loopback}`, '-p', port(), '+tries=1', '+time=5', ...args);
  const header = (code: string, flags: string, counts: string): RegExp =>
    new RegExp(`status: ${code},[\\s\\S]*flags: ${flags}; QUERY: 1, ${counts}(?!\\d)`);

  test.each([['+notcp'], ['+tcp']])('[DNS-1][DNS-2][DNS-84] an address, with and without EDNS: %s', async (transport) => {
    const answer = await dig(transport, web, 'A');
    expect(answer).toMatch(header('NOERROR', 'qr aa rd ra', 'ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1'));
    expect(answer).toMatch(/EDNS: version: 0, flags:; udp: 1232/);
    expect(answer).toMatch(/^web\.shop\.svc\.cluster\.local\.\s+30\s+IN\s+A\s+10\.96\.0\.80$/m);
    const plain = await dig(transport, '+noedns', web, 'A');
    expect(plain).toMatch(header('NOERROR', 'qr aa rd ra', 'ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0'));
  });

  test('[DNS-15] denials', async () => {
    const missing = await dig('wbe.shop.svc.cluster.local', 'A');
    expect(missing).toMatch(header('NXDOMAIN', 'qr aa rd ra', 'ANSWER: 0, AUTHORITY: 1'));
    expect(missing).toMatch(
      /^cluster\.local\.\s+30\s+IN\s+SOA\s+ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. \d+ 7200 1800 86400 30$/m,
    );
    expect(await dig(web, 'TXT')).toMatch(header('NOERROR', 'qr aa rd ra', 'ANSWER: 0, AUTHORITY: 1'));
  });

  test('[DNS-89][DNS-57] sizes: cut at 512 and retried over TCP, or left cut', async () => {
    const whole = await dig('+bufsize=512', large, 'A');
    expect(whole).toMatch(/;; Truncated, retrying in TCP mode\./);
    expect(whole.match(/\bIN\s+A\b/g)).toHaveLength(301);
    const cut = await dig('+bufsize=512', '+ignore', large, 'A');
    expect(cut).toMatch(/flags: qr aa tc rd ra;/);
    expect(Number(/MSG SIZE\s+rcvd: (\d+)/.exec(cut)?.[1])).toBeLessThanOrEqual(512);
    const sixty = await dig('+bufsize=1232', 'sized-60.shop.svc.cluster.local', 'A');
    expect(sixty).toMatch(header('NOERROR', 'qr aa rd ra', 'ANSWER: 60,'));
  });

  test('[DNS-87] options: cookies, NSID, client subnet, padding, keepalive and unknown ones', async () => {
    for (const args of [
      ['+cookie'],
      ['+nsid'],
      ['+subnet=10.0.0.0/8'],
      ['+ednsopt=65001:abcd'],
      ['+tcp', '+keepalive'],
      ['+padding=128'],
    ]) {
      const answer = await dig(...args, web, 'A');
      expect(answer).toMatch(header('NOERROR', 'qr aa rd ra', 'ANSWER: 1,'));
      expect(answer).not.toMatch(/COOKIE|NSID|CLIENT-SUBNET|OPT=/);
    }
  });

  test('[DNS-85][DNS-86] a later version is not supported; DO comes back, Z does not', async () => {
    expect(await dig('+edns=1', '+noednsnegotiation', web, 'A')).toMatch(header('BADVERS', 'qr rd ra', 'ANSWER: 0'));
    expect(await dig('+edns=1', web, 'A')).toMatch(/ANSWER: 1,/);
    expect(await dig('+dnssec', '+ednsflags=0x7fff', web, 'A')).toMatch(/EDNS: version: 0, flags: do; udp: 1232/);
  });

  test('[DNS-32] services, reverse names, the apex', async () => {
    expect(await dig(`_http._tcp.${web}`, 'SRV')).toMatch(/\bIN\s+SRV\s+0 100 80 web\.shop\.svc\.cluster\.local\.$/m);
    expect(await dig('-x', '10.96.0.80')).toMatch(
      /^80\.0\.96\.10\.in-addr\.arpa\.\s+30\s+IN\s+PTR\s+web\.shop\.svc\.cluster\.local\.$/m,
    );
    expect(await dig('cluster.local', 'NS')).toMatch(/\bIN\s+NS\s+ns\.dns\.cluster\.local\.$/m);
  });

  test('[DNS-14][DNS-81][DNS-82] ANY, transfers and class CH say next to nothing', async () => {
    expect(await dig('+notcp', web, 'ANY')).toMatch(/ANSWER: [01],/);
    expect(await dig('CH', 'TXT', 'version.bind')).toMatch(header('REFUSED', 'qr rd ra', 'ANSWER: 0'));
    const transfer = await run('dig', [`@${loopback}`, '-p', port(), '+tries=1', 'cluster.local', 'AXFR']);
    expect(transfer.stdout).toMatch(/Transfer failed/);
    expect(transfer.stdout).not.toMatch(/\bIN\b/);
  });

  test('[DNS-79] other opcodes', async () => {
    for (const opcode of ['status', 'notify', 'update', '9'])
      expect(await dig(`+opcode=${opcode}`, web, 'A')).toMatch(/status: NOTIMP/);
  });

  test('[DNS-93] names of others', async () => {
    const answer = await dig('www.example.test', 'A');
    expect(answer).toMatch(header('NOERROR', 'qr rd ra', 'ANSWER: 1,'));
  });

  test('[DNS-92] several questions on one connection', async () => {
    const answers = await dig('+tcp', '+keepopen', web, 'A', `_http._tcp.${web}`, 'SRV', 'www.example.test', 'A');
    expect(answers.match(/status: NOERROR/g)).toHaveLength(3);
  });
});

describeWhere(await canRun('drill', '-v'), 'drill', () => {
  test.each([['-u'], ['-t']])('[DNS-1][DNS-2][DNS-32] addresses, services and denials: %s', async (transport) => {
    const drill = (...args: readonly string[]): Promise<string> => ask('drill', transport, '-p', port(), ...args);
    const address = await drill(web, `@${loopback}`, 'A');
    expect(address).toMatch(/rcode: NOERROR[\s\S]*flags: qr aa rd ra ; QUERY: 1, ANSWER: 1,/);
    expect(address).toMatch(/^web\.shop\.svc\.cluster\.local\.\s+30\s+IN\s+A\s+10\.96\.0\.80$/m);
    const service = await drill(`_http._tcp.${web}`, `@${loopback}`, 'SRV');
    expect(service).toMatch(/\bSRV\s+0 100 80 web\.shop\.svc\.cluster\.local\.$/m);
    expect(await drill('wbe.shop.svc.cluster.local', `@${loopback}`, 'A')).toMatch(/rcode: NXDOMAIN[\s\S]*\bSOA\b/);
    const reverse = await drill('-x', '10.96.0.80', `@${loopback}`);
    expect(reverse).toMatch(/\bPTR\s+web\.shop\.svc\.cluster\.local\.$/m);
  });

  test('[DNS-57] 1000 addresses over TCP', async () => {
    const answer = await ask('drill', '-t', '-p', port(), 'sized-1000.shop.svc.cluster.local', `@${loopback}`, 'A');
    expect(answer).toMatch(/ANSWER: 1000,/);
  });
});

describeWhere(await canRun('kdig', '-V'), 'kdig', () => {
  const kdig = (...args: readonly string[]): Promise<string> =>
    ask('kdig', `@${loopback}`, '-p', port(), '+retry=0', '+timeout=5', ...args);

  test.each([['+notcp'], ['+tcp']])('[DNS-1][DNS-2][DNS-86] addresses and EDNS: %s', async (transport) => {
    const answer = await kdig(transport, '+dnssec', '+bufsize=4096', web, 'A');
    expect(answer).toMatch(/status: NOERROR;[\s\S]*Flags: qr aa rd ra; QUERY: 1; ANSWER: 1; AUTHORITY: 0; ADDITIONAL: 1/);
    expect(answer).toMatch(/Version: 0; flags: do; UDP size: 1232 B; ext-rcode: NOERROR/);
    expect(answer).toMatch(/^web\.shop\.svc\.cluster\.local\.\s+30\s+IN\s+A\s+10\.96\.0\.80$/m);
  });

  test('[DNS-87] cookies, NSID, padding and unknown options', async () => {
    for (const args of [['+cookie'], ['+nsid'], ['+padding=64'], ['+ednsopt=65001:abcd'], ['+subnet=10.0.0.0/8']])
      expect(await kdig(...args, web, 'A')).toMatch(/status: NOERROR;[\s\S]*ANSWER: 1;/);
  });

  test('[DNS-46] SRV records of 300 endpoints', async () => {
    const whole = await kdig('+tcp', `_http._tcp.${large}`, 'SRV');
    expect(whole).toMatch(/ANSWER: 300;[\s\S]*ADDITIONAL: 300/);
    expect(await kdig('+notcp', '+ignore', `_http._tcp.${large}`, 'SRV')).toMatch(/Flags: qr aa tc rd ra;/);
  });

  test('[DNS-15][DNS-82] denials and refusals', async () => {
    expect(await kdig('wbe.shop.svc.cluster.local', 'AAAA')).toMatch(/status: NXDOMAIN;[\s\S]*\bSOA\b/);
    expect(await kdig('-c', 'CH', 'version.bind', 'TXT')).toMatch(/status: REFUSED;/);
  });
});

describeWhere(await canRun('delv', '-v'), 'delv', () => {
  test.each([['+notcp'], ['+tcp']])('[DNS-1][DNS-86] answers that are not signed, as such: %s', async (transport) => {
    const delv = (...args: readonly string[]): Promise<string> =>
      ask('delv', `@${loopback}`, '-p', port(), '-i', transport, ...args);
    expect(await delv(web, 'A')).toMatch(/^web\.shop\.svc\.cluster\.local\.\s+30\s+IN\s+A\s+10\.96\.0\.80$/m);
    expect(await delv(`_http._tcp.${web}`, 'SRV')).toMatch(/\bIN\s+SRV\s+0 100 80 web\.shop\.svc\.cluster\.local\.$/m);
  });
});
