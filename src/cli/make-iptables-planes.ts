import type { Detection, IptablesOptions, IptablesPort, SetPort, Shell, Variant } from '../iptables/mod.ts';
import {
  allowLoopbackRouting,
  createExecPort,
  createIptablesDataPlane,
  createIpsetPort,
  createShell,
  detectIptables,
  shouldDropInvalid,
} from '../iptables/mod.ts';
import { succeed } from '../model/mod.ts';
import type { DataPlane, Family, Outcome, Problem } from '../model/mod.ts';
import type { DataPlaneOptions, DataPlanes } from './make-data-planes.ts';

interface IptablesPlanesOptions
  extends Pick<DataPlaneOptions, 'families' | 'pause' | 'degraded'>, Pick<IptablesOptions, 'strays'> {}

/** Data planes of iptables mode, each with two shells of its own: a look at the whole ruleset does not hold up a change. */
export async function makeIptablesPlanes(options: IptablesPlanesOptions): Promise<Outcome<DataPlanes>> {
  const detected = await detectTools();
  if (!detected.ok) return detected;
  const { variant, version, tools } = detected.value;
  const made = await Promise.all(options.families.map((family) => makePlane(family, { variant, tools: tools[family] }, options)));
  return succeed({
    planes: made.map(({ plane }) => plane),
    notes: { iptables: `${version.join('.')} ${variant}`, reason: detected.value.reason },
    close: async () => {
      await Promise.all(made.flatMap(({ ports }) => ports.map((port) => port.close())));
    },
  });
}

async function detectTools(): Promise<Outcome<Detection>> {
  const shell = createShell();
  const detected = await detectIptables({ shell });
  await shell.close();
  return detected;
}

async function makePlane(
  family: Family,
  found: { readonly variant: Variant; readonly tools: Detection['tools'][Family] },
  { strays, pause, degraded }: IptablesPlanesOptions,
): Promise<{ readonly plane: DataPlane; readonly ports: readonly IptablesPort[] }> {
  const shell = createShell();
  const port = createExecPort({ family, ...found, shell });
  const looks = createExecPort({ family, ...found, shell: createShell() });
  const plane = createIptablesDataPlane({
    family,
    port,
    looks,
    sets: await findSets(family, shell, degraded),
    dropInvalid: shouldDropInvalid(),
    strays,
    allowLoopbackRouting,
    degraded,
    pause,
    now: () => performance.now(),
  });
  return { plane, ports: [port, looks] };
}

/** Null, and said, where tool or kernel have no ipset: affinity then works with a limit. */
async function findSets(family: Family, shell: Shell, degraded: (problem: Problem) => void): Promise<SetPort | null> {
  const sets = createIpsetPort({ family, shell });
  const listed = await sets.list();
  if (listed.ok) return sets;
  const message =
    'ipset cannot be used: session affinity remembers 100 clients for each back end and forgets the oldest; ' +
    `install ipset to lift the limit (${listed.problem.message})`;
  degraded({ code: 'WP_CLI_NO_IPSET', message });
  return null;
}
