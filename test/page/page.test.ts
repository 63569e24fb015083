import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, createTemporaryFolder, startWaypost, writeManifest } from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import { nodeObject, ready, service, slices } from '../packets/objects.ts';
import { canBrowse, openBrowser } from './browser.ts';
import { watchPage } from './page-watch.ts';
import type { PageWatch } from './page-watch.ts';

const origin = 'http://127.0.0.1:10249';

describeWhere(await canBrowse(), 'the status page of the real agent', () => {
  let lab: Lab;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let agent: RunningWaypost;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let page: Page;
  let watch: PageWatch;

  beforeAll(async () => {
    lab = await createLab();
    folder = await createTemporaryFolder('waypost-page-');
    await writeManifest(folder.path, 'node.json', [nodeObject()]);
    await writeManifest(folder.path, 'web.json', [
      service('web', 1, { type: 'NodePort' }).object,
      ...slices('web', [ready('p1'), ready('q1')]),
    ]);
    agent = await startWaypost(lab.node1, { manifests: folder.path });
    ({ browser, close: closeBrowser } = await openBrowser(lab.node1.namespace));
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    watch = watchPage(page, origin);
    await page.goto(`${origin}/`);
  });

  afterAll(async () => {
    await closeBrowser?.();
    await agent?.stop();
    await lab?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  test('look', async () => {
    await page.waitForTimeout(2000);
    await page.screenshot({ path: '/tmp/page1.png' });
    console.log(watch, agent.process.output.slice(-2000));
    await page.getByRole('option').first().click();
    await page.waitForTimeout(1000);
    await page.screenshot({ path: '/tmp/page2.png' });
    console.log(watch);
    expect(1).toBe(1);
  });
});
