import { describeLiveChanges } from './live-suite.ts';
import { iptablesVariants } from './variant.ts';

for (const variant of iptablesVariants) describeLiveChanges(variant);
