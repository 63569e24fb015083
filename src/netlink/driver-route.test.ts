import { describe, expect, test } from 'vitest';
import { hostPrefix, parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { viewOf } from './bytes.ts';
import { openRoutePort } from './driver-route.ts';
import { createRouteTool } from './driver-route-exec.ts';
import type { ToolResult } from './driver-route-exec.ts';
import { errnos } from './errno.ts';
import { createFakeRoutes } from './fake-route.ts';
import { createFaultyRoutes } from './faulty-route.ts';
import { bytesOfHex, goldens } from './golden.fixture.ts';
import { messageFlags } from './message.ts';
import type { Message } from './message.ts';
import type { Route, RoutePort } from './route-port.ts';
import { acknowledge, createScriptedWire, endDump } from './wire.fixture.ts';
import type { Said, ScriptedWire } from './wire.fixture.ts';

const vip = parseAddress('10.96.0.1') as Address;
const route: Route = {
  destination: hostPrefix(vip),
  table: 87,
  type: 'blackhole',
  device: null,
  source: null,
  gateway: null,
  protocol: 87,
};
const second: Route = { ...route, destination: hostPrefix(parseAddress('10.96.0.2') as Address) };

async function openOn(
  answer: (message: Message) => readonly Said[],
): Promise<{ readonly port: RoutePort; readonly wire: ScriptedWire }> {
  const wire = createScriptedWire(answer);
  const opened = await openRoutePort({
    family: 'IPv4',
    pause: () => null,
    sleep: async () => {},
    open: async () => ({ ok: true, value: wire }),
  });
  if (!opened.ok) throw new Error(opened.problem.message);
  return { port: opened.value, wire };
}

/** A frame as the answer to a request. */
function answered(frame: string, sequence: number, flags = 2): Uint8Array {
  const bytes = bytesOfHex(frame);
  viewOf(bytes).setUint32(8, sequence, true);
  viewOf(bytes).setUint16(6, flags, true);
  return bytes;
}

describe('routes through netlink', () => {
  test('a list during which the table changed is asked for again, and not for ever', async () => {
    let asked = 0;
    const { port } = await openOn(({ type, sequence }) => {
      if (type !== 26) return [endDump(sequence)];
      asked += 1;
      const flags = asked < 3 ? messageFlags.dumpInterrupted : 2;
      return [answered(goldens.listRoute4, sequence, flags), endDump(sequence)];
    });
    expect(await port.listRoutes(87)).toMatchObject({ ok: true, value: [{ table: 87, device: 'if1', source: '192.0.2.1' }] });
    expect(asked).toBe(3);
    expect(await port.listRoutes(88)).toEqual({ ok: true, value: [] });
    const restless = await openOn(({ sequence }) => [
      answered(goldens.listRoute4, sequence, messageFlags.dumpInterrupted),
      endDump(sequence),
    ]);
    expect(await restless.port.listRoutes(87)).toMatchObject({ problem: { code: 'WP_NETLINK_SILENT' } });
  });

  test('every refusal is counted, the first is told, and the rest is done', async () => {
    const { port, wire } = await openOn(({ type, sequence }) => [acknowledge(sequence, type === 24 ? 1 : 0)]);
    const result = await port.changeRoutes([route, second], [{ ...route, table: 88 }]);
    expect(result).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_REFUSED' } });
    expect(result.ok ? '' : result.problem.message).toBe(
      'the kernel refused to add the route blackhole 10.96.0.1/32 table 87 proto 87: EPERM (and 1 more refusals)',
    );
    expect(wire.sent.map(({ type }) => type)).toEqual([24, 24, 25]);
  });

  test('a verdict that an overrun threw away is a problem, since the route may be there or not', async () => {
    const { port } = await openOn(() => [-errnos.ENOBUFS]);
    expect(await port.changeRoutes([route], [])).toMatchObject({ problem: { code: 'WP_NETLINK_SILENT' } });
  });

  test('nothing to do is nothing sent, and closing closes the socket', async () => {
    const { port, wire } = await openOn(() => []);
    expect(await port.changeRoutes([], [])).toEqual({ ok: true, value: undefined });
    expect(await port.changeRules([], [])).toEqual({ ok: true, value: undefined });
    port.close();
    expect([wire.sent, wire.closed]).toEqual([[], true]);
  });
});

describe('routes through the tool ip', () => {
  const toolOn = (result: Partial<ToolResult>): { readonly port: RoutePort; readonly inputs: string[] } => {
    const inputs: string[] = [];
    const run = async (args: readonly string[], input: string): Promise<ToolResult> => {
      inputs.push(`${args.join(' ')}\n${input}`);
      return { code: 0, stdout: '', stderr: '', ...result };
    };
    return { port: createRouteTool({ family: 'IPv4', run }), inputs };
  };

  test('one run for all additions and one for all removals', async () => {
    const { port, inputs } = toolOn({});
    expect(await port.changeRoutes([route, second], [{ ...route, table: 88, source: vip }])).toMatchObject({ ok: true });
    expect(inputs).toEqual([
      '-4 -force -batch -\nroute add blackhole 10.96.0.1/32 table 87 proto 87\nroute add blackhole 10.96.0.2/32 table 87 proto 87\n',
      '-4 -force -batch -\nroute del blackhole 10.96.0.1/32 table 88 proto 87\n',
    ]);
  });

  test('errors belong to their lines; after one that belongs to none, what was not refused is not known to be done', async () => {
    const one = toolOn({ code: 1, stderr: 'Error: Invalid prefsrc address.\nCommand failed -:2\n' });
    const refused = await one.port.changeRoutes([route, second], []);
    expect(refused.ok ? '' : refused.problem.message).toBe(
      'ip refused "route add blackhole 10.96.0.2/32 table 87 proto 87": Error: Invalid prefsrc address.',
    );
    const all = toolOn({ code: 255, stderr: 'RTNETLINK answers: File exists\nCommand failed -:1\nError: bad word.\n' });
    expect(await all.port.changeRules([{ priority: 1, mark: null, table: 1, protocol: 87, further: false }], [])).toMatchObject({
      ok: true,
    });
    const unsure = await toolOn({ code: 255, stderr: 'Error: bad word.\n' }).port.changeRoutes([route, second], []);
    expect(unsure.ok ? '' : unsure.problem.message).toMatch(/bad word.*\(and 1 more refusals\)/);
    const killed = await toolOn({ code: null }).port.changeRoutes([route], []);
    expect(killed).toMatchObject({ problem: { code: 'WP_NETLINK_REFUSED' } });
  });

  test.each([
    ['prints what is not JSON', { stdout: 'oops' }],
    ['prints no list', { stdout: '{}' }],
    ['fails', { code: 2, stderr: 'Cannot open netlink socket' }],
  ])('a tool that %s is a problem', async (_, result) => {
    const { port } = toolOn(result);
    for (const listed of [await port.listRoutes(null), await port.listRules(), await port.listAddresses()])
      expect(listed).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_TOOL' } });
  });

  test('a tool that is not there is a problem', async () => {
    const port = createRouteTool({ family: 'IPv6', run: () => Promise.reject(new Error('spawn ip ENOENT')) });
    expect(await port.changeRoutes([route], [])).toMatchObject({ problem: { code: 'WP_NETLINK_TOOL' } });
    expect(await port.listRoutes(87)).toMatchObject({ problem: { code: 'WP_NETLINK_TOOL' } });
  });
});

describe('stand-ins for the kernel', () => {
  test('the fake meets its problem in every call', async () => {
    const fake = createFakeRoutes('IPv4');
    fake.problem = { code: 'WP_NETLINK_SOCKET', message: 'gone' };
    const results = [
      await fake.listRoutes(null),
      await fake.listRules(),
      await fake.listAddresses(),
      await fake.changeRoutes([route], []),
      await fake.changeRules([], []),
    ];
    expect(results.every(({ ok }) => !ok)).toBe(true);
    fake.problem = null;
    expect(await fake.listRoutes(null)).toEqual({ ok: true, value: [] });
  });

  test('the faulty one fails when told to, and does nothing then', async () => {
    let faulty = true;
    const fake = createFakeRoutes('IPv4');
    const port = createFaultyRoutes(fake, () => faulty);
    expect(await port.changeRoutes([route], [])).toMatchObject({ ok: false });
    expect(await port.listRules()).toMatchObject({ ok: false });
    faulty = false;
    expect(await port.listRoutes(null)).toEqual({ ok: true, value: [] });
    expect(await port.changeRoutes([route], [])).toMatchObject({ ok: true });
    expect(await port.listRoutes(null)).toEqual({ ok: true, value: [route] });
  });
});
