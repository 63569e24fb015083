import type { Group } from './flow.ts';
import { addressScenarios } from './scenarios/addresses.ts';
import { intakeScenarios } from './scenarios/intake.ts';
import { matrixScenarios } from './scenarios/matrix.ts';
import { policyScenarios } from './scenarios/policies.ts';
import { portScenarios } from './scenarios/ports.ts';
import { selectionScenarios } from './scenarios/selection.ts';
import { settingGroups } from './scenarios/settings.ts';
import { sourceRangeScenarios } from './scenarios/source-ranges.ts';

/**
 * The packet table: what every data plane must do with packets. Pure data; a tracer and real
 * namespaces both answer it. Each group is one start of the agent.
 */
export const packetTable: readonly Group[] = [
  {
    name: 'usual settings',
    config: {},
    scenarios: [
      ...addressScenarios,
      ...selectionScenarios,
      ...policyScenarios,
      ...portScenarios,
      ...intakeScenarios,
      ...sourceRangeScenarios,
      ...matrixScenarios,
    ],
  },
  ...settingGroups,
];
