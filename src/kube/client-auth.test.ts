import { mkdtempSync, rmSync, writeFileSync, chmodSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCredentials } from './client-auth.ts';
import type { Credentials } from './client-auth.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waypost-auth-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A kubeconfig with this cluster and user, as the YAML that people write. */
function kubeconfig(user: object, cluster: object = { server: 'https://192.0.2.1:6443' }): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    clusters: [{ name: 'here', cluster }],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'main', context: { cluster: 'here', user: 'me' } }],
  };
  return write('config', JSON.stringify(config));
}

function open(options: {
  kubeconfig?: string;
  master?: string;
  env?: Record<string, string>;
  pluginTimeoutMs?: number;
}): Credentials {
  const opened = openCredentials({ kubeconfig: '', master: '', env: {}, serviceAccountFolder: folder, ...options });
  if (!opened.ok) throw new Error(opened.problem.message);
  return opened.value;
}

async function headerOf(credentials: Credentials): Promise<string | undefined> {
  const prepared = await credentials.prepare();
  if (!prepared.ok) throw new Error(prepared.problem.message);
  return prepared.value.headers['Authorization'];
}

test('kubeadm style: the token file of a user is used, trimmed, relative to the kubeconfig, and wins over the token', async () => {
  write('token', 'first\n');
  const credentials = open({ kubeconfig: kubeconfig({ tokenFile: 'token', token: 'static' }) });
  expect(await headerOf(credentials)).toBe('Bearer first');
  write('token', 'second\n');
  credentials.forget();
  expect(await headerOf(credentials)).toBe('Bearer second');
});

test('tokens, passwords, impersonation and certificates reach the request', async () => {
  expect(await headerOf(open({ kubeconfig: kubeconfig({ token: 'static' }) }))).toBe('Bearer static');
  expect(await headerOf(open({ kubeconfig: kubeconfig({ username: 'ann', password: 'secret' }) }))).toBe(
    `Basic ${Buffer.from('ann:secret').toString('base64')}`,
  );
  write('ca.crt', 'CA');
  write('me.key', 'KEY');
  const data = Buffer.from('CERT').toString('base64');
  const credentials = open({
    kubeconfig: kubeconfig(
      { 'client-certificate-data': data, 'client-key': 'me.key', as: 'someone' },
      {
        server: 'https://a.example/',
        'certificate-authority': 'ca.crt',
        'tls-server-name': 'kube',
        'insecure-skip-tls-verify': true,
      },
    ),
  });
  expect(await credentials.prepare()).toEqual({
    ok: true,
    value: {
      headers: { 'Impersonate-User': 'someone' },
      tls: { ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'kube', rejectUnauthorized: false },
    },
  });
});

test('a kubeconfig that is rewritten is read again after a 401, and kept while it is unreadable', async () => {
  const credentials = open({ kubeconfig: kubeconfig({ token: 'old' }) });
  write('config', 'half writ: [');
  credentials.forget();
  expect(await headerOf(credentials)).toBe('Bearer old');
  kubeconfig({ token: 'new' });
  expect(await headerOf(credentials)).toBe('Bearer old');
  credentials.forget();
  expect(await headerOf(credentials)).toBe('Bearer new');
});

function plugin(script: string): object {
  const path = write('plugin', `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin', args: ['token'], provideClusterInfo: true },
  };
}

test('an exec plugin runs once for all watches, is told the cluster, and again after a 401', async () => {
  const count = join(folder, 'count');
  const user = plugin(`printf "%s" "$KUBERNETES_EXEC_INFO" > ${folder}/info; echo run >> ${count}
printf '{"kind":"ExecCredential","status":{"token":"from-plugin-%s"}}' $(wc -l < ${count})`);
  const credentials = open({ kubeconfig: kubeconfig(user) });
  const headers = await Promise.all([headerOf(credentials), headerOf(credentials), headerOf(credentials)]);
  expect(headers).toEqual(['Bearer from-plugin-1', 'Bearer from-plugin-1', 'Bearer from-plugin-1']);
  expect(JSON.parse(readFileSync(join(folder, 'info'), 'utf8'))).toMatchObject({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: 'https://192.0.2.1:6443/' } },
  });
  credentials.forget();
  expect(await headerOf(credentials)).toBe('Bearer from-plugin-2');
});

test.each([
  ['fails', 'echo "no ticket" >&2; exit 3', /no ticket/],
  ['prints nonsense', 'echo hello', /JSON/],
  ['gives no status', 'echo "{}"', /no ExecCredential/],
  ['never ends', 'exec sleep 1000', /plugin failed: it ended without a word/],
])('an exec plugin that %s is a problem, not an exception', async (_, script, words) => {
  const credentials = open({ kubeconfig: kubeconfig(plugin(script)), pluginTimeoutMs: 300 });
  const prepared = await credentials.prepare();
  expect(prepared).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_CREDENTIALS', message: expect.stringMatching(words) } });
});

test('a plugin that answered with nonsense is asked again', async () => {
  const done = join(folder, 'done');
  const answer = '{"status":{"token":"late"}}';
  const credentials = open({
    kubeconfig: kubeconfig(plugin(`if [ -e ${done} ]; then printf '${answer}'; else touch ${done}; printf '{}'; fi`)),
  });
  expect(await credentials.prepare()).toMatchObject({ ok: false });
  expect(await headerOf(credentials)).toBe('Bearer late');
});

function base64Json(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('an OpenID Connect user sends the id token', async () => {
  const token = `${base64Json({ alg: 'none' })}.${base64Json({ exp: 4_102_444_800 })}.c2ln`;
  const user = { 'auth-provider': { name: 'oidc', config: { 'id-token': token } } };
  expect(await headerOf(open({ kubeconfig: kubeconfig(user) }))).toBe(`Bearer ${token}`);
});

test('the service account of the pod is used without kubeconfig and master', async () => {
  write('token', 'mounted');
  write('ca.crt', 'CA');
  const credentials = open({ env: { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' } });
  expect(credentials.server.href).toBe('https://[fd00::1]/');
  expect(await credentials.prepare()).toEqual({
    ok: true,
    value: { headers: { Authorization: 'Bearer mounted' }, tls: { ca: 'CA' } },
  });
});

test('master replaces the server, alone or over a kubeconfig, with the scheme client-go would choose', () => {
  expect(open({ master: 'http://127.0.0.1:8001' }).server.href).toBe('http://127.0.0.1:8001/');
  expect(open({ master: '127.0.0.1:8001' }).server.href).toBe('http://127.0.0.1:8001/');
  const cluster = { server: 'https://192.0.2.1:6443', 'insecure-skip-tls-verify': true };
  const path = kubeconfig({ token: 'x' }, cluster);
  expect(open({ kubeconfig: path, master: 'other.example:6443' }).server.href).toBe('https://other.example:6443/');
  expect(open({ kubeconfig: path, master: '' }).server.href).toBe('https://192.0.2.1:6443/');
});

test.each<[string, () => string, RegExp]>([
  ['a file that is not there', () => join(folder, 'none'), /none: ENOENT/],
  ['no YAML', () => write('config', '{ a: ['), /config: /],
  ['an empty file', () => write('config', ''), /current-context "" names no context/],
  ['a text', () => write('config', 'hello'), /current-context "" names no context/],
  ['a cluster without server', () => kubeconfig({}, { port: 1 }), /clusters\[0\].cluster.server is missing/],
  ['a server that is a number', () => kubeconfig({}, { server: 5 }), /kubeconfig .*config: /],
  ['a server that is no URL', () => kubeconfig({}, { server: 'ftp://x' }), /cluster here: "ftp:\/\/x" is not the URL/],
  ['an old cloud provider', () => kubeconfig({ 'auth-provider': { name: 'gcp' } }), /auth-provider "gcp" is not supported/],
  ['a SOCKS proxy', () => kubeconfig({}, { server: 'https://a', 'proxy-url': 'socks5://b' }), /proxy-url "socks5:\/\/b"/],
  ['a context without its cluster', () => contexts({ cluster: 'gone' }), /names cluster "gone"/],
  ['a context without its user', () => contexts({ cluster: 'here', user: 'gone' }), /names user "gone"/],
])('an unusable kubeconfig is a clear problem: %s', (_, prepare, words) => {
  const opened = openCredentials({ kubeconfig: prepare(), master: '', env: {} });
  expect(opened).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_CONFIG', message: expect.stringMatching(words) } });
});

function contexts(context: object): string {
  const clusters = [{ name: 'here', cluster: { server: 'https://a' } }];
  return write(
    'config',
    JSON.stringify({ 'current-context': 'main', clusters, users: [], contexts: [{ name: 'main', context }] }),
  );
}

test.each<[string, Record<string, string>]>([
  ['no environment', {}],
  ['no token', { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }],
])('outside a pod it says so: %s', (_, env) => {
  const opened = openCredentials({ kubeconfig: '', master: '', env, serviceAccountFolder: folder });
  expect(opened).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_NOT_IN_CLUSTER' } });
});
