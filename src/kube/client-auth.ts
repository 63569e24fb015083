import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
// Deep imports for the reason given in client-kubeconfig.ts.
import type { Authenticator } from '@kubernetes/client-node/dist/auth.js';
import type { User } from '@kubernetes/client-node/dist/config_types.js';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import { FileAuth } from '@kubernetes/client-node/dist/file_auth.js';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { readAccess } from './client-kubeconfig.ts';
import type { Access, AccessOptions } from './client-kubeconfig.ts';

/** TLS settings of a connection; certificates and keys in PEM. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** What one request has to carry. */
export interface Preparation {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

/** Who we are to the API server, fresh for every request. */
export interface Credentials {
  readonly server: URL;
  readonly proxyUrl: string | null;
  /** Reads tokens, certificates and exec plugins again as they age. Fails with `WP_KUBE_CREDENTIALS`. */
  prepare(): Promise<Outcome<Preparation>>;
  /** The server did not accept what `prepare` gave: forget cached tokens and read the kubeconfig again. */
  forget(): void;
}

export interface CredentialOptions extends AccessOptions {
  /** An exec plugin that has not ended after this many milliseconds is killed. */
  readonly pluginTimeoutMs?: number;
}

const defaultPluginTimeoutMs = 60_000;

/**
 * Opens the credentials of a kubeconfig, of `master` alone or of the pod's service account.
 * Fails with `WP_KUBE_CONFIG` or `WP_KUBE_NOT_IN_CLUSTER`, naming the file and the entry.
 */
export function openCredentials(options: CredentialOptions): Outcome<Credentials> {
  const first = readAccess(options);
  if (!first.ok) return first;
  const refusal = refuseUnsupported(first.value);
  if (refusal !== null) return refusal;
  let access = first.value;
  const pluginTimeoutMs = options.pluginTimeoutMs ?? defaultPluginTimeoutMs;
  let authenticator = chooseAuthenticator(access.user, pluginTimeoutMs);
  let inFlight: Promise<Outcome<Preparation>> | null = null;

  return succeed({
    server: access.server,
    proxyUrl: access.cluster.proxyUrl ?? null,
    prepare() {
      // Three watches ask at the same moment; the plugin must run once.
      inFlight ??= prepareRequest(access, authenticator).then((prepared) => {
        inFlight = null;
        // ExecAuth keeps even an answer that it cannot use.
        if (!prepared.ok) authenticator = chooseAuthenticator(access.user, pluginTimeoutMs);
        return prepared;
      });
      return inFlight;
    },
    forget() {
      const again = readAccess(options);
      // A kubeconfig that is being rewritten may be unreadable now; the last good one still serves.
      if (again.ok && again.value.server.href === access.server.href) access = again.value;
      authenticator = chooseAuthenticator(access.user, pluginTimeoutMs);
    },
  });
}

function refuseUnsupported({ cluster, user }: Access): Outcome<never> | null {
  const provider: unknown = user?.authProvider?.name;
  if (typeof provider === 'string' && provider !== 'tokenFile' && provider !== 'oidc' && !user?.exec) {
    const why = `auth-provider "${provider}" is not supported, use an exec plugin`;
    return fail('WP_KUBE_CONFIG', `kubeconfig user ${user?.name}: ${why}`);
  }
  if (cluster.proxyUrl !== undefined && !/^https?:\/\//.test(cluster.proxyUrl)) {
    return fail(
      'WP_KUBE_CONFIG',
      `kubeconfig cluster ${cluster.name}: proxy-url "${cluster.proxyUrl}" is not an http or https URL`,
    );
  }
  return null;
}

function chooseAuthenticator(user: User | null, pluginTimeoutMs: number): Promise<Authenticator> | null {
  if (user === null) return null;
  if (user.exec) return Promise.resolve(createExecAuth(pluginTimeoutMs));
  if (user.authProvider?.name === 'tokenFile') return Promise.resolve(new FileAuth());
  if (user.authProvider?.name !== 'oidc') return null;
  // Rare, and it pulls in the whole of client-node.
  const loaded = import('@kubernetes/client-node/dist/oidc_auth.js').then((module) => new module.OpenIDConnectAuth());
  loaded.catch(() => {});
  return loaded;
}

/** ExecAuth waits for ever for its plugin and has no setting for it; its spawn function is what can be replaced. */
function createExecAuth(timeout: number): ExecAuth {
  const auth = new ExecAuth();
  const execFn = (command: string, args: readonly string[] | undefined, options: SpawnOptions): ChildProcess =>
    spawn(command, args ?? [], { ...options, timeout, killSignal: 'SIGKILL' });
  Object.assign(auth, { execFn });
  return auth;
}

async function prepareRequest(access: Access, pending: Promise<Authenticator> | null): Promise<Outcome<Preparation>> {
  const { cluster, user } = access;
  try {
    const headers: Record<string, string> = {};
    const options: RequestOptions = { headers };
    const authenticator = await pending;
    if (user !== null) await authenticator?.applyAuthentication(withExecInfo(user, access), options);
    if (user !== null) addStaticHeaders(user, headers);
    const tls = {
      ca: await readPem(cluster.caFile, cluster.caData),
      cert: asPem(options.cert) ?? (await readPem(user?.certFile, user?.certData)),
      key: asPem(options.key) ?? (await readPem(user?.keyFile, user?.keyData)),
      servername: cluster.tlsServerName,
      rejectUnauthorized: cluster.skipTLSVerify ? false : undefined,
    };
    // A token file usually ends with a line end, which a header may not carry.
    if (headers['Authorization'] !== undefined) headers['Authorization'] = headers['Authorization'].trim();
    return succeed({ headers, tls: dropUndefined(tls) });
  } catch (cause) {
    const why = user?.exec ? explainPlugin(user.exec.command, cause) : messageOf(cause);
    return fail('WP_KUBE_CREDENTIALS', `credentials for ${access.server.href}: ${why}`, cause);
  }
}

function explainPlugin(command: unknown, cause: unknown): string {
  // ExecAuth reads the answer without looking; what it then stumbles over is not for an operator.
  if (cause instanceof TypeError) return `exec plugin ${String(command)} answered with something that is no ExecCredential`;
  const said = messageOf(cause);
  return `exec plugin ${String(command)} failed: ${said === '' ? 'it ended without a word or was stopped' : said}`;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.trim() : String(cause);
}

function addStaticHeaders(user: User, headers: Record<string, string>): void {
  if (user.token) headers['Authorization'] = `Bearer ${user.token}`;
  else if (user.username) {
    headers['Authorization'] = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
  }
  if (user.impersonateUser) headers['Impersonate-User'] = user.impersonateUser;
}

/**
 * Exec plugins learn their API version and the cluster from `KUBERNETES_EXEC_INFO`
 * (client.authentication.k8s.io/v1), which client-node does not set.
 */
function withExecInfo(user: User, { server, cluster }: Access): User {
  if (!user.exec) return user;
  const about = { server: server.href, 'insecure-skip-tls-verify': cluster.skipTLSVerify };
  const spec = {
    interactive: false,
    ...(user.exec.provideClusterInfo === true ? { cluster: { ...about, ...caOf(cluster) } } : {}),
  };
  const info = JSON.stringify({ apiVersion: user.exec.apiVersion, kind: 'ExecCredential', spec });
  return { ...user, exec: { ...user.exec, env: [...(user.exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: info }] } };
}

function caOf(cluster: Access['cluster']): object {
  return cluster.caData === undefined ? {} : { 'certificate-authority-data': cluster.caData };
}

async function readPem(file: string | undefined, data: string | undefined): Promise<string | undefined> {
  if (file) return await readFile(file, 'utf8');
  return data ? Buffer.from(data, 'base64').toString() : undefined;
}

function asPem(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function dropUndefined(tls: { readonly [K in keyof TlsMaterial]-?: TlsMaterial[K] | undefined }): TlsMaterial {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
}
