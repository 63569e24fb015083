import { fileURLToPath } from 'node:url';
import { formatTable } from '../src/observe/mod.ts';
import { prepareVm, startVm } from '../test/vm/mod.ts';
import type { Vm } from '../test/vm/mod.ts';
import type { IpvsResult } from './ipvs-case.ts';

const sizes = [1000, 5000] as const;
const drivers = ['netlink', 'exec'] as const;
/** Seconds for one case. */
const timeLimit = 900;

const columns: readonly (readonly [string, (result: IpvsResult) => string])[] = [
  ['load ms', (one) => one.loadMs.toFixed(0)],
  ['load messages', (one) => one.loadMessages.toFixed(0)],
  ['load KB', (one) => (one.loadBytes / 1000).toFixed(0)],
  ['change ms', (one) => one.changeMs.toFixed(2)],
  ['change plan ms', (one) => one.changePlanMs.toFixed(2)],
  ['change messages', (one) => one.changeMessages.toFixed(0)],
  ['RSS MB', (one) => (one.residentBytes / 1e6).toFixed(0)],
];

/**
 * Ten back ends for each Service, all cases on the same kernel, each in a namespace of its own. `change` is one back end
 * more or less, from the frontends to the kernel's yes, median of 20 after 6. Runs in the virtual machine, so that the
 * node's own virtual servers are never touched; under emulation only the ratios mean something.
 */
export async function runIpvsBench(): Promise<void> {
  const capability = await prepareVm();
  if (!capability.ok) throw new Error(`the IPVS benchmark runs in a virtual machine, and ${capability.reason}`);
  await using vm = await startVm(capability.machine);
  console.log(`kernel ${vm.release}, ${vm.acceleration}`);
  const results = new Map<string, IpvsResult>();
  for (const driver of drivers) {
    for (const services of sizes) {
      const result = await runCase(vm, services, driver);
      results.set(`${driver} ${services}`, result);
      console.log(`${driver}, ${services} Services: done`);
    }
  }
  const rows = [...results].map(([name, result]) => [...name.split(' '), ...columns.map(([, format]) => format(result))]);
  const titles = ['driver', 'Services', ...columns.map(([title]) => title)];
  console.log(
    formatTable(
      titles.map((title) => ({ title, align: 'right' })),
      rows,
    ),
  );
  for (const services of sizes) {
    const [netlink, exec] = drivers.map((driver) => results.get(`${driver} ${services}`));
    if (netlink === undefined || exec === undefined) continue;
    const [load, change] = [exec.loadMs / netlink.loadMs, exec.changeMs / netlink.changeMs];
    console.log(
      `${services} Services: the tools take ${load.toFixed(1)} x as long to load, ${change.toFixed(0)} x for one change`,
    );
  }
}

async function runCase(vm: Vm, services: number, driver: string): Promise<IpvsResult> {
  const script = fileURLToPath(new URL('ipvs-case.ts', import.meta.url));
  const namespace = `wpb-${driver}-${services}`;
  const commands = [
    `ip netns add ${namespace}`,
    `ip -n ${namespace} link set lo up`,
    `exec ip netns exec ${namespace} "$0" "$1" ${services} ${driver}`,
  ];
  const { code, stdout, stderr } = await vm.run('sh', ['-ec', commands.join('\n'), process.execPath, script], {
    timeout: timeLimit,
  });
  if (code !== 0) throw new Error(`${driver}, ${services} Services: ${stderr || stdout}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as IpvsResult;
}
