import { describeAffinity } from './affinity-suite.ts';
import { iptablesVariants, nftablesVariant } from './variant.ts';

for (const variant of [...iptablesVariants, nftablesVariant()]) describeAffinity(variant);
