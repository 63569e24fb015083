import { readFile, readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ProxyMode } from '../model/mod.ts';
import { askAgent } from './ask-agent.ts';
import { flagsOfCommand, settingsOf } from './kube-proxy-facts.ts';
import type { KubeProxyFacts, KubeProxyPage, KubeProxyProcess } from './kube-proxy-facts.ts';

const modes: readonly string[] = ['iptables', 'ipvs', 'nftables'] satisfies readonly ProxyMode[];

/** Where it listens where nothing else is said. */
const usualPlaces = ['127.0.0.1:10249', '[::1]:10249'] as const;

/** Milliseconds that a page of this machine gets for its answer. */
const patience = 2000;

/**
 * Looks for a kube-proxy that runs in this network namespace: among the processes, which a container without `hostPID` does
 * not see, and at the place of its metrics. Changes nothing.
 */
export async function findKubeProxy(): Promise<KubeProxyFacts> {
  const process = await findProcess();
  const settings = settingsOf({ process, page: null });
  const metrics = settings?.loaded.ok === true ? settings.loaded.config.metrics : null;
  const host = metrics === null || metrics.host === '0.0.0.0' || metrics.host === '::' ? '127.0.0.1' : metrics.host;
  const configured = metrics === null ? [] : [`${host.includes(':') ? `[${host}]` : host}:${metrics.port}`];
  for (const place of new Set([...configured, ...usualPlaces])) {
    // oxlint-disable-next-line no-await-in-loop -- the first that answers is the one
    const page = await askPage(`http://${place}`);
    if (page !== null) return { process, page };
  }
  return { process, page: null };
}

async function findProcess(): Promise<KubeProxyProcess | null> {
  const own = await linkOrNull('/proc/self/ns/net');
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(ids.map((id) => readProcess(id, own)));
  return found.find((one) => one !== null) ?? null;
}

/** A namespace that may not be looked at counts as this one: better a kube-proxy too much than one that is overlooked. */
async function readProcess(id: string, ownNamespace: string | null): Promise<KubeProxyProcess | null> {
  const argv = ((await readOrNull(`/proc/${id}/cmdline`)) ?? '').split('\0').slice(0, -1);
  if (basename(argv[0] ?? '') !== 'kube-proxy') return null;
  const namespace = await linkOrNull(`/proc/${id}/ns/net`);
  if (namespace !== null && namespace !== ownNamespace) return null;
  const name = flagsOfCommand(argv).get('config')?.at(-1) ?? '';
  const file = name === '' ? null : { name, text: await readOrNull(join(`/proc/${id}/root`, name)) };
  return { pid: Number(id), argv, file };
}

/** An agent of ours answers there in the same way, and serves its rows besides. */
async function askPage(url: string): Promise<KubeProxyPage | null> {
  const mode = ((await fetchText(`${url}/proxyMode`)) ?? '').trim();
  if (!modes.includes(mode) || (await askAgent(url)).ok) return null;
  return { url, mode: mode as ProxyMode, configz: await fetchText(`${url}/configz`) };
}

async function fetchText(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(patience) });
    return response.status === 200 ? await response.text() : null;
  } catch {
    return null;
  }
}

async function readOrNull(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').catch(() => null);
}

async function linkOrNull(path: string): Promise<string | null> {
  return await readlink(path).catch(() => null);
}
