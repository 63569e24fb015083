import { runIn } from '../lab/driver-netns.ts';
import { canMakeNamespaces } from '../lab/mod.ts';

/** Whether the image can be made and run here: root, network namespaces, and the programs that scripts/run.sh installs. */
export async function canRunImages(): ReturnType<typeof canMakeNamespaces> {
  const namespaces = await canMakeNamespaces();
  if (!namespaces.ok) return namespaces;
  for (const name of ['mmdebstrap', 'runc', 'apt-get']) {
    const found = await runIn(null, name, ['--version']).catch(() => null);
    if (found?.code !== 0) return { ok: false, reason: `the command ${name} is missing` };
  }
  return { ok: true };
}
