import type { Detection, IptablesPort } from '../iptables/mod.ts';
import {
  allowLoopbackRouting,
  createExecPort,
  createIptablesDataPlane,
  createShell,
  detectIptables,
  shouldDropInvalid,
} from '../iptables/mod.ts';
import { fail, succeed } from '../model/mod.ts';
import type { DataPlane, Family, Outcome, Pause, Problem, ProxyMode } from '../model/mod.ts';

/** Data planes with the helpers they run on. */
export interface DataPlanes {
  readonly planes: readonly DataPlane[];
  /** What was found out on the way, for the log. */
  readonly notes: Readonly<Record<string, string>>;
  /** Ends the helpers; rules stay. */
  close(): Promise<void>;
}

/**
 * Makes the data planes of a mode, one for each family, each with a helper of its own so that one that hangs
 * does not stop the other. A mode that cannot be used is a failure; there is no other mode to fall back to.
 */
export async function makeDataPlanes(
  mode: ProxyMode,
  families: readonly Family[],
  pause: Pause,
  degraded: (problem: Problem) => void,
): Promise<Outcome<DataPlanes>> {
  if (mode !== 'iptables') {
    return fail(
      'WP_CLI_MODE',
      `mode ${mode} has no data plane in this release: set mode to iptables, there is no silent fall-back`,
    );
  }
  const detected = await detectTools();
  if (!detected.ok) return detected;
  const { variant, version, tools } = detected.value;
  const ports = families.map((family) => createExecPort({ family, variant, shell: createShell(), tools: tools[family] }));
  return succeed({
    planes: ports.map((port) => makePlane(port, pause, degraded)),
    notes: { iptables: `${version.join('.')} ${variant}`, reason: detected.value.reason },
    close: async () => {
      await Promise.all(ports.map((port) => port.close()));
    },
  });
}

async function detectTools(): Promise<Outcome<Detection>> {
  const shell = createShell();
  const detected = await detectIptables({ shell });
  await shell.close();
  return detected;
}

function makePlane(port: IptablesPort, pause: Pause, degraded: (problem: Problem) => void): DataPlane {
  return createIptablesDataPlane({
    family: port.family,
    port,
    dropInvalid: shouldDropInvalid(),
    allowLoopbackRouting,
    degraded,
    pause,
    now: () => performance.now(),
  });
}
