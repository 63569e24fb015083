import { describe, expect, it } from 'vitest';
import { createIpvsExecPort } from './driver-exec.ts';
import type { ToolResult } from './driver-exec.ts';
import { addressKey, addServer, deleteServer, plainServer } from './values.fixture.ts';

const said = (stderr: string, status: number | null = 0, stdout = ''): ToolResult => ({ status, stdout, stderr });

/** A port whose tool says these things in turn, and what the tool was given. */
function portThatHears(answers: readonly ToolResult[]) {
  const calls: { readonly words: string; readonly input: string }[] = [];
  const port = createIpvsExecPort({
    family: 'IPv4',
    run: async (argv, input) => {
      calls.push({ words: argv.join(' '), input });
      const answer = answers[calls.length - 1];
      if (answer === undefined) throw new Error(`unexpected call ${argv.join(' ')}`);
      return answer;
    },
  });
  return { port, calls };
}

const servers = (count: number) =>
  Array.from({ length: count }, (_, index) => addServer(plainServer(addressKey('TCP', '10.96.0.1', index + 1))));

describe('createIpvsExecPort', () => {
  it('[IPVS-12] goes on behind a line at which the tool stopped', async () => {
    const { port, calls } = portThatHears([said('Service not defined\nParsing error\n', 2), said('Service not defined\n', 255)]);
    const { verdicts, messages } = await port.apply(servers(3));
    expect(verdicts.map((verdict) => verdict?.code ?? null)).toEqual([null, 'WP_IPVS_REFUSED', null]);
    expect(verdicts[1]?.message).toBe('cannot add server TCP 10.96.0.1:2: refused (Parsing error)');
    expect(calls.map(({ input }) => input.split('\n')[0])).toEqual(['-A -t 10.96.0.1:1 -s rr', '-A -t 10.96.0.1:3 -s rr']);
    expect(messages).toBe(4);
  });

  it('does not send the same line for ever to a tool that says nothing', async () => {
    const { port, calls } = portThatHears([said('', 1), said('', 1)]);
    const { verdicts } = await port.apply(servers(2));
    expect(verdicts.map((verdict) => verdict?.code)).toEqual(['WP_IPVS_UNSURE', 'WP_IPVS_UNSURE']);
    expect(calls).toHaveLength(2);
  });

  it('cuts many operations into runs whose answers stay small', async () => {
    const answer = (count: number): ToolResult => said('Service not defined\n'.repeat(count));
    const { port, calls } = portThatHears([answer(400), answer(1)]);
    const { verdicts, bytes } = await port.apply(servers(401));
    expect(verdicts).toEqual(Array.from({ length: 401 }, () => null));
    expect(bytes).toBe(calls.reduce((sum, { input }) => sum + input.length, 0));
  });

  it('[IPVS-13] gives the tool nothing that is not valid', async () => {
    const { port, calls } = portThatHears([]);
    const { verdicts } = await port.apply([addServer(plainServer(addressKey('TCP', '10.96.0.1', 80), { scheduler: 'rr -C' }))]);
    expect(verdicts[0]?.code).toBe('WP_IPVS_INVALID');
    expect(calls).toEqual([]);
  });

  it('is unsure of every operation after a run that was killed', async () => {
    const { port } = portThatHears([said('Service not defined\n', null)]);
    expect((await port.apply(servers(2))).verdicts.map((verdict) => verdict?.code)).toEqual(['WP_IPVS_UNSURE', 'WP_IPVS_UNSURE']);
  });

  it.each([
    [said('sh: ipvsadm: not found\n', 127), 'WP_IPVS_TOOL'],
    [said("Can't initialize ipvs: Protocol not available\n", 255), 'WP_IPVS_MISSING'],
    [said("Can't initialize ipvs: Permission denied (you must be root)\n", 255), 'WP_IPVS_DENIED'],
  ])('explains a tool that cannot work: %o', async (answer, code) => {
    const { port } = portThatHears([answer, answer, answer, answer, answer, answer]);
    expect((await port.apply(servers(2))).verdicts.map((verdict) => verdict?.code)).toEqual([code, code]);
    for (const call of [port.list(), port.probe('rr'), port.timeouts(), port.counters(addressKey('TCP', '10.96.0.1', 80))]) {
      expect(await call).toMatchObject({ ok: false, problem: { code } });
    }
    expect(await port.setTimeouts({ tcp: 1, tcpFin: 0, udp: 0 })).toMatchObject({ ok: false, problem: { code } });
  });

  it('refuses output that is not that of the tool', async () => {
    const { port } = portThatHears([
      said('', 0, 'hello\n'),
      said('', 0, 'hello\n'),
      said('', 0, 'hello\n'),
      said('', 0, 'hello\n'),
    ]);
    for (const call of [port.list(), port.probe('rr'), port.timeouts(), port.counters(addressKey('TCP', '10.96.0.1', 80))]) {
      expect(await call).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_UNREADABLE' } });
    }
  });

  it('runs the program itself where no runner is given', async () => {
    const echo = createIpvsExecPort({
      family: 'IPv4',
      commandPrefix: ['sh', '-c', 'cat >/dev/null; echo "$2" "$3" >&2; exit 4'],
    });
    expect(await echo.setTimeouts({ tcp: 1, tcpFin: 2, udp: 3 })).toEqual({
      ok: false,
      problem: { code: 'WP_IPVS_REFUSED', message: 'ipvsadm --set 1 2 3: 1 2' },
    });
    const absent = createIpvsExecPort({ family: 'IPv4', commandPrefix: ['/nonexistent/tool'] });
    expect(await absent.apply([deleteServer(addressKey('TCP', '10.96.0.1', 80))])).toMatchObject({
      verdicts: [{ code: 'WP_IPVS_TOOL' }],
    });
    await echo.close();
    await absent.close();
  });
});
