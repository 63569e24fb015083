import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { unknownTraffic } from '../../src/model/mod.ts';
import type { TrafficCounters } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { pollUntil } from '../lab/mod.ts';
import { canBrowse, openBrowser } from './browser.ts';
import type { OpenBrowser } from './browser.ts';
import { endpointsOf, makeCluster } from './cluster-rows.ts';
import { picture } from './images.ts';
import { watchPage } from './page-watch.ts';
import type { PageWatch } from './page-watch.ts';
import { startStage } from './stage.ts';
import type { Stage, StageOptions } from './stage.ts';

/** Metrics of a resolver that was asked so often. */
function dnsText(questions: number): string {
  return [
    `coredns_dns_requests_total{server="dns://:53",type="A"} ${questions}`,
    'coredns_dns_responses_total{server="dns://:53",rcode="NOERROR"} 3000',
    'coredns_dns_responses_total{server="dns://:53",rcode="NXDOMAIN"} 12',
    'coredns_cache_hits_total{server="dns://:53",type="success"} 30',
    'coredns_cache_misses_total{server="dns://:53"} 10',
  ].join('\n');
}

/** Counters of an endpoint whose traffic is so many times half a packet from clients in a millisecond, and what goes with that. */
function passedSince(begun: number, times: number): TrafficCounters {
  const grown = (perMs: number): number => 1000 + Math.round(perMs * times * (Date.now() - begun));
  return { connections: grown(0.01), inPackets: grown(0.5), outPackets: grown(0.4), inBytes: grown(300), outBytes: grown(4000) };
}

describeWhere(await canBrowse(), 'the status page over data of any kind', () => {
  let opened: OpenBrowser;
  let stage: Stage | null = null;
  let page: Page;
  let watch: PageWatch;

  beforeAll(async () => {
    opened = await openBrowser(null);
  });
  afterAll(async () => opened?.close());

  beforeEach(async () => {
    page = await opened.browser.newPage({ viewport: { width: 1280, height: 760 }, reducedMotion: 'reduce' });
  });
  afterEach(async () => {
    await page.close();
    await stage?.close();
    stage = null;
  });

  async function show(options: StageOptions, tolerated: RegExp | null = null): Promise<Stage> {
    const made = await startStage(options);
    stage = made;
    watch = watchPage(page, made.origin, tolerated);
    await page.goto(`${made.origin}/ui/`);
    await page.locator('#list [role=option]').first().waitFor();
    return made;
  }

  function lines(): Promise<readonly string[]> {
    return page.locator('#list [role=option]').allInnerTexts();
  }

  /** What the page did that it should not. */
  function troubles(): readonly string[] {
    return [...watch.foreign, ...watch.complaints];
  }

  test('2,000 Services: only lines in sight are in the document, all can be reached, and the time until they show is printed', async () => {
    const made = await show({ rows: makeCluster(2000, Date.now()) });
    await page.getByText('2\u2009000 Services').waitFor();
    const measured = await pollUntil('the page to have measured its first picture', async () => {
      const [entry] = (await page.evaluate(
        "performance.getEntriesByName('waypost-first-picture').map((one) => one.duration)",
      )) as number[];
      return entry ?? null;
    });
    console.log(`2,000 Services: from the first rows received to all of them rendered: ${measured.toFixed(0)} ms`);
    expect((await lines()).length).toBeLessThan(60);
    await page.locator('#list').focus();
    await page.keyboard.press('End');
    await page.locator('#list [aria-posinset="2000"].current').waitFor();
    await page.keyboard.press('Home');
    await page.locator('#list [aria-posinset="1"].current').waitFor();
    await page.getByLabel('Search').fill('payments 10.96.1.');
    await page.getByText(/^\d+ of 2\u2009000 Services$/).waitFor();
    expect(new Set((await lines()).map((line) => line.includes('payments/')))).toEqual(new Set([true]));
    const before = watch.requests.length;
    made.change('payments/api', []);
    await page.getByText(/of 1\u2009999 Services$/).waitFor();
    expect(watch.requests.length).toBe(before);
    expect(troubles()).toEqual([]);
  });

  test('names and reasons that are markup are text', async () => {
    const markup = '<img src=x onerror="document.title=1">';
    const [row] = makeCluster(1, Date.now()).get('checkout/api') ?? [];
    const rows = new Map([
      [
        `a/${markup}`,
        [
          {
            ...row,
            service: `a/${markup}`,
            servicePort: `a/${markup}:"'</td>/TCP`,
            state: 'Error',
            code: 'WP_X',
            reason: `</p>${markup}`,
          },
        ],
      ],
      ['__proto__/__proto__', [{ ...row, service: '__proto__/__proto__', servicePort: '__proto__/__proto__:\u202egnp.exe/TCP' }]],
    ]) as StageOptions['rows'];
    const made = await show({ rows, problems: [{ code: 'WP_X', message: markup }] });
    expect((await lines()).join('\n')).toContain(markup);
    await page.locator('#list [role=option]').filter({ hasText: 'onerror' }).click();
    await page.getByText(`WP_X: </p>${markup}`).waitFor();
    expect(await page.locator('#detail img, #list img, #problems img').count()).toBe(0);
    made.change(`a/${markup}`, []);
    await page.getByText('This Service is gone').waitFor();
    expect(await page.title()).toBe('node-1 \u00b7 Waypost');
    expect(troubles()).toEqual([]);
  });

  test('connections that the kernel counts, and figures of DNS, change as they do', async () => {
    let active = 4;
    const dns = (): string => dnsText(1000 * active);
    await show({
      mode: 'ipvs',
      rows: makeCluster(40, Date.now()),
      endpoints: endpointsOf,
      active: (service) => (service === 'media/web' ? active : 1),
      dns,
    });
    const line = page.locator('#list [role=option]').filter({ hasText: 'media/web' });
    const endpoints = endpointsOf('media/web').length;
    await line.getByText(`${4 * endpoints}`, { exact: true }).waitFor();
    active = 25;
    await line.getByText(`${25 * endpoints}`, { exact: true }).waitFor();
    await page.getByLabel('Order').selectOption('connections');
    await pollUntil('the busiest to come first', async () => ((await lines())[0]?.includes('media/web') === true ? true : null));
    await page.getByRole('tab', { name: 'DNS' }).click();
    await page.getByText('25\u2009000').waitFor();
    await page.getByText('NXDOMAIN').waitFor();
    await page.getByText('75 %').waitFor();
    expect(troubles()).toEqual([]);
  });

  test('packets and octets of the Service that is open, and of its endpoints', async () => {
    const counted = endpointsOf('media/web').length;
    const begun = Date.now();
    const traffic = (service: string): TrafficCounters => (service === 'media/api' ? unknownTraffic : passedSince(begun, 1));
    await show({ mode: 'ipvs', rows: makeCluster(40, Date.now()), endpoints: endpointsOf, traffic });
    await page.locator('#list [role=option]').filter({ hasText: 'media/web' }).click();
    const rate = String.raw`[\d.]+`;
    await page
      .getByText(new RegExp(`^In a second: ${rate} new connections; in ${rate}k? packets, ${rate}[kM] octets; out`))
      .waitFor();
    for (const name of ['Packets/s in', 'Octets/s in']) await page.getByRole('columnheader', { name, exact: true }).waitFor();
    const cells = await page.locator('#detail table').last().locator('tbody tr').first().locator('td').allInnerTexts();
    expect(cells).toHaveLength(8);
    for (const cell of cells.slice(-5)) expect(cell).toMatch(/^[\d.]+[kM]?$/);
    expect(await page.locator('#detail table').last().locator('tbody tr').count()).toBe(counted);
    await page.locator('#list [role=option]').filter({ hasText: 'media/api' }).click();
    await page.getByText('In a second: - new connections; in - packets, - octets; out - packets, - octets').waitFor();
    expect(troubles()).toEqual([]);
  });

  test('320 pixels: nothing is wider than the screen, on any tab and with a Service open', async () => {
    await page.setViewportSize({ width: 320, height: 568 });
    await show({
      mode: 'ipvs',
      rows: makeCluster(60, Date.now()),
      endpoints: endpointsOf,
      problems: [{ code: 'WP_LONG', message: 'x'.repeat(200) }],
    });
    const widths: unknown[] = [];
    const measure = async (): Promise<void> => void widths.push(await page.evaluate('document.documentElement.scrollWidth'));
    for (const name of ['Trace', 'DNS', 'Problems', 'Services']) {
      await page.getByRole('tab', { name }).click();
      await measure();
    }
    await page.locator('#list [role=option]').first().click();
    await page.locator('#detail table').last().waitFor();
    await measure();
    expect(widths).toEqual([320, 320, 320, 320, 320]);
    expect(await page.locator('#list').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('#list').isVisible()).toBe(true);
    expect(troubles()).toEqual([]);
  });

  test('an agent that goes away is told of, and what it said stays', async () => {
    const made = await show({ rows: makeCluster(3, Date.now()) }, /ERR_/);
    await page.locator('#feed .good').waitFor();
    await made.close();
    await page.getByText('connection lost, trying again').waitFor();
    expect(await lines()).toHaveLength(3);
    stage = null;
  });

  test('a seventeenth reader is told that there is no place', async () => {
    const made = await show({ rows: makeCluster(3, Date.now()) });
    const readers = await Promise.all(Array.from({ length: 15 }, () => fetch(`${made.origin}/ui/events`)));
    const late = await opened.browser.newPage();
    await late.goto(`${made.origin}/ui/`);
    await late.getByText('no place for another reader').waitFor();
    await Promise.all(readers.map((reader) => reader.body?.cancel()));
    await late.locator('#feed .good').waitFor();
    await late.close();
    expect(troubles()).toEqual([]);
  });

  test('pictures for the docs', async () => {
    const problems = [
      { code: 'WP_IPVS_NO_SCHEDULER', message: 'identity/api: the kernel has no scheduler "mh": load the module ip_vs_mh' },
    ] as const;
    const begun = Date.now();
    await show({
      mode: 'ipvs',
      rows: makeCluster(80, Date.now()),
      endpoints: endpointsOf,
      active: (service) => (service.length * 13) % 41,
      traffic: (service) => passedSince(begun, service.length),
      problems,
      dns: () => dnsText(3012),
    });
    await page.locator('#list [role=option]').filter({ hasText: 'identity/gateway' }).click();
    await page.locator('#detail table').last().waitFor();
    await page.getByText(/^In a second: \d/).waitFor();
    await picture(page, 'status-page');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: 'Close' }).click();
    await page.setViewportSize({ width: 390, height: 760 });
    await page.locator('#list [role=option]').first().waitFor();
    await picture(page, 'status-page-phone');
    expect(troubles()).toEqual([]);
  });
});
