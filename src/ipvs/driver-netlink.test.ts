import { describe, expect, it } from 'vitest';
import { writeOperation } from './codec-command.ts';
import { createIpvsNetlinkPort } from './driver-netlink.ts';
import type { IpvsPort } from './port.ts';
import {
  addDestination,
  addressKey,
  addServer,
  deleteServer,
  editDestination,
  markKey,
  plainDestination,
  plainServer,
} from './values.fixture.ts';
import { createWireKernel } from './wire-kernel.fixture.ts';
import type { Said, WireKernel } from './wire-kernel.fixture.ts';

const command = { add: 1, remove: 3, getServer: 4, addDestination: 5, getDestination: 8, getInfo: 15 } as const;
const web = addressKey('TCP', '10.96.0.1', 80);
const acknowledge: Said = { kind: 'acknowledge' };
const end: Said = { kind: 'end' };
const refuse = (errno: number): Said => ({ kind: 'acknowledge', errno });
/** As the kernel's answers have the same attributes as the requests, these stand for them. */
const serverData = (key = web): Said => ({ kind: 'data', body: (writer) => writeOperation(writer, addServer(plainServer(key))) });
const destinationData = (address: string): Said => ({
  kind: 'data',
  body: (writer) => writeOperation(writer, addDestination(web, plainDestination(address, 80))),
});

function portOn(kernel: WireKernel): IpvsPort {
  return createIpvsNetlinkPort({ family: 'IPv4', pause: () => null, open: kernel.open, sleep: async () => undefined });
}

describe('apply', () => {
  it('[IPVS-3] [IPVS-12] gives each operation its own verdict, with a code for each error number', async () => {
    const errnos = [0, 17, 3, 2, 22, 34, 1, 12];
    let at = 0;
    const kernel = createWireKernel(() => [refuse(errnos[at++] ?? 0)]);
    const { verdicts, messages } = await portOn(kernel).apply(errnos.map(() => addServer(plainServer(web))));
    expect(verdicts.map((verdict) => verdict?.code ?? null)).toEqual([
      null,
      'WP_IPVS_EXISTS',
      'WP_IPVS_NO_SERVER',
      'WP_IPVS_NO_SCHEDULER',
      'WP_IPVS_INVALID',
      'WP_IPVS_RANGE',
      'WP_IPVS_DENIED',
      'WP_IPVS_REFUSED',
    ]);
    expect(verdicts[7]?.message).toBe('cannot add server TCP 10.96.0.1:80: refused (ENOMEM)');
    expect(messages).toBe(8);
  });

  it('takes ENOENT on a destination for a missing destination', async () => {
    const kernel = createWireKernel(() => [refuse(2)]);
    const { verdicts } = await portOn(kernel).apply([editDestination(web, plainDestination('10.244.0.1', 80))]);
    expect(verdicts[0]?.code).toBe('WP_IPVS_NO_DESTINATION');
  });

  it('sends nothing that is not valid, and what is between', async () => {
    const kernel = createWireKernel(() => [acknowledge]);
    const bad = addServer(plainServer(markKey('IPv4', 0)));
    const { verdicts } = await portOn(kernel).apply([bad, deleteServer(web), bad]);
    expect(verdicts.map((verdict) => verdict?.code ?? null)).toEqual(['WP_IPVS_INVALID', null, 'WP_IPVS_INVALID']);
    expect(kernel.commands).toEqual([command.remove]);
  });

  it('is unsure of operations that were never answered, and opens another socket then', async () => {
    let silent = true;
    const kernel = createWireKernel(() => (silent ? [] : [acknowledge]));
    const port = portOn(kernel);
    expect((await port.apply([deleteServer(web)])).verdicts[0]?.code).toBe('WP_IPVS_UNSURE');
    silent = false;
    expect((await port.apply([deleteServer(web)])).verdicts).toEqual([null]);
    expect([kernel.opened, kernel.closed]).toEqual([2, 1]);
    await port.close();
    expect(kernel.closed).toBe(2);
  });

  it('says that the kernel has no IPVS, and asks again the next time', async () => {
    let loaded = false;
    const kernel = createWireKernel(
      () => [acknowledge],
      () => loaded,
    );
    const port = portOn(kernel);
    expect((await port.apply([deleteServer(web)])).verdicts[0]?.code).toBe('WP_IPVS_MISSING');
    expect(await port.list()).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_MISSING' } });
    loaded = true;
    expect((await port.apply([deleteServer(web)])).verdicts).toEqual([null]);
  });
});

describe('list', () => {
  it('[IPVS-10] leaves out a server that went away while its destinations were asked for', async () => {
    let asked = 0;
    const gone = addressKey('TCP', '10.96.0.2', 80);
    const kernel = createWireKernel((number) => {
      if (number === command.getDestination) return [end];
      asked += 1;
      if (asked === 1) return [serverData(), serverData(gone), serverData(markKey('IPv6', 1)), end];
      return asked === 2 ? [serverData(), acknowledge] : [refuse(3)];
    });
    const listed = await portOn(kernel).list();
    expect(listed).toEqual({ ok: true, value: [{ ...plainServer(web), destinations: [] }] });
  });

  it('[IPVS-11] takes a list again of which a part was lost, and gives up in the end', async () => {
    let broken = 1;
    const kernel = createWireKernel((number) => {
      if (number === command.getDestination) return [destinationData('10.244.0.1'), destinationData('10.244.0.1'), end];
      broken -= 1;
      return broken >= 0 ? [serverData(), { kind: 'overrun' }] : [serverData(), serverData(), end];
    });
    const port = portOn(kernel);
    const listed = await port.list();
    expect(listed.ok && listed.value.map(({ destinations }) => destinations.length)).toEqual([1]);
    broken = 100;
    expect(await port.list()).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_UNSURE' } });
    expect(broken).toBe(94);
  });

  it('passes on that the capability is missing', async () => {
    const port = portOn(createWireKernel(() => [refuse(1)]));
    expect(await port.list()).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_DENIED' } });
    expect(await port.timeouts()).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_DENIED' } });
  });
});

describe('probe', () => {
  it('[IPVS-17] tries the scheduler on a mark that has no server, and cleans up', async () => {
    const kernel = createWireKernel((number) => {
      if (number === command.getInfo) return [{ kind: 'data', body: (writer) => writer.u32(0) }, acknowledge];
      if (number === command.getServer) return [serverData(markKey('IPv4', 0xffff_ffff)), end];
      return [acknowledge];
    });
    expect(await portOn(kernel).probe('mh')).toMatchObject({ ok: true });
    expect(kernel.commands).toEqual([command.getInfo, command.getServer, command.add, command.remove]);
  });

  it('[IPVS-17] names a scheduler that the kernel lacks', async () => {
    const kernel = createWireKernel((number) => {
      if (number === command.getInfo) return [{ kind: 'data', body: (writer) => writer.u32(0) }, acknowledge];
      return number === command.getServer ? [end] : [refuse(2)];
    });
    expect(await portOn(kernel).probe('mh')).toMatchObject({
      ok: false,
      problem: {
        code: 'WP_IPVS_NO_SCHEDULER',
        message: 'scheduler mh: the kernel has none of this name, and no module ip_vs_mh could be loaded',
      },
    });
  });
});
