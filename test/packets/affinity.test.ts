import { describeAffinity } from './affinity-suite.ts';
import { iptablesVariants } from './variant.ts';

for (const variant of iptablesVariants) describeAffinity(variant);
