import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, createTemporaryFolder, listenOnAll, pollUntil, startWaypost, writeManifest } from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import { nodeObject, ready, service, slices } from '../packets/objects.ts';
import type { EndpointSpec } from '../packets/objects.ts';
import { canBrowse, openBrowser } from './browser.ts';
import type { OpenBrowser } from './browser.ts';
import { picture } from './images.ts';
import { watchPage } from './page-watch.ts';
import type { PageWatch } from './page-watch.ts';

const port = 10_249;
const origin = `http://127.0.0.1:${port}`;

describeWhere(await canBrowse(), 'the status page of the real agent', () => {
  let lab: Lab;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let agent: RunningWaypost;
  let opened: OpenBrowser;
  let page: Page;
  let watch: PageWatch;

  beforeAll(async () => {
    lab = await createLab();
    folder = await createTemporaryFolder('waypost-page-');
    for (const name of ['p1', 'q1']) await lab.place(name).listen(listenOnAll([8080]));
    const closed = service('closed', 3, { type: 'NodePort' });
    const db = service('db', 2);
    await writeManifest(folder.path, 'rest.json', [nodeObject(), closed.object, db.object, ...slices('db', [ready('p3')])]);
    await putWeb([ready('p1'), ready('q1')]);
    // Every address: what the page is not served on has to be refused by the page itself.
    agent = await startWaypost(lab.node1, { manifests: folder.path, config: { metricsBindAddress: `0.0.0.0:${port}` } });
    opened = await openBrowser(lab.node1.namespace);
    page = await opened.browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    // An answer of 400 or 422 is a line in the browser's console; the page shows the reason.
    watch = watchPage(page, origin, /the server responded with a status of 4(00|22)/);
    await page.goto(`${origin}/`);
  });

  afterAll(async () => {
    await opened?.close();
    await agent?.stop();
    await lab?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  async function putWeb(endpoints: readonly EndpointSpec[]): Promise<void> {
    const web = service('web', 1, { type: 'NodePort' });
    await writeManifest(folder.path, 'web.json', [web.object, ...slices('web', endpoints)]);
  }

  function line(name: string): ReturnType<Page['locator']> {
    return page.locator('#list [role=option]').filter({ hasText: `default/${name}` });
  }

  async function trace(source: string, destination: string): Promise<void> {
    await page.getByRole('tab', { name: 'Trace' }).click();
    await page.getByLabel('Source').fill(source);
    await page.getByLabel('Destination').fill(destination);
    await page.getByRole('button', { name: 'Trace', exact: true }).click();
  }

  test('/ leads to it, and it lists every Service with state, frontend and back ends', async () => {
    expect(page.url()).toBe(`${origin}/ui/`);
    await page.getByText('3 Services').waitFor();
    expect(await line('web').innerText()).toMatch(/Done\s+default\/web\s+10\.96\.0\.1:80\/TCP \+7\s+2\s/);
    expect(await line('closed').innerText()).toMatch(/\s0, reject\s/);
    const facts = await page.locator('header').innerText();
    expect(facts).toMatch(/node-1/);
    expect(facts).toMatch(/mode iptables/);
    expect(facts).toMatch(/in sync/);
    await page.getByText('In mode iptables the kernel keeps no connection counts by Service').waitFor();
  });

  test('a search narrows the list, Escape empties it', async () => {
    const search = page.getByLabel('Search');
    await search.fill('10.96.0.2');
    await page.getByText('1 of 3 Services').waitFor();
    expect(await page.locator('#list [role=option]').count()).toBe(1);
    await search.fill('nothing of that name');
    await page.getByText('No Service matches the search.').waitFor();
    await search.press('Escape');
    await page.getByText('3 Services', { exact: true }).waitFor();
    expect(await search.inputValue()).toBe('');
  });

  test('an endpoint that comes changes the line and the open Service, without a reload and with no request but for endpoints', async () => {
    await line('web').click();
    await page.getByRole('heading', { name: '8 endpoints' }).waitFor();
    await page.getByText('8 frontends').waitFor();
    const before = watch.requests.length;
    await putWeb([ready('p1'), ready('q1'), ready('p2')]);
    await pollUntil('the line to have three back ends', async () =>
      /\s3\s*$/.test(await line('web').innerText()) ? true : null,
    );
    await page.getByRole('heading', { name: '12 endpoints' }).waitFor();
    expect(new Set(watch.requests.slice(before))).toEqual(new Set([`${origin}/endpoints/use?service=default%2Fweb`]));
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('#detail').isVisible()).toBe(false);
  });

  test('the trace says where a packet goes, as waypost trace does, and how', async () => {
    await trace('outside', '192.0.2.11:30001/tcp');
    await page.locator('.verdict').waitFor();
    expect(await page.locator('.verdict').innerText()).toContain('delivered');
    expect(await page.locator('#trace-result table').innerText()).toMatch(/10\.244\.1\.\d+:8080/);
    await picture(page, 'status-page-trace');
    const shown = JSON.parse((await page.locator('#trace-result pre').textContent()) ?? '') as { readonly sentence: string };
    expect(await page.locator('.sentence').innerText()).toBe(shown.sentence);
    await page.locator('#trace-result summary').first().click();
    await page.locator('#trace-result .steps').first().getByText('KUBE-SERVICES').first().waitFor();
  });

  test('the trace of a destination that is refused says so', async () => {
    await trace('node', 'default/closed:tcp/tcp');
    await page.locator('.verdict').filter({ hasText: 'refused' }).waitFor();
    expect(await page.locator('.sentence').innerText()).toMatch(/^Refused/);
  });

  test.each([
    ['somewhere', 'default/web:tcp', /^SOURCE must be an IP address/, 'trace-source'],
    ['node', '10.96.0.1', /^DESTINATION must be .* the port is missing$/, 'trace-destination'],
    ['node', 'default/nothing:80', /serves no Service of that name/, null],
  ])('the trace from %s to %s says what is wrong with it', async (source, destination, reason, field) => {
    await trace(source, destination);
    await pollUntil('the reason', async () => (reason.test(await page.locator('#trace-problem').innerText()) ? true : null));
    expect(await page.locator('.verdict').count()).toBe(0);
    const marked = await page.locator('[aria-invalid=true]').evaluateAll((fields) => fields.map(({ id }) => id));
    expect(marked).toEqual(field === null ? [] : [field]);
  });

  test('keys alone: search, list, a Service, its trace, tabs', async () => {
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement?.id');
    await page.getByRole('tab', { name: 'Trace' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toBe('tab-dns');
    await page.keyboard.press('/');
    expect(await focused()).toBe('search');
    await page.keyboard.type('default');
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('list');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    const current = await page.locator('#list').getAttribute('aria-activedescendant');
    expect(await page.locator(`#${current}`).getAttribute('data-service')).toBe('default/db');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('detail-name');
    expect(await page.locator('#detail-name').innerText()).toBe('default/db');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('detail-trace');
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('list');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('trace-source');
    expect(await page.getByLabel('Destination').inputValue()).toBe('10.96.0.2:80/TCP');
    await page.keyboard.type('node');
    await page.keyboard.press('Enter');
    await pollUntil('a verdict', async () => ((await page.locator('.verdict').count()) === 1 ? true : null));
  });

  test('nothing was asked of anybody else, nothing breached the policy, nothing went wrong', () => {
    expect(watch.requests.length).toBeGreaterThan(10);
    expect(watch.foreign).toEqual([]);
    expect(watch.complaints).toEqual([]);
  });

  test('other addresses of the node do not serve it, and other names neither', async () => {
    const outside = lab.place('p2');
    const address = lab.node1.addresses.IPv4;
    expect((await outside.get(`http://${address}:${port}/healthz`)).status).toBe(200);
    for (const path of ['/', '/ui/', '/ui/events', '/ui/style.css']) {
      const { status, body } = await outside.get(`http://${address}:${port}${path}`);
      expect([path, status]).toEqual([path, 404]);
      expect(body).toContain('the setting statusPage: everywhere changes that');
    }
  });
});
