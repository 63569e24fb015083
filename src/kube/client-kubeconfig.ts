import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { dirname, isAbsolute, join } from 'node:path';
// Only the part that reads entries: the package's front door loads every API type (some 90 MB and 0.3 s).
import { newClusters, newContexts, newUsers } from '@kubernetes/client-node/dist/config_types.js';
import type { Cluster, User } from '@kubernetes/client-node/dist/config_types.js';
import { parse } from 'yaml';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';

export interface AccessOptions {
  /** Path of a kubeconfig; empty for none. */
  readonly kubeconfig: string;
  /** URL or host:port that replaces the kubeconfig's server; empty for none. */
  readonly master: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the service account is mounted. */
  readonly serviceAccountFolder?: string;
}

/** Which server to talk to, and as whom. */
export interface Access {
  readonly server: URL;
  readonly cluster: Cluster;
  readonly user: User | null;
}

const mountedServiceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the way to the API server as kube-proxy does: the kubeconfig, `master` over it, or `master` alone;
 * with neither, the pod's service account. Fails with `WP_KUBE_CONFIG`, or `WP_KUBE_NOT_IN_CLUSTER`.
 */
export function readAccess(options: AccessOptions): Outcome<Access> {
  if (options.kubeconfig === '' && options.master === '') return readServiceAccount(options);
  const entries = options.kubeconfig === '' ? succeed(anonymous) : readKubeconfig(options.kubeconfig);
  if (!entries.ok) return entries;
  const { cluster, user } = entries.value;
  const text = options.master === '' ? cluster.server : options.master;
  const server = parseServer(text, hasTlsMaterial(cluster, user));
  if (server === null) {
    const from = options.master === '' ? `kubeconfig ${options.kubeconfig}, cluster ${cluster.name}` : '--master';
    return fail('WP_KUBE_CONFIG', `${from}: "${text}" is not the URL of an API server`);
  }
  return succeed({ server, cluster, user });
}

const anonymous: { readonly cluster: Cluster; readonly user: User | null } = {
  cluster: { name: 'master', server: '', skipTLSVerify: false },
  user: null,
};

function readKubeconfig(file: string): Outcome<{ cluster: Cluster; user: User | null }> {
  const refuse = (why: string, cause?: unknown): Outcome<never> => fail('WP_KUBE_CONFIG', `kubeconfig ${file}: ${why}`, cause);
  let document: Record<string, unknown>;
  let entries;
  try {
    document = asObject(parse(readFileSync(file, 'utf8')));
    entries = {
      clusters: newClusters(document['clusters']),
      users: newUsers(document['users']),
      contexts: newContexts(document['contexts']),
    };
  } catch (cause) {
    return refuse(messageOf(cause), cause);
  }
  const current = document['current-context'];
  const context = entries.contexts.find((entry) => entry.name === current);
  if (context === undefined) return refuse(`current-context "${String(current ?? '')}" names no context`);
  const cluster = entries.clusters.find((entry) => entry.name === context.cluster);
  if (cluster === undefined) return refuse(`context "${context.name}" names cluster "${context.cluster}", which is not there`);
  const user = entries.users.find((entry) => entry.name === context.user);
  // newContexts gives undefined where the context names no user, whatever its type says.
  if (user === undefined && (context.user as string | undefined) !== undefined) {
    return refuse(`context "${context.name}" names user "${context.user}", which is not there`);
  }
  const folder = dirname(file);
  return succeed({
    cluster: rootCluster(cluster, folder),
    user: user === undefined ? null : rootUser(user, tokenFileOf(document['users'], user.name), folder),
  });
}

function readServiceAccount(options: AccessOptions): Outcome<Access> {
  const host = options.env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = options.env['KUBERNETES_SERVICE_PORT'] ?? '';
  const folder = options.serviceAccountFolder ?? mountedServiceAccount;
  const tokenFile = join(folder, 'token');
  const server = host === '' || port === '' ? null : parseServer(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, true);
  if (server === null) {
    const why = 'no kubeconfig and no --master given, and KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT name no API server';
    return fail('WP_KUBE_NOT_IN_CLUSTER', why);
  }
  try {
    readFileSync(tokenFile);
  } catch (cause) {
    return fail('WP_KUBE_NOT_IN_CLUSTER', `service account token ${tokenFile}: ${messageOf(cause)}`, cause);
  }
  const cluster = { name: 'in-cluster', server: server.href, skipTLSVerify: false, caFile: join(folder, 'ca.crt') };
  return succeed({ server, cluster, user: { name: 'service-account', authProvider: tokenFileProvider(tokenFile) } });
}

/** A scheme may be left out as in client-go: https where certificates are configured, else http. */
function parseServer(text: string, secure: boolean): URL | null {
  const url = URL.parse(text.includes('://') ? text : `${secure ? 'https' : 'http'}://${text}`);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '' ? url : null;
}

function hasTlsMaterial(cluster: Cluster, user: User | null): boolean {
  const material = [cluster.caFile, cluster.caData, user?.certFile, user?.certData];
  return cluster.skipTLSVerify || material.some((entry) => entry !== undefined && entry !== null && entry !== '');
}

/** Paths in a kubeconfig are relative to its folder. */
function rootCluster(cluster: Cluster, folder: string): Cluster {
  return cluster.caFile ? { ...cluster, caFile: rootPath(cluster.caFile, folder) } : cluster;
}

function rootUser(user: User, tokenFile: string | null, folder: string): User {
  const command: unknown = user.exec?.command;
  return {
    ...user,
    ...(user.certFile ? { certFile: rootPath(user.certFile, folder) } : {}),
    ...(user.keyFile ? { keyFile: rootPath(user.keyFile, folder) } : {}),
    // A command without a slash is looked up in PATH instead.
    ...(typeof command === 'string' && command.includes('/')
      ? { exec: { ...user.exec, command: rootPath(command, folder) } }
      : {}),
    ...(tokenFile === null ? {} : { token: '', authProvider: tokenFileProvider(rootPath(tokenFile, folder)) }),
  };
}

/**
 * The `tokenFile` of a user entry, which wins over `token` in client-go. It is read here because
 * client-node looks for it under another name, and kubeadm's kube-proxy has no other credentials.
 */
function tokenFileOf(users: unknown, name: string): string | null {
  const entry: unknown = Array.isArray(users) ? users.find((user) => asObject(user)['name'] === name) : null;
  const tokenFile = asObject(asObject(entry)['user'])['tokenFile'];
  return typeof tokenFile === 'string' && tokenFile !== '' ? tokenFile : null;
}

/** The shape client-node's FileAuth recognises. */
function tokenFileProvider(tokenFile: string): { name: string; config: { tokenFile: string } } {
  return { name: 'tokenFile', config: { tokenFile } };
}

function rootPath(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
