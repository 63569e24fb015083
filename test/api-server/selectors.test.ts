import { expect, test } from 'vitest';
import { parseSelectors } from './selectors.ts';
import type { ApiObject } from './history.ts';

const object: ApiObject = { metadata: { name: 'web', labels: { app: 'a', empty: '' } }, spec: { clusterIP: 'None' } };

test.each([
  ['labelSelector', '!app', false],
  ['labelSelector', '!empty', false],
  ['labelSelector', '!other', true],
  ['labelSelector', 'app', true],
  ['labelSelector', 'app=a', true],
  ['labelSelector', 'app==b', false],
  ['labelSelector', 'other!=a', true],
  ['labelSelector', 'app=a,!other', true],
  ['labelSelector', 'app=a,!empty', false],
  ['fieldSelector', 'spec.clusterIP!=None', false],
  ['fieldSelector', 'metadata.name=web', true],
  ['fieldSelector', 'metadata.name=api', false],
  ['fieldSelector', 'spec.missing=', true],
])('%s %s', (parameter, text, matches) => {
  expect(parseSelectors(new URLSearchParams({ [parameter]: text }))?.(object)).toBe(matches);
});

test.each(['app in (a,b)', '!app=a', '=a', 'a=b=c'])('%s is refused', (text) => {
  expect(parseSelectors(new URLSearchParams({ labelSelector: text }))).toBeNull();
});
